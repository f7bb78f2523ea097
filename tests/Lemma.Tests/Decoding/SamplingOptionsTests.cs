using System.CommandLine;
using Lemma.Cli.Parsing;
using Lemma.Decoding;

namespace Lemma.Tests.Decoding;

/// <summary>The tool's options of drawing text give the steps of the usual order.</summary>
public class SamplingOptionsTests
{
    [Fact]
    public void EveryOptionIsAStepInTheUsualOrder()
    {
        GenerationOptions options = Read("--min-p 0.05 --typical 0.9 --top-k 40 --top-p 1 --temperature 0.7 --repetition-penalty 1.1 --presence-penalty -0.5 "
            + "--frequency-penalty 2 --no-repeat-ngram 3 --logit-bias 7=-1.5 --logit-bias 3=-inf --stop END --stop Q: --tokens 12 --seed 9").Options!;
        Assert.Equal([new LogitBias([new(3, double.NegativeInfinity), new(7, -1.5)]), new RepetitionPenalty(1.1), new PresencePenalty(-0.5), new FrequencyPenalty(2),
            new NoRepeatNgrams(3), new TopK(40), new Typical(0.9), new TopP(1), new MinP(0.05), new Temperature(0.7)], options.Steps!);
        Assert.Equal(["END", "Q:"], options.StopTexts);
        Assert.Equal((12, 9UL), (options.MaximumTokens, options.Seed));
        GenerationOptions plain = Read("").Options!;
        Assert.Equal([new Temperature(0.8)], plain.Steps!);
        Assert.Empty(plain.StopTexts);
        Assert.Null(Read("--temperature 0 --top-k 5").Options!.Steps);
        Assert.Equal([new Dry(0.8, 1.75, 3), new TopNSigma(1.5), new TopK(40), new Xtc(0.2, 0.5), new Temperature(0.8)],
            Read("--xtc 0.5 --xtc-threshold 0.2 --top-k 40 --top-n-sigma 1.5 --dry 0.8 --dry-length 3").Options!.Steps!);
        Assert.Equal([new Dry(2, 3), new Temperature(0.8), new Mirostat2(4, 0.2)],
            Read("--mirostat 4 --mirostat-rate 0.2 --dry 2 --dry-base 3").Options!.Steps!);
    }

    [Fact]
    public void TheLikeliestOfWhatXtcLeavesIsTakenAtATemperatureOfZero()
    {
        Assert.Equal([new TopP(0.9), new Xtc(0.1), new TopK(1)], Read("--temperature 0 --top-p 0.9 --xtc 1").Options!.Steps!);
        Assert.Equal([new Dry(1), new TopK(1)], Read("--temperature 0 --top-p 0.9 --dry 1").Options!.Steps!);
        Assert.Null(Read("--temperature 0 --mirostat 5").Options!.Steps);
    }

    [Theory]
    [InlineData("--top-k 5", "TopK")]
    [InlineData("--top-n-sigma 1", "TopNSigma")]
    [InlineData("--xtc 1", "Xtc")]
    [InlineData("--typical 0.5", "Typical")]
    public void MirostatKeepsAlone(string beside, string name) =>
        Assert.Equal($"generation: mirostat keeps ids by itself, so nothing else keeps some, but {name} does",
            Assert.Throws<ArgumentException>(() => Read($"--mirostat 5 {beside}")).Message);

    [Theory]
    [InlineData("--min-p 1.5", "--min-p: a number of at least 0 and below 1.0000001 is needed, but '1.5' was given")]
    [InlineData("--typical 0", "--typical: a number above 0")]
    [InlineData("--repetition-penalty 0", "--repetition-penalty: a number above 0 is needed, but '0' was given")]
    [InlineData("--presence-penalty -3", "--presence-penalty: a number of at least -2")]
    [InlineData("--frequency-penalty x", "--frequency-penalty: a number of at least -2")]
    [InlineData("--no-repeat-ngram 0", "--no-repeat-ngram: a whole number of at least 1 is needed, but '0' was given")]
    [InlineData("--stop \"\"", "--stop: a text of at least one character is needed, but '' was given")]
    [InlineData("--logit-bias 5", "--logit-bias: an id and a number, such as 42=-1.5, is needed, but '5' was given")]
    [InlineData("--logit-bias -1=2", "but '-1=2' was given")]
    [InlineData("--logit-bias 1=inf", "but '1=inf' was given")]
    [InlineData("--logit-bias 1=nan", "but '1=nan' was given")]
    [InlineData("--dry 0", "--dry: a number above 0 is needed, but '0' was given")]
    [InlineData("--dry-base 0.5", "--dry-base: a number of at least 1 is needed, but '0.5' was given")]
    [InlineData("--xtc-threshold 0.6", "--xtc-threshold: a number above 0 and below 0.50000001 is needed, but '0.6' was given")]
    [InlineData("--mirostat 0", "--mirostat: a number above 0 is needed, but '0' was given")]
    [InlineData("--logit-bias =3", "but '=3' was given")]
    public void AWrongValueIsNamed(string line, string message) =>
        Assert.Contains(Read(line).Errors, error => error.Contains(message, StringComparison.Ordinal));

    private static (GenerationOptions? Options, string[] Errors) Read(string line)
    {
        SamplingOptions sampling = new();
        Command command = new("generate");
        sampling.AddTo(command);
        ParseResult parsed = command.Parse(line);
        return parsed.Errors.Count > 0 ? (null, [.. parsed.Errors.Select(error => error.Message)]) : (sampling.Read(parsed), []);
    }
}
