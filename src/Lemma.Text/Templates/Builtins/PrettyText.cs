using System.Text.RegularExpressions;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Builtins;

/// <summary>The filter pprint: a value over lines of at most 80 characters, as Python's pprint writes it, keys in order.</summary>
internal sealed partial class PrettyText
{
    private const int Width = 80;

    private readonly TextBuffer buffer;

    private PrettyText(TextBuffer buffer) => this.buffer = buffer;

    public static Value Filter(RenderContext context, Value value, Arguments arguments)
    {
        arguments.Bind("pprint", 0, "verbose");
        TextBuffer buffer = new(context.Budget);
        new PrettyText(buffer).Write(value, 0, 0, 1);
        return new StringValue(buffer.ToString());
    }

    // Allowance: how many closing characters will follow on the last line.
    private void Write(Value value, int indent, int allowance, int level)
    {
        string whole = Represent(value);
        buffer.Budget.Enter();
        if (CodePoints.Count(whole) <= Width - indent - allowance)
            buffer.Append(whole);
        else if (value is DictionaryValue dictionary)
            WriteMembers(Sorted(dictionary), indent, allowance, level);
        else if (value is SequenceValue sequence)
            WriteItems(sequence, indent, allowance, level);
        else if (value is StringValue { Text.Length: > 0 } text)
            WriteText(text.Text, indent, allowance, level);
        else
            buffer.Append(whole);
        buffer.Budget.Leave();
    }

    private void WriteMembers(List<(Value Key, Value Value)> items, int indent, int allowance, int level)
    {
        buffer.Append('{');
        for (int i = 0; i < items.Count; i++)
        {
            string key = Represent(items[i].Key);
            buffer.Append(key).Append(": ");
            bool isLast = i == items.Count - 1;
            Write(items[i].Value, indent + 1 + CodePoints.Count(key) + 2, isLast ? allowance + 1 : 1, level + 1);
            if (!isLast)
                NewLine(",\n", indent + 1);
        }
        buffer.Append('}');
    }

    private void WriteItems(SequenceValue sequence, int indent, int allowance, int level)
    {
        (string open, string close) = !sequence.IsTuple ? ("[", "]") : ("(", sequence.Items.Count == 1 ? ",)" : ")");
        buffer.Append(open);
        for (int i = 0; i < sequence.Items.Count; i++)
        {
            bool isLast = i == sequence.Items.Count - 1;
            Write(sequence.Items[i], indent + 1, isLast ? allowance + close.Length : 1, level + 1);
            if (!isLast)
                NewLine(",\n", indent + 1);
        }
        buffer.Append(close);
    }

    // A long text as several behind one another: by its lines, and long lines between words.
    private void WriteText(string text, int indent, int allowance, int level)
    {
        (indent, allowance) = level == 1 ? (indent + 1, allowance + 1) : (indent, allowance);
        List<string> parts = [];
        string[] lines = [.. TextParts.Lines(text, keepsEnds: true)];
        for (int i = 0; i < lines.Length; i++)
        {
            bool isLast = i == lines.Length - 1;
            if (Length(lines[i]) <= Width - indent - (isLast ? allowance : 0))
                parts.Add(lines[i]);
            else
                AddWords(lines[i], Width - indent, isLast ? allowance : 0, parts);
        }
        if (parts.Count == 1)
        {
            buffer.Append(Represent(new StringValue(lines[^1])));
            return;
        }
        buffer.Append(level == 1 ? "(" : "");
        for (int i = 0; i < parts.Count; i++)
        {
            if (i > 0)
                NewLine("\n", indent);
            buffer.Append(Represent(new StringValue(parts[i])));
        }
        buffer.Append(level == 1 ? ")" : "");
    }

    private void AddWords(string line, int width, int allowance, List<string> parts)
    {
        string current = "";
        MatchCollection words = Words().Matches(line);
        for (int i = 0; i < words.Count; i++)
        {
            string longer = current + words[i].Value;
            buffer.Budget.UseText(longer.Length);
            bool isTooLong = Length(longer) > width - (i == words.Count - 1 ? allowance : 0);
            if (isTooLong && current.Length > 0)
                parts.Add(current);
            current = isTooLong ? words[i].Value : longer;
        }
        if (current.Length > 0)
            parts.Add(current);
    }

    private void NewLine(string end, int indent) => buffer.Append(end).Append(' ', indent);

    private int Length(string text) => CodePoints.Count(Represent(new StringValue(text)));

    // As a list shows it, but with the keys of dictionaries in order.
    private string Represent(Value value)
    {
        TextBuffer result = new(buffer.Budget);
        Ordered(value).WriteRepresentation(result);
        return result.ToString();
    }

    private Value Ordered(Value value)
    {
        if (value is not (DictionaryValue or SequenceValue))
            return value;
        buffer.Budget.Enter();
        Value result;
        if (value is DictionaryValue dictionary)
        {
            DictionaryValue copy = new();
            foreach ((Value key, Value element) in Sorted(dictionary))
                copy.Add(key, Ordered(element));
            result = copy;
        }
        else
            result = new SequenceValue([.. ((SequenceValue)value).Items.Select(Ordered)], ((SequenceValue)value).IsTuple);
        buffer.Budget.Leave();
        return result;
    }

    private List<(Value Key, Value Value)> Sorted(DictionaryValue dictionary) =>
        [.. Ordering.Sort([.. dictionary.Items.Select(static item => item.Key)], static key => key, false, buffer.Budget)
            .Select(key => (key, dictionary.Find(key)!))];

    [GeneratedRegex(@"\S+\s*|\s+")]
    private static partial Regex Words();
}
