using System.Globalization;

namespace Lemma.Cli.FormulaPages;

/// <summary>What the benchmark measured of a formula on one thread, in microseconds.</summary>
/// <param name="Example">The inputs it was measured on.</param>
/// <param name="Forward">The forward.</param>
/// <param name="Backward">The backward; 0 where there is none.</param>
/// <param name="Primitives">The forward written with TensorPrimitives; 0 where they lack a function.</param>
/// <param name="Twin">The naive twin's forward in double.</param>
/// <param name="Floor">The least time that the machine allows.</param>
/// <param name="Bound">What the floor is: memory (bytes over bandwidth) or products (operations over peak).</param>
/// <param name="Golden">Cases in the golden files.</param>
internal sealed record FormulaSpeed(string Example, double Forward, double Backward, double Primitives, double Twin, double Floor, string Bound, int Golden)
{
    /// <summary>The file's name beside the pages.</summary>
    public const string FileName = "measured.tsv";

    /// <summary>The speeds by formula from a folder; none without the file.</summary>
    public static IReadOnlyDictionary<string, FormulaSpeed> Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        Dictionary<string, FormulaSpeed> speeds = [];
        if (!File.Exists(path))
            return speeds;
        foreach (string line in File.ReadLines(path).Skip(1))
        {
            string[] parts = line.Split('\t');
            if (parts.Length != 9)
                throw new InvalidDataException($"{path}: a line must have 9 columns, but one has {parts.Length}: {line}");
            double Number(int i) => double.Parse(parts[i], CultureInfo.InvariantCulture);
            speeds.Add(parts[0], new FormulaSpeed(parts[1], Number(2), Number(3), Number(4), Number(5), Number(6), parts[7], (int)Number(8)));
        }
        return speeds;
    }

    /// <summary>The cell of the index.</summary>
    public string Cell => string.Create(CultureInfo.InvariantCulture,
        $"{Show(Forward)}; {Twin / Forward:0.#} times the twin, {100 * Floor / Forward:0} % of the floor");

    /// <summary>The line of the page.</summary>
    public string Line => $"forward {Show(Forward)}{(Backward > 0 ? $", backward {Show(Backward)}" : "")} on `{Example}`, one thread; "
        + $"{(Primitives > 0 ? $"TensorPrimitives {Show(Primitives)}; " : "")}naive twin in double {Show(Twin)}; floor {Show(Floor)} ({Bound})";

    private static string Show(double microseconds) => microseconds >= 1000
        ? string.Create(CultureInfo.InvariantCulture, $"{microseconds / 1000:G3} ms") : string.Create(CultureInfo.InvariantCulture, $"{microseconds:G3} µs");
}
