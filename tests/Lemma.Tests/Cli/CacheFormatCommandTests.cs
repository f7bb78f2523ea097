using System.Text.RegularExpressions;
using Lemma.Decoding;
using Lemma.Language;
using Lemma.Sequences;
using Lemma.Tests.Language;
using static Lemma.Tests.Cli.InProcess;

namespace Lemma.Tests.Cli;

/// <summary><c>--cache-format</c> wherever keys and values are kept, and answers by the path of a model.</summary>
[Collection("console")]
public sealed class CacheFormatCommandTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void CommandsKeepKeysAndValuesAsTheyAreTold()
    {
        // Heads of 32.
        string model = WriteModel(folder, "model", width: 64), narrow = WriteModel(folder, "narrow");
        string text = folder.Write("text.txt", string.Concat(new Lemma.Data.StorySource(1).Range(0, 12).Select(story => story.Text + "\n")));
        string plain = Good($"eval {model} --data {text}");
        Assert.Equal(plain, Good($"eval {model} --data {text} --cache-format f32"));
        string rounded = Good($"eval {model} --data {text} --cache-format q4_0");
        Assert.NotEqual(plain, rounded);
        Assert.Equal(Loss(plain), Loss(rounded), 0.01);
        Assert.Matches(@"bits a byte +A \d\.\d{4}, B \d\.\d{4}", Good($"eval {model} {model} --data {text} --cache-format q8_0"));
        Assert.Matches(@"items +2\n", Good($"eval {model} --task choices --items 2 --short-stories --cache-format bf16"));
        string line = $"generate {model} --prompt It --tokens 30 --temperature 0.7 --cache-format q8_0";
        Assert.Equal(Good(line), Good($"{line} --guess lookup --threads 1"));
        (int code, string said, string error) = Run($"chat {model} --tokens 8 --temperature 0 --cache-format q8_0", "It was\n");
        Assert.True(code == 0 && error.Length == 0 && said.Trim().Length > 0, error);
        Assert.Matches(@"cache q8_0\n(.*\n)+decode 4 behind 200 .* floor of memory, cache 0\.1 MB", Good($"bench decode {model} -p 8 -n 4 --context 200 --cache-format q8_0 --threads 1"));
        Assert.Contains("rounds blocks of 32 numbers, but heads have keys of 16", Bad(1, $"generate {narrow} --prompt It --cache-format q8_0"), StringComparison.Ordinal);
        Assert.Contains("--cache-format: one of f32, f16, bf16, q8_0, q4_0 is needed, but 'q5' was given", Bad(2, $"generate {model} --prompt It --cache-format q5"), StringComparison.Ordinal);

        static double Loss(string table) => double.Parse(Regex.Match(table, @"loss +(\d\.\d+) nats").Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);
    }

    [Theory, InlineData("q8_0"), InlineData("bf16")]
    public void AConversationHasTheBitsOfAFreshOne(string name)
    {
        string path = WriteModel(folder, "model", width: 64);
        folder.Write("model/chat_template.jinja", ChatModel.Template);
        using LanguageModel model = LanguageModel.Load(path, threads: 1, CacheFormat.Find(name)), other = LanguageModel.Load(path, threads: 2, CacheFormat.Find(name));
        Assert.Equal(name, model.Model.CacheFormat.Name);
        GenerationOptions options = GenerationOptions.Sample() with { MaximumTokens = 40, StopIds = [] };
        Assert.Equal(string.Concat(model.Complete("It was", options)), string.Concat(other.Complete("It was", options)));
        using Conversation conversation = model.NewConversation(), again = other.NewConversation();
        string first = string.Concat(conversation.Say("Tom had a boat.", options)), second = string.Concat(conversation.Say("And then?", options));
        foreach (Lemma.Text.Templates.ChatMessage message in conversation.Messages.SkipLast(1))
            again.Add(message);
        Assert.Equal(second, string.Concat(again.Answer(options with { Seed = 2 })));
        Assert.NotEqual(first, second);
        Assert.Equal(3, model.Search("It was", new BeamOptions { Beams = 3, MaximumTokens = 8 }).Count);
    }
}
