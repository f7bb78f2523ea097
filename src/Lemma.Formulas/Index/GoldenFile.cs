using System.Globalization;
using System.Text.Json;

namespace Lemma.Formulas;

/// <summary>One golden case: a formula, its inputs, and what it must give.</summary>
/// <param name="Formula">The formula's name.</param>
/// <param name="Attributes">Attributes by name.</param>
/// <param name="Inputs">Inputs by name.</param>
/// <param name="Shape">The expected output's shape.</param>
/// <param name="Output">The expected output, in double.</param>
/// <param name="OutputGradient">The gradient of the output, or null.</param>
/// <param name="Gradients">Expected gradients by input, in double.</param>
public sealed record GoldenCase(string Formula, IReadOnlyDictionary<string, object> Attributes, IReadOnlyDictionary<string, Values> Inputs,
    int[] Shape, double[] Output, float[]? OutputGradient, IReadOnlyDictionary<string, double[]> Gradients)
{
    // note, name, magnitude and words with spaces say something of the case and nothing to the formula.
    private IEnumerable<KeyValuePair<string, object>> Meant => Attributes.Where(pair =>
        pair.Key is not ("note" or "name" or "magnitude") && !(pair.Value is string text && text.Contains(' ', StringComparison.Ordinal)));

    /// <summary>Attributes as in <c>mask=causal kv_heads=2</c>.</summary>
    public string Describe() => string.Join(' ', Meant.Select(pair => pair.Value is double[] list
        ? $"{pair.Key}=[{string.Join(',', list.Select(value => value.ToString(CultureInfo.InvariantCulture)))}]"
        : string.Create(CultureInfo.InvariantCulture, $"{pair.Key}={pair.Value}")));

    /// <summary>Evaluates the case: the largest errors relative to the largest magnitude expected.</summary>
    public GoldenResult Check()
    {
        Formula formula = FormulaIndex.Find(Formula);
        FormulaCall call = new(Formula, Inputs, new Dictionary<string, object>(Meant), Gradients.Count > 0, OutputGradient);
        Values output = formula.Evaluate(call);
        double tolerance = formula.Kind == FormulaKind.Elementwise ? 2e-6 : 1e-5;
        if (!output.Shape.AsSpan().SequenceEqual(Shape))
        {
            return new GoldenResult(double.PositiveInfinity, 0, tolerance,
                $"the output's shape is {output}, expected {Values.Describe(Shape)}");
        }
        double error = ErrorOf(Output, output.Data), worst = 0;
        string problem = error <= tolerance ? "" : "the output is not within its tolerance";
        foreach ((string name, double[] expected) in Gradients)
        {
            bool found = call.Gradients.TryGetValue(name, out Values? gradient);
            double one = found ? ErrorOf(expected, gradient!.Data) : double.PositiveInfinity;
            worst = Math.Max(worst, one);
            if (!(one <= GoldenResult.GradientTolerance))
                problem = found ? $"the gradient of {name} is not within its tolerance" : $"there is no gradient of {name}";
        }
        return new GoldenResult(error, worst, tolerance, problem);
    }

    private static double ErrorOf(double[] expected, float[] actual)
    {
        if (expected.Length != actual.Length)
            return double.PositiveInfinity;
        double largest = 1e-30, error = 0;
        foreach (double value in expected)
            largest = double.IsFinite(value) ? Math.Max(largest, Math.Abs(value)) : largest;
        for (int i = 0; i < expected.Length; i++)
        {
            bool same = expected[i].Equals(actual[i]);
            double one = same ? 0 : Math.Abs(expected[i] - actual[i]) / largest;
            // NaN where a number was expected, or the reverse, is as wrong as can be.
            error = double.IsNaN(one) ? double.PositiveInfinity : Math.Max(error, one);
        }
        return error;
    }
}

/// <summary>How near a golden case was.</summary>
/// <param name="Error">The output's largest error, relative to the largest magnitude expected.</param>
/// <param name="GradientError">The gradients'.</param>
/// <param name="Tolerance">What the output's may be.</param>
/// <param name="Problem">What is wrong; empty when the case passed.</param>
public readonly record struct GoldenResult(double Error, double GradientError, double Tolerance, string Problem)
{
    /// <summary>What a gradient's error may be.</summary>
    public const double GradientTolerance = 2e-5;

    /// <summary>Whether all was within its tolerance.</summary>
    public bool Passed => Problem.Length == 0;
}

/// <summary>Reads files of golden cases (format lemma-golden-1) and inputs in the same form.</summary>
public static class GoldenFile
{
    /// <summary>Every case of a file; an <see cref="InvalidDataException"/> names the file, the case and the field.</summary>
    public static IReadOnlyList<GoldenCase> Read(string path)
    {
        using FileStream stream = File.OpenRead(path);
        try
        {
            using JsonDocument document = JsonDocument.Parse(stream);
            JsonField root = new("", document.RootElement);
            string format = root["format"].Text();
            if (format != "lemma-golden-1")
                throw new FormatException($"the format must be lemma-golden-1, but it is '{format}'");
            List<GoldenCase> cases = [];
            foreach (JsonField one in root["cases"].Elements())
                cases.Add(ReadCase(one));
            return cases;
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            throw new InvalidDataException($"golden: {path}: {e.Message}", e);
        }
    }

    /// <summary>
    /// Inputs and attributes of one JSON object: {shape, data} and nested lists are inputs, words and flags are attributes; a number or a
    /// list of numbers is whichever the formula asks for, and "attributes" may hold what is an attribute alone.
    /// </summary>
    public static (IReadOnlyDictionary<string, Values> Inputs, IReadOnlyDictionary<string, object> Attributes) ReadInputs(string json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            Dictionary<string, Values> inputs = [];
            Dictionary<string, object> attributes = [];
            foreach ((string name, JsonField field) in new JsonField("", document.RootElement).Fields())
            {
                if (name == "attributes")
                {
                    foreach ((string inner, JsonField attribute) in field.Fields())
                        attributes[inner] = attribute.Attribute();
                    continue;
                }
                if (field.IsValues || field.IsNumber)
                    inputs.Add(name, field.Values());
                if (!field.IsValues || field.IsList)
                    attributes.TryAdd(name, field.Attribute());
            }
            return (inputs, attributes);
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            throw new ArgumentException($"input: it must be a JSON object of lists of numbers by name: {e.Message}", e);
        }
    }

    private static GoldenCase ReadCase(JsonField element)
    {
        Dictionary<string, Values> inputs = [];
        foreach ((string name, JsonField input) in element["inputs"].Fields())
            inputs.Add(name, input.Values());
        Dictionary<string, double[]> gradients = [];
        if (element.Find("grads") is { } grads)
        {
            foreach ((string name, JsonField gradient) in grads.Fields())
                gradients.Add(name, gradient["data"].Numbers());
        }
        Dictionary<string, object> attributes = [];
        foreach ((string name, JsonField attribute) in element["attrs"].Fields())
            attributes.Add(name, attribute.Attribute());
        JsonField output = element["output"];
        float[]? up = element.Find("grad_output") is { } seed ? Array.ConvertAll(seed["data"].Numbers(), number => (float)number) : null;
        return new GoldenCase(element["op"].Text(), attributes, inputs, output["shape"].Sizes(), output["data"].Numbers(), up, gradients);
    }
}
