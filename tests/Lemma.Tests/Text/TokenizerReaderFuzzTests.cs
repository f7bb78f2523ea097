using System.Globalization;
using System.Text;
using Lemma.Text;
using Lemma.Text.Splitting;

namespace Lemma.Tests.Text;

/// <summary>Every reader is given files that were changed at random: it reads them or says in one sentence what is wrong.</summary>
public sealed class TokenizerReaderFuzzTests
{
    /// <summary>Changes of each file; LEMMA_FUZZ names another number for a longer run.</summary>
    private static readonly int Changes = int.Parse(Environment.GetEnvironmentVariable("LEMMA_FUZZ") ?? "3000", CultureInfo.InvariantCulture);

    public static TheoryData<string> Names => ["a.tiktoken", "vocab.txt", "merges.txt", "vocab.json", "tokenizer.bin", "a.model", "a.gguf"];

    [Theory, MemberData(nameof(Names))]
    public void A_changed_file_is_read_or_refused(string name)
    {
        using TemporaryFolder folder = new();
        folder.Write("vocab.json", Encoding.UTF8.GetBytes("{\"a\": 0, \"b\": 1, \"ab\": 2}"));
        folder.Write("merges.txt", Encoding.UTF8.GetBytes("#version: 0.2\na b\n"));
        byte[] good = Good(name);
        string path = folder.Write(name, good);
        Assert.True(Load(path).VocabularySize > 0);
        Random random = new(11);
        for (int i = 0; i < Changes; i++)
        {
            byte[] changed = Change(good, random);
            File.WriteAllBytes(path, changed);
            try
            {
                Tokenizer tokenizer = Load(path);
                try
                {
                    tokenizer.Decode(tokenizer.Encode("ab a\u00e9"));
                }
                catch (ArgumentException error)
                {
                    Assert.StartsWith("encode: ", error.Message);
                }
            }
            catch (InvalidDataException error)
            {
                Assert.Matches("^(a\\.|vocab\\.|merges\\.|tokenizer\\.)", error.Message);
            }
        }
    }

    private static Tokenizer Load(string path) =>
        path.EndsWith(".tiktoken", StringComparison.Ordinal) ? Tokenizer.LoadTiktoken(path, WordPattern.Gpt2) : Tokenizer.Load(path);

    private static byte[] Change(byte[] good, Random random)
    {
        List<byte> bytes = [.. good];
        for (int i = random.Next(1, 4); i > 0 && bytes.Count > 0; i--)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes.RemoveRange(at, Math.Min(bytes.Count - at, random.Next(1, 9)));
                    break;
                case 2:
                    bytes.Insert(at, (byte)random.Next(256));
                    break;
                case 3:
                    bytes[at] = 0xFF;
                    break;
                default:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
            }
        }
        return [.. bytes];
    }

    private static byte[] Good(string name) => name switch
    {
        "a.tiktoken" => Encoding.UTF8.GetBytes(string.Join('\n', Enumerable.Range(0, 256)
            .Select(value => $"{Convert.ToBase64String([(byte)value])} {value}").Append("YWI= 256"))),
        "vocab.txt" => Encoding.UTF8.GetBytes("[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\n##b\n"),
        "merges.txt" => Encoding.UTF8.GetBytes("#version: 0.2\na b\n"),
        "vocab.json" => Encoding.UTF8.GetBytes("{\"a\": 0, \"b\": 1, \"ab\": 2}"),
        "tokenizer.bin" => Llama2(),
        "a.model" => SentencePiece(),
        _ => Gguf(),
    };

    private static byte[] Llama2()
    {
        using MemoryStream stream = new();
        using BinaryWriter writer = new(stream);
        writer.Write(2);
        for (int id = 0; id < 262; id++)
        {
            byte[] piece = Encoding.UTF8.GetBytes(id < 259 ? $"<{id}>" : ((string[])["a", "b", "ab"])[id - 259]);
            writer.Write((float)-id);
            writer.Write(piece.Length);
            writer.Write(piece);
        }
        return stream.ToArray();
    }

    private static byte[] SentencePiece()
    {
        List<byte> model = [];
        foreach ((string piece, float score, byte kind) in ((string, float, byte)[])[("<unk>", 0, 2), ("<s>", 0, 3), ("\u2581", -1, 1),
                     ("a", -2, 1), ("b", -3, 1), ("ab", -2.5f, 1), ("\u2581a", -1.5f, 1), ("user", 0, 4)])
        {
            byte[] text = Encoding.UTF8.GetBytes(piece);
            byte[] message = [0x0A, (byte)text.Length, .. text, 0x15, .. BitConverter.GetBytes(score), 0x18, kind];
            model.AddRange([0x0A, (byte)message.Length, .. message]);
        }
        return [.. model, 0x12, 2, 0x18, 2, 0x1A, 4, 0x18, 1, 0x20, 1];
    }

    private static byte[] Gguf()
    {
        using MemoryStream stream = new();
        using BinaryWriter writer = new(stream);
        void Text(string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            writer.Write((ulong)bytes.Length);
            writer.Write(bytes);
        }
        string[] tokens = ["<unk>", "<s>", "\u2581", "a", "b", "ab"];
        writer.Write("GGUF"u8);
        writer.Write(3u);
        writer.Write(0ul);
        writer.Write(5ul);
        Text("general.name");
        writer.Write(8u);
        Text("small");
        Text("tokenizer.ggml.model");
        writer.Write(8u);
        Text("llama");
        Text("tokenizer.ggml.tokens");
        writer.Write(9u);
        writer.Write(8u);
        writer.Write((ulong)tokens.Length);
        foreach (string token in tokens)
            Text(token);
        Text("tokenizer.ggml.scores");
        writer.Write(9u);
        writer.Write(6u);
        writer.Write((ulong)tokens.Length);
        for (int i = 0; i < tokens.Length; i++)
            writer.Write((float)-i);
        Text("tokenizer.ggml.token_type");
        writer.Write(9u);
        writer.Write(5u);
        writer.Write((ulong)tokens.Length);
        foreach (int kind in (int[])[2, 3, 1, 1, 1, 1])
            writer.Write(kind);
        return stream.ToArray();
    }
}
