namespace Lemma.Decoding;

/// <summary>z ← −∞ for every id that would end a sequence of n ids that is there already, in the prompt or in what was made.</summary>
/// <remarks>Paulus, Xiong and Socher 2017, "A deep reinforced model for abstractive summarization", section 2.5, for any n.</remarks>
public sealed record NoRepeatNgrams : LogitStep
{
    /// <summary>Forbids by a positive length; 1 forbids every id that was there.</summary>
    public NoRepeatNgrams(int length)
    {
        Require.That(length > 0, $"no_repeat_ngrams: the length must be positive, but it is {length}");
        Length = length;
    }

    /// <summary>n.</summary>
    public int Length { get; }

    /// <inheritdoc/>
    public override void Apply(Candidates candidates, in DrawContext context)
    {
        ReadOnlySpan<int> ids = context.Ids;
        if (ids.Length < Length)
            return;
        ReadOnlySpan<int> end = ids[^(Length - 1)..];
        for (int i = 0; i + Length <= ids.Length; i++)
        {
            if (ids.Slice(i, Length - 1).SequenceEqual(end))
                candidates.Add(ids[i + Length - 1], double.NegativeInfinity);
        }
    }
}
