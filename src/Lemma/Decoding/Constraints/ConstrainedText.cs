using Lemma.Decoding.Constraints.Automata;

namespace Lemma.Decoding.Constraints;

/// <summary>One text under a constraint, for a loop of one's own: before each choice <see cref="Keep"/>, after it <see cref="Add"/>. One thread at a time.</summary>
public sealed class ConstrainedText
{
    private AutomatonState state;
    private bool startsText;

    internal ConstrainedText(Constraint constraint, AutomatonState state, bool startsText) =>
        (Constraint, this.state, this.startsText) = (constraint, state, startsText);

    /// <summary>What it matches.</summary>
    public Constraint Constraint { get; }

    /// <summary>Whether it may end here.</summary>
    public bool MayEnd => state.Accepts;

    /// <summary>Whether nothing may follow.</summary>
    public bool MustEnd => state.IsLast;

    /// <summary>Forgets the candidates that may not follow; false where the text is at its end and no id says so, and then none is left.</summary>
    /// <param name="candidates">All ids, right after <see cref="Candidates.Reset"/>.</param>
    /// <param name="logits">Their logits.</param>
    /// <param name="ends">The ids that end a text: they stay where the text may end.</param>
    /// <exception cref="InvalidOperationException">The text may not end, and no id of the tokenizer has the bytes that must follow.</exception>
    public bool Keep(Candidates candidates, ReadOnlySpan<float> logits, IReadOnlyList<int> ends)
    {
        ArgumentNullException.ThrowIfNull(candidates);
        ArgumentNullException.ThrowIfNull(ends);
        Require.That(candidates.Count == logits.Length && candidates.Count == candidates.VocabularySize,
            $"constraint: candidates are thinned right after their reset to {logits.Length} logits, but {candidates.Count} of {candidates.VocabularySize} are left");
        return Constraint.Apply(candidates, logits, state, startsText, ends);
    }

    /// <summary>Adds an id that may follow.</summary>
    /// <exception cref="ArgumentException">It may not follow.</exception>
    public void Add(int id)
    {
        AutomatonState next = Constraint.Next(state, id, startsText);
        Require.That(!next.IsDead, $"constraint: an id must go on in the grammar, but {id} does not");
        (state, startsText) = (next, false);
    }

    /// <summary>The same text, to go on otherwise.</summary>
    public ConstrainedText Fork() => new(Constraint, state, startsText);
}
