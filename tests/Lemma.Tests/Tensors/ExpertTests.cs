using System.Text.Json;
using Lemma.Compute;
using Lemma.Tensors;
using Lemma.Tests.Oracles;
using Lemma.Tests.Oracles.Twins;

namespace Lemma.Tests.Tensors;

/// <summary>Layers of experts beside a naive twin and transformers, and the bits of a row alone.</summary>
[Trait("Kernels", "true")]
public class ExpertTests
{
    public static TheoryData<string> Routings => [.. Named.Keys];

    private static readonly Dictionary<string, ExpertRouting> Named = new()
    {
        ["softmax"] = new() { Experts = 5, Chosen = 2 },
        ["normalized"] = new() { Experts = 5, Chosen = 3, NormalizesChosen = true, Scale = 2.5f },
        ["over the chosen"] = new() { Experts = 5, Chosen = 2, SoftmaxOverChosen = true },
        ["one"] = new() { Experts = 17, Chosen = 1 },
        ["all"] = new() { Experts = 3, Chosen = 3 },
        ["sigmoid"] = new() { Experts = 6, Chosen = 2, Score = RouterScore.Sigmoid, NormalizesChosen = true },
        ["groups"] = new() { Experts = 8, Chosen = 2, Score = RouterScore.Sigmoid, NormalizesChosen = true, Groups = 4, ChosenGroups = 2, Scale = 1.5f },
        ["groups by their best"] = new() { Experts = 12, Chosen = 3, Groups = 4, ChosenGroups = 2, GroupScore = GroupScore.Best },
    };

    [Theory, MemberData(nameof(Routings))]
    public void Gated(string name) => Run(Named[name], rows: 21, d: 9, hidden: 7, isGated: true, Activation.Silu);

    [Theory, MemberData(nameof(Routings))]
    public void Plain(string name) => Run(Named[name], rows: 6, d: 17, hidden: 33, isGated: false, Activation.SquaredRelu);

    [Fact]
    public void LargerOnes()
    {
        Run(Named["normalized"], rows: 41, d: 33, hidden: 40, isGated: true, Activation.Gelu);
        // Some experts have no rows at all.
        Run(Named["one"], rows: 4, d: 16, hidden: 16, isGated: true, Activation.Silu);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void BalanceLossGoesToTheRouter(bool twoLayers) => OperationCheck.Run((tape, t) =>
    {
        ExpertOutput first = tape.Experts(t[0], t[1], null, t[2], t[3], Named["softmax"], Activation.Silu);
        // Scaled, so that its small gradients keep their digits beside one that was there.
        return tape.Scale(twoLayers ? tape.BalanceLoss(first, tape.Experts(t[0], t[4], null, t[2], t[3], Named["softmax"], Activation.Silu))
            : tape.BalanceLoss(first), 100);
    }, x =>
    {
        // Shares of choices are constants: a small step changes none.
        double[] logits = twoLayers ? [.. x[1], .. x[4]] : x[1], shares = new double[5], means = new double[5];
        int rows = logits.Length / 5;
        for (int row = 0; row < rows; row++)
        {
            double[] scores = TwinMath.Softmax(logits.AsSpan(row * 5, 5));
            foreach (int e in Enumerable.Range(0, 5).OrderByDescending(e => scores[e]).Take(2))
                shares[e] += 0.5 / rows;
            for (int e = 0; e < 5; e++)
                means[e] += scores[e] / rows;
        }
        return [100 * 5 * shares.Zip(means, (f, p) => f * p).Sum()];
    }, new Shape(33, 4), new Shape(33, 5), new Shape(5, 6, 4), new Shape(5, 4, 3), new Shape(33, 5));

    [Fact]
    public void ARowAloneHasTheSameBits()
    {
        const int Rows = 50, D = 40, Hidden = 24;
        foreach ((string name, ExpertRouting routing) in Named)
        {
            float[] x = OperationCheck.Random(Rows * D, 1), logits = OperationCheck.Random(Rows * routing.Experts, 2);
            float[] gateUp = OperationCheck.Random(routing.Experts * 2 * Hidden * D, 3), down = OperationCheck.Random(routing.Experts * D * Hidden, 4);
            using Workers workers = new(2);
            using Tape tape = new(workers) { Poison = true };
            float[] Given(int first, int count)
            {
                ExpertOutput output = tape.Experts(tape.Input(new Shape(count, D), x.AsSpan(first * D, count * D)),
                    tape.Input(new Shape(count, routing.Experts), logits.AsSpan(first * routing.Experts, count * routing.Experts)), null,
                    tape.Input(new Shape(routing.Experts, 2 * Hidden, D), gateUp), tape.Input(new Shape(routing.Experts, D, Hidden), down), routing,
                    Activation.Silu);
                int loads = 0;
                foreach (int load in output.Loads.Span)
                    loads += load;
                Assert.Equal(count * routing.Chosen, loads);
                return tape[output.Rows].ToArray();
            }
            float[] together = Given(0, Rows);
            tape.Recording = false;
            for (int row = 0; row < Rows; row++)
                Assert.True(together.AsSpan(row * D, D).SequenceEqual(Given(row, 1)), $"{name}: row {row}");
        }
    }

    [Fact]
    public void LayersAreThoseOfTransformers()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden", "experts.json")));
        Assert.Equal(4, document.RootElement.GetArrayLength());
        foreach (JsonElement item in document.RootElement.EnumerateArray())
            CompareWithTransformers(item);
    }

    [Fact]
    public void WhatDoesNotFitIsNamed()
    {
        using Workers workers = new(2);
        using Tape tape = new(workers);
        Tensor x = tape.New(new Shape(2, 4)), logits = tape.Input(new Shape(2, 3), new float[6]), down = tape.New(new Shape(3, 4, 5)),
            gateUp = tape.New(new Shape(3, 10, 4));
        void Refused(string part, ExpertRouting routing, Tensor logits, Tensor gateUp, Tensor? bias = null) => Assert.Contains(part,
            Assert.Throws<ArgumentException>(() => tape.Experts(x, logits, bias, gateUp, down, routing, Activation.Silu)).Message, StringComparison.Ordinal);
        ExpertRouting routing = new() { Experts = 3, Chosen = 2 };
        Refused("must lie in [1, 3], but it is 4", routing with { Chosen = 4 }, logits, gateUp);
        Refused("2 groups do not divide 3 experts", routing with { Groups = 2 }, logits, gateUp);
        Refused("1 of 3 groups of 3 experts must hold the 2", routing with { Groups = 3 }, logits, gateUp);
        Refused("needs scores by softmax, not by Sigmoid", routing with { SoftmaxOverChosen = true, Score = RouterScore.Sigmoid }, logits, gateUp);
        Refused("logits [2, 4] must be [2, 3]", routing, x, gateUp);
        Refused("the choice [2, 4] must be [3]", routing, logits, gateUp, x);
        Refused("[3, 11, 4] and [3, 4, 5] must be", routing, logits, tape.New(new Shape(3, 11, 4)));
        Refused("logits must be numbers", routing, tape.Input(new Shape(2, 3), [1, 2, 3, 4, float.NaN, 5]), gateUp);
    }

    private static void Run(ExpertRouting routing, int rows, int d, int hidden, bool isGated, Activation activation)
    {
        int inner = isGated ? 2 * hidden : hidden;
        float[] bias = routing.Groups > 1 ? [.. OperationCheck.Random(routing.Experts, 9).Select(value => 0.1f * value)] : [];
        OperationCheck.Run((tape, t) => tape.Experts(t[0], t[1], bias.Length == 0 ? null : tape.Input(new Shape(bias.Length), bias), t[2], t[3], routing,
            activation).Rows, x => Twin(x, routing, bias, d, hidden, isGated, activation),
            new Shape(rows, d), new Shape(rows, routing.Experts), new Shape(routing.Experts, inner, d), new Shape(routing.Experts, d, hidden));
    }

    private static double[] Twin(double[][] x, ExpertRouting routing, float[] bias, int d, int hidden, bool isGated, Activation activation)
    {
        int rows = x[0].Length / d, experts = routing.Experts, inner = isGated ? 2 * hidden : hidden;
        double[] y = new double[x[0].Length];
        for (int row = 0; row < rows; row++)
        {
            double[] line = x[0][(row * d)..((row + 1) * d)];
            foreach ((int e, double gate) in Chosen(routing, x[1][(row * experts)..((row + 1) * experts)], bias))
            {
                double[] up = Naive.Linear(line, x[2][(e * inner * d)..((e + 1) * inner * d)], null, 1, d, inner);
                double[] h = [.. Enumerable.Range(0, hidden).Select(i => ActivationTests.Twin(activation, up[i]) * (isGated ? up[hidden + i] : 1))];
                double[] given = Naive.Linear(h, x[3][(e * d * hidden)..((e + 1) * d * hidden)], null, 1, hidden, d);
                for (int i = 0; i < d; i++)
                    y[row * d + i] += gate * given[i];
            }
        }
        return y;
    }

    private static List<(int Expert, double Gate)> Chosen(ExpertRouting routing, double[] logits, float[] bias)
    {
        double[] scores = routing.Score == RouterScore.Softmax ? TwinMath.Softmax(logits) : [.. logits.Select(TwinMath.Sigmoid)];
        double[] keys = [.. scores.Select((score, e) => bias.Length == 0 ? score : score + bias[e])];
        int size = routing.Experts / routing.Groups;
        HashSet<int> groups = [.. Enumerable.Range(0, routing.Groups).OrderByDescending(group => keys[(group * size)..((group + 1) * size)]
            .OrderDescending().Take(routing.GroupScore == GroupScore.Best ? 1 : 2).Sum()).Take(routing.ChosenGroups)];
        int[] chosen = [.. Enumerable.Range(0, routing.Experts).Where(e => groups.Contains(e / size)).OrderByDescending(e => keys[e]).Take(routing.Chosen)];
        double total = routing.NormalizesChosen || routing.SoftmaxOverChosen ? chosen.Sum(e => scores[e]) : 1;
        return [.. chosen.Select(e => (e, routing.Scale * scores[e] / total))];
    }

    private static void CompareWithTransformers(JsonElement item)
    {
        JsonElement settings = item.GetProperty("settings"), inputs = item.GetProperty("inputs"), gradients = item.GetProperty("gradients");
        using Workers workers = new(2);
        using Tape tape = new(workers) { Poison = true };
        Dictionary<string, Tensor> tensors = [];
        foreach (JsonProperty input in inputs.EnumerateObject())
        {
            int[] sizes = [.. input.Value.GetProperty("shape").EnumerateArray().Select(size => size.GetInt32())];
            Shape shape = input.Name is "x" or "upstream" ? new Shape(sizes[1], sizes[2])
                : sizes is [int a, int b, int c] ? new Shape(a, b, c) : sizes is [int rows, int columns] ? new Shape(rows, columns) : new Shape(sizes[0]);
            tensors.Add(input.Name, tape.Input(shape, [.. Numbers(input.Value).Select(value => (float)value)]));
        }
        Tensor logits = tape.Linear(tensors["x"], tensors["gate.weight"]);
        Tensor y = tape.Experts(tensors["x"], logits, tensors.TryGetValue("gate.e_score_correction_bias", out Tensor bias) ? bias : null,
            tensors["experts.gate_up_proj"], tensors["experts.down_proj"], RoutingOf(item.GetProperty("name").GetString()!, settings), Activation.Silu).Rows;
        if (tensors.TryGetValue("shared_experts.up_proj.weight", out Tensor up))
        {
            Tensor hidden = tape.Gated(tape.Concatenate(tape.Linear(tensors["x"], tensors["shared_experts.gate_proj.weight"]),
                tape.Linear(tensors["x"], up)), Activation.Silu);
            y = tape.Add(y, tape.Linear(hidden, tensors["shared_experts.down_proj.weight"]));
        }
        OperationCheck.Close($"{item.GetProperty("name")}: y", Numbers(item.GetProperty("output")), tape[y], 1e-5);
        tape[tensors["upstream"]].CopyTo(tape.Gradient(y));
        tape.RunBackward();
        foreach (JsonProperty gradient in gradients.EnumerateObject())
            OperationCheck.Close($"{item.GetProperty("name")}: {gradient.Name}", Numbers(gradient.Value), tape.Gradient(tensors[gradient.Name]), 1e-5);
    }

    private static ExpertRouting RoutingOf(string name, JsonElement settings)
    {
        int Whole(string field) => settings.GetProperty(field).GetInt32();
        return name switch
        {
            "mixtral" => new ExpertRouting { Experts = Whole("num_local_experts"), Chosen = Whole("num_experts_per_tok"), SoftmaxOverChosen = true },
            "qwen3_moe" => new ExpertRouting
            {
                Experts = Whole("num_experts"),
                Chosen = Whole("num_experts_per_tok"),
                NormalizesChosen = settings.GetProperty("norm_topk_prob").GetBoolean(),
            },
            "deepseek_v3" => new ExpertRouting
            {
                Experts = Whole("n_routed_experts"),
                Chosen = Whole("num_experts_per_tok"),
                Score = RouterScore.Sigmoid,
                NormalizesChosen = settings.GetProperty("norm_topk_prob").GetBoolean(),
                Scale = settings.GetProperty("routed_scaling_factor").GetSingle(),
                Groups = Whole("n_group"),
                ChosenGroups = Whole("topk_group"),
            },
            _ => throw new ArgumentException(name),
        };
    }

    private static double[] Numbers(JsonElement tensor) => [.. tensor.GetProperty("data").EnumerateArray().Select(value => value.GetDouble())];
}
