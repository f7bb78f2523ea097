using BenchmarkDotNet.Attributes;
using Lemma.Formulas;
using Lemma.Tests.Oracles.Twins;

namespace Lemma.Bench;

/// <summary>Every formula on one thread at a size as it is used, beside its naive twin in double.</summary>
public class FormulaSpeed
{
    private static (string Name, FormulaExample Example, TwinInput Input) drawn = ("", new FormulaExample(""), new TwinInput(new FormulaExample("")));
    private Action forward = () => { };
    private Action? backward, primitives;
    private TwinInput? input;

    /// <summary>The formulas to time: all, until some are named.</summary>
    public static IReadOnlyList<string> Names { get; set; } = [.. FormulaIndex.All.Select(formula => formula.Name)];

    [ParamsSource(nameof(Names))]
    public string Formula { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        Formula formula = FormulaIndex.Find(Formula);
        // Inputs of millions of numbers take longer to draw than some formulas to run: drawn once for all benchmarks of a formula.
        if (drawn.Name != Formula)
        {
            FormulaExample fresh = new(BenchSizes.All[Formula]);
            drawn = (Formula, fresh, new TwinInput(fresh));
        }
        (_, FormulaExample example, input) = drawn;
        primitives = Kernels.Primitives(Formula, example);
        if (Kernels.Find(Formula, example) is { } kernel)
        {
            (forward, backward) = kernel;
            return;
        }
        forward = () => formula.Evaluate(new FormulaCall(Formula, example.Inputs, example.Attributes));
        // One call for all rounds: its gradients are added to, not allocated, as in a step of training.
        FormulaCall call = new(Formula, example.Inputs, example.Attributes, formula.IsDifferentiable);
        backward = formula.IsDifferentiable ? () => formula.Evaluate(call) : null;
    }

    [Benchmark]
    public void Forward() => forward();

    /// <summary>The backward alone where a kernel is called directly, else forward and backward.</summary>
    [Benchmark]
    public void Backward() => backward?.Invoke();

    /// <summary>The forward by TensorPrimitives, where it can be written with them.</summary>
    [Benchmark]
    public void Primitives() => primitives?.Invoke();

    [Benchmark(Baseline = true)]
    public double Twin() => TwinList.All[Formula](input!)[0];
}
