using Lemma.Models;

namespace Lemma.Tests.Checkpoints;

/// <summary>Small checkpoints in the form of llama2.c.</summary>
internal static class Llama2CFile
{
    /// <summary>A model of two layers and a width of 16.</summary>
    public static Decoder Model(bool tied, int ids = 10, int length = 12)
    {
        Decoder model = new(Presets.Llama(ids, width: 16, layers: 2, heads: 4, hidden: 24, length, keyValueHeads: 2) with { Head = new HeadConfig(tied) });
        model.Initialize(4);
        return model;
    }

    /// <summary>Such a model as llama2.c's export.py writes version 0.</summary>
    public static byte[] Bytes(Decoder model)
    {
        (int d, int heads, int keyHeads, int width, int hidden) = (16, 4, 2, 4, 24);
        (int ids, int length) = (model.VocabularySize, model.Config.MaximumLength);
        using MemoryStream stream = new();
        using BinaryWriter writer = new(stream);
        foreach (int number in (int[])[d, hidden, 2, heads, keyHeads, model.Config.Head.Tied ? ids : -ids, length])
            writer.Write(number);
        Write("embedding.weight", 0, ids * d);
        Each("attention_norm.weight", 0, d);
        for (int layer = 0; layer < 2; layer++)
            Neighbouring(layer, 0, heads);
        for (int layer = 0; layer < 2; layer++)
            Neighbouring(layer, heads, keyHeads);
        Each("attention.qkv.weight", (heads + keyHeads) * width * d, keyHeads * width * d);
        Each("attention.output.weight", 0, d * d);
        Each("feed_forward_norm.weight", 0, d);
        Each("feed_forward.gate_up.weight", 0, hidden * d);
        Each("feed_forward.down.weight", 0, hidden * d);
        Each("feed_forward.gate_up.weight", hidden * d, hidden * d);
        Write("norm.weight", 0, d);
        for (int i = 0; i < length * width; i++)
            writer.Write(7f);
        if (!model.Config.Head.Tied)
            Write("head.weight", 0, ids * d);
        writer.Flush();
        return stream.ToArray();

        void Each(string name, int first, int count)
        {
            for (int layer = 0; layer < 2; layer++)
                Write($"blocks.{layer}.{name}", first, count);
        }

        void Neighbouring(int layer, int firstHead, int count)
        {
            for (int head = firstHead; head < firstHead + count; head++)
            {
                for (int row = 0; row < width; row++)
                    Write($"blocks.{layer}.attention.qkv.weight", (head * width + row / 2 + row % 2 * (width / 2)) * d, d);
            }
        }

        void Write(string name, int first, int count)
        {
            foreach (float value in model.Parameters.Weights(model.Parameters[name]).Slice(first, count))
                writer.Write(value);
        }
    }
}
