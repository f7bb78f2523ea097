using Lemma.Compute;
using Lemma.Data;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Training;
using Lemma.Weights;

namespace Lemma.Tests.Training;

/// <summary>Each optimizer is its formula on every parameter, for any number of threads, and goes on from a checkpoint as if it had never stopped.</summary>
[Trait("Kernels", "true")]
public class OptimizerTests
{
    private static readonly Dictionary<string, (OptimizerOptions Options, string Formula, Dictionary<string, object> Numbers)> All = new()
    {
        ["sgd"] = (new GradientDescentOptions { WeightDecay = 0 }, "gradient_descent", []),
        ["momentum"] = (new GradientDescentOptions { WeightDecay = 0, Momentum = 0.9 }, "sgd_momentum", new() { ["momentum"] = 0.9 }),
        ["adam"] = (new AdamOptions(), "adam", []),
        ["adamw"] = (new AdamWOptions { DecayAll = true }, "adamw", new() { ["beta2"] = 0.95, ["weight_decay"] = 0.1 }),
        ["lion"] = (new LionOptions { WeightDecay = 0.3f, DecayAll = true }, "lion", new() { ["weight_decay"] = 0.3 }),
        ["adafactor"] = (new AdafactorOptions { WeightDecay = 0 }, "adafactor", []),
        ["muon"] = (new MuonOptions { WeightDecay = 0.2f }, "muon", new() { ["nesterov"] = 1.0, ["weight_decay"] = 0.2 }),
    };

    public static TheoryData<string> Names => [.. All.Keys];

    [Theory, MemberData(nameof(Names))]
    public void AStepIsItsFormulaOnEveryParameter(string name)
    {
        const int Steps = 3;
        (OptimizerOptions options, string formula, Dictionary<string, object> numbers) = All[name];
        byte[][] seen = [.. new[] { 1, 3 }.Select(threads =>
        {
            using Decoder model = RecipeTests.Model();
            using Workers workers = new(threads);
            Optimizer optimizer = (options with { Clip = 0 }).Make(model.Parameters, workers);
            Dictionary<Parameter, float[]> before = model.Parameters.All.ToDictionary(parameter => parameter, parameter => model.Parameters.Weights(parameter).ToArray());
            Dictionary<Parameter, List<float>> gradients = model.Parameters.All.ToDictionary(parameter => parameter, _ => new List<float>());
            for (int step = 0; step < Steps; step++)
            {
                foreach ((Parameter parameter, int index) in model.Parameters.All.Select((parameter, index) => (parameter, index)))
                {
                    Philox random = new(7, (ulong)(step * 1000 + index));
                    Span<float> gradient = model.Parameters.Gradients(parameter);
                    for (int i = 0; i < gradient.Length; i++)
                        gradient[i] = (float)random.Normal((ulong)i) * 4;
                    foreach (float value in gradient)
                        gradients[parameter].Add(value / 4);
                }
                optimizer.Step(0.01, 0.25);
            }
            if (threads == 1)
            {
                foreach (Parameter parameter in model.Parameters.All)
                    Check(model, parameter, before[parameter], [.. gradients[parameter]]);
            }
            return model.Parameters.All.SelectMany(parameter => System.Runtime.InteropServices.MemoryMarshal.AsBytes(model.Parameters.Weights(parameter)).ToArray()).ToArray();
        })];
        Assert.Equal(seen[0], seen[1]);

        void Check(Decoder model, Parameter parameter, float[] before, float[] gradients)
        {
            bool isMatrix = parameter.Name.StartsWith("blocks.", StringComparison.Ordinal) && parameter.Shape.Rank == 2;
            // Stacked matrices are steps of each alone: their parts are compared.
            int columns = parameter.Shape.Columns;
            int[] rows = name == "muon" && isMatrix && parameter.Stack.Count > 0 ? [.. parameter.Stack] : [parameter.Shape.Rows];
            for (int part = 0, first = 0; part < rows.Length; first += rows[part++] * columns)
            {
                int count = rows[part] * columns;
                float[] own = [.. Enumerable.Range(0, Steps).SelectMany(step => gradients.AsSpan(step * before.Length + first, count).ToArray())];
                Dictionary<string, object> given = new(name == "muon" && !isMatrix
                    ? new() { ["beta1"] = 0.8, ["beta2"] = 0.95, ["epsilon"] = 1e-10, ["weight_decay"] = parameter.Decays ? 0.2 : 0.0 } : numbers)
                {
                    ["learning_rate"] = (name == "muon" && !isMatrix ? 0.15 * 0.01 : 0.01) * parameter.RateScale,
                };
                int[] shape = name is "adafactor" || (name == "muon" && isMatrix) ? [rows[part], columns] : [count];
                FormulaCall call = new(formula, new Dictionary<string, Values>
                {
                    ["parameter"] = new(shape, before[first..(first + count)]),
                    ["gradients"] = new([Steps, count], own),
                }, given);
                float[] expected = FormulaIndex.Find(name == "muon" && !isMatrix ? "adamw" : formula).Evaluate(call).Data;
                float[] actual = model.Parameters.Weights(parameter).Slice(first, count).ToArray();
                double error = Math.Sqrt(expected.Zip(actual, (a, b) => Math.Pow((double)a - b, 2)).Sum()), size = Math.Sqrt(expected.Sum(value => (double)value * value));
                Assert.True(error <= 2e-6 * size, $"{parameter.Name}: they differ by {error / size:E1}");
            }
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void ItLearnsAndGoesOnWithTheSameBytes(string name)
    {
        using TemporaryFolder folder = new();
        double rate = name switch { "sgd" => 0.5, "momentum" => 0.1, "muon" => 0.02, "lion" => 1e-3, "adafactor" => 1e-2, _ => 5e-3 };
        OptimizerOptions optimizer = name is "adafactor" or "sgd" or "momentum" ? All[name].Options : All[name].Options with { WeightDecay = 0.01f };
        TrainingOptions options = new()
        {
            Steps = 60,
            LearningRate = rate,
            Schedule = new StableDecaySchedule { Warmup = 4, Minimum = 0 },
            Optimizer = optimizer,
            EvaluateEvery = 20,
            AverageDecay = 0.8,
        };
        TrainingResult whole = Run("whole", long.MaxValue, false);
        Run("parts", 27, false);
        TrainingResult rest = Run("parts", long.MaxValue, true);
        Assert.True(whole.BestScore < 3.3, $"the best loss is {whole.BestScore}");
        Assert.Equal(whole.BestScore, rest.BestScore);
        foreach (string file in (string[])["last/model.safetensors", "last/training_state.safetensors", "best/model.safetensors", "metrics.jsonl"])
            Assert.True(File.ReadAllBytes(folder[$"whole/{file}"]).AsSpan().SequenceEqual(File.ReadAllBytes(folder[$"parts/{file}"])), file);
        Assert.False(File.ReadAllBytes(folder["whole/last/model.safetensors"]).AsSpan().SequenceEqual(File.ReadAllBytes(folder["whole/best/model.safetensors"])));

        TrainingResult Run(string run, long stopAfter, bool resume)
        {
            using Decoder model = resume ? Lemma.Checkpoints.ModelFolder.ReadDecoder(folder[$"{run}/last"]) : RecipeTests.Model();
            using Workers workers = new(2);
            TokenExample[] examples = RecipeTests.Examples(20);
            SupervisedTuning recipe = new(model, examples, examples, new SupervisedTuningOptions { RowsOfPass = 128 });
            using CancellationTokenSource source = new();
            Stopping progress = new(seen =>
            {
                if (seen.Step >= stopAfter)
                    source.Cancel();
            });
            return new TrainingLoop(recipe, options, workers) { Folder = folder[run] }.Train(resume, progress, source.Token);
        }
    }

    [Fact]
    public void RulesChooseParametersByTheirNames()
    {
        using Decoder model = RecipeTests.Model();
        using Workers workers = new(1);
        Dictionary<Parameter, float[]> before = model.Parameters.All.ToDictionary(parameter => parameter, parameter => model.Parameters.Weights(parameter).ToArray());
        Optimizer optimizer = new AdamWOptions { Rules = [new("*norm.*", 0), new("embedding.*", 1, Decays: false)], WeightDecay = 0.5f }.Make(model.Parameters, workers);
        foreach (Parameter parameter in model.Parameters.All)
            model.Parameters.Gradients(parameter).Clear();
        optimizer.Step(0.1);
        foreach (Parameter parameter in model.Parameters.All)
        {
            // Without a gradient only decay moves a weight.
            float expected = parameter.Decays && parameter.Name != "embedding.weight" ? 0.95f : 1;
            Assert.Equal(before[parameter].Select(value => value * expected), model.Parameters.Weights(parameter).ToArray(), (a, b) => Math.Abs(a - b) < 1e-6);
        }
        Assert.Contains("no parameter that learns has a name like 'hats.*'",
            Assert.Throws<ArgumentException>(() => new AdamWOptions { Rules = [new("hats.*")] }.Make(model.Parameters, workers)).Message, StringComparison.Ordinal);
    }

    private sealed class Stopping(Action<TrainingProgress> then) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => then(value);
    }
}
