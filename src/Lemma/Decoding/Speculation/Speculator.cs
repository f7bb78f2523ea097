namespace Lemma.Decoding;

/// <summary>Guesses how a text goes on, so that one pass can check several ids where each would take a pass of its own.</summary>
/// <remarks>
/// A guess changes the time alone. Each id is chosen from the model's own logits, with the same steps and the draw of the same number, as without guesses; where
/// it is the guessed one, the logits behind it are there already. So the text has the same bits, drawn or not, and its distribution is the same. Leviathan et
/// al. 2023, "Fast inference from transformers via speculative decoding", accept a drawn guess oftener, and give another text for a seed.
/// </remarks>
public abstract class Speculator
{
    /// <summary>The most ids that are guessed at once.</summary>
    public int Most
    {
        get;
        init
        {
            Require.That(value > 0, $"speculation: ids to guess at once must be positive, but it is {value}");
            field = value;
        }
    } = 8;

    /// <summary>Ids that were guessed so far.</summary>
    public long Guessed { get; internal set; }

    /// <summary>Ids among them that came.</summary>
    public long Right { get; internal set; }

    /// <summary>Guesses the ids that follow a text.</summary>
    /// <param name="ids">The text so far, at least one id.</param>
    /// <param name="guesses">Filled from the first on.</param>
    /// <returns>How many were guessed; 0 for none.</returns>
    public abstract int Guess(ReadOnlySpan<int> ids, Span<int> guesses);
}
