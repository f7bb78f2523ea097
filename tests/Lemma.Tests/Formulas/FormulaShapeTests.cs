using Lemma.Formulas;

namespace Lemma.Tests.Formulas;

/// <summary>Inputs that are missing, empty or of another shape, and gradients that are there before.</summary>
[Trait("Kernels", "true")]
public class FormulaShapeTests
{
    public static TheoryData<string> Names => [.. FormulaIndex.All.Select(formula => formula.Name)];

    // An input that is not as declared gives an error that names the formula, or a result where any shape will do; nothing else.
    [Theory, MemberData(nameof(Names))]
    public void AWrongShapeIsNamed(string name)
    {
        Formula formula = FormulaIndex.Find(name);
        FormulaExample example = new(formula.Example);
        List<string> problems = [];
        foreach ((string input, Values values) in example.Inputs)
        {
            Dictionary<string, Values> inputs = new(example.Inputs);
            inputs.Remove(input);
            Try(formula, inputs, example, $"without {input}", problems);
            foreach (int[] shape in Wrong(values.Shape))
            {
                inputs[input] = new Values(shape);
                Array.Fill(inputs[input].Data, values.Count == 0 ? 0 : values.Data[0]);
                Try(formula, inputs, example, $"{input} {Values.Describe(shape)}", problems);
            }
        }
        Dictionary<string, Values> none = example.Inputs.ToDictionary(pair => pair.Key, pair => new Values(new int[pair.Value.Shape.Length]));
        Try(formula, none, example, "all empty", problems);
        foreach (string attribute in example.Attributes.Keys)
        {
            Dictionary<string, object> attributes = new(example.Attributes);
            foreach (object value in new object[] { -1.0, 0.0, 0.5, 1e9, double.NaN, double.PositiveInfinity, "word", true, new[] { 1.0, double.NaN } })
            {
                attributes[attribute] = value;
                Try(formula, example.Inputs, attributes, $"{attribute}={value}", problems);
            }
        }
        Assert.True(problems.Count == 0, string.Join('\n', problems));
    }

    [Theory, MemberData(nameof(Names))]
    public void ABackwardAddsToWhatIsThere(string name)
    {
        Formula formula = FormulaIndex.Find(name);
        FormulaExample example = new(formula.Example);
        FormulaCall fresh = new(name, example.Inputs, example.Attributes, true), used = new(name, example.Inputs, example.Attributes, true);
        formula.Evaluate(fresh);
        foreach (string input in fresh.Gradients.Keys)
            used.Gradient(input).Fill(64);
        formula.Evaluate(used);
        foreach ((string input, Values gradient) in fresh.Gradients)
        {
            float tolerance = 1e-5f * Math.Max(64, gradient.Data.Max(Math.Abs));
            for (int i = 0; i < gradient.Count; i++)
                Assert.True(Math.Abs(used.Gradients[input].Data[i] - 64 - gradient.Data[i]) <= tolerance, $"{input}[{i}]");
        }
    }

    private static IEnumerable<int[]> Wrong(int[] shape)
    {
        for (int axis = 0; axis < shape.Length; axis++)
        {
            yield return [.. shape[..axis], 0, .. shape[(axis + 1)..]];
            yield return [.. shape[..axis], shape[axis] + 1, .. shape[(axis + 1)..]];
            yield return [.. shape[..axis], .. shape[(axis + 1)..]];
        }
        yield return [1, .. shape];
        yield return [.. shape, 2];
    }

    private static void Try(Formula formula, Dictionary<string, Values> inputs, FormulaExample example, string what, List<string> problems) =>
        Try(formula, inputs, example.Attributes, what, problems);

    private static void Try(Formula formula, IReadOnlyDictionary<string, Values> inputs, IReadOnlyDictionary<string, object> attributes,
        string what, List<string> problems)
    {
        try
        {
            formula.Evaluate(new FormulaCall(formula.Name, inputs, attributes, true));
        }
        catch (ArgumentException e) when (FormulaIndex.All.Any(one => e.Message.StartsWith(one.Name + ": ", StringComparison.Ordinal)))
        {
        }
        catch (Exception e)
        {
            problems.Add($"{what}: {e.GetType().Name}: {e.Message}");
        }
    }
}
