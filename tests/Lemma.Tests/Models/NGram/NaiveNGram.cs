using Lemma.Models;

namespace Lemma.Tests.Models.NGram;

/// <summary>N-gram models again: dictionaries of what was seen, and the formulas by recursion.</summary>
internal sealed class NaiveNGram
{
    private readonly int order;
    private readonly NGramMarks marks;
    private readonly int[] words;
    private readonly Dictionary<string, int> counts = [];
    private readonly Dictionary<string, HashSet<int>> before = [], behind = [];

    public NaiveNGram(IEnumerable<int[]> documents, int order, int vocabularySize, NGramMarks marks)
    {
        (this.order, this.marks) = (order, marks);
        words = [.. Enumerable.Range(0, vocabularySize).Where(id => id != marks.Begin || marks.Begin == marks.End)];
        foreach (int[] document in documents)
        {
            int[] text = Marked(document);
            for (int end = marks.Begin is null ? 0 : 1; end < text.Length; end++)
            {
                for (int k = 1; k <= order && k <= end + 1; k++)
                {
                    int first = end - k + 1;
                    string gram = Key(text[first..(end + 1)]), context = Key(text[first..end]);
                    counts[gram] = counts.GetValueOrDefault(gram) + 1;
                    (behind.TryGetValue(context, out HashSet<int>? next) ? next : behind[context] = []).Add(text[end]);
                    // −1 stands before a document that has no mark.
                    if (first > 0 || marks.Begin is null)
                        (before.TryGetValue(gram, out HashSet<int>? prior) ? prior : before[gram] = []).Add(first > 0 ? text[first - 1] : -1);
                }
            }
        }
    }

    public int[] Words => words;

    public int[] Marked(int[] document) =>
        [.. marks.Begin is { } begin ? (int[])[begin] : [], .. document, .. marks.End is { } end ? (int[])[end] : []];

    /// <summary>The context of a place of a marked document.</summary>
    public int[] Context(int[] text, int place) => text[Math.Max(0, place - order + 1)..place];

    public double AddK(int[] context, int word, double k) =>
        (Count([.. context, word]) + k) / words.Sum(w => Count([.. context, w]) + k);

    public double Katz(int[] context, int word, int threshold)
    {
        double Lower(int w) => context.Length == 0 ? 1.0 / words.Length : Katz(context[1..], w, threshold);
        int[] followed = behind.TryGetValue(Key(context), out HashSet<int>? set) ? [.. set] : [];
        if (followed.Length == 0)
            return Lower(word);
        double[] discounts = Katz(context.Length + 1, threshold);
        double Discounted(int w) => Count([.. context, w]) is var c && c <= discounts.Length ? c * discounts[c - 1] : c;
        double sum = followed.Sum(w => Count([.. context, w])), kept = followed.Sum(Discounted);
        if (followed.Length == words.Length)
            return Discounted(word) / kept;
        double whole = followed.All(w => Discounted(w) == Count([.. context, w])) ? sum + 1 : sum;
        return followed.Contains(word) ? Discounted(word) / whole : (whole - kept) / whole * Lower(word) / words.Except(followed).Sum(Lower);
    }

    public double KneserNey(int[] context, int word, bool modified)
    {
        double lower = context.Length == 0 ? 1.0 / words.Length : KneserNey(context[1..], word, modified);
        if (!behind.TryGetValue(Key(context), out HashSet<int>? followed))
            return lower;
        double[] d = Discounts(context.Length + 1, modified);
        double Taken(int w) => d[Math.Min(Adjusted([.. context, w]), 3) - 1];
        double sum = followed.Sum(w => Adjusted([.. context, w])), gamma = followed.Sum(Taken) / sum;
        return (followed.Contains(word) ? (Adjusted([.. context, word]) - Taken(word)) / sum : 0) + gamma * lower;
    }

    private int Count(int[] gram) => counts.GetValueOrDefault(Key(gram));

    private int Adjusted(int[] gram) =>
        gram.Length == order || (gram.Length > 1 && gram[0] == marks.Begin) ? Count(gram) : before.TryGetValue(Key(gram), out HashSet<int>? set) ? set.Count : 0;

    private IEnumerable<int[]> Grams(int length) => counts.Keys.Select(key => key.Split(' ').Select(int.Parse).ToArray()).Where(gram => gram.Length == length);

    private readonly Dictionary<int, double[]> known = [];

    private double[] Katz(int length, int threshold)
    {
        if (known.TryGetValue(length, out double[]? found))
            return found;
        double N(int r) => Grams(length).Count(gram => Count(gram) == r);
        for (int k = threshold; ; k--)
        {
            double a = k == 0 ? 0 : (k + 1) * N(k + 1) / N(1);
            double[] d = [.. Enumerable.Range(1, k).Select(r => ((r + 1) * N(r + 1) / (r * N(r)) - a) / (1 - a))];
            if (d.All(one => one is > 0 and <= 1))
                return known[length] = d;
        }
    }

    private double[] Discounts(int length, bool modified)
    {
        if (known.TryGetValue(length, out double[]? found))
            return found;
        double N(int r) => Grams(length).Count(gram => Adjusted(gram) == r);
        double y = N(1) / (N(1) + 2 * N(2));
        double[] d = modified ? [1 - 2 * y * N(2) / N(1), 2 - 3 * y * N(3) / N(2), 3 - 4 * y * N(4) / N(3)] : [y, y, y];
        bool good = modified ? Enumerable.Range(0, 3).All(i => d[i] > 0 && d[i] <= i + 1) : y > 0;
        return known[length] = good ? d : modified ? [0.5, 1, 1.5] : [0.5, 0.5, 0.5];
    }

    private static string Key(int[] gram) => string.Join(' ', gram);
}
