using System.Text;

namespace Lemma.Cli.Parsing;

/// <summary>Standard input as UTF-8 text; anything else is refused instead of read as marks of replacement.</summary>
internal static class StandardInput
{
    /// <summary>Makes <see cref="Console.In"/> strict, whatever the terminal's encoding is.</summary>
    public static void MakeStrict() =>
        Console.SetIn(new StreamReader(Console.OpenStandardInput(), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true)));

    public static string ReadToEnd() => Read(static input => input.ReadToEnd());

    public static string? ReadLine() => Read(static input => input.ReadLine());

    private static T Read<T>(Func<TextReader, T> read)
    {
        try
        {
            return read(Console.In);
        }
        catch (DecoderFallbackException e)
        {
            throw new InvalidDataException($"standard input: it must be UTF-8 text, but has the bytes {Convert.ToHexString(e.BytesUnknown ?? [])}", e);
        }
    }
}
