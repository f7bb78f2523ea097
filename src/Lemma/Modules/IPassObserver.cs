using Lemma.Tensors;

namespace Lemma.Modules;

/// <summary>Sees what a pass computes, while it computes it; the tape may be used, and rewound to where it was.</summary>
internal interface IPassObserver
{
    /// <summary>The attention of a block, when it has run.</summary>
    void Attention(Tape tape, int layer, in ObservedAttention attention);

    /// <summary>The rows of the residual stream after a block, [rows, d].</summary>
    void Block(Tape tape, int layer, Tensor rows);
}

/// <summary>What an attention read, as its kernel got it, after norms and positions, and what it gave.</summary>
/// <param name="Query">The queries.</param>
/// <param name="Key">The keys.</param>
/// <param name="Value">The values.</param>
/// <param name="Lengths">The rows of each sequence.</param>
/// <param name="Heads">The heads, and what a query may see.</param>
/// <param name="Terms">What is done to the scores.</param>
/// <param name="Output">[rows, H·d_v].</param>
internal readonly record struct ObservedAttention(HeadColumns Query, HeadColumns Key, HeadColumns Value, ReadOnlyMemory<int> Lengths, AttentionHeads Heads,
    AttentionTerms Terms, Tensor Output);
