using Lemma.Formulas;
using Lemma.Text.Templates;

namespace Lemma.Data;

/// <summary>Lists of the stories' names that are to be said from the last to the first: tasks whose answers are checked, and which need many right words.</summary>
public static class ListTasks
{
    private const string Name = "lists";

    /// <summary>Lists with their answers, to learn from.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="least">The fewest names; at least 2.</param>
    /// <param name="most">The most names; at most as many as the stories have.</param>
    public static ExampleSource<ChatExample> Instructions(ulong seed = 0, int least = 4, int most = 8) =>
        Make(seed, least, most, static (source, list, _) => new ChatExample(source, [Asked(list), new(Turns.Assistant, Say([.. list.Reverse()]))]));

    /// <summary>Lists whose answers are checked.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="least">The fewest names; at least 2.</param>
    /// <param name="most">The most names; at most as many as the stories have.</param>
    public static ExampleSource<VerifiableExample> Questions(ulong seed = 0, int least = 4, int most = 8) =>
        Make(seed, least, most, static (source, list, _) => new VerifiableExample(source, [Asked(list)], Say([.. list.Reverse()])));

    /// <summary>The right answer, preferred to one with two of its names exchanged.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="least">The fewest names; at least 2.</param>
    /// <param name="most">The most names; at most as many as the stories have.</param>
    public static ExampleSource<PreferenceExample> Preferences(ulong seed = 0, int least = 4, int most = 8) =>
        Make(seed, least, most, (source, list, random) =>
        {
            string[] right = [.. list.Reverse()], wrong = [.. right];
            int first = random.Below(wrong.Length, 2), second = (first + 1 + random.Below(wrong.Length - 1, 3)) % wrong.Length;
            (wrong[first], wrong[second]) = (wrong[second], wrong[first]);
            return new PreferenceExample(source, [Asked(list)], [new(Turns.Assistant, Say(right))], [new(Turns.Assistant, Say(wrong))]);
        });

    private static ChatMessage Asked(string[] list) => new(Turns.User, $"Backwards: {Say(list)}");

    private static string Say(string[] list) => $"{string.Join(", ", list)}.";

    private static ExampleSource<T> Make<T>(ulong seed, int least, int most, Func<string, string[], Philox, T> make) where T : DataExample
    {
        IReadOnlyList<string> names = new StoryWords().Names;
        Require.That(least >= 2 && most >= least && most <= names.Count,
            $"{Name}: a list must have 2 to {names.Count} names, and the most not less than the least, but it has {least} to {most}");
        return new(Name, number =>
        {
            Philox random = new(seed, (ulong)number);
            Permutation order = new(names.Count, (ulong)random.Below(int.MaxValue, 1), 0);
            string[] list = [.. Enumerable.Range(0, least + random.Below(most - least + 1, 0)).Select(i => names[(int)order[i]])];
            return make($"{Name} {number}", list, random);
        });
    }
}
