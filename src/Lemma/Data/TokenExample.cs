using Lemma.Formulas;

namespace Lemma.Data;

/// <summary>The ids of one text, and which of them are to be predicted: of a conversation those that the assistant says.</summary>
public sealed record TokenExample
{
    /// <summary>A text whose every id but the first is to be predicted.</summary>
    public TokenExample(ReadOnlyMemory<int> ids) : this(ids, AllBut(ids.Length)) { }

    /// <summary>A text with its marks.</summary>
    /// <param name="ids">The ids, at least two.</param>
    /// <param name="counts">For each id whether it is to be predicted; nothing predicts the first.</param>
    public TokenExample(ReadOnlyMemory<int> ids, ReadOnlyMemory<bool> counts)
    {
        Require.That(ids.Length >= 2, $"example: it needs at least 2 ids, but it has {ids.Length}");
        Require.That(ids.Length == counts.Length, $"example: {counts.Length} marks do not fit {ids.Length} ids");
        (Ids, Counts) = (ids, counts);
        Predicted = counts.Span[1..].Count(true);
    }

    /// <summary>The ids.</summary>
    public ReadOnlyMemory<int> Ids { get; }

    /// <summary>For each id whether it is to be predicted.</summary>
    public ReadOnlyMemory<bool> Counts { get; }

    /// <summary>How many ids are to be predicted.</summary>
    public int Predicted { get; }

    /// <summary>The rows that a pass reads: all ids but the last.</summary>
    public int Rows => Ids.Length - 1;

    /// <summary>Writes the rows and the target of each, −100 where it does not count.</summary>
    public void Fill(Span<int> inputs, Span<int> targets)
    {
        Ids.Span[..^1].CopyTo(inputs);
        for (int row = 0; row < Rows; row++)
            targets[row] = Counts.Span[row + 1] ? Ids.Span[row + 1] : CrossEntropy.Ignore;
    }

    private static bool[] AllBut(int count)
    {
        bool[] all = new bool[count];
        all.AsSpan(Math.Min(1, count)).Fill(true);
        return all;
    }
}

/// <summary>Two continuations of one prompt, of which the first is preferred; the marks are those of the continuations.</summary>
public sealed record TokenPair(TokenExample Chosen, TokenExample Rejected)
{
    /// <summary>The rows that a pass reads of both.</summary>
    public int Rows => Chosen.Rows + Rejected.Rows;
}

/// <summary>One continuation of a prompt, and whether it is a good one; the marks are those of the continuation.</summary>
public sealed record TokenFeedback(TokenExample Example, bool IsDesired);

/// <summary>A prompt up to where its answer begins, with what its answer is checked by.</summary>
public sealed record TokenPrompt(ReadOnlyMemory<int> Ids, VerifiableExample Example);
