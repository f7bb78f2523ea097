using System.Globalization;
using System.Text;

namespace System.Runtime.CompilerServices;

/// <summary>What the compiler makes of every $"..." of this project: numbers look the same in every culture.</summary>
/// <remarks>
/// A message, or a text of a template, must not depend on where it is made, and no reader of a line sees which of its holes are numbers.
/// The compiler takes a project's own type before the runtime's of the same name.
/// </remarks>
[InterpolatedStringHandler]
internal readonly ref struct DefaultInterpolatedStringHandler(int literalLength, int formattedCount)
{
    private const int LengthOfAHole = 8;

    private readonly StringBuilder text = new(literalLength + formattedCount * LengthOfAHole);

    public void AppendLiteral(string value) => text.Append(value);

    public void AppendFormatted(ReadOnlySpan<char> value) => text.Append(value);

    public void AppendFormatted<T>(T value) => AppendFormatted(value, null);

    public void AppendFormatted<T>(T value, string? format) =>
        text.Append(value is IFormattable formattable ? formattable.ToString(format, CultureInfo.InvariantCulture) : value?.ToString());

    public void AppendFormatted<T>(T value, int alignment, string? format = null)
    {
        int start = text.Length;
        AppendFormatted(value, format);
        int missing = Math.Abs(alignment) - (text.Length - start);
        if (missing > 0)
            text.Insert(alignment < 0 ? text.Length : start, " ", missing);
    }

    public string ToStringAndClear() => text.ToString();
}
