using Lemma.Formulas;

namespace Lemma.Tensors;

public static partial class Ops
{
    /// <summary>Queries in the three forms of <see cref="DualChunk"/>: turned for their own chunk of keys, for the one before and for earlier ones.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="query">[rows, H·d_h], not turned.</param>
    /// <param name="heads">H.</param>
    /// <param name="positions">A position a row.</param>
    /// <param name="table">The angles, of the trained length at least.</param>
    /// <param name="chunks">The chunks.</param>
    /// <returns>[rows, 3·H·d_h].</returns>
    internal static Tensor DualChunkQueries(this Tape tape, Tensor query, int heads, ReadOnlyMemory<int> positions, RopeTable table, DualChunk chunks)
    {
        ArgumentNullException.ThrowIfNull(chunks);
        Require.That(heads > 0 && query.Shape.Columns % heads == 0, $"dual_chunk: {heads} heads do not divide rows of {query.Shape}");
        int width = query.Shape.Columns;
        Tensor forms = tape.RepeatColumns(query, chunks.Forms);
        for (int form = 0; form < chunks.Forms; form++)
        {
            Memory<int> turned = tape.TakeIntegers(positions.Length);
            for (int row = 0; row < positions.Length; row++)
                turned.Span[row] = DualChunkAttention.Position(positions.Span[row], form, chunks.Chunk, chunks.TrainedLength);
            tape.RopeInPlace(forms, form * width, heads, width / heads, turned, table);
        }
        return forms;
    }

    /// <summary>Turns keys in place by their positions within their chunks.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">[rows, …].</param>
    /// <param name="firstColumn">The first column of the first head.</param>
    /// <param name="heads">Heads of keys.</param>
    /// <param name="headWidth">Columns of a head.</param>
    /// <param name="positions">A position a row.</param>
    /// <param name="table">The angles.</param>
    /// <param name="chunks">The chunks.</param>
    internal static void DualChunkKeysInPlace(this Tape tape, Tensor x, int firstColumn, int heads, int headWidth, ReadOnlyMemory<int> positions,
        RopeTable table, DualChunk chunks)
    {
        ArgumentNullException.ThrowIfNull(chunks);
        Memory<int> turned = tape.TakeIntegers(positions.Length);
        for (int row = 0; row < positions.Length; row++)
            turned.Span[row] = positions.Span[row] % chunks.Chunk;
        tape.RopeInPlace(x, firstColumn, heads, headWidth, turned, table);
    }
}
