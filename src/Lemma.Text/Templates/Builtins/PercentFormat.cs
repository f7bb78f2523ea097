using System.Globalization;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Builtins;

/// <summary>The operator % of texts: %s %r %d %i %f %x %c %% with flags, width and precision.</summary>
internal static class PercentFormat
{
    public static string Apply(string format, Value value, Budget budget)
    {
        IReadOnlyList<Value> values = value is SequenceValue { IsTuple: true } tuple ? tuple.Items : [value];
        TextBuffer result = new(budget);
        int used = 0;
        bool usesNames = false;
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%')
            {
                result.Append(format[i]);
                continue;
            }
            Value? named = null;
            if (++i < format.Length && format[i] == '(' && format.IndexOf(')', i) is > 0 and int close)
            {
                string name = format[(i + 1)..close];
                named = (value as DictionaryValue)?.Find(new StringValue(name))
                    ?? throw new TemplateFault($"format: there is no value '{name}'");
                (i, usesNames) = (close + 1, true);
            }
            NumberFormat specification = NumberFormat.ReadPercent(format, ref i);
            if (i >= format.Length)
                throw new TemplateFault("format: '%' must be followed by a kind, but the text ends");
            if (format[i] == '%')
            {
                result.Append('%');
                continue;
            }
            Value item = named ?? (used < values.Count ? values[used++]
                : throw new TemplateFault($"format: a value a '%' is needed, but there are only {values.Count}"));
            specification.Write(item, format[i], result);
        }
        if (used < values.Count && !usesNames && value is not DictionaryValue)
            throw new TemplateFault(string.Create(CultureInfo.InvariantCulture,
                $"format: {values.Count} values are given, but {used} are used"));
        return result.ToString();
    }
}
