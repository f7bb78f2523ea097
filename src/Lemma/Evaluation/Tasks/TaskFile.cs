using System.Globalization;
using System.Text;
using System.Text.Json;
using Lemma.Data;

namespace Lemma.Evaluation.Tasks;

/// <summary>Reads the items of a task from a file: <c>.json</c> with an array of objects, or JSON lines.</summary>
/// <remarks>
/// A file has one form, told by the fields: <c>question, answer</c> (with <c>reasoning</c> where an example is to show it), <c>question, choices,
/// answer</c> (the answer is a number from 0, or the text of a choice), <c>prompt, completion</c>. Other fields are not looked at.
/// </remarks>
public static class TaskFile
{
    /// <summary>The items, at least one.</summary>
    /// <param name="file">The file.</param>
    /// <param name="encoding">Its encoding; UTF-8 when null.</param>
    /// <exception cref="InvalidDataException">What is broken, or of another form than the first item, with its line or element.</exception>
    public static IReadOnlyList<TaskItem> Read(string file, Encoding? encoding = null)
    {
        bool isArray = JsonElements.IsArray(file, encoding);
        string place = isArray ? "element" : "line";
        List<TaskItem> items = [];
        foreach ((ReadOnlyMemory<byte> bytes, int number) in isArray ? JsonElements.Read(file, encoding) : JsonLines.Read(file, encoding))
        {
            string source = $"{file}: {place} {number}";
            using JsonDocument json = JsonLines.Parse(bytes, source);
            if (json.RootElement.ValueKind != JsonValueKind.Object)
                throw new InvalidDataException($"{source}: a JSON object is needed, but it is a JSON {json.RootElement.ValueKind}");
            TaskItem item = Checked(new ExampleFields(json.RootElement, source));
            if (items.Count > 0 && item.Form != items[0].Form)
                throw new InvalidDataException($"{source}: a task has one form, but here it is {item.Form}, and in {items[0].Source[(file.Length + 2)..]} "
                    + items[0].Form);
            items.Add(item);
        }
        return items.Count > 0 ? items : throw new InvalidDataException($"{file}: a task has at least one item, but there is none");
    }

    private static TaskItem Checked(ExampleFields fields)
    {
        try
        {
            TaskItem item = Read(fields);
            return item.Fault is { } fault ? throw fields.Error(fault) : item;
        }
        catch (InvalidOperationException)
        {
            // An escaped half of a surrogate pair: valid JSON, but no text.
            throw fields.Error("a name or a value in it is not valid text");
        }
    }

    private static TaskItem Read(ExampleFields fields)
    {
        bool isQuestion = fields.Has("question"), isCloze = fields.Has("prompt") || fields.Has("completion");
        if (isQuestion == isCloze)
            throw fields.Error($"an item has either \"question\" with \"answer\", \"question\" with \"choices\" and \"answer\", or \"prompt\" with "
                + $"\"completion\", but it has {string.Join(", ", fields.Names.Select(name => $"\"{name}\"").DefaultIfEmpty("no field"))}");
        if (fields.Has("reasoning") && (isCloze || fields.Has("choices")))
            throw fields.Error("the field \"reasoning\" belongs to a question whose answer is written, but here nothing is written");
        if (isCloze)
            return new ClozeItem(fields.Source, fields.Text("prompt"), fields.Text("completion"));
        if (!fields.Has("choices"))
            return new QuestionItem(fields.Source, fields.Text("question"), fields.TextOrNumber("answer"), fields.TextOrNull("reasoning"));
        IReadOnlyList<string> choices = fields.Texts("choices");
        return new ChoiceItem(fields.Source, fields.Text("question"), choices, Right(fields, choices));
    }

    private static int Right(ExampleFields fields, IReadOnlyList<string> choices)
    {
        if (fields.IsNumber("answer"))
            return int.TryParse(fields.TextOrNumber("answer"), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int index) ? index
                : throw fields.Error($"the answer must be a whole number from 0 to {choices.Count - 1}, but it is {fields.TextOrNumber("answer")}");
        string answer = fields.Text("answer");
        int found = choices.ToList().IndexOf(answer);
        return found >= 0 ? found : throw fields.Error("the answer must be one of the choices or its number from 0, but no choice is the same text");
    }
}
