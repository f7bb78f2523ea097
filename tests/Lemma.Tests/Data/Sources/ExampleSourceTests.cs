using Lemma.Data;

namespace Lemma.Tests.Data.Sources;

/// <summary>Lists and mixtures as pure functions of a number and a seed.</summary>
public sealed class ExampleSourceTests
{
    [Fact]
    public void AListComesWholeInEveryEpoch()
    {
        TextDocument[] list = [.. Enumerable.Range(0, 57).Select(i => new TextDocument("list", $"{i}"))];
        ExampleSource<TextDocument> source = ExampleSource.Of("list", list, 3);
        string[][] epochs = [.. Enumerable.Range(0, 3).Select(epoch => source.Range(epoch * 57, 57).Select(document => document.Text).ToArray())];
        Assert.All(epochs, epoch => Assert.Equal(list.Select(document => document.Text).Order(), epoch.Order()));
        Assert.NotEqual(epochs[0], epochs[1]);
        Assert.NotEqual(epochs[0], ExampleSource.Of("list", list, 4).Range(0, 57).Select(document => document.Text));
        Assert.Contains("there must be at least one example", Assert.Throws<ArgumentException>(() => ExampleSource.Of<TextDocument>("none", [], 1)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void AMixtureHasTheSharesOfItsWeightsAndLosesNothing()
    {
        ExampleSource<TextDocument> mixed = ExampleSource.Mix([(Numbers("a"), 1), (Numbers("b"), 2), (Numbers("c"), 0.001)], 5);
        const int Blocks = 6;
        TextDocument[] made = [.. mixed.Range(0, Blocks * 4096)];
        // Shares of 4,096: 1364.88, 2729.76 and 1.36; the largest remainders are rounded up.
        Assert.Equal([("a", Blocks * 1365), ("b", Blocks * 2730), ("c", Blocks * 1)],
            made.GroupBy(document => document.Source).OrderBy(group => group.Key, StringComparer.Ordinal).Select(group => (group.Key, group.Count())));
        foreach (IGrouping<string, TextDocument> group in made.GroupBy(document => document.Source))
            Assert.Equal(Enumerable.Range(0, group.Count()), group.Select(document => int.Parse(document.Text)).Order());
        Assert.Equal(made[12_345], mixed.At(12_345));
        // Mixed through: every 64 in a row have some of each of the two large ones.
        Assert.All(made.Chunk(64), part => Assert.InRange(part.Count(document => document.Source == "a"), 5, 40));
        Assert.NotEqual(made.Take(100), ExampleSource.Mix([(Numbers("a"), 1), (Numbers("b"), 2), (Numbers("c"), 0.001)], 6).Range(0, 100));
    }

    [Theory]
    [InlineData(0.0, "weights must be positive numbers")]
    [InlineData(double.NaN, "weights must be positive numbers")]
    [InlineData(1e-9, "a share of at least 1 in 4096, but the weight of b is 1E-09")]
    public void AWeightThatGivesNothingIsRefused(double weight, string reason) => Assert.Contains(reason,
        Assert.Throws<ArgumentException>(() => ExampleSource.Mix([(Numbers("a"), 1), (Numbers("b"), weight)], 5)).Message, StringComparison.Ordinal);

    [Fact]
    public void DuplicatesAreTheSameTextsHoweverSpaced()
    {
        DataReport report = new();
        ChatExample Chat(string source, params string[] texts) => new(source, [.. texts.Select((text, i) => new Lemma.Text.Templates.ChatMessage(i == 0 ? "user" : "assistant", text))]);
        DataExample[] examples =
        [
            new TextDocument("1", "a b"), new TextDocument("2", " a\n b "), new TextDocument("3", "ab"), new TextDocument("4", "A b"),
            Chat("5", "a", "b c"), Chat("6", "a b", "c"), Chat("7", "a", "b  c"), new SequencePair("8", "a", "b"), new SequencePair("9", "a", "b"),
        ];
        Assert.Equal(["1", "3", "4", "5", "6", "8"], DistinctExamples.Of(examples, report).Select(example => example.Source));
        Assert.Equal((3, "2"), report.Reasons[DropReason.Duplicate]);
    }

    private static ExampleSource<TextDocument> Numbers(string name) => new(name, number => new TextDocument(name, $"{number}"));
}
