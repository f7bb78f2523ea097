using static Lemma.Tests.Cli.InProcess;

namespace Lemma.Tests.Cli;

/// <summary>lemma ngram, compress and decompress, and n-gram models beside others' losses.</summary>
[Collection("console")]
public sealed class NGramCommandTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void AModelIsTrainedMeasuredSampledAndCompresses()
    {
        string text = folder.Write("text.txt", string.Concat(new Lemma.Data.StorySource(1).Range(0, 40).Select(story => story.Text + "\n")));
        string other = folder.Write("other.txt", new Lemma.Data.StorySource(1).At(1L << 40).Text);
        string trained = Good($"ngram train --data {text} --vocab 300 --order 3 --out {folder["n"]}");
        Assert.Matches(@"3-grams +[\d,]+, discounts 0\.\d+ [01]\.\d+ [012]\.\d+\n", trained);
        Assert.Matches(@"loss +\d\.\d+ nats a token; uniform 5\.70", Good($"ngram eval {folder["n"]} --data {other}"));
        string sample = Good($"ngram sample {folder["n"]} --prompt It --tokens 20 --seed 3");
        Assert.StartsWith("It", sample, StringComparison.Ordinal);
        Assert.Equal(sample, Good($"ngram sample {folder["n"]} --prompt It --tokens 20 --seed 3"));
        Good($"ngram train --data {text} --tokenizer {folder["n/tokenizer.json"]} --smoothing katz --prune 1e-6 --out {folder["k"]}");
        string marked = folder.Write("marked.txt", "It ends.<|endoftext|>It ends again.<|endoftext|>");
        Good($"ngram train --data {marked} --char --order 2 --out {folder["c"]}");
        Good($"ngram eval {folder["c"]} --data {marked}");
        Assert.Matches(@"brotli, quality 11 +[\d,]+ bytes, \d\.\d+ bits a byte", Good($"compress {other} --ngram {folder["n"]} --compare"));
        Good($"decompress {other}.lemma --ngram {folder["n"]} --out {folder["back.txt"]}");
        Assert.Equal(File.ReadAllBytes(other), File.ReadAllBytes(folder["back.txt"]));
        Assert.Contains("another model compressed it", Bad(1, $"decompress {other}.lemma --ngram {folder["k"]} --out {folder["x"]}"), StringComparison.Ordinal);
        string model = WriteModel(folder, "model");
        Good($"compress {other} --model {model} --out {folder["z"]} --length 64 --stride 32 --threads 1");
        Good($"decompress {folder["z"]} --model {model} --out {folder["again.txt"]} --threads 2");
        Assert.Equal(File.ReadAllBytes(other), File.ReadAllBytes(folder["again.txt"]));
        Assert.Matches(@"beside others +model \d\.\d+, 4-gram \d\.\d+, uniform 5\.99\d+ nats a token", Good($"eval {model} --data {other} --baseline {text}"));
        Assert.Matches(@"beside others +model \d\.\d+, uniform 5\.99", Good($"eval {model} --data {other}"));
        Assert.Contains($"'{other}.lemma' exists already", Bad(2, $"compress {other} --ngram {folder["n"]}"), StringComparison.Ordinal);
    }

    [Fact]
    public void ARunHasItsNGramBesideIt()
    {
        string text = folder.Write("text.txt", string.Concat(new Lemma.Data.StorySource(1).Range(0, 40).Select(story => story.Text + "\n")));
        string run = $"train --data {text} --vocab 300 --preset tiny --layers 1 --width 16 --heads 2 --length 32 --batch 4 --steps 2 --eval-every 2 --warmup 1 --threads 1";
        string output = Good($"{run} --out {folder["run"]}");
        Assert.Matches(@"to beat: 4-gram \d\.\d+, uniform 5\.70\d+ nats a token\n", output);
        Assert.Matches(@"beside others +model \d\.\d+, 4-gram \d\.\d+, uniform 5\.70\d+ nats a token\n", output);
        Assert.DoesNotContain("gram", Good($"{run} --baseline 0 --out {folder["bare"]}"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ngram train --data none --out x", 1, "none")]
    [InlineData("ngram train --data none --out x --order 9", 2, "a whole number from 1 to 8")]
    [InlineData("ngram train --data none --out x --tokenizer t --char", 2, "--char have no meaning beside it")]
    [InlineData("ngram eval none --data none", 1, "the folder 'none' has no ngram.arpa")]
    [InlineData("compress none --ngram none", 1, "there is no file 'none'")]
    [InlineData("decompress none --ngram none", 1, "there is no file 'none'")]
    public void WhatIsWrongIsSaidInOneSentence(string line, int code, string sentence) => Assert.Contains(sentence, Bad(code, line), StringComparison.Ordinal);

    [Theory, InlineData("ngram"), InlineData("ngram train"), InlineData("ngram eval"), InlineData("ngram sample"), InlineData("compress"), InlineData("decompress")]
    public void EachHasHelpWithExamples(string command) => Assert.Contains("Examples:\n", Good($"{command} --help"), StringComparison.Ordinal);
}
