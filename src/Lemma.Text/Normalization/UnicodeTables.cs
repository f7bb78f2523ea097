namespace Lemma.Text.Normalization;

/// <summary>Combining classes, decompositions and compositions of Unicode 15 and later, Hangul aside.</summary>
/// <remarks>The runtime's own normalization is missing where globalization is invariant, so these tables come along;
/// bench/unicode/make_tables.py writes them.</remarks>
internal static class UnicodeTables
{
    private static readonly Dictionary<int, byte> Classes = [];
    private static readonly Dictionary<int, int[]> Canonical = [], Compatible = [];
    private static readonly Dictionary<long, int> Compositions = [];

    static UnicodeTables()
    {
        using Stream stream = typeof(UnicodeTables).Assembly.GetManifestResourceStream("unicode.bin")
            ?? throw new InvalidOperationException("normalize: the assembly must hold the tables of Unicode, but does not");
        using BinaryReader reader = new(stream);
        for (int left = reader.Read7BitEncodedInt(), code = 0; left > 0; left--)
            Classes[code += reader.Read7BitEncodedInt()] = (byte)reader.Read7BitEncodedInt();
        foreach (Dictionary<int, int[]> table in (Dictionary<int, int[]>[])[Canonical, Compatible])
            for (int left = reader.Read7BitEncodedInt(), code = 0; left > 0; left--)
            {
                code += reader.Read7BitEncodedInt();
                int[] scalars = table[code] = new int[reader.Read7BitEncodedInt()];
                for (int i = 0; i < scalars.Length; i++)
                    scalars[i] = reader.Read7BitEncodedInt();
            }
        for (int left = reader.Read7BitEncodedInt(), code = 0; left > 0; left--)
        {
            code += reader.Read7BitEncodedInt();
            int second = reader.Read7BitEncodedInt();
            Compositions[((long)code << 32) | (uint)second] = reader.Read7BitEncodedInt();
        }
    }

    /// <summary>The canonical combining class of a scalar; 0 for starters.</summary>
    public static byte ClassOf(int scalar) => scalar < 0x300 ? (byte)0 : Classes.GetValueOrDefault(scalar);

    /// <summary>The full decomposition of a scalar, or null when it is its own.</summary>
    public static int[]? Decomposition(int scalar, bool isCompatible) =>
        scalar < 0xA0 ? null : (isCompatible ? Compatible : Canonical).GetValueOrDefault(scalar);

    /// <summary>The composition of two scalars, or −1.</summary>
    public static int Composition(int first, int second) =>
        Compositions.GetValueOrDefault(((long)first << 32) | (uint)second, -1);
}
