using System.Diagnostics;
using System.Globalization;
using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Models;
using Lemma.Planning;
using Lemma.Training;

namespace Lemma.Bench;

/// <summary>Holds planned times and memory to measured ones, for shapes that the calibration did not see.</summary>
internal static class PlanCheck
{
    private const double Tolerance = 0.10, MemoryTolerance = 0.05;

    private static readonly AdapterConfig Rank16 = new() { Rank = 16, Alpha = 32, Targets = ["all-linear"] };

    private static readonly (string Name, DecoderConfig Config, StepShape Shape)[] Steps =
    [
        ("tiny, vocabulary 1024", Presets.Tiny(1024), new StepShape(16, 128)),
        ("small, vocabulary 4096", Presets.Small(4096), new StepShape(4, 512)),
        ("char", Presets.Characters(256), new StepShape(32, 64)),
        ("llama 320 x 5", Presets.Llama(2048, 320, 5, 5, 864, 512), new StepShape(4, 256)),
        ("llama-14m, recomputed blocks", Presets.Find("llama-14m")!, new StepShape(4, 256) { RecomputesBlocks = true }),
        ("llama 256 x 4, muon", Presets.Llama(2048, 256, 4, 4, 688, 512), new StepShape(4, 256) { Optimizer = new MuonOptions() }),
        ("llama-14m, adapter of rank 16", Presets.Find("llama-14m")!, new StepShape(4, 256) { Adapter = Rank16 }),
        ("gpt-2 384 x 4, lion", Presets.Gpt2(4096, 384, 4, 6, 512), new StepShape(2, 384) { Optimizer = new LionOptions() }),
    ];

    private static readonly (string Name, DecoderConfig Config, int Sequences, int Context)[] Tokens =
    [
        ("llama 160 x 5, 1 sequence", Presets.Llama(1024, 160, 5, 5, 432, 512), 1, 128),
        ("small, 1 sequence", Presets.Small(4096), 1, 256),
        ("small, 8 sequences", Presets.Small(4096), 8, 128),
        ("llama-14m, 1 sequence", Presets.Find("llama-14m")!, 1, 512),
        ("llama-29m, 4 sequences", Presets.Find("llama-29m")!, 4, 128),
        ("llama-135m, 1 sequence", Presets.Find("llama-135m")!, 1, 256),
    ];

    /// <summary>Measures the machine, and each shape in the same rounds; the exit code is 1 where one is further off than is allowed.</summary>
    /// <remarks>The memory of a virtual machine may give half as much a minute later, so what is compared is measured together.</remarks>
    /// <param name="file">Where what was measured is kept: read where it is there, so that times of now stand beside a plan of then; null to measure anew.</param>
    public static int Run(string? file = null)
    {
        using Workers workers = new();
        Calibration calibration = new(workers, null)
        {
            FurtherSteps = [.. Steps.Select(one => (one.Config, one.Shape))],
            FurtherTokens = [.. Tokens.Select(one => (one.Config, one.Sequences, one.Context))],
        };
        MachineProfile profile = file is not null && File.Exists(file) ? calibration.MeasureFurther(MachineProfile.Read(file)) : calibration.Measure("this machine");
        if (file is not null && !File.Exists(file))
            profile.Write(file);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"spread of the calibration: steps {100 * profile.StepSpread:0.0} %, "
            + $"decoding {100 * profile.DecodingSpread:0.0} %; memory {profile.MemoryBytes / 1e9:0.0} GB/s before, {MemoryRate.Measure(workers) / 1e9:0.0} after"));
        bool holds = true;
        for (int i = 0; i < Steps.Length; i++)
            holds &= Show($"step of {Steps[i].Name}", profile.StepTime(StepPlan.Of(Steps[i].Config, Steps[i].Shape)), calibration.StepTimes[i]);
        for (int i = 0; i < Tokens.Length; i++)
            holds &= Show($"token of {Tokens[i].Name}", profile.DecodingTime(Tokens[i].Config, Tokens[i].Sequences, Tokens[i].Context,
                calibration.Moments[i]), calibration.TokenTimes[i], calibration.Moments[i]);
        return holds & Memory() ? 0 : 1;
    }

    private static bool Show(string what, Interval planned, double measured, MachineMoment? moment = null)
    {
        double error = planned.Value / measured - 1;
        string read = moment is null ? ""
            : string.Create(CultureInfo.InvariantCulture, $", {moment.ReadRate / 1e9:0.0} GB/s, {moment.JobSeconds * 1e6:0.00} µs a job");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what,-42} planned {planned.Value * 1e3,9:0.000} ms ({planned.Least * 1e3:0.000} to "
            + $"{planned.Most * 1e3:0.000}), measured {measured * 1e3,9:0.000} ms, {100 * error,6:0.0} %{(planned.Holds(measured) ? "" : ", outside")}{read}"));
        return Math.Abs(error) <= Tolerance;
    }

    // What the process grows by, in a step of the largest shape.
    private static bool Memory()
    {
        DecoderConfig config = Presets.Find("llama-29m")!;
        StepPlan plan = StepPlan.Of(config, new StepShape(8, 512));
        using Process process = Process.GetCurrentProcess();
        // Garbage of the shapes before would be taken again by this one, and the growth look smaller.
        GC.Collect();
        long before = Resident(process);
        using Workers workers = new();
        new Calibration(workers, null).TimeOfStep(config, plan.Shape, 1);
        process.Refresh();
        double grown = process.PeakWorkingSet64 - before, error = plan.ResidentBytes / grown - 1;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{"memory of a step of llama-29m",-42} planned {plan.ResidentBytes / 1e6:0} MB, "
            + $"measured {grown / 1e6:0} MB, {100 * error:0.0} %"));
        return Math.Abs(error) <= MemoryTolerance;
    }

    private static long Resident(Process process)
    {
        process.Refresh();
        return process.WorkingSet64;
    }
}
