namespace Lemma.Formulas;

/// <summary>L̄ = Σ p·l, H(p) ≤ L̄ &lt; H(p) + 1.</summary>
/// <remarks>
/// p, lengths l: [n], a distribution; l: length of each code word in bits; words are given by Words. Huffman 1952, A method for the
/// construction of minimum-redundancy codes.
/// </remarks>
public static class HuffmanCode
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "huffman_code",
        Group = "Information",
        Text = "L̄ = Σ p·l, H(p) ≤ L̄ < H(p) + 1",
        Latex = @"\bar L = \sum_i p_i l_i\qquad H(p)\le\bar L\lt H(p) + 1",
        Shapes = "p, lengths l: [n], a distribution",
        Symbols = "l: length of each code word in bits; words are given by Words",
        Source = "Huffman 1952, A method for the construction of minimum-redundancy codes",
        Gradient = "None: lengths are whole numbers",
        Notes = "The best code with a whole number of bits a symbol.",
        IsDifferentiable = false,
        Example = "p[9]p",
        Evaluate = Evaluate,
    };

    /// <summary>The length of each symbol's word; symbols of probability 0 get 0, a single symbol 1.</summary>
    public static int[] Lengths(ReadOnlySpan<float> p)
    {
        Check.Distributions("huffman_code", "p", p, p.Length);
        PriorityQueue<int, (double Weight, int Order)> queue = new();
        List<int> parents = [];
        for (int i = 0; i < p.Length; i++)
        {
            parents.Add(-1);
            if (p[i] > 0)
                queue.Enqueue(i, (p[i], i));
        }
        int[] lengths = new int[p.Length];
        if (queue.Count == 1)
            lengths[queue.Peek()] = 1;
        while (queue.Count > 1)
        {
            queue.TryDequeue(out int first, out (double Weight, int Order) light);
            queue.TryDequeue(out int second, out (double Weight, int Order) heavy);
            int node = parents.Count;
            parents.Add(-1);
            (parents[first], parents[second]) = (node, node);
            queue.Enqueue(node, (light.Weight + heavy.Weight, node));
        }
        for (int i = 0; i < p.Length; i++)
        {
            for (int node = i; parents[node] >= 0; node = parents[node])
                lengths[i]++;
        }
        return lengths;
    }

    /// <summary>Canonical words of given lengths, as strings of 0 and 1; no word begins another.</summary>
    public static string[] Words(ReadOnlySpan<int> lengths)
    {
        string[] words = new string[lengths.Length];
        Array.Fill(words, "");
        int[] order = [.. Enumerable.Range(0, lengths.Length)];
        int[] copy = lengths.ToArray();
        System.Numerics.BigInteger code = 0;
        int length = 0;
        foreach (int symbol in order.Where(i => copy[i] > 0).OrderBy(i => copy[i]).ThenBy(i => i))
        {
            code <<= copy[symbol] - length;
            length = copy[symbol];
            char[] word = new char[length];
            for (int bit = 0; bit < length; bit++)
                word[bit] = ((code >> (length - 1 - bit)) & 1) == 1 ? '1' : '0';
            words[symbol] = new string(word);
            code++;
        }
        return words;
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values p = call.Input("p", -1);
        return new Values(p.Shape, [.. Lengths(p).Select(length => (float)length)]);
    }
}
