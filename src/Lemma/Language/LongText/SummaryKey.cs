using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Lemma.Decoding;
using Lemma.Sequences;

namespace Lemma.Language.LongText;

/// <summary>What a summary depends on, as a short text: the model, the prompt, how it is written, and the piece.</summary>
/// <remarks>
/// A model is known by what it computes, the likeliest ids behind a few of its own and their log-probabilities in bits, so that weights that were trained on
/// under the same name are others, and a folder that was moved is the same. A step counts by its text, which a record's own has all properties in.
/// </remarks>
internal sealed class SummaryKey
{
    private const int ProbeIds = 16, ProbeAnswers = 8;
    private readonly LanguageModel model;
    private readonly byte[] beginning;

    public SummaryKey(LanguageModel model, Generator generator, GenerationOptions options)
    {
        this.model = model;
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (TokenLogProbability likely in Probe(generator))
        {
            Add(hash, likely.Id);
            Add(hash, BitConverter.DoubleToInt64Bits(likely.LogProbability));
        }
        Add(hash, model.Template?.Text ?? "");
        Add(hash, options.MaximumTokens);
        Add(hash, (long)options.Seed);
        AddAll(hash, options.StopIds ?? model.Continuing.EndIds, Add);
        AddAll(hash, options.StopTexts, Add);
        AddAll(hash, options.Steps ?? [new TopK(1)], (into, step) => Add(into, step.ToString()));
        beginning = hash.GetHashAndReset();
    }

    /// <summary>The key of a piece.</summary>
    public string Of(string prompt, string piece)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(beginning);
        Add(hash, prompt);
        Add(hash, piece);
        // The same characters are another input for another tokenizer.
        AddAll(hash, model.Tokenizer.Encode(piece), (into, id) => Add(into, id));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private TokenLogProbability[] Probe(Generator generator)
    {
        int ids = model.Tokenizer.VocabularySize, length = Math.Min(ProbeIds, model.Continuing.MaximumLength - 1);
        int[] probe = [.. Enumerable.Range(0, length).Select(i => (int)((long)i * ids / length))];
        (SequenceState state, int[] prompt) = model.Begin(probe);
        using (state)
            generator.Start(state, prompt, GenerationOptions.Greedy with { MaximumTokens = 1, LogProbabilities = Math.Min(ProbeAnswers, ids) });
        generator.TryNext(out _);
        return generator.Likeliest().ToArray();
    }

    private static void AddAll<T>(IncrementalHash hash, IReadOnlyList<T> items, Action<IncrementalHash, T> add)
    {
        Add(hash, items.Count);
        foreach (T item in items)
            add(hash, item);
    }

    private static void Add(IncrementalHash hash, int number) => Add(hash, (long)number);

    private static void Add(IncrementalHash hash, long number) => hash.AppendData(MemoryMarshal.AsBytes(new ReadOnlySpan<long>(in number)));

    private static void Add(IncrementalHash hash, string text)
    {
        Add(hash, text.Length);
        hash.AppendData(MemoryMarshal.AsBytes(text.AsSpan()));
    }
}
