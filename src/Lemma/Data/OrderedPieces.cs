using System.Runtime.ExceptionServices;

namespace Lemma.Data;

/// <summary>Work on a stream of items by several threads, with the results in the items' order.</summary>
internal static class OrderedPieces
{
    private const int Piece = 512;

    /// <summary>What a function makes of each item; its error is that of the first item that has one.</summary>
    public static IEnumerable<TResult> Map<T, TResult>(IEnumerable<T> items, Func<T, TResult> function)
    {
        foreach (T[] piece in items.Chunk(Piece))
        {
            TResult[] results = new TResult[piece.Length];
            ExceptionDispatchInfo?[] faults = new ExceptionDispatchInfo?[piece.Length];
            Parallel.For(0, piece.Length, i =>
            {
                try
                {
                    results[i] = function(piece[i]);
                }
                catch (Exception e)
                {
                    faults[i] = ExceptionDispatchInfo.Capture(e);
                }
            });
            for (int i = 0; i < piece.Length; i++)
            {
                faults[i]?.Throw();
                yield return results[i];
            }
        }
    }
}
