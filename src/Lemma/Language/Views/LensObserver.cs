using Lemma.Models;
using Lemma.Modules;
using Lemma.Tensors;

namespace Lemma.Language.Views;

/// <summary>Sends the rows after every block through the last norm and the head.</summary>
internal sealed class LensObserver(Stack stack, Head head, int top, Func<int, string> textOf, CancellationToken cancellation) : IPassObserver
{
    // Logits of a vocabulary are many: 64 MiB at a time.
    private const int MostLogits = 1 << 24;
    private readonly List<TokenGuess[][]> guesses = [];

    /// <summary>By layer and row.</summary>
    public IReadOnlyList<TokenGuess[][]> Guesses => guesses;

    public void Attention(Tape tape, int layer, in ObservedAttention attention) { }

    public void Block(Tape tape, int layer, Tensor rows)
    {
        TokenGuess[][] found = new TokenGuess[rows.Shape.Rows][];
        int size = head.VocabularySize, together = Math.Max(1, MostLogits / size);
        for (int first = 0; first < found.Length; first += together)
        {
            cancellation.ThrowIfCancellationRequested();
            Tape.Mark mark = tape.Here;
            int[] some = [.. Enumerable.Range(first, Math.Min(together, found.Length - first))];
            Tensor logits = head.Logits(tape, stack.Finish(tape, tape.Embedding(some, rows)));
            for (int i = 0; i < some.Length; i++)
                found[some[i]] = TokenGuess.Likeliest("lens", tape[logits].Slice(i * size, size), top, textOf);
            tape.Rewind(mark);
        }
        guesses.Add(found);
    }
}
