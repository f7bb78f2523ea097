using System.CommandLine;
using System.Text;
using Lemma.Checkpoints;
using Lemma.Cli.Display;
using Lemma.Cli.Parsing;
using Lemma.Cli.Plans;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Planning;
using Lemma.Sequences;
using Lemma.Training;

namespace Lemma.Cli.Commands;

/// <summary><c>lemma plan</c>: what a model takes to train and to serve, how long, and how good it gets.</summary>
internal sealed class PlanCommand
{
    // On a machine that did nothing else steps spread by some hundredths.
    private const double BusySpread = 0.15, MostBytes = 1L << 60;
    private const int UsualBatch = 8, UsualLength = 512, UsualContext = 2048, UsualUsers = 1, UsualPrompt = 512;

    // What stands for a model where a budget in hours is given and none is: how fast this machine trains is much the same for all.
    private const string UsualPreset = "llama-14m";

    private static readonly Dictionary<string, OptimizerOptions> Optimizers = new()
    {
        ["adamw"] = new AdamWOptions(),
        ["adam"] = new AdamOptions(),
        ["sgd"] = new GradientDescentOptions(),
        ["momentum"] = new GradientDescentOptions { Momentum = 0.9 },
        ["lion"] = new LionOptions(),
        ["adafactor"] = new AdafactorOptions(),
        ["muon"] = new MuonOptions(),
    };

    private readonly Argument<string?> model = new("MODEL")
    {
        Description = $"A preset ({string.Join(", ", Presets.Names)}), a config.json, a model's or run's folder, or a GGUF file",
        Arity = ArgumentArity.ZeroOrOne,
    };
    private readonly Option<double?> train = PlanNumbers.Amount("--train", "TOKENS", "Tokens that it is trained on, such as 300M or 1e9");
    private readonly Option<int[]?> batch = PlanNumbers.Lengths("--batch", $"Sequences of a pass, several with commas between; {UsualBatch} without it");
    private readonly Option<int[]?> length = PlanNumbers.Lengths("--length", $"Tokens of a sequence (k is 1,024); {UsualLength} or the model's longest without it");
    private readonly Option<int?> accumulate = Choice.Whole("--accumulate", "Passes of a step", fallback: 1);
    private readonly Option<bool> recompute = Choice.Flag("--recompute", "Blocks are made again in the backward: less memory, a third more time");
    private readonly Option<string?> optimizer = Choice.Text("--optimizer", string.Join('|', Optimizers.Keys), "What steps the weights; adamw without it");
    private readonly Option<string?> precision = Choice.Text("--precision", string.Join('|', TrainingPrecision.All.Select(one => one.Name)),
        "How numbers of training are held; Lemma trains in float32, the others are plans of another machine: memory and operations, no time");
    private readonly Option<int?> lora = Choice.Whole("--lora", "Plan an adapter of this rank beside the model, which stays as it is");
    private readonly Option<string?> loraTargets = Choice.Text("--lora-targets", "NAMES", "The matrices that get one, with commas, as PEFT names them; all linear "
        + "ones without it");
    private readonly Option<bool> serve = Choice.Flag("--serve", "Plan serving: weights, caches, decoded tokens a second");
    private readonly Option<int[]?> context = PlanNumbers.Lengths("--context",
        $"Tokens of a user's sequence (k is 1,024); {UsualContext} or the model's longest without it");
    private readonly Option<int[]?> users = PlanNumbers.Lengths("--users", $"Sequences at once; {UsualUsers} without it");
    private readonly Option<int?> prompt = Choice.Whole("--prompt", $"Tokens of a prompt, whose pass takes memory; {UsualPrompt} or the model's longest without it");
    private readonly Option<string[]?> cacheFormat = PlanNumbers.Names("--cache-format",
        "How keys and values are stored, several with commas between; f32 without it", [.. StorageFormat.All.Select(format => format.Name)]);
    private readonly Option<string?> weightFormat = Choice.Text("--weight-format", string.Join('|', StorageFormat.All.Select(format => format.Name)),
        "How weights are stored for serving; the file's, or f32, without it");
    private readonly Option<string?> budget = PlanBudget.Option();
    private readonly Option<double?> price = PlanNumbers.Amount("--price", "USD", "Dollars of an hour of this machine");
    private readonly Option<double?> served = PlanNumbers.Amount("--served", "TOKENS", "Tokens that users will read and write: they favour smaller models");
    private readonly Option<double?> unique = PlanNumbers.Amount("--unique", "TOKENS", "Different tokens that there are: repeated ones are worth less");
    private readonly Option<string[]?> fit = new("--fit")
    {
        Description = "Runs, or folders of runs, that the law is fitted to",
        HelpName = "RUN",
        AllowMultipleArgumentsPerToken = true,
    };
    private readonly Option<double?> memory = PlanNumbers.Amount("--memory", "BYTES", "Memory that there is, such as 16G; this machine's without it");
    private readonly Option<bool> calibrate = Choice.Flag("--calibrate", "Measure this machine first, a minute or two; plans use it from then on");
    private readonly Option<bool> noMeasure = Choice.Flag("--no-measure", "Times of decoding as when the machine was measured, not by what memory gives now");
    private readonly Option<string?> profile = Choice.Text("--profile", "FILE", "Where what was measured is kept; in the user's cache without it");
    private readonly Option<int?> threads = Choice.Whole("--threads", "Threads that times are of; one a processor without it");
    private readonly Option<ulong?> seed = Choice.Seed();
    private readonly Option<string?> svg = Choice.Text("--svg", "FILE", "Write a picture: memory by part, tokens a second, loss over operations");
    private readonly Option<bool> json = Choice.Flag("--json", "Write one object of JSON");

    public static Command Build() => new PlanCommand().Create();

    private Command Create()
    {
        weightFormat.AcceptOnlyFromAmong([.. StorageFormat.All.Select(format => format.Name)]);
        optimizer.AcceptOnlyFromAmong([.. Optimizers.Keys]);
        precision.AcceptOnlyFromAmong([.. TrainingPrecision.All.Select(one => one.Name)]);
        Command command = new("plan", "Plan a model before it is trained or served: does it fit, how long, how good, what to change.")
        {
            model, train, batch, length, accumulate, recompute, optimizer, precision, lora, loraTargets, serve, context, users, prompt, cacheFormat, weightFormat,
            budget, price, served, unique, fit, memory, calibrate, noMeasure, profile, threads, seed, svg, json,
        };
        Examples.Add(command,
            ("measure this machine once, so that plans have times", "lemma plan --calibrate"),
            ("what a training takes", "lemma plan llama-29m --train 300M --batch 4,8,16 --length 512"),
            ("an adapter of rank 16", "lemma plan llama-135m --lora 16 --batch 4 --length 512"),
            ("on a machine that trains in 16 bits with a copy in 32", "lemma plan llama-135m --train 3B --precision mixed --memory 16G"),
            ("what serving takes, by context", "lemma plan config.json --serve --context 2k,8k,32k --users 1,16 --cache-format f32,q8_0"),
            ("the best model for two hours on this machine", "lemma plan --budget 2h"),
            ("the same by a law of one's own runs", "lemma plan --budget 2h --fit runs/family"));
        command.SetAction(Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        int count = parsed.GetValue(threads) ?? Environment.ProcessorCount;
        string path = parsed.GetValue(profile) ?? MachineProfiles.UsualPath(count);
        string? name = parsed.GetValue(model);
        bool asks = name is not null || parsed.GetValue(budget) is not null || parsed.GetValue(fit) is { Length: > 0 };
        if (!asks && !parsed.GetValue(calibrate))
            throw new UsageException("MODEL, --budget, --fit or --calibrate is needed");
        if (name is null)
            RequireModel(parsed);
        Choice.RequireBeside(parsed, price, budget);
        Choice.RequireBeside(parsed, loraTargets, lora);
        MachineProfile? machine = parsed.GetValue(calibrate) ? MachineProfiles.Measure(path, count) : MachineProfiles.Find(path);
        if (parsed.GetValue(calibrate))
        {
            Console.Error.WriteLine($"lemma plan: measured, and kept in {path}");
            if (machine!.StepSpread > BusySpread)
                Console.Error.WriteLine($"  steps spread by {Amount.Percent(machine.StepSpread)}: the machine was busy, so measure again when it is not");
        }
        if (!asks)
            return CommandLine.Done;
        Plan plan = Make(parsed, name is null ? null : PlannedModel.Find(name), machine);
        if (parsed.GetValue(svg) is { } picture)
            AtomicFile.Write(picture, stream => stream.Write(Encoding.UTF8.GetBytes(PlanPicture.Svg(plan))));
        if (parsed.GetValue(json))
            PlanJson.Write(plan);
        else
            PlanText.Write(Console.Out, plan);
        return CommandLine.Done;
    }

    private void RequireModel(ParseResult parsed)
    {
        foreach (Option option in (Option[])[train, batch, length, accumulate, recompute, optimizer, precision, lora, loraTargets, serve, context, users, prompt,
            cacheFormat, weightFormat])
        {
            if (Choice.IsGiven(parsed, option))
                throw new UsageException($"{option.Name}: it is of a model, but none is given");
        }
    }

    private Plan Make(ParseResult parsed, PlannedModel? planned, MachineProfile? machine)
    {
        ScalingFitOptions fitting = new() { Seed = parsed.GetValue(seed)!.Value };
        FittedRuns? fitted = parsed.GetValue(fit) is { Length: > 0 } runs ? FittedRuns.Read(runs, fitting) : null;
        PlanBudget? given = PlanBudget.Read(parsed.GetValue(budget), parsed.GetValue(price));
        ScalingRule rule = fitted?.Fit.Rule ?? ScalingRule.Besiroglu;
        bool serves = AnyGiven(serve, context, users, prompt, cacheFormat, weightFormat);
        bool trains = !serves || given is not null || AnyGiven(train, batch, length, accumulate, recompute, optimizer, precision, lora);
        bool AnyGiven(params ReadOnlySpan<Option> options)
        {
            foreach (Option option in options)
            {
                if (Choice.IsGiven(parsed, option))
                    return true;
            }
            return false;
        }

        TrainingRow[] training = planned is null || !trains ? [] : [.. TrainingRows(parsed, planned.Config, machine)];
        MemoryNow? now = machine is not null && serves && !parsed.GetValue(noMeasure) ? new MemoryNow(machine.Threads) : null;
        ServingRow[] serving = planned is null || !serves ? [] : [.. ServingRows(parsed, planned, machine, now)];
        double? compute = given is null ? null : given.Operations ?? 3600 * given.Hours!.Value * Rate(training, machine, given);
        ParameterCount? parameters = planned is null ? null : ParameterCount.Of(planned.Config);
        double? tokens = parsed.GetValue(train) ?? (parameters is not null && compute is { } most ? most / (6.0 * parameters.Activated) : null);
        return new Plan
        {
            Model = planned,
            Parameters = parameters,
            Sheet = planned is null ? null : SheetCount.Of(planned.Config),
            Cache = planned is null ? null : CachePlan.Of(planned.Config),
            Tokens = tokens,
            Training = training,
            Serving = serving,
            Precision = PrecisionOf(parsed),
            MemoryRate = now?.Last is { } rate ? (rate.Moment.ReadRate, machine!.ReadRateOf(rate.Bytes), rate.Moment.JobSeconds) : null,
            Memory = parsed.GetValue(memory) ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
            IsMeasured = machine is not null,
            Rule = rule,
            RuleName = fitted is null ? "the published law of other texts (Besiroglu et al. 2024)" : "the law of these runs",
            Fit = fitted,
            Budget = given,
            Compute = compute,
            Laws = compute is null ? [] : [.. Laws(parsed, rule, fitted, compute.Value)],
        };
    }

    // An option of several values that is not given has none.
    private static T[] Given<T>(ParseResult parsed, Option<T[]?> option, T usual) => parsed.GetValue(option) is { Length: > 0 } values ? values : [usual];

    private IEnumerable<TrainingRow> TrainingRows(ParseResult parsed, ModelConfig config, MachineProfile? machine)
    {
        foreach (int sequences in Given(parsed, batch, UsualBatch))
        {
            foreach (int tokens in Given(parsed, length, Math.Min(UsualLength, config.MaximumLength)))
            {
                StepPlan step = StepPlan.Of(config, new StepShape(sequences, tokens)
                {
                    Accumulate = parsed.GetValue(accumulate)!.Value,
                    RecomputesBlocks = parsed.GetValue(recompute),
                    Optimizer = Optimizers[parsed.GetValue(optimizer) ?? "adamw"],
                    Adapter = AdapterOf(parsed),
                });
                bool isKnown = machine is not null && machine.Knows(step.Shape.Optimizer) && PrecisionOf(parsed) == TrainingPrecision.Float32;
                yield return new TrainingRow(step, PrecisionOf(parsed), isKnown ? machine!.StepTime(step) : null);
            }
        }
    }

    private TrainingPrecision PrecisionOf(ParseResult parsed) => TrainingPrecision.Find(parsed.GetValue(precision) ?? TrainingPrecision.Float32.Name);

    private AdapterConfig? AdapterOf(ParseResult parsed) => parsed.GetValue(lora) is not { } rank ? null : new AdapterConfig
    {
        Rank = rank,
        Alpha = 2 * rank,
        Targets = (parsed.GetValue(loraTargets) ?? "all-linear").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
    };

    private IEnumerable<ServingRow> ServingRows(ParseResult parsed, PlannedModel planned, MachineProfile? machine, MemoryNow? now)
    {
        if (planned.Config is not (DecoderConfig or EncoderDecoderConfig))
            throw new UsageException("--serve: an encoder keeps nothing between tokens, so there is nothing to plan");
        ParameterCount count = ParameterCount.Of(planned.Config);
        CachePlan cache = CachePlan.Of(planned.Config);
        long weights = parsed.GetValue(weightFormat) is { } format ? StorageFormat.Find(format).BytesOf(count.Total) : planned.FileBytes ?? count.AllocatedBytes;
        PassPlan pass = PassPlan.Of(planned.Config, parsed.GetValue(prompt) ?? Math.Min(UsualPrompt, planned.Config.MaximumLength));
        foreach (int tokens in Given(parsed, context, Math.Min(UsualContext, planned.Config.MaximumLength)))
        {
            if (tokens > planned.Config.MaximumLength)
                throw new UsageException($"--context: {tokens} tokens are more than the model's longest sequence, {planned.Config.MaximumLength}");
            foreach (int together in Given(parsed, users, UsualUsers))
            {
                foreach (string stored in Given(parsed, cacheFormat, StorageFormat.Float32.Name))
                {
                    StorageFormat kept = StorageFormat.Find(stored);
                    // Lemma's own pages where it is a format that Lemma keeps; packed numbers where it is not.
                    CacheFormat? own = CacheFormat.All.FirstOrDefault(format => format.Name == stored);
                    long each = own is null ? cache.BytesOf(tokens, kept) : cache.AllocatedBytes(tokens, own);
                    // What was measured is Lemma's own: 32-bit weights and caches.
                    bool isOwn = kept == StorageFormat.Float32 && parsed.GetValue(weightFormat) is null or "f32";
                    if ((double)together * each > MostBytes)
                        throw new UsageException($"--users: {together} sequences of {tokens} tokens keep more bytes than can be counted");
                    Interval? time = machine is not null && isOwn && planned.Config is DecoderConfig decoder
                        ? machine.DecodingTime(decoder, together, tokens, now?.Of(MachineProfile.BytesOfToken(decoder, together, tokens))) : null;
                    yield return new ServingRow(tokens, together, kept, weights, together * each, pass, time);
                }
            }
        }
    }

    // Operations of 6·N·D a second: what laws count, whatever a step takes beside them.
    private static double Rate(TrainingRow[] training, MachineProfile? machine, PlanBudget given)
    {
        if (machine is null)
        {
            throw new UsageException($"--budget: '{given.Text}' is a time on this machine, which was not measured; lemma plan --calibrate does that, "
                + "or give operations");
        }
        if (training.Length > 0 && training[0].Precision != TrainingPrecision.Float32)
            throw new UsageException($"--precision: '{given.Text}' is a time on this machine, which trains in float32 alone; give operations");
        if (training.Length > 0)
        {
            return training.Where(row => row.Seconds is not null).Select(row => (double?)(row.Step.SixTimesParameters / row.Seconds!.Value.Value)).Max()
                ?? throw new UsageException($"--budget: '{given.Text}' is a time, and how long steps of this optimizer take is not known");
        }
        StepPlan usual = StepPlan.Of(Presets.Find(UsualPreset)!, new StepShape(UsualBatch, UsualLength));
        return usual.SixTimesParameters / machine.StepTime(usual).Value;
    }

    private IEnumerable<LawRow> Laws(ParseResult parsed, ScalingRule rule, FittedRuns? fitted, double compute)
    {
        if (fitted is not null)
            yield return new LawRow("of these runs", rule.Optimum(compute));
        yield return new LawRow("Besiroglu et al. 2024", ScalingRule.Besiroglu.Optimum(compute));
        yield return new LawRow("Hoffmann et al. 2022", ScalingRule.Hoffmann.Optimum(compute));
        yield return new LawRow("Kaplan et al. 2020", KaplanRule.Optimum(compute));
        if (parsed.GetValue(served) is { } tokens)
            yield return new LawRow($"with {PlanAnswers.Short(tokens)} tokens served", rule.Optimum(compute, tokens));
        if (parsed.GetValue(unique) is { } different)
            yield return new LawRow($"of {PlanAnswers.Short(different)} different tokens", rule.OptimumOfUnique(compute, different));
    }
}
