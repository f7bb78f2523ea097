using System.Runtime.CompilerServices;
using Lemma.Text.Splitting;

namespace Lemma.Text.Models.ByteLevel;

/// <summary>The bytes of the pieces that are spelled in the alphabet of bytes, one after another; none for other pieces.</summary>
internal sealed class PieceBytes
{
    private readonly byte[] bytes;
    private readonly int[] starts;

    /// <summary>The bytes of a vocabulary's pieces.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public PieceBytes(Vocabulary vocabulary)
    {
        int total = 0;
        starts = new int[vocabulary.Size + 1];
        for (int id = 0; id < vocabulary.Size; id++)
            total = checked(total + (vocabulary.PieceOf(id)?.Length ?? 0));
        bytes = new byte[total];
        for (int id = 0; id < vocabulary.Size; id++)
        {
            string piece = vocabulary.PieceOf(id) ?? "";
            starts[id + 1] = starts[id] + (ByteAlphabet.TryRead(piece, bytes.AsSpan(starts[id])) ? piece.Length : 0);
        }
    }

    /// <summary>The number of ids.</summary>
    public int Count => starts.Length - 1;

    /// <summary>The bytes of a piece.</summary>
    public ReadOnlySpan<byte> this[int id]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => bytes.AsSpan(starts[id], LengthOf(id));
    }

    /// <summary>The number of bytes of a piece; 0 for one that is not spelled in bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int LengthOf(int id) => starts[id + 1] - starts[id];
}
