using System.Text.Json;
using Lemma.Tests.Language;
using static Lemma.Tests.Cli.InProcess;

namespace Lemma.Tests.Cli;

/// <summary><c>lemma summarize</c> as a shell sees it.</summary>
[Collection("console")]
public sealed class SummarizeTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string model, text;
    // Both end in a piece of the vocabulary: behind bytes alone, a wrong byte would make wrong characters of them all.
    private readonly string[] prompts = ["--prompt", "{text} ab", "--merge-prompt", "{text} in {words} ab"];

    public SummarizeTests() => (model, text) = (ChatModel.Write(folder, 128, template: null),
        folder.Write("text.txt", string.Concat(Enumerable.Range(0, 30).Select(i => $"Part {i} tells of {i * i % 11} things. "))));

    public void Dispose() => folder.Dispose();

    [Fact]
    public void ASummaryIsTextOrJsonAndIsKept()
    {
        string file = folder["pieces.json"];
        (int code, string output, string error) = Run(["summarize", model, text, "--tokens", "2", "--resume", file, .. prompts]);
        Assert.Equal((0, ""), (code, error));
        Assert.True(File.Exists(file));
        (code, string json, error) = Run(["summarize", model, text, "--tokens", "2", "--json", "--threads", "2", .. prompts]);
        Assert.Equal((0, ""), (code, error));
        using JsonDocument document = JsonDocument.Parse(json);
        Assert.Equal(document.RootElement.GetProperty("text").GetString() + Environment.NewLine, output);
        JsonElement[][] levels = [.. document.RootElement.GetProperty("levels").EnumerateArray().Select(level => level.EnumerateArray().ToArray())];
        Assert.Single(levels[^1]);
        Assert.Equal(output.TrimEnd(), levels[^1][0].GetProperty("text").GetString());
        int place = 0;
        foreach (JsonElement piece in levels[0])
        {
            Assert.Equal(place, piece.GetProperty("start").GetInt32());
            place += piece.GetProperty("length").GetInt32();
        }
        Assert.Equal(File.ReadAllText(text).Length, place);
        JsonElement last = levels[0][^1];
        Assert.True(last.GetProperty("first_token").GetInt32() + last.GetProperty("tokens").GetInt32() > levels[0].Length);
        Assert.Equal(json, RunWith(File.ReadAllText(text), ["summarize", model, "-", "--tokens", "2", "--json", "--resume", file, .. prompts]).Output);
    }

    [Theory]
    [InlineData(2, "--tokens: a whole number of at least 1 is needed, but '0' was given", "--tokens", "0")]
    [InlineData(2, "--overlap: a whole number of at least 0 is needed, but '-1' was given", "--overlap", "-1")]
    [InlineData(1, "summary: a prompt must have {text} once, but it is 'no'", "--prompt", "no")]
    [InlineData(1, "summary: the longest sequence of 128 tokens has no room", "--tokens", "120")]
    [InlineData(1, "summary: each level must have at most three quarters of the pieces below", "--tokens", "60", "--prompt", "{text}", "--merge-prompt", "{text}", "--chunk", "30")]
    public void WhatIsWrongIsOneSentence(int expected, string says, params string[] arguments)
    {
        (int code, string output, string error) = Run(["summarize", model, text, .. arguments]);
        Assert.Equal((expected, ""), (code, output));
        Assert.Contains(says, error, StringComparison.Ordinal);
        Assert.DoesNotContain("LEMMA_DEBUG", error, StringComparison.Ordinal);
    }

    private static (int Code, string Output, string Error) Run(params string[] arguments) => RunWith("", arguments);
}
