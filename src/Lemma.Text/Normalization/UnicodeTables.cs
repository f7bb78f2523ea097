namespace Lemma.Text.Normalization;

/// <summary>Combining classes, decompositions, compositions (Hangul aside), lower case and kinds of characters as tokenizer.json means them.</summary>
/// <remarks>The tables are those of Hugging Face's tokenizers, which has several versions of Unicode; and the runtime's own
/// normalization is missing where globalization is invariant. bench/unicode/make_tables.py writes them.</remarks>
internal static class UnicodeTables
{
    private static readonly Dictionary<int, byte> Classes = [];
    private static readonly Dictionary<int, int[]> Canonical = [], Compatible = [];
    private static readonly Dictionary<int, int> LowerCase = [];
    private static readonly Dictionary<long, int> Compositions = [];

    private static readonly ulong[] MarkBits = new ulong[0x110000 / 64], NonspacingBits = new ulong[0x110000 / 64];
    private static readonly (int First, int Count, short Script)[] Scripts;
    private static readonly ulong[] PunctuationBits = new ulong[0x110000 / 64], ControlBits = new ulong[0x110000 / 64],
        NumberBits = new ulong[0x110000 / 64];

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
        foreach (ulong[] bits in (ulong[][])[MarkBits, NonspacingBits, PunctuationBits, ControlBits])
            ReadRanges(reader, bits);
        Scripts = new (int, int, short)[reader.Read7BitEncodedInt()];
        for (int i = 0, code = 0; i < Scripts.Length; i++)
            Scripts[i] = (code += reader.Read7BitEncodedInt(), reader.Read7BitEncodedInt(), (short)reader.Read7BitEncodedInt());
        for (int left = reader.Read7BitEncodedInt(), code = 0; left > 0; left--)
        {
            code += reader.Read7BitEncodedInt();
            int[] scalars = new int[reader.Read7BitEncodedInt()];
            for (int i = 0; i < scalars.Length; i++)
                scalars[i] = reader.Read7BitEncodedInt();
            LowerCase[code] = scalars[0];
        }
        ReadRanges(reader, NumberBits);
    }

    private static void ReadRanges(BinaryReader reader, ulong[] bits)
    {
        for (int left = reader.Read7BitEncodedInt(), code = 0; left > 0; left--)
        {
            code += reader.Read7BitEncodedInt();
            int count = reader.Read7BitEncodedInt();
            for (int scalar = code; scalar < code + count; scalar++)
                bits[scalar >> 6] |= 1UL << scalar;
        }
    }

    /// <summary>Whether a scalar is a mark, \p{M}.</summary>
    public static bool IsMark(int scalar) => Has(MarkBits, scalar);

    /// <summary>Whether a scalar is a nonspacing mark, \p{Mn}.</summary>
    public static bool IsNonspacingMark(int scalar) => Has(NonspacingBits, scalar);

    /// <summary>Whether a scalar is punctuation, \p{P} or an ASCII symbol.</summary>
    public static bool IsPunctuation(int scalar) => Has(PunctuationBits, scalar);

    /// <summary>Whether BERT's normalizer takes a scalar away as a control.</summary>
    public static bool IsControl(int scalar) => scalar == 0 || Has(ControlBits, scalar);

    /// <summary>Whether a scalar is a number, \p{N}.</summary>
    public static bool IsNumber(int scalar) => Has(NumberBits, scalar);

    /// <summary>The lower case of a scalar, which is one scalar for all but U+0130.</summary>
    public static int LowerOf(int scalar) =>
        scalar < 0x80 ? scalar is >= 'A' and <= 'Z' ? scalar + 32 : scalar : LowerCase.GetValueOrDefault(scalar, scalar);

    private static bool Has(ulong[] bits, int scalar) => (bits[scalar >> 6] >> scalar & 1) != 0;

    /// <summary>The number of a scalar's script; −1 for one that goes with any other. Han, Hiragana and Katakana are one.</summary>
    public static int ScriptOf(int scalar)
    {
        int low = 0, high = Scripts.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            (int first, int count, short script) = Scripts[middle];
            if (scalar < first)
                high = middle - 1;
            else if (scalar >= first + count)
                low = middle + 1;
            else
                return script;
        }
        return -1;
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
