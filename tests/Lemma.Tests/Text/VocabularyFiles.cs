using System.Text;

namespace Lemma.Tests.Text;

/// <summary>Bytes of files that hold a vocabulary, as other programs write them.</summary>
internal static class VocabularyFiles
{
    /// <summary>A piece, its score and its kind: 1 normal, 2 unknown, 3 control, 4 user-defined, 6 byte.</summary>
    public readonly record struct Piece(string Text, float Score, byte Kind);

    /// <summary>A SentencePiece model.</summary>
    /// <param name="pieces">Of at most 60 bytes each.</param>
    /// <param name="isBpe">Whether it merges; otherwise it is Unigram.</param>
    /// <param name="removesSpaces">Whether spaces at the ends and all but one of several go.</param>
    /// <param name="endsWords">Whether marks of spaces stand behind words.</param>
    public static byte[] SentencePiece(IEnumerable<Piece> pieces, bool isBpe, bool removesSpaces, bool endsWords = false)
    {
        List<byte> model = [];
        bool fallsBack = false;
        foreach ((string piece, float score, byte kind) in pieces)
        {
            byte[] text = Encoding.UTF8.GetBytes(piece);
            byte[] message = [0x0A, (byte)text.Length, .. text, 0x15, .. BitConverter.GetBytes(score), 0x18, kind];
            model.AddRange([0x0A, (byte)message.Length, .. message]);
            fallsBack |= kind == 6;
        }
        byte[] trainer = [0x18, (byte)(isBpe ? 2 : 1), .. endsWords ? (byte[])[0xC0, 0x01, 1] : [], .. fallsBack ? (byte[])[0x98, 0x02, 1] : []];
        return [.. model, 0x12, (byte)trainer.Length, .. trainer, 0x1A, 4, 0x18, 1, 0x20, (byte)(removesSpaces ? 1 : 0)];
    }

    /// <summary>llama2.c's tokenizer.bin, which has spaces in the place of marks.</summary>
    public static byte[] Llama2(IEnumerable<Piece> pieces)
    {
        using MemoryStream stream = new();
        using BinaryWriter writer = new(stream);
        writer.Write(64);
        foreach ((string piece, float score, _) in pieces)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(piece.Replace('\u2581', ' '));
            writer.Write(score);
            writer.Write(bytes.Length);
            writer.Write(bytes);
        }
        return stream.ToArray();
    }

    /// <summary>A GGUF without weights; the merges are left out where there are none.</summary>
    public static byte[] Gguf(string kind, IReadOnlyList<Piece> pieces, IReadOnlyList<(string Left, string Right)>? merges = null, string pre = "gpt-2")
    {
        using MemoryStream stream = new();
        using BinaryWriter writer = new(stream);
        void Text(string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            writer.Write((ulong)bytes.Length);
            writer.Write(bytes);
        }
        void Items<T>(string name, uint type, IReadOnlyList<T> items, Action<T> write)
        {
            Text("tokenizer.ggml." + name);
            writer.Write(9u);
            writer.Write(type);
            writer.Write((ulong)items.Count);
            foreach (T item in items)
                write(item);
        }
        writer.Write("GGUF"u8);
        writer.Write(3u);
        writer.Write(0ul);
        // What converters of Unigram models say, since without it no space is put first and none removed.
        string[] flags = kind == "t5" ? ["add_space_prefix", "remove_extra_whitespaces"] : [];
        writer.Write((merges is null ? 5ul : 7ul) + (ulong)flags.Length);
        foreach (string flag in flags)
        {
            Text("tokenizer.ggml." + flag);
            writer.Write(7u);
            writer.Write((byte)1);
        }
        Text("general.name");
        writer.Write(8u);
        Text("small");
        Text("tokenizer.ggml.model");
        writer.Write(8u);
        Text(kind);
        Items("tokens", 8, pieces, piece => Text(piece.Text));
        Items("scores", 6, pieces, piece => writer.Write(piece.Score));
        Items("token_type", 5, pieces, piece => writer.Write((int)piece.Kind));
        if (merges is null)
            return stream.ToArray();
        Text("tokenizer.ggml.pre");
        writer.Write(8u);
        Text(pre);
        Items("merges", 8, merges, merge => Text($"{merge.Left} {merge.Right}"));
        return stream.ToArray();
    }
}
