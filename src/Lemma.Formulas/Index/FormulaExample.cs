using System.Globalization;

namespace Lemma.Formulas;

/// <summary>Inputs and attributes written in a line, such as <c>logits[11,17] target[11]%17 label_smoothing=0.1</c>.</summary>
/// <remarks>
/// <c>x[3,8]</c> holds normal numbers from a counter; a letter after the bracket says otherwise: <c>%n</c> whole numbers below n,
/// <c>u</c> numbers in (0.05, 0.95), <c>+</c> positive numbers, <c>p</c> rows that sum to one, <c>P</c> a table that sums to one,
/// <c>s</c> a symmetric matrix, <c>#</c> 0, 1, 2, …; <c>*k</c> at the end multiplies by k.
/// <c>x=1,2,3</c> is an attribute: a number, a flag, a list of numbers or a word; <c>x:1,2,3</c> an input of one axis.
/// </remarks>
public sealed class FormulaExample
{
    /// <summary>Reads a line.</summary>
    public FormulaExample(string line, ulong seed = 1)
    {
        ArgumentNullException.ThrowIfNull(line);
        Dictionary<string, Values> inputs = [];
        Dictionary<string, object> attributes = [];
        foreach (string word in line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            int bracket = word.IndexOf('[', StringComparison.Ordinal), equals = word.IndexOf('=', StringComparison.Ordinal);
            int colon = word.IndexOf(':', StringComparison.Ordinal);
            if (bracket > 0 && (equals < 0 || bracket < equals))
                inputs.Add(word[..bracket], Make(word[bracket..], new Philox(seed, (ulong)inputs.Count)));
            else if (colon > 0 && equals < 0)
            {
                float[] numbers = [.. word[(colon + 1)..].Split(',').Select(number => float.Parse(number, CultureInfo.InvariantCulture))];
                inputs.Add(word[..colon], new Values([numbers.Length], numbers));
            }
            else if (equals > 0)
                attributes.Add(word[..equals], Attribute(word[(equals + 1)..]));
            else
                throw new FormatException($"example: '{word}' is neither an input nor an attribute");
        }
        (Inputs, Attributes) = (inputs, attributes);
    }

    /// <summary>The inputs by name.</summary>
    public IReadOnlyDictionary<string, Values> Inputs { get; }

    /// <summary>The attributes by name.</summary>
    public IReadOnlyDictionary<string, object> Attributes { get; }

    private static object Attribute(string text)
    {
        if (bool.TryParse(text, out bool flag))
            return flag;
        string[] parts = text.Split(',', StringSplitOptions.RemoveEmptyEntries);
        double[] numbers = new double[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            if (!double.TryParse(parts[i], NumberStyles.Float, CultureInfo.InvariantCulture, out numbers[i]))
                return text;
        }
        return text.Contains(',', StringComparison.Ordinal) ? numbers : numbers[0];
    }

    private static Values Make(string text, Philox generator)
    {
        int close = text.IndexOf(']', StringComparison.Ordinal);
        int[] shape = [.. text[1..close].Split(',', StringSplitOptions.RemoveEmptyEntries).Select(size => int.Parse(size,
            CultureInfo.InvariantCulture))];
        string[] rest = text[(close + 1)..].Split('*');
        Values values = new(shape);
        for (int i = 0; i < values.Count; i++)
        {
            values.Data[i] = rest[0] switch
            {
                "" or "s" => (float)generator.Normal((ulong)i),
                "u" => (float)(0.05 + 0.9 * generator.Uniform((ulong)i)),
                "+" or "p" or "P" => (float)Math.Exp(generator.Normal((ulong)i)),
                "#" => i,
                _ => generator.Below(int.Parse(rest[0][1..], CultureInfo.InvariantCulture), (ulong)i),
            };
            if (rest.Length > 1)
                values.Data[i] *= float.Parse(rest[1], CultureInfo.InvariantCulture);
        }
        int columns = values.Columns, width = rest[0] == "P" ? values.Count : columns;
        for (int row = 0; rest[0] is "p" or "P" && row < values.Count; row += width)
        {
            Span<float> line = values.Data.AsSpan(row, width);
            double sum = 0;
            foreach (float value in line)
                sum += value;
            for (int i = 0; i < line.Length; i++)
                line[i] = (float)(line[i] / sum);
        }
        for (int i = 0; rest[0] == "s" && i < values.Count; i++)
            values.Data[i] = values.Data[Math.Min(i / columns, i % columns) * columns + Math.Max(i / columns, i % columns)];
        return values;
    }
}
