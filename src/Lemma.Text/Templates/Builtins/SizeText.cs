using System.Globalization;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Builtins;

/// <summary>The filter filesizeformat: a number of bytes for people, such as 13.2 kB, or 12.9 KiB with binary.</summary>
internal static class SizeText
{
    private const string Prefixes = "kMGTPEZY";

    public static Value Filter(RenderContext context, Value value, Arguments arguments)
    {
        bool isBinary = arguments.Bind("filesizeformat", 0, "binary")[0]?.IsTrue ?? false;
        double bytes = NumberFilters.ToFloat(value)
            ?? throw new TemplateFault($"filesizeformat: a number is needed, but {value.Shown} is given");
        if (!double.IsFinite(bytes))
            throw new TemplateFault("filesizeformat: the number must be finite, but is not");
        if (bytes == 1)
            return new StringValue("1 Byte");
        double size = isBinary ? 1024 : 1000, unit = size;
        if (bytes < size)
            return new StringValue(string.Create(CultureInfo.InvariantCulture, $"{Math.Truncate(bytes) + 0.0:F0} Bytes"));
        int place = 0;
        for (unit *= size; place < Prefixes.Length - 1 && bytes >= unit; unit *= size)
            place++;
        string number = Rounding.Fixed(size * bytes / unit, 1);
        char prefix = isBinary ? char.ToUpperInvariant(Prefixes[place]) : Prefixes[place];
        return new StringValue($"{number} {prefix}{(isBinary ? "iB" : "B")}");
    }
}
