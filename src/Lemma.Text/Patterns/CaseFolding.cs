namespace Lemma.Text.Patterns;

/// <summary>Unicode's case folding: characters are equal without case where they fold to the same, some of them to several.</summary>
internal sealed class CaseFolding
{
    private readonly Dictionary<int, int> simple = [];
    private readonly Dictionary<int, List<int>> unfolded = [];
    private readonly Dictionary<int, int[]> full = [];

    /// <summary>Folding as the file of properties has it.</summary>
    public CaseFolding(BinaryReader reader)
    {
        for (int left = reader.Read7BitEncodedInt(), code = 0; left > 0; left--)
        {
            code += reader.Read7BitEncodedInt();
            int folded = simple[code] = reader.Read7BitEncodedInt();
            if (!unfolded.TryGetValue(folded, out List<int>? codes))
                unfolded[folded] = codes = [];
            codes.Add(code);
        }
        for (int left = reader.Read7BitEncodedInt(), code = 0; left > 0; left--)
        {
            code += reader.Read7BitEncodedInt();
            int[] folded = full[code] = new int[reader.Read7BitEncodedInt()];
            for (int i = 0; i < folded.Length; i++)
                folded[i] = reader.Read7BitEncodedInt();
        }
    }

    /// <summary>The characters that fold to several, with what they fold to.</summary>
    public IEnumerable<KeyValuePair<int, int[]>> Full => full;

    /// <summary>What a character folds to: mostly one, at most three.</summary>
    public int[] Fold(int scalar) => full.TryGetValue(scalar, out int[]? folded) ? folded : [simple.GetValueOrDefault(scalar, scalar)];

    /// <summary>The characters that fold to this one alone.</summary>
    public CharacterSet SetOf(int folded) => CharacterSet.Of(EqualTo(folded).Select(static code => (code, code)));

    /// <summary>A set with all characters that are equal to one of it without case, one for one.</summary>
    public CharacterSet Close(CharacterSet set)
    {
        List<(int, int)> more = [.. set.Ranges];
        foreach ((int code, int folded) in simple)
            if (set.Contains(code) || EqualTo(folded).Any(set.Contains))
                more.AddRange(EqualTo(folded).Append(code).Select(static one => (one, one)));
        return CharacterSet.Of(more);
    }

    private IEnumerable<int> EqualTo(int folded) =>
        unfolded.TryGetValue(folded, out List<int>? codes) ? codes.Prepend(folded) : [folded];
}
