using Lemma.Text.PostProcessing;

namespace Lemma.Text;

public sealed partial class Tokenizer
{
    /// <summary>The ids of a text or of two with offsets, segments and masks; cut and filled up as the tokenizer says.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="pair">A second text; null for none.</param>
    /// <param name="addSpecialTokens">Whether the post-processor puts special tokens around the texts.</param>
    /// <exception cref="ArgumentException">The vocabulary has no piece for a character and no unknown piece, or the texts cannot be cut
    /// as the tokenizer says.</exception>
    public EncodedText EncodeDetailed(string text, string? pair = null, bool addSpecialTokens = true)
    {
        EncodedText encoded = EncodeUnpadded(text, pair, addSpecialTokens);
        if (Padding is not null)
            encoded.Pad(Padding, Padding.LengthFor(encoded.Ids.Count));
        return encoded;
    }

    /// <summary>As <see cref="EncodeDetailed"/> for many texts; padding without a fixed length fills up to the longest.</summary>
    public IReadOnlyList<EncodedText> EncodeDetailedBatch(
        IReadOnlyList<(string Text, string? Pair)> texts, bool addSpecialTokens = true)
    {
        EncodedText[] all = [.. texts.Select(text => EncodeUnpadded(text.Text, text.Pair, addSpecialTokens))];
        if (Padding is not null && all.Length > 0)
        {
            int length = Padding.LengthFor(all.Max(static one => one.Ids.Count));
            foreach (EncodedText one in all)
                one.Pad(Padding, length);
        }
        return all;
    }

    private EncodedText EncodeUnpadded(string text, string? pair, bool addSpecialTokens)
    {
        EncodedText first = EncodeOne(text, 0), second = pair is null ? new EncodedText() : EncodeOne(pair, 1);
        IReadOnlyList<TemplateItem> items = pair is null
            ? PostProcessor?.ForSingle ?? ByteLevelPostProcessor.PlainSingle
            : PostProcessor?.ForPair ?? ByteLevelPostProcessor.PlainPair;
        if (!addSpecialTokens)
            items = pair is null ? ByteLevelPostProcessor.PlainSingle : ByteLevelPostProcessor.PlainPair;
        if (Truncation is not null)
            Cut(Truncation, first, second, pair is not null, items.Count(static item => item.Sequence == '\0'));
        EncodedText encoded = new();
        foreach ((char sequence, int id, int typeId) in items)
        {
            EncodedText part = sequence == 'B' ? second : first;
            if (sequence == '\0')
                encoded.Add(id, typeId, (0, 0), -1, -1, isSpecial: true);
            else
                for (int i = 0; i < part.Ids.Count; i++)
                    encoded.Add(part.Ids[i], typeId, part.Offsets[i], part.Words[i], sequence - 'A', isSpecial: false);
        }
        return encoded;
    }

    private EncodedText EncodeOne(string text, int sequence)
    {
        EncodedText encoded = new();
        EncodingRun run = Interlocked.Exchange(ref spareRun, null) ?? new EncodingRun();
        run.Begin(encoded.Ids, encoded.Offsets);
        EncodeRaw(text, run);
        for (int i = 0; i < encoded.Ids.Count; i++)
        {
            if (PostProcessor is { TrimsOffsets: true })
                encoded.Offsets[i] = Trimmed(text, encoded.Offsets[i]);
            encoded.Words.Add(run.Words[i]);
            encoded.TypeIds.Add(sequence);
            encoded.Sequences.Add(sequence);
            encoded.SpecialTokensMask.Add(0);
            encoded.AttentionMask.Add(1);
        }
        run.Begin([]);
        spareRun = run;
        return encoded;
    }

    private static (int Start, int End) Trimmed(string text, (int Start, int End) range)
    {
        (int start, int end) = range;
        while (start < end && char.IsWhiteSpace(text[start]))
            start++;
        while (end > start && char.IsWhiteSpace(text[end - 1]))
            end--;
        return (start, end);
    }

    private static void Cut(TruncationOptions truncation, EncodedText first, EncodedText second, bool isPair, int around)
    {
        int total = first.Ids.Count + second.Ids.Count, most = truncation.MaximumLength - around;
        if (truncation.MaximumLength == 0)
        {
            first.Cut(0, cutsLeft: false);
            second.Cut(0, cutsLeft: false);
            return;
        }
        if (total <= most)
            return;
        if (most < 0)
            throw new ArgumentException(
                $"truncate: the length must hold the {around} special tokens, but is {truncation.MaximumLength}");
        (int a, int b) = (first.Ids.Count, second.Ids.Count);
        switch (truncation.Strategy)
        {
            case TruncationStrategy.LongestFirst when isPair:
                // Both keep half where both are longer; otherwise the shorter one keeps all.
                bool swaps = a > b;
                int shorter = Math.Min(a, b), longer = shorter > most - shorter ? Math.Max(shorter, most - shorter) : most - shorter;
                if (shorter + longer > most)
                    (shorter, longer) = (most / 2, most / 2 + most % 2);
                (a, b) = swaps ? (longer, shorter) : (shorter, longer);
                break;
            case TruncationStrategy.OnlySecond:
                b -= Remove(total - most, b, "second");
                break;
            case TruncationStrategy.LongestFirst:
                a = most;
                break;
            default:
                a -= Remove(total - most, a, "first");
                break;
        }
        first.Cut(a, truncation.CutsLeft);
        second.Cut(b, truncation.CutsLeft);
    }

    private static int Remove(int count, int of, string which) => count < of || count == 0
        ? count
        : throw new ArgumentException($"truncate: the {which} text must keep a token, but {count} of its {of} are to be cut");
}
