using Lemma.Formulas;

namespace Lemma.Data;

/// <summary>Two sentences of one event each, and how much of the event they share.</summary>
internal static class StorySimilarity
{
    /// <summary>Of who it is, what is done and with what, the second sentence keeps each with probability ½ or draws it anew.</summary>
    public static SentencePair Make(string source, StoryWords words, Philox random)
    {
        (IReadOnlyList<string> Verbs, IReadOnlyList<string> Objects, string Before)[] actions =
        [
            (words.Goes, words.Places, " to the "), (words.Takes, words.Things, " the "), (words.Drops, words.Things, " the "), (words.Wants, words.Things, " the "),
        ];
        actions = [.. actions.Where(action => action.Verbs.Count > 0)];
        ulong draws = 0;
        int Draw(int bound) => random.Below(bound, draws++);
        bool Keeps() => Draw(2) == 0;

        int name = Draw(words.Names.Count), action = Draw(actions.Length), thing = Draw(actions[action].Objects.Count);
        int otherName = Keeps() ? name : Draw(words.Names.Count), otherAction = Keeps() ? action : Draw(actions.Length);
        IReadOnlyList<string> objects = actions[action].Objects, otherObjects = actions[otherAction].Objects;
        int otherThing = Keeps() && ReferenceEquals(objects, otherObjects) ? thing : Draw(otherObjects.Count);
        int shared = (name == otherName ? 1 : 0) + (action == otherAction ? 1 : 0) + (objects[thing] == otherObjects[otherThing] ? 1 : 0);
        return new SentencePair(source, Tell(name, action, thing), Tell(otherName, otherAction, otherThing), shared / 3.0);

        string Tell(int who, int what, int with)
        {
            string lead = Either(words.Leads), verb = actions[what].Verbs[Draw(actions[what].Verbs.Count)], manner = Either(words.Manners);
            return $"{lead}{words.Names[who]} {verb}{actions[what].Before}{actions[what].Objects[with]}{(manner.Length > 0 ? " " : "")}{manner}.";
        }

        // A word of the list as often as none.
        string Either(IReadOnlyList<string> list) => list.Count > 0 && Keeps() ? list[Draw(list.Count)] : "";
    }
}
