using System.Globalization;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Builtins;

/// <summary>A value as JSON, written as Python's json.dumps writes it.</summary>
internal sealed class JsonText
{
    private readonly TextBuffer buffer;
    private readonly string? indent;
    private readonly string itemSeparator, keySeparator;
    private readonly bool isAscii, isSorted;
    private int level;

    private JsonText(TextBuffer buffer, string? indent, (string Item, string Key) separators, bool isAscii, bool isSorted)
    {
        (this.buffer, this.indent, this.isAscii, this.isSorted) = (buffer, indent, isAscii, isSorted);
        (itemSeparator, keySeparator) = separators;
    }

    /// <summary>The filter tojson with the arguments that Hugging Face gives it: no character is escaped for HTML.</summary>
    public static Value Filter(RenderContext context, Value value, Arguments arguments)
    {
        Value?[] given = arguments.Bind("tojson", 0, "ensure_ascii", "indent", "separators", "sort_keys");
        string? indent = given[1] switch
        {
            null or NoneValue => null,
            StringValue text => text.Text,
            Value number => new string(' ', (int)Math.Clamp(Arguments.Integer("tojson: indent", number, 0), 0, 1000)),
        };
        (string, string) separators = given[2] switch
        {
            null or NoneValue => (indent is null ? ", " : ",", ": "),
            SequenceValue { Items: [StringValue item, StringValue key] } => (item.Text, key.Text),
            Value other => throw new TemplateFault($"tojson: separators must be two texts, but are {other.Shown}"),
        };
        TextBuffer buffer = new(context.Budget);
        new JsonText(buffer, indent, separators, given[0]?.IsTrue ?? false, given[3]?.IsTrue ?? false).Write(value);
        return new StringValue(buffer.ToString());
    }

    private void Write(Value value)
    {
        switch (value)
        {
            case NoneValue:
                buffer.Append("null");
                break;
            case BooleanValue flag:
                buffer.Append(flag.IsTrue ? "true" : "false");
                break;
            case FloatValue { Real: var real }:
                buffer.Append(Number(real));
                break;
            case IntegerValue:
                value.WriteText(buffer);
                break;
            case StringValue text:
                WriteText(text.Text);
                break;
            case SequenceValue sequence:
                WriteItems('[', ']', sequence.Items, Write);
                break;
            case DictionaryValue dictionary:
                WriteItems('{', '}', Sorted(dictionary), WriteMember);
                break;
            default:
                throw new TemplateFault($"tojson: a value of JSON is needed, but {value.Shown} is given"
                    + (value is UndefinedValue undefined ? $" ({undefined.Reason})" : ""));
        }
    }

    private void WriteItems<T>(char open, char close, IReadOnlyList<T> items, Action<T> write)
    {
        buffer.Append(open);
        if (items.Count > 0)
        {
            buffer.Budget.Enter();
            level++;
            for (int i = 0; i < items.Count; i++)
            {
                if (i > 0)
                    buffer.Append(itemSeparator);
                NewLine();
                write(items[i]);
            }
            level--;
            NewLine();
            buffer.Budget.Leave();
        }
        buffer.Append(close);
    }

    private void NewLine()
    {
        if (indent is null)
            return;
        buffer.Append('\n');
        for (int i = 0; i < level; i++)
            buffer.Append(indent);
    }

    private void WriteMember((Value Key, Value Value) member)
    {
        WriteText(member.Key switch
        {
            StringValue text => text.Text,
            BooleanValue flag => flag.IsTrue ? "true" : "false",
            FloatValue { Real: var real } => Number(real),
            NoneValue => "null",
            _ => member.Key.ToText(buffer.Budget),
        });
        buffer.Append(keySeparator);
        Write(member.Value);
    }

    private IReadOnlyList<(Value Key, Value Value)> Sorted(DictionaryValue dictionary) => isSorted
        ? [.. Ordering.Sort([.. dictionary.Items.Select(static item => item.Key)], static key => key, false, buffer.Budget)
            .Select(key => (key, dictionary.Find(key)!))]
        : dictionary.Items;

    private void WriteText(string text)
    {
        buffer.Append('"');
        int done = 0;
        for (int i = 0; i < text.Length; i++)
        {
            char letter = text[i];
            if (letter is >= ' ' and not '"' and not '\\' && (!isAscii || letter < 127))
                continue;
            buffer.Append(text[done..i]);
            buffer.Append(letter switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                '\f' => "\\f",
                '\b' => "\\b",
                _ => string.Create(CultureInfo.InvariantCulture, $"\\u{(int)letter:x4}"),
            });
            done = i + 1;
        }
        buffer.Append(text[done..]).Append('"');
    }

    private static string Number(double real) =>
        double.IsNaN(real) ? "NaN" : double.IsInfinity(real) ? (real > 0 ? "Infinity" : "-Infinity") : NumberValue.Write(real);
}
