namespace Lemma.Evaluation.Tasks;

/// <summary>What a model is judged by: items of one form, and examples that it is shown before each.</summary>
public sealed record EvaluationTask
{
    /// <summary>A task.</summary>
    /// <param name="name">What tables call it.</param>
    /// <param name="items">The items that are judged, at least one, all of one form.</param>
    /// <param name="examples">What is shown before each, of the same form; null for nothing. None may ask what an item asks.</param>
    public EvaluationTask(string name, IReadOnlyList<TaskItem> items, IReadOnlyList<TaskItem>? examples = null)
    {
        ArgumentNullException.ThrowIfNull(items);
        (Name, Items, Examples) = (name, items, examples ?? []);
        Require.That(items.Count > 0, $"task: '{name}' must have at least one item that is judged");
        foreach (TaskItem item in items.Concat(Examples))
        {
            Require.That(item.Fault is null, $"task: {item.Source}: {item.Fault}");
            Require.That(item.Form == items[0].Form, $"task: it has one form, but {items[0].Source} is {items[0].Form} and {item.Source} {item.Form}");
        }
        Dictionary<string, TaskItem> shown = [];
        foreach (TaskItem example in Examples)
            shown.TryAdd(example.Prompt.Trim(), example);
        foreach (TaskItem item in items)
        {
            Require.That(!shown.TryGetValue(item.Prompt.Trim(), out TaskItem? same),
                $"task: what is judged must not be among the examples, but {item.Source} asks what {same?.Source} shows");
        }
    }

    /// <summary>What tables call it.</summary>
    public string Name { get; }

    /// <summary>The items that are judged.</summary>
    public IReadOnlyList<TaskItem> Items { get; }

    /// <summary>What is shown before each.</summary>
    public IReadOnlyList<TaskItem> Examples { get; }

    /// <summary>Some of a list's items, and before each of them others as examples.</summary>
    /// <param name="name">What tables call it.</param>
    /// <param name="items">The items.</param>
    /// <param name="shots">How many examples are shown: the first of <paramref name="examples"/>, or of the items, which are then not judged.</param>
    /// <param name="examples">Other items to take examples from; null to take them from the items.</param>
    /// <param name="most">The most items that are judged, the first ones; null for all.</param>
    public static EvaluationTask Of(string name, IReadOnlyList<TaskItem> items, int shots = 0, IReadOnlyList<TaskItem>? examples = null, int? most = null)
    {
        ArgumentNullException.ThrowIfNull(items);
        Require.That(shots >= 0 && most is null or > 0, $"task: examples must not be negative and judged items positive, but they are {shots} and {most}");
        Require.That(shots <= (examples ?? items).Count, $"task: {shots} examples are to be shown, but there are {(examples ?? items).Count}");
        Require.That(examples is not null || shots < items.Count, $"task: {shots} examples of {items.Count} items leave none to judge");
        IEnumerable<TaskItem> judged = examples is null ? items.Skip(shots) : items;
        return new(name, [.. judged.Take(most ?? int.MaxValue)], [.. (examples ?? items).Take(shots)]);
    }
}
