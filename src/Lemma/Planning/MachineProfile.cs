using System.Text.Json;
using Lemma.Compute;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Training;

namespace Lemma.Planning;

/// <summary>What kinds of work cost on one machine, measured once: a roofline whose roofs are those of this code on this processor.</summary>
/// <remarks>Times that it gives are those of a machine that does nothing else. Muon's products are not among the kinds.</remarks>
public sealed record MachineProfile
{
    private const int CurrentVersion = 1;
    private const double SigmasOfInterval = 2, LeastSpread = 0.03;

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

    /// <summary>The relative error of steps that were measured, as a standard deviation.</summary>
    public required double StepSpread { get; init; }

    /// <summary>Decoding, a weight: ln of the weights' bytes, ln of the sequences, ln of the seconds a parameter.</summary>
    internal double[][] DecodingCosts { get; init; } = [];

    /// <summary>Keys and values that a decoded token attends to: ln of the bytes of weights and cache, seconds an element; two places.</summary>
    internal double[][] CacheCosts { get; init; } = [];

    /// <summary>Seconds of a block of a model, whatever its size.</summary>
    internal double BlockCost { get; init; }

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
        return Around(KnownTime(plan.Features) + OtherTime(plan.Features) + each * plan.Features.Stepped, StepSpread);
    }

    /// <summary>The seconds in which some sequences get one more token each, with an interval.</summary>
    /// <param name="config">A decoder.</param>
    /// <param name="sequences">Sequences that are decoded together.</param>
    /// <param name="context">Tokens behind each.</param>
    public Interval DecodingTime(DecoderConfig config, int sequences, int context)
    {
        ArgumentNullException.ThrowIfNull(config);
        Require.That(sequences > 0 && context >= 0, $"plan: sequences must be above 0 and their context at least 0, but they are {sequences} and {context}");
        ParameterCount count = ParameterCount.Of(config);
        // Of a table rows are looked up; it is read where it is the head as well.
        double read = count.Activated - (config.Head.Tied ? 0 : (double)config.VocabularySize * config.Width);
        double met = Math.Min(count.Total, read + (count.Total - count.Activated) * Share(config, sequences));
        double seconds = met * CostOfWeight(sizeof(float) * met, sequences) + BlockCost * config.Layers
            + CacheSeconds(sequences * (double)CachePlan.Of(config).ElementsOf(context), met);
        return Around(seconds, DecodingSpread);
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
        json.WriteNumber("step_spread", StepSpread);
        WriteNumbers(json, "decoding_costs", [.. DecodingCosts.SelectMany(row => row)]);
        WriteNumbers(json, "cache_costs", [.. CacheCosts.SelectMany(place => place)]);
        json.WriteNumber("block_cost", BlockCost);
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
            StepSpread = Positive(file, "step_spread", file.Number("step_spread")),
            DecodingCosts = Rows(file, "decoding_costs", Calibration.DecodingColumns),
            CacheCosts = [.. Numbers(file, "cache_costs", 4).Chunk(2)],
            BlockCost = NotNegative(file, "block_cost", file.Number("block_cost")),
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

    private static double Positive(JsonSettings file, string name, double value) => value > 0 && double.IsFinite(value) ? value
        : throw file.Error($"\"{name}\" must be above 0, but it is {value}");

    private static double NotNegative(JsonSettings file, string name, double value) => value >= 0 && double.IsFinite(value) ? value
        : throw file.Error($"\"{name}\" must be at least 0, but it is {value}");
}
