using System.Globalization;
using Lemma.Data;
using Lemma.Models;
using Lemma.Text;
using Lemma.Text.PostProcessing;
using Lemma.Text.Training;

namespace Lemma.Cli.Tuning;

/// <summary>The ids of an encoder with a decoder: those that begin and end a target, the mask and the sentinels of what is taken out.</summary>
internal static class SequenceVocabulary
{
    private const int Sentinels = 32;
    private const string Begin = "<pad>", End = "</s>", Mask = "<mask>";

    /// <summary>Trains a tokenizer in T5's order: 0 begins a target, 1 ends each text, then the mask and the sentinels, down to &lt;extra_id_0&gt;.</summary>
    public static Tokenizer Train(IEnumerable<string> texts, int size)
    {
        string[] special = [Begin, End, Mask, .. Enumerable.Range(0, Sentinels).Select(i => Sentinel(Sentinels - 1 - i))];
        Tokenizer trained = BpeTrainer.Train(texts, new BpeTrainerOptions { VocabularySize = Math.Max(size, 256 + special.Length), SpecialTokens = special });
        TemplatePart first = new("A", true, 0), second = new("B", true, 0), end = new(End, false, 0);
        TemplatePostProcessor frame = new([first, end], [first, end, second, end], [new TemplateToken(End, [trained.IdOf(End)!.Value], [End])]);
        return new Tokenizer(trained.Model, trained.AddedTokens, trained.Normalizer, trained.Splitter, frame, trained.Decoder);
    }

    /// <summary>The corruption of T5 in a tokenizer's ids.</summary>
    public static SpanCorruption SpansOf(Tokenizer tokenizer, int? end, double? noise, double? span)
    {
        int first = tokenizer.IdOf(Sentinel(0))
            ?? throw new InvalidDataException($"seq2seq: spans are taken out behind sentinels, but the tokenizer has no {Sentinel(0)}");
        int count = 1;
        while (tokenizer.IdOf(Sentinel(count)) == first - count)
            count++;
        SpanCorruption usual = new() { FirstSentinel = first, Sentinels = count, EndId = end };
        return usual with { Noise = noise ?? usual.Noise, MeanSpan = span ?? usual.MeanSpan };
    }

    /// <summary>The corruption of BART in a tokenizer's ids.</summary>
    public static TextInfilling InfillingOf(Tokenizer tokenizer, double? noise, double? span)
    {
        int mask = tokenizer.IdOf(Mask) ?? throw new InvalidDataException($"seq2seq: spans are filled in at masks, but the tokenizer has no {Mask}");
        TextInfilling usual = new() { MaskId = mask };
        return usual with { Noise = noise ?? usual.Noise, MeanSpan = span ?? usual.MeanSpan };
    }

    /// <summary>First weights for scores that are not divided by √d: queries are smaller by as much, as T5 begins.</summary>
    public static void Initialize(EncoderDecoder model, int headWidth, ulong seed)
    {
        model.Initialize(seed);
        float scale = 1 / MathF.Sqrt(headWidth);
        foreach (Weights.Parameter parameter in model.Parameters.All)
        {
            bool isOwn = parameter.Name.EndsWith(".attention.qkv.weight", StringComparison.Ordinal);
            if (!isOwn && !parameter.Name.EndsWith(".cross.query.weight", StringComparison.Ordinal))
                continue;
            Span<float> weights = model.Parameters.Weights(parameter);
            Span<float> queries = isOwn ? weights[..(weights.Length / 3)] : weights;
            foreach (ref float weight in queries)
                weight *= scale;
        }
    }

    private static string Sentinel(int number) => string.Create(CultureInfo.InvariantCulture, $"<extra_id_{number}>");
}
