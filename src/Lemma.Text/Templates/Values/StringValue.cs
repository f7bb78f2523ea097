using System.Globalization;
using System.Text;
using Lemma.Text.Templates.Builtins;

namespace Lemma.Text.Templates.Values;

/// <summary>A text; its elements are code points.</summary>
/// <param name="text">The text.</param>
/// <param name="isMarkup">Whether it is safe HTML: what is added to it by + is escaped.</param>
internal sealed class StringValue(string text, bool isMarkup = false) : Value
{
    public string Text => text;

    public bool IsMarkup => isMarkup;

    public override string Kind => isMarkup ? "Markup" : "str";

    public override bool IsTrue => text.Length > 0;

    public override int? Length => CodePoints.Count(text);

    public override IEnumerable<Value>? Elements => CodePoints.Split(text).Select(static letter => new StringValue(letter));

    public override void WriteText(TextBuffer buffer) => buffer.Append(text);

    public override void WriteRepresentation(TextBuffer buffer) => buffer.Append(Represent(text));

    public override bool IsEqual(Value other, Budget budget)
    {
        if (other is not StringValue string2 || string2.Text.Length != text.Length)
            return false;
        budget.Use(text.Length / 64);
        return text == string2.Text;
    }

    public override bool Contains(Value item, Budget budget)
    {
        budget.Use(text.Length / 16);
        return item is StringValue part ? text.Contains(part.Text, StringComparison.Ordinal)
            : throw new TemplateFault($"'in' needs a text on its left when one is on its right, but has {item.Shown}");
    }

    public override Value? ElementAt(Value key, Budget budget)
    {
        if (key is not IntegerValue index)
            return null;
        budget.Use(text.Length / 16);
        int[] places = CodePoints.Places(text);
        long at = index.Clamped < 0 ? index.Clamped + places.Length - 1 : index.Clamped;
        return at >= 0 && at < places.Length - 1 ? new StringValue(text[places[at]..places[at + 1]]) : null;
    }

    public override Value? Attribute(string name) => StringMethods.Find(this, name);

    // As Python writes a text in a list.
    private static string Represent(string text)
    {
        char quote = text.Contains('\'') && !text.Contains('"') ? '"' : '\'';
        StringBuilder result = new();
        result.Append(quote);
        for (int i = 0; i < text.Length; i++)
        {
            char letter = text[i];
            if (letter == quote || letter == '\\')
                result.Append('\\').Append(letter);
            else if (letter is '\n' or '\r' or '\t')
                result.Append('\\').Append(letter == '\n' ? 'n' : letter == '\r' ? 'r' : 't');
            else if (Rune.TryGetRuneAt(text, i, out Rune rune))
            {
                if (Letters.IsPrintable(rune))
                    result.Append(text, i, rune.Utf16SequenceLength);
                else
                    AppendEscape(result, rune.Value);
                i += rune.Utf16SequenceLength - 1;
            }
            else
                AppendEscape(result, letter);
        }
        return result.Append(quote).ToString();
    }

    private static void AppendEscape(StringBuilder result, int code)
    {
        (string begin, string digits) = code < 0x100 ? ("\\x", "x2") : code < 0x10000 ? ("\\u", "x4") : ("\\U", "x8");
        result.Append(begin).Append(code.ToString(digits, CultureInfo.InvariantCulture));
    }
}
