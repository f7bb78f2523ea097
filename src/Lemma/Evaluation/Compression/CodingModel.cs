using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Lemma.Compute;
using Lemma.Models;
using Lemma.Text;

namespace Lemma.Evaluation.Compression;

/// <summary>A model that predicts the next token of a text, as an arithmetic coder needs it: the same bits when it writes and when it reads.</summary>
public abstract class CodingModel
{
    private protected CodingModel(Tokenizer tokenizer, byte[] hash) => (Tokenizer, Hash) = (tokenizer, hash);

    internal Tokenizer Tokenizer { get; }

    /// <summary>SHA-256 of weights and tokenizer.</summary>
    internal byte[] Hash { get; }

    /// <summary>Tokens of a window, and how far it moves; 0 where a model has none.</summary>
    internal virtual (int Length, int Stride) Window => default;

    /// <summary>A decoder with its tokenizer.</summary>
    /// <param name="decoder">The model; its weights must not change meanwhile.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="workers">Who does the work; how many they are changes no bit.</param>
    /// <param name="length">Tokens of a window; null for the model's longest sequence.</param>
    /// <param name="stride">How far it moves when it is full, 1 to the length; null for half of it. The rest is read again as context.</param>
    public static CodingModel Of(Decoder decoder, Tokenizer tokenizer, Workers workers, int? length = null, int? stride = null)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(workers);
        Require.That(tokenizer.VocabularySize <= decoder.VocabularySize,
            $"compression: the tokenizer has {tokenizer.VocabularySize} ids, but the model has {decoder.VocabularySize}");
        int window = length ?? decoder.MaximumLength, step = stride ?? Math.Max(1, window / 2);
        CheckWindow(decoder, window, step);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        WeightsHash.Append(hash, decoder.Parameters);
        return new DecoderCoding(decoder, tokenizer, workers, Finish(hash, tokenizer), window, step);
    }

    /// <summary>An n-gram model of a tokenizer's ids.</summary>
    public static CodingModel Of(NGramModel model, Tokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(tokenizer);
        Require.That(tokenizer.VocabularySize <= model.VocabularySize,
            $"compression: the tokenizer has {tokenizer.VocabularySize} ids, but the model has {model.VocabularySize}");
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (int k = 0; k < model.Order; k++)
        {
            hash.AppendData(MemoryMarshal.AsBytes(model.Levels[k].Words.AsSpan()));
            hash.AppendData(MemoryMarshal.AsBytes(model.Levels[k].First.AsSpan()));
            hash.AppendData(MemoryMarshal.AsBytes(model.Probabilities[k].AsSpan()));
            if (k + 1 < model.Order)
                hash.AppendData(MemoryMarshal.AsBytes(model.Backoffs[k].AsSpan()));
        }
        hash.AppendData(System.Text.Encoding.UTF8.GetBytes(FormattableString.Invariant($"{model.Marks.Begin} {model.Marks.End} {model.BacksOffToUniform}")));
        return new NGramCoding(model, tokenizer, Finish(hash, tokenizer));
    }

    internal static void CheckWindow(Decoder decoder, int length, int stride)
    {
        Require.That(length > 0 && length <= decoder.MaximumLength,
            $"compression: the window must have 1 to {decoder.MaximumLength} tokens, but it has {length}");
        Require.That(stride > 0 && stride <= length, $"compression: the stride must be from 1 to the window's {length}, but it is {stride}");
    }

    /// <summary>The same model with the window of a file.</summary>
    internal abstract CodingModel WithWindow(int length, int stride);

    /// <summary>Codes the ids of one text.</summary>
    internal abstract void Encode(int[] ids, RangeEncoder coder, Action<int> count);

    /// <summary>Reads the ids of one text.</summary>
    internal abstract int[] Decode(int tokens, RangeDecoder coder, Action<int> count);

    private static byte[] Finish(IncrementalHash hash, Tokenizer tokenizer)
    {
        using MemoryStream stream = new();
        tokenizer.Save(stream);
        hash.AppendData(stream.ToArray());
        return hash.GetHashAndReset();
    }
}
