using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.NoEmit;
using Lemma.Formulas;
using Lemma.Tests.Oracles.Twins;
using Perfolizer.Horology;

namespace Lemma.Bench;

/// <summary>Runs <see cref="FormulaSpeed"/> in this process and writes what the pages of the formulas show of it.</summary>
internal static class SpeedTable
{
    private const string Head = "name\texample\tforward\tbackward\tprimitives\ttwin\tfloor\tbound\tgolden";

    /// <summary>Columns: name, example; forward, backward, TensorPrimitives', twin and floor in microseconds; what bounds the floor; golden cases.</summary>
    /// <param name="path">The table; with names its other rows stay as they are.</param>
    /// <param name="names">The formulas to time, all without any.</param>
    public static void Run(string path, string[] names)
    {
        Dictionary<string, string> rows = [];
        if (names.Length > 0)
        {
            FormulaSpeed.Names = [.. names.Select(name => FormulaIndex.Find(name).Name)];
            if (File.Exists(path))
                rows = File.ReadLines(path).Skip(1).ToDictionary(line => line[..line.IndexOf('\t', StringComparison.Ordinal)]);
        }
        Job job = Job.Default.WithToolchain(InProcessNoEmitToolchain.Instance).WithWarmupCount(1).WithIterationCount(5)
            .WithIterationTime(TimeInterval.FromMilliseconds(30)).WithUnrollFactor(1).WithMinInvokeCount(1).WithMinIterationTime(TimeInterval.FromMilliseconds(1));
        IConfig config = ManualConfig.CreateEmpty().AddJob(job).AddColumnProvider(DefaultColumnProviders.Instance)
            .AddLogger(ConsoleLogger.Default).WithOptions(ConfigOptions.DisableLogFile);
        Floor floor = new();
        Summary summary = BenchmarkRunner.Run<FormulaSpeed>(config);
        Dictionary<(string, string), double> medians = summary.Reports.ToDictionary(
            report => ((string)report.BenchmarkCase.Parameters["Formula"], report.BenchmarkCase.Descriptor.WorkloadMethod.Name),
            report => report.ResultStatistics is { } statistics ? statistics.Median / 1e3
                : throw new InvalidOperationException($"bench: {report.BenchmarkCase.DisplayInfo} has no result"));
        ILookup<string, GoldenCase> golden = new[] { "ops.json", "more.json" }
            .SelectMany(name => GoldenFile.Read(Path.Combine(AppContext.BaseDirectory, "Golden", name))).ToLookup(one => one.Formula);
        foreach (string name in FormulaSpeed.Names)
        {
            FormulaExample example = new(BenchSizes.All[name]);
            (double seconds, string bound) = floor.Of(name, example);
            double forward = medians[(name, "Forward")], backward = medians[(name, "Backward")];
            double primitives = Kernels.Primitives(name, example) is null ? 0 : medians[(name, "Primitives")];
            if (!FormulaIndex.Find(name).IsDifferentiable)
                backward = 0;
            else if (Kernels.Find(name, example) is null)
                backward = Math.Max(0, backward - forward);
            rows[name] = string.Create(CultureInfo.InvariantCulture, $"{name}\t{BenchSizes.All[name]}\t{forward:0.0}\t{backward:0.0}\t{primitives:0.0}")
                + string.Create(CultureInfo.InvariantCulture, $"\t{medians[(name, "Twin")]:0.0}\t{seconds * 1e6:0.0}\t{bound}\t{golden[name].Count()}");
        }
        File.WriteAllLines(path, [Head, .. FormulaIndex.All.Select(formula => formula.Name).Where(rows.ContainsKey).Select(name => rows[name])]);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"copy {floor.Bandwidth / 1e9:0.0} GB/s, products {floor.Peak / 1e9:0.0} GFLOP/s; {path}"));
    }
}
