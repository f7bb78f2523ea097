using Lemma.Data;
using Lemma.Formulas;

namespace Lemma.Evaluation.Tasks;

/// <summary>Tasks that need no file, from the numbers of the built-in sources that no training takes.</summary>
public static class BuiltInTasks
{
    // Training counts up from 0 and never comes here.
    private const long First = 1L << 40;
    private const ulong PlaceUse = 0x706C616365;

    /// <summary>
    /// Their names: stories (questions about a story), lists (names said backwards), choices (the answer to a question about a story among wrong ones).
    /// </summary>
    public static IReadOnlyList<string> Names { get; } = ["stories", "lists", "choices"];

    /// <summary>A task by its name.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="count">How many items are judged.</param>
    /// <param name="shots">How many examples are shown before each: those of the numbers before the first that is judged.</param>
    /// <param name="seed">The seed of the source; a model that learned from it has the same.</param>
    /// <param name="options">How stories are told.</param>
    public static EvaluationTask Make(string name, int count = 200, int shots = 0, ulong seed = 1, StoryOptions? options = null)
    {
        Require.That(count > 0 && shots >= 0, $"task: items must be positive and examples not negative, but they are {count} and {shots}");
        Func<long, TaskItem> at = name switch
        {
            "stories" => Question(StoryTasks.Questions(seed, options)),
            "lists" => Question(ListTasks.Questions(seed)),
            "choices" => Choices(seed, options),
            _ => throw new ArgumentException($"task: a built-in one is {string.Join(", ", Names)}, but '{name}' was asked for"),
        };
        return new(name, [.. Enumerable.Range(0, count).Select(i => at(First + i))], [.. Enumerable.Range(1, shots).Select(i => at(First - i))]);
    }

    private static Func<long, TaskItem> Question(ExampleSource<VerifiableExample> source) => number =>
    {
        VerifiableExample example = source.At(number);
        return new QuestionItem(example.Source, example.Prompt[0].Content, example.Answer);
    };

    private static Func<long, TaskItem> Choices(ulong seed, StoryOptions? options) => number =>
    {
        (string prompt, string right, List<string> wrong) = StoryTasks.Choices(seed, options, number);
        int place = new Philox(seed, (ulong)number).Split(PlaceUse).Below(wrong.Count + 1, 0);
        wrong.Insert(place, right);
        return new ChoiceItem($"story choices {number}", prompt, wrong, place);
    };
}
