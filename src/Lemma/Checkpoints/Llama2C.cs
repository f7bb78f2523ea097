using System.Buffers.Binary;
using Lemma.Formats;
using Lemma.Models;

namespace Lemma.Checkpoints;

/// <summary>Checkpoints of llama2.c in its first form: seven numbers, then the weights of a Llama in float32, in a fixed order, without names.</summary>
/// <remarks>
/// The numbers are width, feed-forward width, layers, heads, key/value heads, ids and longest sequence. Fewer ids than none say that the head is a
/// matrix of its own behind tables of angles; otherwise it is the embedding. Heads turn neighbouring columns, so the rows of queries and keys are
/// put into the order of halves. Source: karpathy/llama2.c, run.c.
/// </remarks>
internal static class Llama2C
{
    private const int HeaderBytes = 7 * sizeof(int), MostWidth = 1 << 20, MostLayers = 1 << 12, MostIds = 1 << 24;

    // "ak42" begins the later forms, which have a header of 256 bytes.
    private const int LaterMagic = 0x616b3432;

    private readonly record struct Header(int Width, int Hidden, int Layers, int Heads, int KeyValueHeads, int Ids, int Length, bool OwnHead)
    {
        public int HeadWidth => Width / Heads;
    }

    /// <summary>The checkpoint that a path means: a file that ends in .bin, or the one such file of a folder without a config; else null.</summary>
    public static string? Find(string path)
    {
        if (File.Exists(path))
            return path.EndsWith(".bin", StringComparison.Ordinal) ? path : null;
        if (!Directory.Exists(path) || File.Exists(Path.Combine(path, "config.json")))
            return null;
        string[] files = [.. Directory.EnumerateFiles(path, "*.bin").Where(IsCheckpoint).Order(StringComparer.Ordinal)];
        return files.Length <= 1 ? files.FirstOrDefault()
            : throw new InvalidDataException($"{path}: it has {files.Length} checkpoints of llama2.c, {string.Join(" and ", files.Select(Path.GetFileName))}; "
                + "name one of them");
    }

    /// <summary>Reads the header alone.</summary>
    public static DecoderConfig ReadConfig(string path)
    {
        using MappedFile file = MappedFile.Open(path);
        return ToConfig(ReadHeader(file));
    }

    /// <summary>Opens a checkpoint whose length is exactly what its header promises.</summary>
    public static OpenedModel Open(string path, float? dropout)
    {
        TensorFile file = Open(MappedFile.Open(path), out Header header);
        try
        {
            return new OpenedModel(new Llama(), file, ToConfig(header) with { Dropout = dropout ?? 0 }, parameters =>
            {
                for (int layer = 0; layer < header.Layers; layer++)
                    TurnHalves(parameters.Weights(parameters[$"blocks.{layer}.attention.qkv.weight"]), header);
            });
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Whether a file is as long as a header of llama2.c at its start promises.</summary>
    public static bool IsCheckpoint(string path)
    {
        try
        {
            using TensorFile file = Open(MappedFile.Open(path), out _);
            return true;
        }
        catch (InvalidDataException)
        {
            // Other files end in .bin too: a tokenizer's, PyTorch's.
            return false;
        }
    }

    private static DecoderConfig ToConfig(in Header header)
    {
        DecoderConfig config = Presets.Llama(header.Ids, header.Width, header.Layers, header.Heads, header.Hidden, header.Length, header.KeyValueHeads);
        // A text ends where the next one begins.
        return config with
        {
            Head = new HeadConfig(Tied: !header.OwnHead),
            BeginId = header.Ids > 1 ? 1 : null,
            EndId = header.Ids > 2 ? 2 : null,
            FurtherEndIds = header.Ids > 2 ? [1] : [],
        };
    }

    private static Header ReadHeader(MappedFile file)
    {
        using MappedFile.Loan loan = file.Borrow();
        ReadOnlySpan<byte> bytes = loan.Slice(0, HeaderBytes);
        if (BinaryPrimitives.ReadInt32LittleEndian(bytes) == LaterMagic)
            throw Fault.In(file.Path, $"llama2.c: version {BinaryPrimitives.ReadInt32LittleEndian(bytes[4..])} is not supported; version 0 is");
        int ids = Number(bytes, 5);
        Header header = new(Number(bytes, 0), Number(bytes, 1), Number(bytes, 2), Number(bytes, 3), Number(bytes, 4), ids == int.MinValue ? 0 : Math.Abs(ids),
            Number(bytes, 6), OwnHead: ids < 0);
        Within("width", header.Width, MostWidth);
        Within("feed-forward width", header.Hidden, MostWidth);
        Within("layers", header.Layers, MostLayers);
        Within("heads", header.Heads, header.Width);
        Within("key/value heads", header.KeyValueHeads, header.Heads);
        Within("ids", header.Ids, MostIds);
        Within("longest sequence", header.Length, MostIds);
        if (header.Width % header.Heads != 0 || header.HeadWidth % 2 != 0 || header.Heads % header.KeyValueHeads != 0)
            throw Fault.In(file.Path, $"llama2.c: {header.Heads} heads and {header.KeyValueHeads} key/value heads do not divide a width of {header.Width}"
                + $" into heads of an even width");
        return header;

        void Within(string what, int value, int most)
        {
            if (value < 1 || value > most)
                throw Fault.In(file.Path, $"llama2.c: {what} must be from 1 to {most}, but the header says {value}");
        }
    }

    private static int Number(ReadOnlySpan<byte> bytes, int index) => BinaryPrimitives.ReadInt32LittleEndian(bytes[(index * sizeof(int))..]);

    private static TensorFile Open(MappedFile file, out Header header)
    {
        try
        {
            header = ReadHeader(file);
            (int d, int hidden, int layers, int ids, int keys) = (header.Width, header.Hidden, header.Layers, header.Ids,
                header.KeyValueHeads * header.HeadWidth);
            long block = 2L * d + 2L * d * d + 2L * keys * d + 3L * hidden * d, angles = (long)header.Length * header.HeadWidth, embedding = (long)ids * d;
            long needed = HeaderBytes + sizeof(float) * (embedding + layers * block + d + angles + (header.OwnHead ? embedding : 0));
            if (file.Length != needed)
                throw Fault.In(file.Path, $"llama2.c: its header asks for {needed} bytes, but the file has {file.Length}");
            List<TensorEntry> tensors = [];
            long at = HeaderBytes;
            Add("model.embed_tokens.weight", ids, d);
            EachLayer("input_layernorm", d);
            EachLayer("self_attn.q_proj", d, d);
            EachLayer("self_attn.k_proj", keys, d);
            EachLayer("self_attn.v_proj", keys, d);
            EachLayer("self_attn.o_proj", d, d);
            EachLayer("post_attention_layernorm", d);
            EachLayer("mlp.gate_proj", hidden, d);
            EachLayer("mlp.down_proj", d, hidden);
            EachLayer("mlp.up_proj", hidden, d);
            Add("model.norm.weight", d);
            at += sizeof(float) * angles;
            if (header.OwnHead)
                Add("lm_head.weight", ids, d);
            return new TensorFile(file.Path, tensors, new Dictionary<string, object>(), [file]);

            void EachLayer(string name, params long[] sizes)
            {
                for (int layer = 0; layer < layers; layer++)
                    Add($"model.layers.{layer}.{name}.weight", sizes);
            }

            void Add(string name, params long[] sizes)
            {
                long bytes = sizes.Aggregate((long)sizeof(float), (product, size) => product * size);
                tensors.Add(new TensorEntry(name, "F32", sizes, file, at, bytes));
                at += bytes;
            }
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    // Rows 2i and 2i + 1 of a head of queries or keys become its rows i and i + half.
    private static void TurnHalves(Span<float> weights, in Header header)
    {
        (int width, int columns) = (header.HeadWidth, header.Width);
        float[] head = new float[width * columns];
        for (int i = 0; i < header.Heads + header.KeyValueHeads; i++)
        {
            Span<float> rows = weights.Slice(i * head.Length, head.Length);
            rows.CopyTo(head);
            for (int row = 0; row < width; row++)
                head.AsSpan(row * columns, columns).CopyTo(rows[((row / 2 + row % 2 * (width / 2)) * columns)..]);
        }
    }
}
