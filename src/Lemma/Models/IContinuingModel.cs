using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Weights;

namespace Lemma.Models;

/// <summary>A model that continues sequences: a decoder, or a decoder with an encoder's rows in its states.</summary>
public interface IContinuingModel
{
    /// <summary>The logits that follow the last token of each sequence, [sequences, V].</summary>
    Tensor NextLogits(Tape tape, in Rows rows);

    /// <summary>The logits that follow each of the last tokens of one sequence, [count, V].</summary>
    Tensor LastLogits(Tape tape, in Rows rows, int count);

    /// <summary>The weights.</summary>
    Parameters Parameters { get; }

    /// <summary>How many ids there are.</summary>
    int VocabularySize { get; }

    /// <summary>The longest sequence, in tokens.</summary>
    int MaximumLength { get; }

    /// <summary>The ids that end a text.</summary>
    IReadOnlyList<int> EndIds { get; }
}
