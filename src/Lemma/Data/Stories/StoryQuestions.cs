namespace Lemma.Data;

/// <summary>A question about a story, with its answer in three parts.</summary>
/// <param name="Text">The question.</param>
/// <param name="Before">The answer up to the word that is asked for.</param>
/// <param name="Word">The word that is asked for.</param>
/// <param name="After">The answer behind that word.</param>
/// <param name="Words">The words of the story that could stand there.</param>
internal sealed record StoryQuestion(string Text, string Before, string Word, string After, IReadOnlyList<string> Words)
{
    /// <summary>The answer that follows from the story.</summary>
    public string Answer => $"{Before}{Word}{After}";

    /// <summary>The answers with another word of the story; where it has no other thing, with any other thing.</summary>
    public List<string> WrongAnswers(StoryWords words) =>
        [.. (Words.Count > 1 ? Words : words.Things).Where(word => word != Word).Select(word => $"{Before}{word}{After}")];
}

/// <summary>Questions about the end of a story, with the answers that follow from it.</summary>
/// <remarks>
/// <code>
/// Where is {name}?            {name} is at the {place}.
/// Who has the {thing}?        {name} has the {thing}. | Nobody has the {thing}.
/// What does {name} want?      {name} wants the {thing}.                            (asked only of who wants something)
/// </code>
/// Each question that has not been asked yet is as likely as any other; the answer is certain.
/// </remarks>
internal static class StoryQuestions
{
    private const string Nobody = "Nobody";

    public static void Ask(StoryOptions options, StoryPath path, StoryState state)
    {
        List<StoryQuestion> left = options.Questions == 0 ? [] : All(state);
        for (int i = 0; i < options.Questions; i++)
        {
            path.Say("Q: ");
            foreach (StoryQuestion question in left)
                path.Offer(question.Text);
            int chosen = path.Choose();
            path.Say($"\nA: {left[chosen].Answer}\n");
            left.RemoveAt(chosen);
        }
    }

    /// <summary>Every question that the story answers.</summary>
    public static List<StoryQuestion> All(StoryState state)
    {
        string[] things = [.. state.Things.Select(static thing => thing.Name)], holders = [.. state.People, Nobody];
        List<StoryQuestion> all = [];
        for (int person = 0; person < state.People.Count; person++)
        {
            string name = state.People[person];
            all.Add(new($"Where is {name}?", $"{name} is at the ", state.Places[state.PlaceOf[person]], ".", state.Places));
            if (state.WantOf[person] is int want and >= 0)
                all.Add(new($"What does {name} want?", $"{name} wants the ", things[want], ".", things));
        }
        for (int thing = 0; thing < things.Length; thing++)
        {
            int holder = state.Things[thing].Holder;
            all.Add(new($"Who has the {things[thing]}?", "", holder < 0 ? Nobody : state.People[holder], $" has the {things[thing]}.", holders));
        }
        return all;
    }
}
