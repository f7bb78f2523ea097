using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Lemma.Formulas;

/// <summary>How a product reads the numbers of a panel.</summary>
internal unsafe interface IPanelLoad
{
    /// <summary>Bytes of a number.</summary>
    static abstract int Bytes { get; }

    /// <summary>Eight numbers.</summary>
    static abstract Vector256<float> Eight(byte* at);

    /// <summary>Sixteen.</summary>
    static abstract Vector512<float> Sixteen(byte* at);
}

/// <summary>32 bits.</summary>
internal readonly unsafe struct SingleLoad : IPanelLoad
{
    public static int Bytes => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Eight(byte* at) => Vector256.Load((float*)at);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sixteen(byte* at) => Vector512.Load((float*)at);
}

/// <summary>The upper halves of 32 bits.</summary>
internal readonly unsafe struct BrainLoad : IPanelLoad
{
    public static int Bytes => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Eight(byte* at) => (Widening.Eight((ushort*)at) << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sixteen(byte* at) => (Widening.Sixteen((ushort*)at) << 16).AsSingle();
}

/// <summary>Halves: exponent and fraction moved into place are the number times 2^-112, exactly; the exponent of infinity and NaN is made the highest one.</summary>
internal readonly unsafe struct HalfLoad : IPanelLoad
{
    private const uint Scale = (127u + 112) << 23;

    public static int Bytes => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Eight(byte* at)
    {
        Vector256<uint> half = Widening.Eight((ushort*)at), magnitude = (half & Vector256.Create(0x7FFFu)) << 13, sign = (half & Vector256.Create(0x8000u)) << 16;
        Vector256<uint> number = (magnitude.AsSingle() * Vector256.Create(Scale).AsSingle()).AsUInt32();
        Vector256<uint> isSpecial = Vector256.GreaterThan(magnitude.AsInt32(), Vector256.Create((0x7C00 << 13) - 1)).AsUInt32();
        return (number | isSpecial & Vector256.Create(0x7F800000u) | sign).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sixteen(byte* at)
    {
        Vector512<uint> half = Widening.Sixteen((ushort*)at), magnitude = (half & Vector512.Create(0x7FFFu)) << 13, sign = (half & Vector512.Create(0x8000u)) << 16;
        Vector512<uint> number = (magnitude.AsSingle() * Vector512.Create(Scale).AsSingle()).AsUInt32();
        Vector512<uint> isSpecial = Vector512.GreaterThan(magnitude.AsInt32(), Vector512.Create((0x7C00 << 13) - 1)).AsUInt32();
        return (number | isSpecial & Vector512.Create(0x7F800000u) | sign).AsSingle();
    }
}

/// <summary>8 and 16 bits to 32.</summary>
internal static unsafe class Widening
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Eight(ushort* at) => Avx2.IsSupported ? Avx2.ConvertToVector256Int32(Vector128.Load(at)).AsUInt32()
        : Vector256.WidenLower(Vector128.Load(at).ToVector256());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Sixteen(ushort* at) => Avx512F.IsSupported ? Avx512F.ConvertToVector512UInt32(Vector256.Load(at))
        : Vector512.Create(Eight(at), Eight(at + 8));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Sixteen(Vector128<byte> x) => Avx512F.IsSupported ? Avx512F.ConvertToVector512Int32(x)
        : Vector512.Create(Eight(x), Eight(Vector128.Shuffle(x, Vector128.Create((byte)8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7))));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Eight(Vector128<byte> x) => Avx2.IsSupported ? Avx2.ConvertToVector256Int32(x)
        : Vector256.WidenLower(Vector128.WidenLower(x).ToVector256()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Sixteen(Vector128<sbyte> x)
    {
        if (Avx512F.IsSupported)
            return Avx512F.ConvertToVector512Int32(x);
        if (Avx2.IsSupported)
        {
            return Vector512.Create(Avx2.ConvertToVector256Int32(x),
                Avx2.ConvertToVector256Int32(Vector128.Shuffle(x.AsInt64(), Vector128.Create(1L, 1)).AsSByte()));
        }
        (Vector128<short> low, Vector128<short> high) = Vector128.Widen(x);
        return Vector512.Create(Vector256.WidenLower(low.ToVector256()), Vector256.WidenLower(high.ToVector256()));
    }
}
