using System.Buffers.Binary;
using System.Text;
using Lemma.Text.PostProcessing;

namespace Lemma.Text.Files;

/// <summary>The tokenizer.bin of llama2.c: the longest piece, then for each id a score, a length and the bytes of its piece.</summary>
/// <remarks>Pieces are shown with plain spaces; ids 0 to 2 are unknown, start and end, the next 256 are bytes. Every text begins with the start.</remarks>
internal static class Llama2File
{
    private const int FirstByte = 3, Start = 1;
    private static readonly string[] ControlPieces = ["<unk>", "<s>", "</s>"];

    /// <summary>Reads a tokenizer.bin.</summary>
    public static Tokenizer Read(string path)
    {
        byte[] bytes = FileBytes.Read(path);
        try
        {
            SentencePieceVocabulary vocabulary = Read(bytes);
            return vocabulary.Build(vocabulary.Pieces.Count > Start ? BeginsWithStart() : null);
        }
        catch (Exception error) when (error is InvalidDataException or ArgumentException)
        {
            throw new InvalidDataException($"{Path.GetFileName(path)}: {error.Message}", error);
        }
    }

    private static SentencePieceVocabulary Read(ReadOnlySpan<byte> file)
    {
        SentencePieceVocabulary vocabulary = new()
        {
            Algorithm = SentencePieceAlgorithm.Bpe,
            ByteFallback = true,
            RemovesSpaces = false,
        };
        if (file.Length < 4)
            throw new InvalidDataException($"the file must start with the length of the longest piece, but has {file.Length} bytes");
        for (int at = 4; at < file.Length;)
        {
            int id = vocabulary.Pieces.Count;
            if (file.Length - at < 8)
                throw new InvalidDataException($"piece {id} must have a score and a length, but the file ends at byte {file.Length}");
            float score = BinaryPrimitives.ReadSingleLittleEndian(file[at..]);
            int length = BinaryPrimitives.ReadInt32LittleEndian(file[(at + 4)..]);
            at += 8;
            if (length < 0 || length > file.Length - at)
                throw new InvalidDataException($"piece {id} must have 0 to {file.Length - at} bytes, but has {length}");
            if (!float.IsFinite(score))
                throw new InvalidDataException($"piece {id} must have a finite score, but has {score}");
            vocabulary.Pieces.Add(Piece(id, file.Slice(at, length), score));
            at += length;
        }
        return vocabulary;
    }

    private static TemplatePostProcessor BeginsWithStart()
    {
        string name = ControlPieces[Start];
        TemplatePart[] single = [new(name, false, 0), new("A", true, 0)];
        return new TemplatePostProcessor(single, [.. single, new(name, false, 1), new("B", true, 1)], [new(name, [Start], [name])]);
    }

    private static (string, double, PieceKind) Piece(int id, ReadOnlySpan<byte> bytes, float score)
    {
        if (id < FirstByte)
            return (ControlPieces[id], score, id == 0 ? PieceKind.Unknown : PieceKind.Control);
        if (id < FirstByte + 256)
            return (Decoding.ByteFallbackDecoder.PieceOf((byte)(id - FirstByte)), score, PieceKind.Byte);
        if (!System.Text.Unicode.Utf8.IsValid(bytes))
            throw new InvalidDataException($"piece {id} must be UTF-8, but is not");
        return (Encoding.UTF8.GetString(bytes).Replace(' ', '\u2581'), score, PieceKind.Normal);
    }
}
