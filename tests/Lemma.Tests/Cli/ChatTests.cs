using System.Text.Json;
using Lemma.Tests.Language;

namespace Lemma.Tests.Cli;

/// <summary>Chat and generate through the tool, without a terminal.</summary>
public sealed class ChatTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void AConversationGoesByTheTemplate()
    {
        string model = ChatModel.Write(folder, 1000), saved = folder["talk.json"];
        (int code, string output, string error) = Say($"chat {model} --tokens 8 --temperature 0",
            $"ab\n/regenerate\nb\n/text\n/save {saved}\n/system be ab\nb\n/text\n/exit\nnot said\n");
        Assert.Equal((0, ""), (code, error));
        JsonElement.ArrayEnumerator messages = JsonDocument.Parse(File.ReadAllText(saved)).RootElement.EnumerateArray();
        Assert.Equal(["user", "assistant", "user", "assistant"], messages.Select(message => message.GetProperty("role").GetString()));
        Assert.Equal(["ab", "b"], messages.Select(message => message.GetProperty("content").GetString()).Where((_, i) => i % 2 == 0));
        Assert.Contains("user: ab\nassistant: ", output, StringComparison.Ordinal);
        Assert.Contains("system: be ab\nuser: b\nassistant: ", output, StringComparison.Ordinal);
        Assert.DoesNotContain("not said", output, StringComparison.Ordinal);
        // What was saved is read by the tool that shows what a model reads.
        (code, output, error) = Tool.Run($"tokenizer template {folder[""]} --messages {saved}");
        Assert.Equal((0, ""), (code, error));
        Assert.StartsWith("user: ab\nassistant: ", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/regenerate\n", 2, "/regenerate: there is no answer yet")]
    [InlineData("/sav x\n", 2, "/sav: there is no such command")]
    [InlineData("/save\n", 2, "/save: a file's name must follow")]
    [InlineData("/system\n", 2, "/system: a text must follow")]
    [InlineData("nothing\n", 1, "there must be something")]
    public void AWrongLineIsSaid(string line, int expected, string sentence)
    {
        (int code, _, string error) = Say($"chat {ChatModel.Write(folder, 300)} --tokens 4", line);
        Assert.Equal(expected, code);
        Assert.Contains(sentence, error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    [Fact]
    public void ABaseModelIsToldNothingFirst()
    {
        string model = ChatModel.Write(folder, 300, template: null);
        (int code, _, string error) = Say($"chat {model} --system x", "ab\n");
        Assert.Equal((2, "lemma chat: --system: this model has no chat template, so it is told nothing first\n"), (code, error));
        (code, _, error) = Say($"chat {model}", "/system x\n");
        Assert.Equal((2, "lemma chat: /system: a model without a chat template is told nothing first\n"), (code, error));
        (code, string output, error) = Say($"chat {model} --tokens 6", "ab\n/regenerate\nwhat?\n/text\n");
        Assert.Equal((0, ""), (code, error));
        Assert.Contains("\nQ: what?\nA:", output, StringComparison.Ordinal);
    }

    [Fact]
    public void GenerationEndsBeforeAStop()
    {
        string model = ChatModel.Write(folder, 300), bias = "--logit-bias 260=1000 --logit-bias 261=1000";
        string line = $"generate {model} --prompt ab --tokens 30 {bias} --json";
        JsonElement whole = JsonDocument.Parse(Said(line)).RootElement;
        string text = whole.GetProperty("text").GetString()!, stop = text[4..8];
        Assert.Equal(JsonValueKind.Null, whole.GetProperty("stop").ValueKind);
        JsonElement cut = JsonDocument.Parse(Said($"{line} --stop zz --stop {stop}")).RootElement;
        Assert.Equal(text[..text.IndexOf(stop, StringComparison.Ordinal)], cut.GetProperty("text").GetString());
        Assert.Equal(stop, cut.GetProperty("stop").GetString());
        Assert.True(cut.GetProperty("ids").GetArrayLength() < whole.GetProperty("ids").GetArrayLength());
        Assert.Equal("ab" + cut.GetProperty("text").GetString() + "\n", Said($"generate {model} --prompt ab --tokens 30 {bias} --stop {stop}"));
        (int code, _, string error) = Tool.Run($"generate {model} --prompt ab --stop \"\"");
        Assert.Equal(2, code);
        Assert.Contains("--stop: a text of at least one character is needed", error, StringComparison.Ordinal);
    }

    [Fact]
    public void SeveralTextsAreShownUnderHeadingsOrAsALineEach()
    {
        string model = ChatModel.Write(folder, 300), line = $"generate {model} --prompt ab --tokens 6 --logit-bias 260=1000 --logit-bias 261=1000";
        JsonElement[] each = [.. Said($"{line} --sequences 3 --json").TrimEnd().Split('\n').Select(one => JsonDocument.Parse(one).RootElement)];
        Assert.Equal(3, each.Length);
        Assert.Equal(string.Join("\n\n", each.Select((one, i) => $"{i + 1} of 3\nab{one.GetProperty("text").GetString()}")) + "\n", Said($"{line} --sequences 3"));
        Assert.Equal($"ab{each[0].GetProperty("text").GetString()}\n", Said(line));
        string beams = $"generate {model} --prompt ab --tokens 6 --beams 4 --length-penalty 0.5";
        each = [.. Said($"{beams} --sequences 2 --json").TrimEnd().Split('\n').Select(one => JsonDocument.Parse(one).RootElement)];
        Assert.True(each[0].GetProperty("score").GetDouble() > each[1].GetProperty("score").GetDouble());
        Assert.Equal($"ab{each[0].GetProperty("text").GetString()}\n", Said(beams));
    }

    [Fact]
    public void EachTokenIsToldWithTheLikeliest()
    {
        string line = $"generate {ChatModel.Write(folder, 300)} --prompt ab --tokens 5 --logit-bias 260=1000 --logit-bias 261=1000 --log-probabilities 2";
        JsonElement told = JsonDocument.Parse(Said($"{line} --json")).RootElement;
        JsonElement[] tokens = [.. told.GetProperty("tokens").EnumerateArray()];
        Assert.Equal(told.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()), tokens.Select(token => token.GetProperty("id").GetInt32()));
        Assert.All(tokens, token => Assert.Equal(2, token.GetProperty("likeliest").GetArrayLength()));
        Assert.All(tokens, token => Assert.True(token.GetProperty("log_probability").GetDouble()
            <= token.GetProperty("likeliest")[0].GetProperty("log_probability").GetDouble()));
        string[] lines = Said(line).TrimEnd().Split('\n');
        Assert.Equal(($"ab{told.GetProperty("text").GetString()}", "", 3 + tokens.Length), (lines[0], lines[1], lines.Length));
        Assert.StartsWith("token              ln p  likeliest there", lines[2], StringComparison.Ordinal);
    }

    [Fact]
    public void AModelWithAnEncoderAnswersAndDoesNotTalk()
    {
        string model = CompletionTests.WriteEncoderDecoder(folder), line = $"generate {model} --prompt ab --tokens 6 --temperature 0";
        Assert.Equal(JsonDocument.Parse(Said($"{line} --json")).RootElement.GetProperty("text").GetString() + "\n", Said(line));
        Assert.Equal((1, "", $"lemma chat: the model in '{model}' reads a source with an encoder and answers it; lemma generate shows its answer\n"),
            Tool.Run($"chat {model}"));
        Assert.Contains("a text alone is evaluated by a decoder", Tool.Run($"eval {model} --data {folder["tok512.bin"]} --encoding latin1").Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--beams 2 --top-k 3", "--top-k: a beam search draws nothing, so it has no meaning beside --beams")]
    [InlineData("--beams 2 --temperature 0.5", "--temperature: a beam search draws nothing")]
    [InlineData("--beams 2 --stop x", "--stop: a beam search draws nothing")]
    [InlineData("--beams 2 --log-probabilities 1", "--log-probabilities: a beam search draws nothing")]
    [InlineData("--beams 2 --sequences 3", "--sequences: 2 beams end in at most as many texts, but 3 were asked for")]
    [InlineData("--length-penalty 2", "--length-penalty: it says how --beams acts, which is not given")]
    [InlineData("--dry-base 2", "--dry-base: it says how --dry acts, which is not given")]
    [InlineData("--xtc-threshold 0.2", "--xtc-threshold: it says how --xtc acts, which is not given")]
    [InlineData("--mirostat-rate 0.2", "--mirostat-rate: it says how --mirostat acts, which is not given")]
    [InlineData("--sequences 0", "--sequences: a whole number of at least 1 is needed, but '0' was given")]
    public void WhatDoesNotGoTogetherIsRefused(string options, string message)
    {
        (int code, string output, string error) = Tool.Run($"generate {ChatModel.Write(folder, 300)} --prompt ab {options}");
        Assert.Equal((2, ""), (code, output));
        Assert.Contains(message, error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("generate {model} --prompt -")]
    [InlineData("chat {model}")]
    [InlineData("tokenize {dir}")]
    public void BinaryInputIsRefused(string line)
    {
        string model = ChatModel.Write(folder, 300);
        using System.Diagnostics.Process process = Tool.Start(line.Replace("{model}", model, StringComparison.Ordinal).Replace("{dir}", folder["tok512.bin"], StringComparison.Ordinal));
        process.StandardInput.BaseStream.Write([0x61, 0x62, 0xFF, 0xFE, 0x00, 0x0A]);
        process.StandardInput.Close();
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(1, process.ExitCode);
        Assert.Contains("standard input: it must be UTF-8 text, but has the bytes FF", error, StringComparison.Ordinal);
    }

    private static string Said(string line)
    {
        (int code, string output, string error) = Tool.Run(line);
        Assert.Equal((0, ""), (code, error));
        return output;
    }

    private static (int Code, string Output, string Error) Say(string line, string input)
    {
        using System.Diagnostics.Process process = Tool.Start(line);
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.GetAwaiter().GetResult());
    }
}
