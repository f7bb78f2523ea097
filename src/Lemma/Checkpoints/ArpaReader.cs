using System.Globalization;
using System.Runtime.InteropServices;
using Lemma.Models;

namespace Lemma.Checkpoints;

/// <summary>Reads an ARPA file that nothing is believed of: memory grows with its lines, not with the numbers in its head.</summary>
internal sealed class ArpaReader
{
    private readonly string path;
    private readonly bool hasOwnWords;
    private readonly Dictionary<string, int> ids = new(StringComparer.Ordinal);
    private readonly List<string> words = [];
    private readonly List<Grams> orders = [];
    private NGramMarks marks;
    private int? unknown;
    private double? unknownLog;
    private int number;

    public ArpaReader(string path) => (this.path, hasOwnWords) = (path, true);

    public ArpaReader(string path, IReadOnlyList<string> words, NGramMarks marks)
    {
        (this.path, this.marks) = (path, marks);
        this.words.AddRange(words);
        for (int id = 0; id < words.Count; id++)
        {
            if (id != marks.Begin && id != marks.End && !ids.TryAdd(words[id], id))
                throw new ArgumentException($"arpa: words must be distinct, but '{words[id]}' is twice among them");
        }
    }

    public ArpaModel Read()
    {
        using StreamReader reader = new(path);
        List<long> counts = ReadHead(reader);
        for (int k = 1; k <= counts.Count; k++)
            ReadOrder(reader, k, counts.Count, counts[k - 1]);
        if (Next(reader) != "\\end\\")
            throw Fault("'\\end\\' must stand here");
        if (hasOwnWords)
            marks = new NGramMarks(Find(ArpaFile.Begin), Find(ArpaFile.End));
        return new ArpaModel(Build(), words, unknown);
    }

    private int? Find(string word) => ids.TryGetValue(word, out int id) ? id : null;

    private List<long> ReadHead(StreamReader reader)
    {
        // What stands before is of no meaning.
        string? line;
        while ((line = Line(reader)) is not null && line != "\\data\\") { }
        if (line is null)
            throw new InvalidDataException($"{path}: it has no line '\\data\\', so it is no ARPA file");
        List<long> counts = [];
        while (Peek(reader) == 'n')
        {
            line = Next(reader)!;
            string expected = string.Create(CultureInfo.InvariantCulture, $"ngram {counts.Count + 1}=");
            if (!line.StartsWith(expected, StringComparison.Ordinal)
                || !long.TryParse(line.AsSpan(expected.Length).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out long count))
            {
                throw Fault($"'{expected}' and a number must stand here");
            }
            counts.Add(count);
        }
        if (counts.Count is 0 or > NGramCounts.MostOrder)
            throw Fault($"orders must be from 1 to {NGramCounts.MostOrder}, but there are {counts.Count}");
        return counts;
    }

    private void ReadOrder(StreamReader reader, int order, int most, long count)
    {
        string head = string.Create(CultureInfo.InvariantCulture, $"\\{order}-grams:");
        if (Next(reader) != head)
            throw Fault($"'{head}' must stand here");
        Grams grams = new(order);
        orders.Add(grams);
        while (Peek(reader) is not (-1 or '\\'))
        {
            string line = Next(reader)!;
            string[] fields = line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length != order + 1 && (fields.Length != order + 2 || order == most))
            {
                throw Fault($"a number, {order} {(order == 1 ? "word" : "words")}{(order < most ? " and maybe a number" : "")} are needed, "
                    + $"but there are {fields.Length} fields");
            }
            double log = Number(fields[0]), factor = fields.Length == order + 2 ? Number(fields[^1]) : 0;
            if (log > 0)
                throw Fault($"a log-probability must not be above 0, but it is {fields[0]}");
            Add(grams, fields.AsSpan(1, order), log, factor);
        }
        if (grams.Lines != count)
            throw Fault($"the head says {count} {order}-grams, but there are {grams.Lines}");
    }

    private void Add(Grams grams, ReadOnlySpan<string> fields, double log, double factor)
    {
        grams.Lines++;
        if (grams.Order == 1 && fields[0] == ArpaFile.Unknown && !hasOwnWords)
        {
            unknownLog = log;
            return;
        }
        foreach (string word in fields)
        {
            if (grams.Order == 1 && hasOwnWords)
            {
                if (!ids.TryAdd(word, words.Count))
                    throw Fault($"the word '{word}' has a line already");
                words.Add(word);
                if (word is ArpaFile.Unknown)
                    unknown = words.Count - 1;
            }
            int? id = !hasOwnWords && word == ArpaFile.Begin ? marks.Begin : !hasOwnWords && word == ArpaFile.End ? marks.End : Find(word);
            grams.Ids.Add(id ?? throw Fault(grams.Order == 1 ? $"the word '{word}' is not in the vocabulary" : $"the word '{word}' has no 1-gram"));
        }
        // Where one id begins and ends, the line of <s> has its factor and that of </s> its probability.
        bool isBegin = grams.Order == 1 && fields[0] == ArpaFile.Begin;
        bool isEndToo = grams.Order == 1 && fields[0] == ArpaFile.End && marks.Begin == marks.End && !hasOwnWords;
        grams.P.Add(isBegin ? 0 : PowerOfTen.Of(log));
        grams.Factors.Add(isEndToo ? double.NaN : PowerOfTen.Of(factor));
    }

    private NGramModel Build()
    {
        NGramLevel[] levels = new NGramLevel[orders.Count];
        double[][] p = new double[orders.Count][], factors = new double[orders.Count - 1][];
        double[] own;
        (levels[0], p[0], own) = Words();
        if (orders.Count > 1)
            factors[0] = own;
        // Pruning by others may leave out what an n-gram ends in: it is put back, with the probability that it had by backing off.
        for (int k = orders.Count; k > 2; k--)
            orders[k - 2].AddSuffixesOf(orders[k - 1]);
        for (int k = 2; k <= orders.Count; k++)
        {
            (levels[k - 1], p[k - 1], own) = Level(orders[k - 1], levels.AsSpan(0, k - 1), p[k - 2], factors[k - 2]);
            if (k < orders.Count)
                factors[k - 1] = own;
        }
        return new NGramModel(levels, p, factors, marks, words.Count - (marks.Unpredicted is null ? 0 : 1));
    }

    private (NGramLevel Level, double[] P, double[] Factors) Words()
    {
        Grams grams = orders[0];
        if (words.Count == 0)
            throw new InvalidDataException($"{path}: it has no words");
        double[] p = new double[words.Count], factors = new double[words.Count];
        bool[] isThere = new bool[words.Count], hasFactor = new bool[words.Count];
        for (int i = 0; i < grams.Ids.Count; i++)
        {
            int id = grams.Ids[i];
            bool isLineOfBegin = grams.P[i] == 0 && id == marks.Begin, isLineOfEnd = double.IsNaN(grams.Factors[i]);
            if (isLineOfEnd ? isThere[id] : hasFactor[id])
                throw new InvalidDataException($"{path}: the word '{words[id]}' has two lines");
            if (!isLineOfBegin || marks.Begin != marks.End)
                (p[id], isThere[id]) = (grams.P[i], true);
            if (!isLineOfEnd)
                (factors[id], hasFactor[id]) = (grams.Factors[i], true);
        }
        int missing = isThere.Count(static there => !there);
        for (int id = 0; id < words.Count; id++)
        {
            if (!isThere[id])
                p[id] = PowerOfTen.Of(unknownLog ?? throw new InvalidDataException($"{path}: it has no 1-gram of '{words[id]}', and none of <unk>")) / missing;
            if (!hasFactor[id])
                factors[id] = 1;
        }
        return (NGramLevel.OfWords(words.Count), p, factors);
    }

    private (NGramLevel Level, double[] P, double[] Factors) Level(Grams grams, ReadOnlySpan<NGramLevel> levels, double[] lower, double[] lowerFactors)
    {
        NGramLevel below = levels[^1];
        int order = grams.Order, count = grams.Ids.Count / order;
        ReadOnlySpan<int> all = CollectionsMarshal.AsSpan(grams.Ids);
        (int Parent, int Word, int Place)[] keys = new (int, int, int)[count];
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<int> gram = all.Slice(i * order, order);
            int parent = NGramTrie.Find(levels, gram[..^1]) ?? throw new InvalidDataException($"{path}: '{Text(gram)}' goes on from an n-gram that is not there");
            keys[i] = (parent, gram[^1], i);
        }
        Array.Sort(keys);
        List<int> ends = [], suffixes = [];
        List<double> p = [], factors = [];
        int[] first = new int[below.Count + 1];
        (int Parent, int Word) last = (-1, -1);
        foreach ((int parent, int word, int place) in keys)
        {
            bool isRead = place < grams.P.Count;
            if ((parent, word) == last)
            {
                // What was put back stands behind all lines.
                if (isRead)
                    throw new InvalidDataException($"{path}: '{Text(all.Slice(place * order, order))}' has two lines");
                continue;
            }
            last = (parent, word);
            int suffix = NGramTrie.Find(levels, all.Slice(place * order + 1, order - 1))
                ?? throw new InvalidDataException($"{path}: what '{Text(all.Slice(place * order, order))}' ends in is not there");
            ends.Add(word);
            suffixes.Add(suffix);
            p.Add(isRead ? grams.P[place] : lowerFactors[parent] * lower[suffix]);
            factors.Add(isRead ? grams.Factors[place] : 1);
            first[parent + 1]++;
        }
        for (int i = 1; i < first.Length; i++)
            first[i] += first[i - 1];
        below.First = first;
        return (new NGramLevel { Words = [.. ends], Suffixes = [.. suffixes], First = new int[ends.Count + 1] }, [.. p], [.. factors]);
    }

    private string Text(ReadOnlySpan<int> gram) => string.Join(' ', gram.ToArray().Select(id => words[id]));

    private double Number(string field) =>
        double.TryParse(field, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value) && Math.Abs(value) <= 1000 ? value
            : throw Fault($"a number from -1000 to 1000 is needed, but '{field}' was found");

    // The next line that is not empty; null at the end.
    private string? Next(StreamReader reader)
    {
        string? line;
        while ((line = Line(reader)) is { Length: 0 }) { }
        return line;
    }

    // The first character of the next line that is not empty; −1 at the end.
    private int Peek(StreamReader reader)
    {
        while (reader.Peek() is '\n' or '\r' or ' ' or '\t')
        {
            if (reader.Read() == '\n')
                number++;
        }
        return reader.Peek();
    }

    private string? Line(StreamReader reader)
    {
        number++;
        return reader.ReadLine()?.Trim();
    }

    private InvalidDataException Fault(string what) => new($"{path}, line {number}: {what}");

    /// <summary>The n-grams of one order, as they stand in the file.</summary>
    private sealed class Grams(int order)
    {
        public int Order => order;

        public long Lines { get; set; }

        public List<int> Ids { get; } = [];

        /// <summary>Of the lines alone, behind which stand those that were put back.</summary>
        public List<double> P { get; } = [];

        public List<double> Factors { get; } = [];

        public void AddSuffixesOf(Grams above)
        {
            for (int i = 0; i < above.Ids.Count; i += above.Order)
                Ids.AddRange(above.Ids.GetRange(i + 1, order));
        }
    }
}
