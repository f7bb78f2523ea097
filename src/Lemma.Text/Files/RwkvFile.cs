using System.Globalization;
using System.Text;
using Lemma.Text.Decoding;
using Lemma.Text.Models;
using Lemma.Text.Splitting;

namespace Lemma.Text.Files;

/// <summary>RWKV's vocabularies (rwkv_vocab_v20230424.txt): a line a piece, its id, a literal of Python and its number of bytes.</summary>
/// <remarks>Texts are cut at the longest pieces of bytes. The id 0, which ends a text, has no line and no text.</remarks>
internal static class RwkvFile
{
    private const int LongestPiece = 1 << 12;

    /// <summary>Whether a file is named as these are.</summary>
    public static bool IsNamed(string name) =>
        name.StartsWith("rwkv_vocab", StringComparison.Ordinal) && name.EndsWith(".txt", StringComparison.Ordinal);

    /// <summary>Reads a vocabulary.</summary>
    public static Tokenizer Read(string path)
    {
        byte[] bytes = FileBytes.Read(path);
        try
        {
            if (!System.Text.Unicode.Utf8.IsValid(bytes))
                throw new InvalidDataException("the file must be UTF-8, but is not");
            return new Tokenizer(new LongestPieceModel(Read(bytes)), [], splitter: new ByteLevelSplitter(splitWords: false),
                decoder: new ByteLevelDecoder());
        }
        catch (Exception error) when (error is InvalidDataException or ArgumentException)
        {
            throw new InvalidDataException($"{Path.GetFileName(path)}: {error.Message}", error);
        }
    }

    private static Vocabulary Read(ReadOnlySpan<byte> file)
    {
        List<string> pieces = [];
        List<int> ids = [];
        int number = 0;
        foreach (Range range in file.Split((byte)'\n'))
        {
            number++;
            string line = Encoding.UTF8.GetString(file[range].TrimEnd((byte)'\r'));
            if (line.Length == 0)
                continue;
            int first = line.IndexOf(' ', StringComparison.Ordinal), last = line.LastIndexOf(' ');
            if (first == last || !int.TryParse(line.AsSpan(0, first), NumberStyles.None, CultureInfo.InvariantCulture, out int id)
                || !int.TryParse(line.AsSpan(last + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int length)
                || length is 0 or > LongestPiece)
                throw new InvalidDataException($"line {number} must be an id, a literal and its 1 to {LongestPiece} bytes, but is "
                    + $"'{(line.Length > 40 ? line[..40] + "..." : line)}'");
            if (PythonLiteral.TryRead(line.AsSpan(first + 1, last - first - 1)) is not byte[] bytes)
                throw new InvalidDataException($"line {number} must have a literal of Python's strings or bytes, but has not");
            if (bytes.Length != length)
                throw new InvalidDataException($"line {number} must have a literal of {length} bytes, but it has {bytes.Length}");
            pieces.Add(ByteAlphabet.Spell(bytes));
            ids.Add(id);
        }
        return new Vocabulary([.. pieces], [.. ids]);
    }
}
