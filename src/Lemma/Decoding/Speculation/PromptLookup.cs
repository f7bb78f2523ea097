namespace Lemma.Decoding;

/// <summary>Guesses that a text goes on as it did the last time that its last ids stood in it: for summaries, code that is edited, and lists.</summary>
/// <remarks>The longest run of last ids that occurred before is taken, its latest occurrence. Saxena 2023, "Prompt lookup decoding".</remarks>
public sealed class PromptLookup : Speculator
{
    /// <summary>The longest run of last ids that is looked for.</summary>
    public int Longest
    {
        get;
        init
        {
            Require.That(value > 0, $"speculation: the longest run of ids to look for must be positive, but it is {value}");
            field = value;
        }
    } = 4;

    /// <summary>The shortest one.</summary>
    public int Shortest
    {
        get;
        init
        {
            Require.That(value > 0, $"speculation: the shortest run of ids to look for must be positive, but it is {value}");
            field = value;
        }
    } = 2;

    /// <inheritdoc/>
    public override int Guess(ReadOnlySpan<int> ids, Span<int> guesses)
    {
        for (int length = Math.Min(Longest, ids.Length - 1); length >= Shortest; length--)
        {
            int at = ids[..^1].LastIndexOf(ids[^length..]);
            if (at < 0)
                continue;
            ReadOnlySpan<int> following = ids[(at + length)..];
            int count = Math.Min(following.Length, guesses.Length);
            following[..count].CopyTo(guesses);
            return count;
        }
        return 0;
    }
}
