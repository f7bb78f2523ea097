using Lemma.Data;

namespace Lemma.Tests.Data.Stories;

public sealed class StorySourceTests
{
    private static readonly StorySource Source = new(seed: 7);

    [Fact]
    public void The_scorer_finds_the_same_probability_and_one_derivation()
    {
        foreach (Story story in Source.Range(0, 3000))
        {
            ScoringPath path = new(story.Text);
            StoryGrammar.Tell(Source.Options, path);
            Assert.Equal("", path.Rest);
            Assert.Equal(path.Score, story.LogProbability, 1e-9);
            Assert.Equal(story.LogProbability, Source.LogProbability(story.Text));
        }
    }

    [Theory]
    [InlineData(2, 1, 1, 1, 20_000)]
    [InlineData(2, 1, 2, 0, 50_000)]
    [InlineData(3, 1, 1, 0, 10_000)]
    [InlineData(2, 2, 1, 0, 10_000)]
    public void The_probabilities_of_all_texts_of_a_tiny_grammar_sum_to_one(
        int people, int things, int events, int questions, int atLeast)
    {
        StorySource source = new(0, Tiny(people, things, events, questions));
        double sum = 0;
        HashSet<string> texts = new(StringComparer.Ordinal);
        foreach (Story story in All(source.Options))
        {
            Assert.True(texts.Add(story.Text), $"two derivations of: {story.Text}");
            if (texts.Count % 100 == 0)
                Assert.Equal(story.LogProbability, source.LogProbability(story.Text));
            sum += Math.Exp(story.LogProbability);
        }
        Assert.Equal(1, sum, 1e-9);
        Assert.True(texts.Count >= atLeast, $"{texts.Count}");
        Assert.All(source.Range(0, 300), story => Assert.Contains(story.Text, texts));
    }

    [Fact]
    public void The_mean_over_documents_is_the_entropy()
    {
        StoryOptions options = Tiny(people: 2, things: 1, events: 1, questions: 1);
        double entropy = All(options).Sum(story => -Math.Exp(story.LogProbability) * story.LogProbability);
        StoryEntropy estimate = new StorySource(3, options).Entropy(0, 20_000);
        Assert.InRange(estimate.NatsPerDocument, entropy - 4 * estimate.StandardError, entropy + 4 * estimate.StandardError);
        Assert.InRange(estimate.StandardError, 1e-4, 0.1);
    }

    [Fact]
    public void A_document_depends_on_seed_and_index_alone()
    {
        Assert.Equal(Source.At(123_456_789_012), new StorySource(7).At(123_456_789_012));
        Assert.NotEqual(Source.At(5).Text, new StorySource(8).At(5).Text);
        Assert.Equal(1000, Source.Range(0, 1000).Select(story => story.Text).Distinct().Count());
    }

    [Fact]
    public void Texts_are_ASCII_of_the_promised_size()
    {
        int words = 0;
        foreach (Story story in Source.Range(0, 1000))
        {
            Assert.All(story.Text, c => Assert.True(c is '\n' or (>= ' ' and <= '~')));
            Assert.EndsWith(".\n", story.Text, StringComparison.Ordinal);
            Assert.Equal(Source.Options.Questions, story.Text.Split("\nQ: ").Length - 1);
            words += story.Text.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries).Length;
        }
        Assert.InRange(words / 1000.0, 60, 150);
    }

    [Theory]
    [InlineData("")]
    [InlineData("It was a sunny morning.")]
    [InlineData("Once upon a time")]
    public void Other_texts_have_probability_zero(string text) => Assert.Equal(double.NegativeInfinity, Source.LogProbability(text));

    [Fact]
    public void A_false_answer_or_a_longer_text_has_probability_zero()
    {
        string text = Source.At(1).Text;
        Assert.Equal(double.NegativeInfinity, Source.LogProbability(text + "\n"));
        Assert.Equal(double.NegativeInfinity, Source.LogProbability(text[..^1]));
        int answer = text.LastIndexOf("\nA: ", StringComparison.Ordinal) + 4;
        Assert.Equal(double.NegativeInfinity, Source.LogProbability(text[..answer] + "Xerxes is at the moon.\n"));
    }

    [Fact]
    public void Options_are_checked()
    {
        static string Message(StoryOptions options) => Assert.Throws<ArgumentException>(() => new StorySource(0, options)).Message;
        Assert.Equal("stories: the number of people must be between 2 and 32, but is 1 to 3",
            Message(new StoryOptions { LeastPeople = 1 }));
        Assert.Equal("stories: of the names, 'Ann' must not be the start of 'Anna'",
            Message(new StoryOptions { Words = new StoryWords { Names = ["Anna", "Ben", "Ann"] } }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Source.At(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Source.Entropy(0, 0));
    }

    private static StoryOptions Tiny(int people, int things, int events, int questions) => new()
    {
        LeastPeople = 2,
        MostPeople = people,
        LeastPlaces = 2,
        MostPlaces = 2,
        LeastThings = 1,
        MostThings = things,
        LeastEvents = 1,
        MostEvents = events,
        Questions = questions,
        Words = new StoryWords
        {
            Weathers = ["dry"],
            Times = ["noon"],
            Names = people == 2 ? ["Ada", "Ben"] : ["Ada", "Ben", "Cleo"],
            Relations = ["friends"],
            Traits = ["tall"],
            Trades = ["cook", "poet"],
            Towns = ["Rome"],
            Fabrics = ["warm"],
            Garments = ["coat"],
            Months = ["May"],
            Places = ["mill", "lake"],
            Things = things == 1 ? ["cup"] : ["cup", "key"],
            Sizes = ["big"],
            Colors = ["red"],
            Leads = ["Then "],
            Manners = ["slowly"],
            Goes = ["ran"],
            GoesTogether = ["strolled"],
            Takes = ["took"],
            Gives = ["gave"],
            Drops = ["dropped"],
            Meets = ["met"],
            Wants = ["wanted"],
            Idles = ["sang"],
        },
    };

    private static IEnumerable<Story> All(StoryOptions options)
    {
        List<(int Chosen, int Offers)> forks = [];
        do
        {
            EnumeratingPath path = new(forks);
            StoryGrammar.Tell(options, path);
            yield return new Story(path.Text, path.LogProbability);
            while (forks.Count > 0 && forks[^1].Chosen + 1 == forks[^1].Offers)
                forks.RemoveAt(forks.Count - 1);
            if (forks.Count > 0)
                forks[^1] = (forks[^1].Chosen + 1, forks[^1].Offers);
        }
        while (forks.Count > 0);
    }

    /// <summary>Reads a text: of the offers at each fork exactly one must be the start of what is left.</summary>
    private sealed class ScoringPath(string text) : StoryPath
    {
        public string Rest { get; private set; } = text;

        public double Score { get; private set; }

        public override void Say(string text)
        {
            Assert.StartsWith(text, Rest, StringComparison.Ordinal);
            Rest = Rest[text.Length..];
        }

        protected override int Follow(IReadOnlyList<(string Text, int Weight)> offers)
        {
            int[] fitting = [.. Enumerable.Range(0, offers.Count).Where(i => Rest.StartsWith(offers[i].Text, StringComparison.Ordinal))];
            int chosen = Assert.Single(fitting);
            Assert.All(offers, offer => Assert.True(offer.Weight >= 1 && offer.Text.Length > 0));
            Score += Math.Log(offers[chosen].Weight) - Math.Log(offers.Sum(offer => offer.Weight));
            return chosen;
        }
    }

    /// <summary>Follows the forks of a list, and takes the first offer at the forks after them.</summary>
    private sealed class EnumeratingPath(List<(int Chosen, int Offers)> forks) : StoryPath
    {
        private readonly System.Text.StringBuilder text = new();
        private int depth;

        public string Text => text.ToString();

        public override void Say(string text) => this.text.Append(text);

        protected override int Follow(IReadOnlyList<(string Text, int Weight)> offers)
        {
            if (depth == forks.Count)
                forks.Add((0, offers.Count));
            return forks[depth++].Chosen;
        }
    }
}
