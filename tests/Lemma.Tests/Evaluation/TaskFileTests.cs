using Lemma.Data;
using Lemma.Evaluation.Tasks;

namespace Lemma.Tests.Evaluation;

/// <summary>Files of tasks, hostile ones among them, and what is judged beside what is shown.</summary>
public sealed class TaskFileTests : IDisposable
{
    private const string Question = """{"question": "Two and two?", "answer": 4}""", Cloze = """{"prompt": "The cat sat on the", "completion": " mat"}""";
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void EachFormIsReadAsItIsWritten()
    {
        string file = folder.Write("q.jsonl", $$"""
            {{Question}}

            {"question": "Three and two?", "answer": "5", "reasoning": "Two and two is four.", "id": 7}
            """);
        Assert.Equal([new QuestionItem($"{file}: line 1", "Two and two?", "4"), new QuestionItem($"{file}: line 3", "Three and two?", "5", "Two and two is four.")],
            TaskFile.Read(file));
        file = folder.Write("c.json", """[{"question": "Where?", "choices": ["here", "there"], "answer": 1}, {"question": "Who?", "choices": ["Tom", "Ann"], "answer": "Ann"}]""");
        Assert.Equal([1, 1], TaskFile.Read(file).Cast<ChoiceItem>().Select(item => item.Right));
        Assert.Equal($"{file}: element 2", TaskFile.Read(file)[1].Source);
        file = folder.Write("p.jsonl", Cloze);
        Assert.Equal(new ClozeItem($"{file}: line 1", "The cat sat on the", " mat"), Assert.Single(TaskFile.Read(file)));
    }

    [Theory]
    [InlineData(Cloze, "line 2: a task has one form, but here it is cloze, and in line 1 question")]
    [InlineData("""{"question": "Q", "choices": ["a", "b"], "answer": 0}""", "line 2: a task has one form, but here it is choices, and in line 1 question")]
    [InlineData("""{"question": "Q", "answer": "A", "completion": "C"}""", "line 2: an item has either")]
    [InlineData("{}", "but it has no field")]
    [InlineData("[]", "line 2: a JSON object is needed, but it is a JSON Array")]
    [InlineData("""{"question": "Q", "answer": """, "line 2: not JSON at byte")]
    [InlineData("""{"question": "Q"}""", "line 2: there is no field \"answer\"")]
    [InlineData("""{"question": 3, "answer": "A"}""", "line 2: the field \"question\" must be a text, but it is 3")]
    [InlineData("""{"question": " ", "answer": "A"}""", "line 2: the question is empty")]
    [InlineData("""{"question": "Q", "answer": ""}""", "line 2: the answer is empty")]
    [InlineData("""{"question": "Q", "answer": "\uD800"}""", "line 2: a name or a value in it is not valid text")]
    [InlineData("""{"question": "Q", "choices": "ab", "answer": 0}""", "line 2: the field \"choices\" must be a list of texts, but it is \"ab\"")]
    [InlineData("""{"question": "Q", "choices": ["a", 2], "answer": 0}""", "line 2: the field \"choices\" must be a text, but it is 2")]
    [InlineData("""{"question": "Q", "choices": ["a"], "answer": 0}""", "line 2: there must be at least 2 choices, but there are 1")]
    [InlineData("""{"question": "Q", "choices": ["a", " a"], "answer": 0}""", "line 2: two choices are the same")]
    [InlineData("""{"question": "Q", "choices": ["a", ""], "answer": 0}""", "line 2: a choice is empty")]
    [InlineData("""{"question": "Q", "choices": ["a", "b"], "answer": 2}""", "line 2: the answer must be from 0 to 1, but it is 2")]
    [InlineData("""{"question": "Q", "choices": ["a", "b"], "answer": -1}""", "line 2: the answer must be from 0 to 1, but it is -1")]
    [InlineData("""{"question": "Q", "choices": ["a", "b"], "answer": 0.5}""", "line 2: the answer must be a whole number from 0 to 1, but it is 0.5")]
    [InlineData("""{"question": "Q", "choices": ["a", "b"], "answer": "c"}""", "line 2: the answer must be one of the choices or its number from 0")]
    [InlineData("""{"question": "Q", "choices": ["a", "b"], "answer": 0, "reasoning": "R"}""", "line 2: the field \"reasoning\" belongs to a question")]
    [InlineData("""{"prompt": "P", "completion": " "}""", "line 2: the completion is empty")]
    [InlineData("""{"prompt": "P"}""", "line 2: there is no field \"completion\"")]
    public void WhatIsBrokenIsSaidWithItsLine(string line, string sentence)
    {
        string file = folder.Write("bad.jsonl", $"{Question}\n{line}\n{Question}");
        string message = Assert.Throws<InvalidDataException>(() => TaskFile.Read(file)).Message;
        Assert.StartsWith(file, message, StringComparison.Ordinal);
        Assert.Contains(sentence, message, StringComparison.Ordinal);
    }

    [Fact]
    public void AFileHasAnItem() =>
        Assert.Contains("there is none", Assert.Throws<InvalidDataException>(() => TaskFile.Read(folder.Write("none.jsonl", "\n\n"))).Message, StringComparison.Ordinal);

    [Fact]
    public void WhatIsShownIsNotJudged()
    {
        TaskItem[] items = [.. Enumerable.Range(0, 5).Select(i => new QuestionItem($"line {i}", $"question {i}", "yes"))];
        EvaluationTask task = EvaluationTask.Of("t", items, shots: 2, most: 2);
        Assert.Equal(items[..2], task.Examples);
        Assert.Equal(items[2..4], task.Items);
        TaskItem[] others = [.. items.Select(item => item with { Source = "other", Prompt = item.Prompt + "?" })];
        task = EvaluationTask.Of("t", items, shots: 3, others);
        Assert.Equal(others[..3], task.Examples);
        Assert.Equal(items, task.Items);
        Refuses("3 examples of 3 items leave none to judge", () => EvaluationTask.Of("t", items[..3], shots: 3));
        Refuses("6 examples are to be shown, but there are 5", () => EvaluationTask.Of("t", items, shots: 6));
        Refuses("but line 1 asks what line 1 shows", () => EvaluationTask.Of("t", items[1..], shots: 2, items));
        Refuses("line 0 is question and x cloze", () => new EvaluationTask("t", items, [new ClozeItem("x", "a", "b")]));
        Refuses("x: the answer must be from 0 to 1, but it is 2", () => new EvaluationTask("t", [new ChoiceItem("x", "q", ["a", "b"], 2)]));
        Refuses("at least one item", () => new EvaluationTask("t", []));
    }

    [Fact]
    public void BuiltInTasksAreOfNumbersThatNoTrainingTakes()
    {
        foreach (string name in BuiltInTasks.Names)
        {
            EvaluationTask task = BuiltInTasks.Make(name, count: 20, shots: 3, seed: 4);
            Assert.Equal((20, 3), (task.Items.Count, task.Examples.Count));
            Assert.Equal(task.Items, BuiltInTasks.Make(name, count: 20, shots: 0, seed: 4).Items, (a, b) => a.Prompt == b.Prompt);
            Assert.NotEqual(task.Items[0].Prompt, BuiltInTasks.Make(name, count: 1, seed: 5).Items[0].Prompt);
        }
        VerifiableExample[] asked = [.. StoryTasks.Questions(4).Range(1L << 40, 20)];
        ChoiceItem[] choices = [.. BuiltInTasks.Make("choices", count: 20, seed: 4).Items.Cast<ChoiceItem>()];
        Assert.Equal(asked.Select(one => (one.Prompt[0].Content, one.Answer)), choices.Select(one => (one.Prompt, one.Choices[one.Right])));
        Assert.True(choices.Select(one => one.Right).Distinct().Count() > 1);
        Refuses("a built-in one is stories, lists, choices", () => BuiltInTasks.Make("poems"));
    }

    private static void Refuses(string sentence, Func<object> make) => Assert.Contains(sentence, Assert.Throws<ArgumentException>(make).Message, StringComparison.Ordinal);
}
