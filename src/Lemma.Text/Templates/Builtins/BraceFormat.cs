using System.Globalization;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Builtins;

/// <summary>The method format of texts: {} {0} {name} {0.name} {0[key]} with !r, !s and a specification behind a colon.</summary>
internal static class BraceFormat
{
    public static string Apply(string text, Arguments arguments, Budget budget)
    {
        TextBuffer result = new(budget);
        int next = 0;
        for (int i = 0; i < text.Length; i++)
        {
            char letter = text[i];
            if (letter is '{' or '}' && i + 1 < text.Length && text[i + 1] == letter)
                result.Append(text[i++]);
            else if (letter == '}')
                throw new TemplateFault("format: a '}' must close a '{', but does not");
            else if (letter != '{')
                result.Append(letter);
            else
            {
                int close = text.IndexOf('}', i);
                if (close < 0)
                    throw new TemplateFault("format: a '{' must be closed by '}', but is not");
                Write(text[(i + 1)..close], arguments, ref next, result);
                i = close;
            }
        }
        return result.ToString();
    }

    private static void Write(string field, Arguments arguments, ref int next, TextBuffer result)
    {
        int colon = field.IndexOf(':', StringComparison.Ordinal);
        string specification = colon < 0 ? "" : field[(colon + 1)..], name = colon < 0 ? field : field[..colon];
        char conversion = '\0';
        if (name.Length >= 2 && name[^2] == '!')
            (conversion, name) = (name[^1], name[..^2]);
        Value value = Find(name, arguments, ref next, result.Budget);
        if (conversion is not ('\0' or 's' or 'r'))
            throw new TemplateFault($"format: the conversion '!{conversion}' is not known");
        if (specification.Length == 0)
            (new NumberFormat(' ', '<', '-', false, 0, -1)).Write(value, conversion == '\0' ? 's' : conversion, result);
        else if (conversion != '\0')
            throw new TemplateFault("format: a conversion with a specification is not known");
        else
        {
            (NumberFormat format, char kind) = NumberFormat.ReadBraces(specification, value is NumberValue and not BooleanValue);
            format.Write(value, kind, result);
        }
    }

    private static Value Find(string name, Arguments arguments, ref int next, Budget budget)
    {
        int end = name.AsSpan().IndexOfAny('.', '[');
        string first = end < 0 ? name : name[..end], rest = end < 0 ? "" : name[end..];
        Value value;
        if (first.Length == 0 || first.All(char.IsAsciiDigit))
        {
            int at = first.Length == 0 ? next++ : int.TryParse(first, CultureInfo.InvariantCulture, out int given) ? given : int.MaxValue;
            value = at < arguments.Positional.Count ? arguments.Positional[at]
                : throw new TemplateFault($"format: the value {first} is needed, but only {arguments.Positional.Count} are given");
        }
        else
            value = arguments.Named.Where(pair => pair.Name == first).Select(static pair => pair.Value).FirstOrDefault()
                ?? throw new TemplateFault($"format: there is no value '{first}'");
        while (rest.Length > 0)
        {
            int stop = rest[0] == '[' ? rest.IndexOf(']', StringComparison.Ordinal) : rest.AsSpan(1).IndexOfAny('.', '[') + 1;
            if (rest[0] == '[' && stop < 0)
                throw new TemplateFault("format: a '[' must be closed by ']', but is not");
            if (stop <= 0)
                stop = rest.Length;
            string part = rest[1..stop];
            value = rest[0] == '.' ? Lookup.Attribute(value, part, budget)
                : Lookup.Element(value, long.TryParse(part, CultureInfo.InvariantCulture, out long index) ? new IntegerValue(index)
                    : new StringValue(part), budget);
            rest = rest[0] == '[' ? rest[(stop + 1)..] : rest[stop..];
        }
        return value;
    }
}
