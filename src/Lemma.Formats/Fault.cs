using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace Lemma.Formats;

/// <summary>Errors whose numbers look the same in every culture.</summary>
internal static class Fault
{
    /// <summary>The error that a file breaks a rule: <c>file: reason</c>.</summary>
    public static InvalidDataException In(string file, Text reason) => new($"{file}: {reason.Take()}");

    /// <summary>Throws <see cref="ArgumentException"/> unless the caller keeps a rule; the message is built only when it is needed.</summary>
    public static void Unless([DoesNotReturnIf(false)] bool condition, [InterpolatedStringHandlerArgument(nameof(condition))] ref Text rule)
    {
        if (!condition)
            throw new ArgumentException(rule.Take());
    }

    /// <summary>A message, culture-invariant.</summary>
    [InterpolatedStringHandler]
    internal ref struct Text
    {
        private DefaultInterpolatedStringHandler handler;

        public Text(int literalLength, int formattedCount) =>
            handler = new DefaultInterpolatedStringHandler(literalLength, formattedCount, CultureInfo.InvariantCulture);

        public Text(int literalLength, int formattedCount, bool condition, out bool isNeeded)
        {
            isNeeded = !condition;
            handler = condition ? default : new DefaultInterpolatedStringHandler(literalLength, formattedCount, CultureInfo.InvariantCulture);
        }

        public void AppendLiteral(string value) => handler.AppendLiteral(value);

        public void AppendFormatted<T>(T value) => handler.AppendFormatted(value);

        public void AppendFormatted<T>(T value, string? format) => handler.AppendFormatted(value, format);

        public string Take() => handler.ToStringAndClear();
    }
}
