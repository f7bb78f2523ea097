using System.Text.Json;

namespace Lemma.Tests.Cli;

/// <summary>lemma tokenizer, tokenize and detokenize in processes of their own.</summary>
public sealed class TokenizerCommandTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("byte-bpe", "--vocab 300", "ByteLevel")]
    [InlineData("byte-bpe", "--vocab 300 --min-frequency 5 --longest-piece 4 --threads 2", "ByteLevel")]
    [InlineData("byte-bpe", "--vocab 300 --words cl100k --normalizer nfc --special <|a|> --special <|b|>", "ByteLevel")]
    [InlineData("byte-bpe", "--vocab 300 --words [a-z]+|[^a-z]+", "ByteLevel")]
    [InlineData("bpe", "--vocab 60", "Sequence")]
    [InlineData("bpe", "--vocab 60 --normalizer nfkc --normalizer lowercase", "Sequence")]
    [InlineData("bpe", "--vocab 290 --byte-fallback --alphabet 12", "Sequence")]
    [InlineData("wordpiece", "--vocab 60", "WordPiece")]
    [InlineData("wordpiece", "--vocab 60 --score frequency", "WordPiece")]
    [InlineData("wordpiece", "--vocab 60 --normalizer none --special [PAD] --special [X]", "WordPiece")]
    [InlineData("unigram", "--vocab 60", "Unigram")]
    [InlineData("unigram", "--vocab 60 --special <s>", "Unigram")]
    [InlineData("word", "--vocab 60", "Word")]
    [InlineData("char", "", "Bpe")]
    [InlineData("char", "--vocab 30 --min-frequency 2", "Bpe")]
    public void ATrainedTokenizerIsInspectedAndUsed(string algorithm, string options, string model)
    {
        string data = folder.Write("data.txt",
            string.Concat(Enumerable.Range(0, 80).Select(i => $"the cat number {i % 7} sat on the mat of house {i % 5}.\n")));
        (int code, string output, string error) = Tool.Run($"tokenizer train --algorithm {algorithm} {options} --data {data} --out {folder["t"]}");
        Assert.Equal((0, ""), (code, error));
        Assert.Contains($"{algorithm}, ", output, StringComparison.Ordinal);

        (code, output, error) = Tool.Run($"tokenizer inspect {folder["t"]} --data {data}");
        Assert.Equal((0, ""), (code, error));
        Assert.Contains(model, output, StringComparison.Ordinal);
        Assert.Contains("bytes a token", output, StringComparison.Ordinal);

        (code, output, error) = Tool.Run($"tokenize {folder["t"]} the.cat --json");
        Assert.Equal((0, ""), (code, error));
        using JsonDocument json = JsonDocument.Parse(output);
        int[] ids = [.. json.RootElement.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
        Assert.NotEmpty(ids);
        Assert.Equal(ids.Length, json.RootElement.GetProperty("pieces").GetArrayLength());
        Assert.Equal(ids.Length, json.RootElement.GetProperty("offsets").GetArrayLength());
        Assert.Equal($"{ids.Length}\n", Tool.Run($"tokenize {folder["t"]} the.cat --count").Output);
        Assert.Equal(ids.Length, Tool.Run($"tokenize {folder["t"]} the.cat").Output.TrimEnd().Split('\n').Length);
        if (algorithm is "byte-bpe" or "bpe")
            Assert.Equal("the.cat\n", Tool.Run($"detokenize {folder["t"]} {string.Join(' ', ids)}").Output);
    }

    [Theory]
    [InlineData("--algorithm unigram --byte-fallback", "--byte-fallback: only for bpe, but the algorithm is unigram")]
    [InlineData("--algorithm word --score frequency", "--score: only for wordpiece, but the algorithm is word")]
    [InlineData("--algorithm unigram --words gpt2", "--words: only for byte-bpe, but the algorithm is unigram")]
    [InlineData("--words [", "--words: pattern: '[' must close its class, character 2")]
    [InlineData("--normalizer magic", "--normalizer: nfc, nfd, nfkc, nfkd, lowercase, strip-accents, strip, bert, none are known, none only by itself, but 'magic' was given")]
    [InlineData("--alphabet 9", "--alphabet: only for bpe, wordpiece, but the algorithm is byte-bpe")]
    public void AnOptionOfAnotherAlgorithmIsRefused(string options, string message)
    {
        string data = folder.Write("data.txt", "the cat");
        Assert.Equal((2, "", $"lemma tokenizer train: {message}\n"), Tool.Run($"tokenizer train {options} --data {data} --out {folder["t"]}"));
        Assert.False(Directory.Exists(folder["t"]));
    }

    [Fact]
    public void AChatTemplateIsShown()
    {
        folder.Write("m/chat_template.jinja",
            "{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}{{ tools|length if tools }}"
            + "{{ colour }}{% if add_generation_prompt %}<assistant>{% endif %}{% if not messages %}{{ raise_exception('Say something') }}{% endif %}");
        string messages = folder.Write("talk.json", "[{\"role\": \"user\", \"content\": \"Grüße\"}]"),
            tools = folder.Write("tools.json", "[{}]");
        string more = folder.Write("more.json", "{\"colour\": \"red\"}"), nothing = folder.Write("nothing.json", "[]");
        Assert.Equal((0, "<user>Grüße\n", ""), Tool.Run($"tokenizer template {folder["m"]} --messages {messages}"));
        Assert.Equal((0, "<user>Grüße\n1red<assistant>", ""),
            Tool.Run($"tokenizer template {folder["m"]} --messages {messages} --tools {tools} --variables {more} --generation-prompt"));
        foreach (string file in new[] { messages, tools, more })
            File.WriteAllText(file, "\uFEFF" + File.ReadAllText(file));
        Assert.Equal((0, "<user>Grüße\n1red", ""),
            Tool.Run($"tokenizer template {folder["m"]} --messages {messages} --tools {tools} --variables {more}"));
        Assert.Contains("at most 7 steps", Tool.Run($"tokenizer template {folder["m"]} --messages {messages} --max-steps 7").Error,
            StringComparison.Ordinal);
        Assert.Contains("at most 8 characters", Tool.Run($"tokenizer template {folder["m"]} --messages {messages} --max-length 8").Error,
            StringComparison.Ordinal);
        (int code, _, string error) = Tool.Run($"tokenizer template {folder["m"]} --messages {nothing}");
        Assert.Equal((1, "lemma tokenizer template: line 2, column 128: Say something\n"), (code, error));
    }

    [Theory]
    [InlineData("tokenizer train --algorithm magic --data a --out b", 2, "magic")]
    [InlineData("tokenizer train --data {dir}/none.txt --out {dir}/t", 1, "none.txt")]
    [InlineData("tokenizer train --data {dir}/a.txt --vocab 10 --out {dir}/t", 1, "10")]
    [InlineData("tokenizer inspect {dir}/none", 1, "none")]
    [InlineData("tokenize {dir}/broken.json text", 1, "broken.json: the file must be JSON")]
    [InlineData("detokenize {dir}/none 1", 1, "none")]
    [InlineData("tokenizer template {dir}", 2, "--messages")]
    [InlineData("tokenizer template {dir} --messages {dir}/list.json", 1, "there must be a chat template")]
    [InlineData("tokenizer template {dir}/bad.jinja --messages {dir}/list.json", 1, "line 1, column 4: an expression is needed")]
    [InlineData("tokenizer template {dir}/good.jinja --messages {dir}/broken.json", 1, "broken.json: the file must be JSON, but line 1")]
    [InlineData("tokenizer template {dir}/good.jinja --messages {dir}/object.json", 1, "object.json: the file must hold a list")]
    public void WhatIsWrongIsSaidInOneSentence(string arguments, int exitCode, string says)
    {
        foreach ((string name, string text) in ((string, string)[])[("a.txt", "a b"), ("broken.json", "{"), ("list.json", "[]"),
            ("object.json", "{}"),
                     ("bad.jinja", "{{ }}"), ("good.jinja", "x")])
            folder.Write(name, text);
        (int code, string output, string error) = Tool.Run(arguments.Replace("{dir}", Path.GetDirectoryName(folder["x"]),
            StringComparison.Ordinal));
        Assert.Contains(says, error, StringComparison.Ordinal);
        Assert.Equal((exitCode, ""), (code, output));
        Assert.StartsWith("lemma", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }
}
