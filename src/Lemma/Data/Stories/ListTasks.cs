using Lemma.Formulas;

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
        Make(seed, least, most, static (source, asked, answer) => new ChatExample(source, [new(Turns.User, asked), new(Turns.Assistant, answer)]));

    /// <summary>Lists whose answers are checked.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="least">The fewest names; at least 2.</param>
    /// <param name="most">The most names; at most as many as the stories have.</param>
    public static ExampleSource<VerifiableExample> Questions(ulong seed = 0, int least = 4, int most = 8) =>
        Make(seed, least, most, static (source, asked, answer) => new VerifiableExample(source, [new(Turns.User, asked)], answer));

    private static ExampleSource<T> Make<T>(ulong seed, int least, int most, Func<string, string, string, T> make) where T : DataExample
    {
        IReadOnlyList<string> names = new StoryWords().Names;
        Require.That(least >= 2 && most >= least && most <= names.Count,
            $"{Name}: a list must have 2 to {names.Count} names, and the most not less than the least, but it has {least} to {most}");
        return new(Name, number =>
        {
            Philox random = new(seed, (ulong)number);
            Permutation order = new(names.Count, (ulong)random.Below(int.MaxValue, 1), 0);
            string[] list = [.. Enumerable.Range(0, least + random.Below(most - least + 1, 0)).Select(i => names[(int)order[i]])];
            return make($"{Name} {number}", $"Backwards: {string.Join(", ", list)}.", $"{string.Join(", ", list.Reverse())}.");
        });
    }
}
