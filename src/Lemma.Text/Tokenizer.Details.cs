using Lemma.Text.PostProcessing;

namespace Lemma.Text;

public sealed partial class Tokenizer
{
    /// <summary>The ids of a text or of two with offsets, segments and masks; never cut or padded.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="pair">A second text; null for none.</param>
    /// <param name="addSpecialTokens">Whether the post-processor puts special tokens around the texts.</param>
    /// <exception cref="ArgumentException">The model needs an unknown piece, and the vocabulary has none.</exception>
    public EncodedText EncodeDetailed(string text, string? pair = null, bool addSpecialTokens = true)
    {
        PendingText pending = Pending(text, pair, addSpecialTokens, null);
        return pending.Assemble((0, pending.First.Ids.Count), (0, pending.Second.Ids.Count));
    }

    /// <summary>As <see cref="EncodeDetailed"/>, then cut and filled up as the tokenizer's file says for its model.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="pair">A second text; null for none.</param>
    /// <param name="addSpecialTokens">Whether the post-processor puts special tokens around the texts.</param>
    /// <exception cref="ArgumentException">As <see cref="EncodeDetailed"/>, or the texts cannot be cut as the tokenizer says.</exception>
    public EncodedText EncodeForModel(string text, string? pair = null, bool addSpecialTokens = true)
    {
        EncodedText encoded = EncodeCut(text, pair, addSpecialTokens);
        if (Padding is not null)
            encoded.Pad(Padding, Padding.LengthFor(encoded.Ids.Count));
        return encoded;
    }

    /// <summary>As for one text, for many; padding without a fixed length fills up to the longest.</summary>
    /// <exception cref="ArgumentException">As for one text.</exception>
    public IReadOnlyList<EncodedText> EncodeForModel(
        IReadOnlyList<(string Text, string? Pair)> texts, bool addSpecialTokens = true)
    {
        EncodedText[] all = [.. texts.Select(text => EncodeCut(text.Text, text.Pair, addSpecialTokens))];
        if (Padding is not null && all.Length > 0)
        {
            int length = Padding.LengthFor(all.Max(static one => one.Ids.Count));
            foreach (EncodedText one in all)
                one.Pad(Padding, length);
        }
        return all;
    }

    /// <summary>As <see cref="EncodeForModel(string, string?, bool)"/>, and then the parts that truncation cut off, one by one as they are asked for.</summary>
    /// <remarks>Every part has its special tokens; neighbours share <see cref="TruncationOptions.Stride"/> tokens. Of two texts that are both
    /// cut, every part of the one comes with every part of the other. The order is that of Hugging Face's overflowing encodings.</remarks>
    /// <param name="text">Any text.</param>
    /// <param name="pair">A second text; null for none.</param>
    /// <param name="addSpecialTokens">Whether the post-processor puts special tokens around the texts.</param>
    /// <exception cref="ArgumentException">As <see cref="EncodeDetailed"/>, the stride leaves no room for new tokens, or the maximum none for a
    /// token of each text.</exception>
    public IEnumerable<EncodedText> EncodeParts(string text, string? pair = null, bool addSpecialTokens = true)
    {
        PendingText pending = Pending(text, pair, addSpecialTokens, Truncation);
        bool isFirstAhead = pending.Items.FirstOrDefault(static item => item.Sequence != '\0').Sequence != 'B';
        (int Start, int End)[] first = Ranges(pending.First.Ids.Count, pending.FirstLength),
            second = Ranges(pending.Second.Ids.Count, pending.SecondLength);
        int ahead = isFirstAhead ? first.Length : second.Length, behind = isFirstAhead ? second.Length : first.Length;
        int? length = null;
        EncodedText Part(int i, int j)
        {
            EncodedText part = pending.Assemble(first[isFirstAhead ? i : j], second[isFirstAhead ? j : i]);
            if (Padding is not null)
                part.Pad(Padding, length ??= Padding.LengthFor(part.Ids.Count));
            return part;
        }
        yield return Part(0, 0);
        for (int i = 1; i < ahead; i++)
            for (int j = 0; j < behind; j++)
                yield return Part(i, j);
        for (int j = 1; j < behind; j++)
            yield return Part(0, j);
    }

    private EncodedText EncodeCut(string text, string? pair, bool addSpecialTokens)
    {
        PendingText pending = Pending(text, pair, addSpecialTokens, Truncation);
        (int Start, int End) Kept(int count, int length) => Truncation is { CutsLeft: true } ? (count - length, count) : (0, length);
        return pending.Assemble(Kept(pending.First.Ids.Count, pending.FirstLength), Kept(pending.Second.Ids.Count, pending.SecondLength));
    }

    // Both texts whole, and how much of each is kept.
    private PendingText Pending(string text, string? pair, bool addSpecialTokens, TruncationOptions? truncation)
    {
        EncodedText first = EncodeOne(text, 0), second = pair is null ? new EncodedText() : EncodeOne(pair, 1);
        IReadOnlyList<TemplateItem> items = pair is null
            ? PostProcessor?.ForSingle ?? ByteLevelPostProcessor.PlainSingle
            : PostProcessor?.ForPair ?? ByteLevelPostProcessor.PlainPair;
        if (!addSpecialTokens)
            items = pair is null ? ByteLevelPostProcessor.PlainSingle : ByteLevelPostProcessor.PlainPair;
        (int a, int b) = truncation is null ? (first.Ids.Count, second.Ids.Count)
            : truncation.KeptLengths(first.Ids.Count, second.Ids.Count, pair is not null,
                items.Count(static item => item.Sequence == '\0'));
        return new PendingText(first, a, second, b, items);
    }

    // The part that is kept, then those that are cut off.
    private (int Start, int End)[] Ranges(int count, int length) => length >= count ? [(0, count)]
        : length > 0 ? [.. Truncation!.Parts(count, length)] : throw new ArgumentException(
            $"truncate: a part must have room for a token of each text, but at most {Truncation!.MaximumLength} tokens leave none");

    private EncodedText EncodeOne(string text, int sequence)
    {
        EncodedText encoded = new();
        EncodingRun run = RentRun();
        run.Begin(encoded.Ids, encoded.Offsets);
        EncodeRaw(text, run);
        for (int i = 0; i < encoded.Ids.Count; i++)
        {
            if (PostProcessor is { TrimsOffsets: true })
                encoded.Offsets[i] = Trimmed(PieceOf(encoded.Ids[i]), encoded.Offsets[i], i == 0);
            encoded.Words.Add(run.Words[i]);
            encoded.TypeIds.Add(sequence);
            encoded.Sequences.Add(sequence);
            encoded.SpecialTokensMask.Add(0);
            encoded.AttentionMask.Add(1);
        }
        run.Begin([]);
        idleRuns.Add(run);
        return encoded;
    }

    /// <summary>The range of a piece without its spaces; one space in front of the text stays where one is put there.</summary>
    private (int Start, int End) Trimmed(string piece, (int Start, int End) range, bool isFirst)
    {
        static bool IsSpace(char c) => c == '\u0120' || char.IsWhiteSpace(c);
        int before = 0, after = 0;
        while (before < piece.Length && IsSpace(piece[before]))
            before++;
        while (after < piece.Length && IsSpace(piece[^(after + 1)]))
            after++;
        if (before == 1 && (isFirst || range.Start == 0) && PostProcessor!.AddsPrefixSpace)
            before = 0;
        int start = Math.Min(range.Start + before, range.End);
        return (start, Math.Max(range.End - after, start));
    }
}
