namespace Lemma.Data;

/// <summary>Questions about the end of a story (and, for one kind, its beginning), with the answers that follow from it.</summary>
/// <remarks>
/// <code>
/// Where is {name}?            {name} is at the {place}.
/// Where was {name} at first?  {name} was at the {place}.
/// Where is the {thing}?       The {thing} is at the {place}.                       (in the holder's hands: where the holder is)
/// Who has the {thing}?        {name} has the {thing}. | Nobody has the {thing}.
/// What is the {thing} like?   The {thing} is {size} and {color}.
/// Who is at the {place}?      {name}, {name} and {name} are at the {place}. | {name} is ... | Nobody is ...
/// How many things does {name} have?   {name} has [no things | one thing | two things | ...].
/// What does {name} want?      {name} wants the {thing}.                            (asked only of who wants something)
/// </code>
/// Each question that has not been asked yet is as likely as any other; the answer is certain.
/// </remarks>
internal static class StoryQuestions
{
    private static readonly string[] Numbers = ["no things", "one thing", "two things", "three things", "four things"];

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
            all.Add(($"Where was {name} at first?", $"{name} was at the {state.Places[state.FirstPlaceOf[person]]}."));
            all.Add(($"How many things does {name} have?", $"{name} has {Number(state.CountOf(person))}."));
            if (state.WantOf[person] is int want and >= 0)
                all.Add(($"What does {name} want?", $"{name} wants the {state.Things[want].Name}."));
        }
        for (int thing = 0; thing < state.Things.Count; thing++)
        {
            StoryThing it = state.Things[thing];
            string holder = it.Holder < 0 ? "Nobody" : state.People[it.Holder];
            all.Add(($"Where is the {it.Name}?", $"The {it.Name} is at the {state.Places[state.PlaceOfThing(thing)]}."));
            all.Add(($"Who has the {it.Name}?", $"{holder} has the {it.Name}."));
            all.Add(($"What is the {it.Name} like?", $"The {it.Name} is {it.Size} and {it.Color}."));
        }
        for (int place = 0; place < state.Places.Count; place++)
            all.Add(($"Who is at the {state.Places[place]}?", $"{PeopleAt(state, place)} at the {state.Places[place]}."));
        return all;
    }

    private static string PeopleAt(StoryState state, int place)
    {
        string[] there = [.. state.People.Where((_, person) => state.PlaceOf[person] == place)];
        return there.Length switch
        {
            0 => "Nobody is",
            1 => $"{there[0]} is",
            _ => $"{string.Join(", ", there[..^1])} and {there[^1]} are",
        };
    }

    private static string Number(int count) => count < Numbers.Length ? Numbers[count] : $"{count} things";
}
