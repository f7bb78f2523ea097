using Lemma.Formulas;
using Lemma.Tests.Oracles;
using Lemma.Tests.Oracles.Twins;

namespace Lemma.Tests.Formulas;

/// <summary>Every formula of the index against its naive twin in double, and its gradients against central differences of the twin.</summary>
[Trait("Kernels", "true")]
public class FormulaTwinTests
{
    public static TheoryData<string> Names => [.. FormulaIndex.All.Select(formula => formula.Name)];

    [Fact]
    public void EveryFormulaHasATwinAndEveryTwinAFormula() =>
        Assert.Equal(FormulaIndex.All.Select(formula => formula.Name).Order(), TwinList.All.Keys.Order());

    [Fact]
    public void EveryFormulaHasASizeToTimeItAt() =>
        Assert.Equal(FormulaIndex.All.Select(formula => formula.Name).Order(), BenchSizes.All.Keys.Order());

    [Theory, MemberData(nameof(Names))]
    public void AFormulaEqualsItsTwin(string name)
    {
        Formula formula = FormulaIndex.Find(name);
        foreach (string line in TwinCases.Of(formula))
            Compare(formula, line);
    }

    private static void Compare(Formula formula, string line)
    {
        FormulaExample example = new(line);
        TwinInput input = new(example);
        Twin twin = TwinList.All[formula.Name];
        double[] expected = twin(input);
        float[] up = OperationCheck.Random(expected.Length, 5);
        FormulaCall call = new(formula.Name, example.Inputs, example.Attributes, formula.IsDifferentiable, up);
        float[] y = formula.Evaluate(call).Data;
        if (formula.Name == "arithmetic_code")
        {
            // Whole bits, and probabilities in parts of 2⁻¹⁶ with at least one each.
            double steps = example.Inputs["p"].Rows, most = 2 + steps * Math.Log2(1 + (1.0 + example.Inputs["p"].Columns) / 65536);
            Assert.InRange(y[0] - expected[0], 0, most);
            return;
        }
        OperationCheck.Close($"{line}: output", expected, y, formula.Kind == FormulaKind.Elementwise ? 2e-6 : 1e-5);
        double largest = call.Gradients.Values.Max(gradient => (double?)gradient.Data.Max(Math.Abs)) ?? 0;
        foreach ((string name, Values gradient) in call.Gradients)
        {
            // A twin of many outputs is slow, and each of its places tells more.
            int stride = Math.Max(1, gradient.Count / (expected.Length > 1000 ? 3 : 9));
            int[] places = [.. Enumerable.Range(0, gradient.Count).Where(i => i % stride == 0)];
            double[] slopes = [.. places.Select(i => Slope(twin, input, input[name], i, up))];
            // Where all of a gradient cancels (attention to a single key), rounding is small beside the other inputs' gradients.
            double own = Math.Max(slopes.Max(Math.Abs), gradient.Data.Max(Math.Abs)), scale = own < 1e-5 * largest ? largest : own;
            OperationCheck.Close($"{line}: gradient of {name}", slopes, places.Select(i => gradient.Data[i]).ToArray(), 2e-5, scale);
        }
    }

    // The differences of each output are weighed before they are added, so that outputs that do not move leave no rounding.
    private static double Slope(Twin twin, TwinInput input, double[] moving, int place, float[] up)
    {
        double center = moving[place], step = 1e-5 * Math.Clamp(Math.Abs(center), 0.01, 10), slope = 0;
        moving[place] = center + step;
        double[] above = twin(input);
        moving[place] = center - step;
        double[] below = twin(input);
        moving[place] = center;
        for (int i = 0; i < up.Length; i++)
            slope += up[i] * (above[i] - below[i]) / (2 * step);
        return slope;
    }
}
