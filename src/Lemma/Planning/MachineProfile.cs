using System.Text.Json;
using Lemma.Compute;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Training;

namespace Lemma.Planning;

/// <summary>What kinds of work cost on one machine, measured once: a roofline whose roofs are those of this code on this processor.</summary>
/// <remarks>Times that it gives are those of a machine that does nothing else.</remarks>
public sealed record MachineProfile
{
    private const int CurrentVersion = 2;
    private const double SigmasOfInterval = 2, LeastSpread = 0.03;

    // How far reading and computing overlap: with 1 they would follow each other, with ∞ the longer one would be all.
    private const double Overlap = 4;

    internal MachineProfile() { }

    /// <summary>The machine's name, as the caller gave it.</summary>
    public required string Machine { get; init; }

    /// <summary>Threads that were used.</summary>
    public required int Threads { get; init; }

    /// <summary>The most operations a second of fused multiply-adds in registers.</summary>
    public required double PeakOperations { get; init; }

    /// <summary>Bytes a second that are read from memory.</summary>
    public required double MemoryBytes { get; init; }

    /// <summary>Seconds for each of: an operation of a product, an element packed, an element written, a product.</summary>
    internal double[] ProductCosts { get; init; } = [];

    /// <summary>Seconds an operation of attention, forward and backward alike.</summary>
    internal double AttentionCost { get; init; }

    /// <summary>Seconds for each of: an element of a result or gradient, a logit, a job.</summary>
    internal double[] OtherCosts { get; init; } = [];

    /// <summary>Seconds a parameter of a step of each optimizer, clipping and all, by the name of its options.</summary>
    internal IReadOnlyDictionary<string, double> OptimizerCosts { get; init; } = new Dictionary<string, double>();

    /// <summary>Seconds an operation of the products of matrices that an optimizer steps as wholes, one thread a matrix.</summary>
    internal double WholeCost { get; init; }

    /// <summary>The relative error of steps that were measured, as a standard deviation.</summary>
    public required double StepSpread { get; init; }

    /// <summary>Decoding, a weight: ln of the weights' bytes, ln of the sequences, ln of the seconds a parameter.</summary>
    internal double[][] DecodingCosts { get; init; } = [];

    /// <summary>Keys and values that a decoded token attends to: ln of the bytes of weights and cache, seconds an element; two places.</summary>
    internal double[][] CacheCosts { get; init; } = [];

    /// <summary>Seconds of a block of a model, whatever its size.</summary>
    internal double BlockCost { get; init; }

    /// <summary>Seconds for each number that a sequence keeps of a token, whatever the tokens behind it: the first page of attention.</summary>
    internal double PageCost { get; init; }

    /// <summary>Seconds in which threads are given nothing to do, and have done it.</summary>
    internal double JobCost { get; init; }

    /// <summary>Plain reads: ln of the bytes, bytes a second; from caches up to memory.</summary>
    internal double[][] ReadRates { get; init; } = [];

    /// <summary>The relative error of decoded tokens that were measured, as a standard deviation.</summary>
    public required double DecodingSpread { get; init; }

    /// <summary>Whether steps of an optimizer are among what was measured.</summary>
    public bool Knows(OptimizerOptions options) => OptimizerCosts.ContainsKey(NameOf(options ?? throw new ArgumentNullException(nameof(options))));

    /// <summary>The seconds of a step of training, with an interval of two standard deviations of what was measured.</summary>
    /// <exception cref="ArgumentException">The optimizer's work is not among the kinds that were measured.</exception>
    public Interval StepTime(StepPlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        string optimizer = NameOf(plan.Shape.Optimizer);
        Require.That(OptimizerCosts.TryGetValue(optimizer, out double each), $"plan: the time of a step of {optimizer} is not known to this machine's profile");
        return Around(KnownTime(plan.Features) + OtherTime(plan.Features) + each * plan.Features.Stepped
            + WholeCost * Longest(plan.WholeOperations, Threads), StepSpread);
    }

    /// <summary>The seconds in which some sequences get one more token each, with an interval.</summary>
    /// <param name="config">A decoder.</param>
    /// <param name="sequences">Sequences that are decoded together.</param>
    /// <param name="context">Tokens behind each.</param>
    /// <param name="now">What the machine gives at the moment, by reads of <see cref="BytesOfToken"/>; null for what it gave when it was measured.</param>
    /// <remarks>
    /// The memory of a virtual machine may give half as much an hour later. Reading and computing overlap: t⁴ = read⁴ + rest⁴, of which the rest stays and
    /// a plain read takes what it takes now. Each job that threads are given costs what it costs now.
    /// </remarks>
    public Interval DecodingTime(DecoderConfig config, int sequences, int context, MachineMoment? now = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        Require.That(now is null or { ReadRate: > 0, JobSeconds: >= 0 }, $"plan: a rate of memory must be above 0 and a job's time not below, but they are {now}");
        double met = Met(config, sequences, context), elements = sequences * (double)CachePlan.Of(config).ElementsOf(context);
        double seconds = met * CostOfWeight(sizeof(float) * met, sequences) + BlockCost * config.Layers + CacheSeconds(elements, met)
            + PageCost * sequences * CachePlan.Of(config).ElementsOfToken * Math.Min(1, context / (double)Calibration.PageOfContext);
        if (now is not null)
        {
            double bytes = sizeof(float) * (met + elements), then = ReadRateOf(bytes), reading = Math.Min(seconds, bytes / then);
            double rest = Math.Pow(seconds, Overlap) - Math.Pow(reading, Overlap);
            seconds = Math.Pow(Math.Pow(reading * then / now.ReadRate, Overlap) + rest, 1 / Overlap);
            // Jobs cannot have been more than all of it.
            seconds = Math.Max(0.5 * seconds, seconds + PassPlan.Of(config, 1).Jobs * (now.JobSeconds - JobCost));
        }
        return Around(seconds, DecodingSpread);
    }

    /// <summary>The bytes that are read where some sequences get one more token each: weights that they meet, keys and values.</summary>
    public static long BytesOfToken(DecoderConfig config, int sequences, int context)
    {
        ArgumentNullException.ThrowIfNull(config);
        return (long)(sizeof(float) * (Met(config, sequences, context) + sequences * (double)CachePlan.Of(config).ElementsOf(context)));
    }

    // Weights that a token meets. Of a table rows are looked up; it is read where it is the head as well.
    private static double Met(DecoderConfig config, int sequences, int context)
    {
        Require.That(sequences > 0 && context >= 0, $"plan: sequences must be above 0 and their context at least 0, but they are {sequences} and {context}");
        ParameterCount count = ParameterCount.Of(config);
        double read = count.Activated - (config.Head.Tied ? 0 : (double)config.VocabularySize * config.Width);
        return Math.Min(count.Total, read + (count.Total - count.Activated) * Share(config, sequences));
    }

    /// <summary>Measures this machine, half a minute or so.</summary>
    /// <param name="workers">Threads that plans are for.</param>
    /// <param name="machine">The machine's name, to tell profiles apart.</param>
    /// <param name="progress">Told what is measured.</param>
    public static MachineProfile Measure(Workers workers, string machine, IProgress<string>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(workers);
        ArgumentNullException.ThrowIfNull(machine);
        return new Calibration(workers, progress).Measure(machine);
    }

    /// <summary>Writes the profile to a file, as a whole.</summary>
    public void Write(string path) => AtomicFile.Write(path, stream =>
    {
        using Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" });
        json.WriteStartObject();
        json.WriteNumber("version", CurrentVersion);
        json.WriteString("machine", Machine);
        json.WriteNumber("threads", Threads);
        json.WriteNumber("peak_operations", PeakOperations);
        json.WriteNumber("memory_bytes", MemoryBytes);
        WriteNumbers(json, "product_costs", ProductCosts);
        json.WriteNumber("attention_cost", AttentionCost);
        WriteNumbers(json, "other_costs", OtherCosts);
        json.WriteStartObject("optimizer_costs");
        foreach ((string name, double cost) in OptimizerCosts.OrderBy(cost => cost.Key, StringComparer.Ordinal))
            json.WriteNumber(name, cost);
        json.WriteEndObject();
        json.WriteNumber("whole_cost", WholeCost);
        json.WriteNumber("step_spread", StepSpread);
        WriteNumbers(json, "decoding_costs", [.. DecodingCosts.SelectMany(row => row)]);
        WriteNumbers(json, "cache_costs", [.. CacheCosts.SelectMany(place => place)]);
        json.WriteNumber("block_cost", BlockCost);
        json.WriteNumber("page_cost", PageCost);
        json.WriteNumber("job_cost", JobCost);
        WriteNumbers(json, "read_rates", [.. ReadRates.SelectMany(place => place)]);
        json.WriteNumber("decoding_spread", DecodingSpread);
        json.WriteEndObject();
    });

    /// <summary>Reads a profile.</summary>
    /// <exception cref="InvalidDataException">The file is none.</exception>
    public static MachineProfile Read(string path)
    {
        JsonSettings file = JsonSettings.Read(path);
        if (file.Integer("version", least: 0) is var version && version != CurrentVersion)
            throw file.Error($"version {version} is not {CurrentVersion}; measure the machine again");
        JsonSettings optimizers = file.Section("optimizer_costs") ?? throw file.Missing("optimizer_costs");
        return new MachineProfile
        {
            Machine = file.Text("machine") ?? throw file.Missing("machine"),
            Threads = file.Integer("threads"),
            PeakOperations = Positive(file, "peak_operations", file.Number("peak_operations")),
            MemoryBytes = Positive(file, "memory_bytes", file.Number("memory_bytes")),
            ProductCosts = Numbers(file, "product_costs", 4),
            AttentionCost = Positive(file, "attention_cost", file.Number("attention_cost")),
            OtherCosts = Numbers(file, "other_costs", 3),
            OptimizerCosts = optimizers.Names.ToDictionary(name => name, name => Positive(file, name, optimizers.Number(name))),
            WholeCost = NotNegative(file, "whole_cost", file.Number("whole_cost")),
            StepSpread = Positive(file, "step_spread", file.Number("step_spread")),
            DecodingCosts = Rows(file, "decoding_costs", Calibration.DecodingColumns),
            CacheCosts = [.. Numbers(file, "cache_costs", 4).Chunk(2)],
            BlockCost = NotNegative(file, "block_cost", file.Number("block_cost")),
            PageCost = NotNegative(file, "page_cost", file.Number("page_cost")),
            JobCost = NotNegative(file, "job_cost", file.Number("job_cost")),
            ReadRates = Rates(file, "read_rates"),
            DecodingSpread = Positive(file, "decoding_spread", file.Number("decoding_spread")),
        };
    }

    internal static string NameOf(OptimizerOptions options) => options is GradientDescentOptions { Momentum: > 0 } ? "Momentum"
        : options.GetType().Name.Replace("Options", "", StringComparison.Ordinal);

    /// <summary>Products and attention.</summary>
    internal double KnownTime(in WorkFeatures work) => ProductCosts[0] * work.ProductOperations + ProductCosts[1] * work.PackedElements
        + ProductCosts[2] * work.WrittenElements + ProductCosts[3] * work.Products + AttentionCost * work.AttentionOperations;

    private double OtherTime(in WorkFeatures work) => OtherCosts[0] * work.Elements + OtherCosts[1] * work.Logits + OtherCosts[2] * work.Jobs;

    // Seconds a parameter by the bytes of all and the sequences together: between measured ones by lines of logarithms.
    private double CostOfWeight(double bytes, int sequences)
    {
        double[] sizes = [.. DecodingCosts.Select(row => row[0]).Distinct().Order()], rows = [.. DecodingCosts.Select(row => row[1]).Distinct().Order()];
        (int size, double inSize) = Place(sizes, Math.Log(bytes));
        (int row, double inRow) = Place(rows, Math.Log(sequences));
        double At(int i, int j) => DecodingCosts.First(one => one[0] == sizes[i] && one[1] == rows[j])[2];
        double low = At(size, row) + inSize * (At(size + 1, row) - At(size, row));
        double high = At(size, row + 1) + inSize * (At(size + 1, row + 1) - At(size, row + 1));
        return Math.Exp(low + inRow * (high - low));
    }

    /// <summary>Bytes a second that a plain read of some bytes gave when the machine was measured.</summary>
    /// <remarks>Between measured sizes by lines over the logarithm; beyond them it stays.</remarks>
    public double ReadRateOf(double bytes)
    {
        double[] sizes = [.. ReadRates.Select(place => place[0])];
        double at = Math.Clamp(Math.Log(bytes), sizes[0], sizes[^1]);
        (int index, double share) = Place(sizes, at);
        return ReadRates[index][1] + share * (ReadRates[index + 1][1] - ReadRates[index][1]);
    }

    /// <summary>The most work that one of several threads gets where each takes the next piece when it is done.</summary>
    internal static double Longest(IReadOnlyList<double> pieces, int threads)
    {
        double[] loads = new double[threads];
        foreach (double piece in pieces)
            loads[Array.IndexOf(loads, loads.Min())] += piece;
        return loads.Max();
    }

    private double CacheSeconds(double elements, double weights)
    {
        double bytes = Math.Log(sizeof(float) * (elements + weights)), near = CacheCosts[0][0], far = CacheCosts[1][0];
        double share = far > near ? Math.Clamp((bytes - near) / (far - near), 0, 1) : 1;
        return elements * (CacheCosts[0][1] + share * (CacheCosts[1][1] - CacheCosts[0][1]));
    }

    // Beyond the last row of many sequences the cost grows with them; beyond the sizes it stays.
    private static (int Index, double Share) Place(double[] axis, double value)
    {
        int index = Math.Clamp(Array.FindLastIndex(axis, one => one <= value), 0, axis.Length - 2);
        return (index, Math.Max(0, (value - axis[index]) / (axis[index + 1] - axis[index])));
    }

    // The share of experts that nobody's first choices are but that somebody of several chooses.
    private static double Share(DecoderConfig config, int sequences)
    {
        if (config.Experts.FirstOrDefault() is not { } experts)
            return 0;
        double chosen = (double)experts.Routing.Chosen / experts.Routing.Experts;
        return chosen >= 1 ? 0 : (1 - Math.Pow(1 - chosen, sequences) - chosen) / (1 - chosen);
    }

    private static Interval Around(double seconds, double spread)
    {
        double factor = Math.Exp(SigmasOfInterval * Math.Max(LeastSpread, spread));
        return new Interval(seconds, seconds / factor, seconds * factor);
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, double[] values)
    {
        json.WriteStartArray(name);
        foreach (double value in values)
            json.WriteNumberValue(value);
        json.WriteEndArray();
    }

    private static double[] Numbers(JsonSettings file, string name, int count)
    {
        double[] values = file.Numbers(name);
        if (values.Length != count)
            throw file.Error($"\"{name}\" must have {count} numbers, but it has {values.Length}");
        return [.. values.Select(value => NotNegative(file, name, value))];
    }

    private static double[][] Rows(JsonSettings file, string name, int columns)
    {
        double[] values = file.Numbers(name);
        double[][] rows = [.. values.Chunk(columns)];
        int sizes = rows.Select(row => row[0]).Distinct().Count(), counts = rows.Where(row => row.Length == columns).Select(row => row[1]).Distinct().Count();
        if (values.Length % columns != 0 || values.Any(value => !double.IsFinite(value)) || sizes < 2 || counts < 2 || rows.Length != sizes * counts
            || rows.Select(row => (row[0], row[1])).Distinct().Count() != rows.Length)
            throw file.Error($"\"{name}\" must be a grid of at least 2 by 2 places of {columns} numbers each, but it has {values.Length} numbers");
        return rows;
    }

    // Two numbers a place, at least two places.
    private static double[][] Rates(JsonSettings file, string name)
    {
        double[] values = [.. file.Numbers(name).Select(value => Positive(file, name, value))];
        if (values.Length < 4 || values.Length % 2 != 0)
            throw file.Error($"\"{name}\" must have at least two places of two numbers each, but it has {values.Length} numbers");
        return [.. values.Chunk(2).OrderBy(place => place[0])];
    }

    private static double Positive(JsonSettings file, string name, double value) => value > 0 && double.IsFinite(value) ? value
        : throw file.Error($"\"{name}\" must be above 0, but it is {value}");

    private static double NotNegative(JsonSettings file, string name, double value) => value >= 0 && double.IsFinite(value) ? value
        : throw file.Error($"\"{name}\" must be at least 0, but it is {value}");
}
