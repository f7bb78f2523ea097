using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Lemma;

/// <summary>Checks a rule and says, when it is broken, which operation, which rule and which values.</summary>
internal static class Require
{
    /// <summary>Throws <see cref="ArgumentException"/> with the message unless the condition holds; the message is built only when it is needed.</summary>
    public static void That([DoesNotReturnIf(false)] bool condition,
        [InterpolatedStringHandlerArgument(nameof(condition))] ref Message message)
    {
        if (!condition)
            throw new ArgumentException(message.ToString());
    }

    [InterpolatedStringHandler]
    internal ref struct Message
    {
        private DefaultInterpolatedStringHandler handler;

        public Message(int literalLength, int formattedCount, bool condition, out bool shouldAppend)
        {
            shouldAppend = !condition;
            handler = condition ? default
                : new DefaultInterpolatedStringHandler(literalLength, formattedCount, System.Globalization.CultureInfo.InvariantCulture);
        }

        public void AppendLiteral(string value) => handler.AppendLiteral(value);

        public void AppendFormatted<T>(T value) => handler.AppendFormatted(value);

        public void AppendFormatted<T>(T value, string? format) => handler.AppendFormatted(value, format);

        public override string ToString() => handler.ToStringAndClear();
    }
}
