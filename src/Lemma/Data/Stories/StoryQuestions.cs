namespace Lemma.Data;

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
    public static void Ask(StoryOptions options, StoryPath path, StoryState state)
    {
        List<(string Question, string Answer)> left = options.Questions == 0 ? [] : All(state);
        for (int i = 0; i < options.Questions; i++)
        {
            path.Say("Q: ");
            foreach ((string question, _) in left)
                path.Offer(question);
            int chosen = path.Choose();
            path.Say($"\nA: {left[chosen].Answer}\n");
            left.RemoveAt(chosen);
        }
    }

    private static List<(string Question, string Answer)> All(StoryState state)
    {
        List<(string, string)> all = [];
        for (int person = 0; person < state.People.Count; person++)
        {
            string name = state.People[person];
            all.Add(($"Where is {name}?", $"{name} is at the {state.Places[state.PlaceOf[person]]}."));
            if (state.WantOf[person] is int want and >= 0)
                all.Add(($"What does {name} want?", $"{name} wants the {state.Things[want].Name}."));
        }
        for (int thing = 0; thing < state.Things.Count; thing++)
        {
            StoryThing it = state.Things[thing];
            string holder = it.Holder < 0 ? "Nobody" : state.People[it.Holder];
            all.Add(($"Who has the {it.Name}?", $"{holder} has the {it.Name}."));
        }
        return all;
    }
}
