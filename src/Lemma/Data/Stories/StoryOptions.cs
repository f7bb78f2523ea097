namespace Lemma.Data;

/// <summary>How long the stories are and which words they use; every number is drawn evenly between its least and its most.</summary>
public sealed record StoryOptions
{
    /// <summary>Short stories: two people, two places, one thing, one to three events, three questions.</summary>
    public static StoryOptions Short { get; } = new() { MostPeople = 2, MostPlaces = 2, MostThings = 1, LeastEvents = 1, Questions = 3 };

    /// <summary>The words.</summary>
    public StoryWords Words { get; init; } = new();

    /// <summary>The fewest people; at least 2.</summary>
    public int LeastPeople { get; init; } = 2;

    /// <summary>The most people.</summary>
    public int MostPeople { get; init; } = 3;

    /// <summary>The fewest places; at least 2.</summary>
    public int LeastPlaces { get; init; } = 2;

    /// <summary>The most places.</summary>
    public int MostPlaces { get; init; } = 3;

    /// <summary>The fewest things; at least 1.</summary>
    public int LeastThings { get; init; } = 1;

    /// <summary>The most things.</summary>
    public int MostThings { get; init; } = 2;

    /// <summary>The fewest events; at least 1.</summary>
    public int LeastEvents { get; init; } = 2;

    /// <summary>The most events.</summary>
    public int MostEvents { get; init; } = 3;

    /// <summary>The number of questions, all different; 0 to 6.</summary>
    public int Questions { get; init; } = 2;

    /// <summary>Checks the numbers and the words against each other.</summary>
    /// <exception cref="ArgumentException">A rule is broken; the message says which, and the values.</exception>
    public void Validate()
    {
        Range("people", LeastPeople, MostPeople, 2, Words.Names.Count);
        Range("places", LeastPlaces, MostPlaces, 2, Words.Places.Count);
        Range("things", LeastThings, MostThings, 1, Words.Things.Count);
        Range("events", LeastEvents, MostEvents, 1, 1000);
        Range("questions", Questions, Questions, 0, 6);
        Distinct("weathers", Words.Weathers);
        Distinct("times", Words.Times);
        Distinct("names", Words.Names);
        Distinct("relations", Words.Relations);
        Distinct("traits", Words.Traits);
        Distinct("trades", Words.Trades);
        Distinct("towns", Words.Towns);
        Distinct("fabrics", Words.Fabrics);
        Distinct("garments", Words.Garments);
        Distinct("months", Words.Months);
        Distinct("places", Words.Places);
        Distinct("things", Words.Things);
        Distinct("sizes", Words.Sizes);
        Distinct("colors", Words.Colors);
        Distinct("manners", Words.Manners);
        Distinct("names, sentence beginnings and 'There'", [.. Words.Names, .. Words.Leads, "There"]);
        Distinct("verbs", [.. Words.Goes, .. Words.GoesTogether, .. Words.Takes, .. Words.Gives, .. Words.Drops, .. Words.Meets,
            .. Words.Wants, .. Words.Idles]);
        if (Words.Goes.Count == 0)
            throw new ArgumentException("stories: there must be a verb of going, so that something can always happen");
    }

    private static void Range(string what, int least, int most, int atLeast, int atMost)
    {
        if (least < atLeast || most < least || most > atMost)
            throw new ArgumentException($"stories: the number of {what} must be between {atLeast} and {atMost}, but is {least} to {most}");
    }

    /// <summary>No word is the start of another: then the words that follow one another in a text are never in doubt.</summary>
    private static void Distinct(string what, IReadOnlyList<string> words)
    {
        for (int i = 0; i < words.Count; i++)
        {
            if (words[i].Length == 0 || !words[i].All(static c => c is >= ' ' and <= '~'))
                throw new ArgumentException($"stories: {what} must be ASCII words, but one is '{words[i]}'");
            for (int j = 0; j < words.Count; j++)
                if (i != j && words[i].StartsWith(words[j], StringComparison.Ordinal))
                    throw new ArgumentException($"stories: of the {what}, '{words[j]}' must not be the start of '{words[i]}'");
        }
    }
}
