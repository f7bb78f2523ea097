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
    /// <summary>Attributes as in <c>mask=causal kv_heads=2</c>.</summary>
    public string Describe() => string.Join(' ', Attributes.Where(pair => pair.Key is not "note").Select(pair => pair.Value is double[] list
        ? $"{pair.Key}=[{string.Join(',', list.Select(value => value.ToString(CultureInfo.InvariantCulture)))}]"
        : string.Create(CultureInfo.InvariantCulture, $"{pair.Key}={pair.Value}")));

    /// <summary>Evaluates the case: the largest errors relative to the largest magnitude expected.</summary>
    public GoldenResult Check()
    {
        Formula formula = FormulaIndex.Find(Formula);
        FormulaCall call = new(Formula, Inputs, Attributes, Gradients.Count > 0, OutputGradient);
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
    /// <summary>Every case of a file; an <see cref="InvalidDataException"/> names the file, the place and the reason.</summary>
    public static IReadOnlyList<GoldenCase> Read(string path)
    {
        using FileStream stream = File.OpenRead(path);
        int index = 0;
        try
        {
            using JsonDocument document = JsonDocument.Parse(stream);
            string format = document.RootElement.GetProperty("format").GetString() ?? "";
            if (format != "lemma-golden-1")
                throw new InvalidDataException($"golden: {path}: the format must be lemma-golden-1, but it is '{format}'");
            List<GoldenCase> cases = [];
            foreach (JsonElement element in document.RootElement.GetProperty("cases").EnumerateArray())
            {
                cases.Add(ReadCase(element));
                index++;
            }
            return cases;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or ArgumentException
            or FormatException)
        {
            throw new InvalidDataException($"golden: {path}: case {index}: {e.Message}", e);
        }
    }

    /// <summary>
    /// Inputs and attributes of one JSON object: lists (nested for axes) and {shape, data} are inputs, "attributes" holds the rest.
    /// </summary>
    public static (IReadOnlyDictionary<string, Values> Inputs, IReadOnlyDictionary<string, object> Attributes) ReadInputs(string json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            Dictionary<string, Values> inputs = [];
            Dictionary<string, object> attributes = [];
            foreach (JsonProperty property in document.RootElement.EnumerateObject())
            {
                if (property.NameEquals("attributes"))
                    attributes = ReadAttributes(property.Value);
                else if (property.Value.ValueKind is JsonValueKind.Array or JsonValueKind.Object)
                    inputs.Add(property.Name, ReadValues(property.Name, property.Value));
                else if (property.Value.ValueKind == JsonValueKind.Number)
                {
                    // A bare number may be meant as either: a scalar input or an attribute.
                    inputs.Add(property.Name, Values.Scalar(property.Value.GetDouble()));
                    attributes[property.Name] = property.Value.GetDouble();
                }
                else
                    attributes[property.Name] = Attribute(property.Value);
            }
            return (inputs, attributes);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new ArgumentException($"input: it must be a JSON object of lists of numbers by name: {e.Message}", e);
        }
    }

    private static GoldenCase ReadCase(JsonElement element)
    {
        Dictionary<string, Values> inputs = [];
        foreach (JsonProperty input in element.GetProperty("inputs").EnumerateObject())
            inputs.Add(input.Name, ReadValues(input.Name, input.Value));
        Dictionary<string, double[]> gradients = [];
        if (element.TryGetProperty("grads", out JsonElement grads))
        {
            foreach (JsonProperty gradient in grads.EnumerateObject())
                gradients.Add(gradient.Name, Numbers(gradient.Value.GetProperty("data")));
        }
        JsonElement output = element.GetProperty("output");
        float[]? up = element.TryGetProperty("grad_output", out JsonElement seed) ? Singles(Numbers(seed.GetProperty("data"))) : null;
        return new GoldenCase(element.GetProperty("op").GetString()!, ReadAttributes(element.GetProperty("attrs")), inputs,
            Shape(output), Numbers(output.GetProperty("data")), up, gradients);
    }

    private static Dictionary<string, object> ReadAttributes(JsonElement element) =>
        element.EnumerateObject().ToDictionary(property => property.Name, property => Attribute(property.Value));

    private static object Attribute(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Number => value.GetDouble(),
        JsonValueKind.Array => Numbers(value),
        JsonValueKind.String => value.GetString()!,
        _ => throw new FormatException(
            $"an attribute must be a number, a word, true, false or a list of numbers, but it is {value.GetRawText()}"),
    };

    private static Values ReadValues(string name, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Object)
            return new Values(Shape(value), Numbers(value.GetProperty("data")));
        List<int> shape = [];
        List<double> numbers = [];
        Collect(name, value, 0, shape, numbers);
        return new Values([.. shape], numbers.ToArray());
    }

    private static void Collect(string name, JsonElement value, int depth, List<int> shape, List<double> numbers)
    {
        if (value.ValueKind != JsonValueKind.Array)
        {
            numbers.Add(Number(value));
            return;
        }
        if (depth == shape.Count)
            shape.Add(value.GetArrayLength());
        if (shape[depth] != value.GetArrayLength())
            throw new FormatException($"'{name}' has lists of {shape[depth]} and of {value.GetArrayLength()} on one level");
        foreach (JsonElement element in value.EnumerateArray())
            Collect(name, element, depth + 1, shape, numbers);
    }

    private static int[] Shape(JsonElement element) => [.. element.GetProperty("shape").EnumerateArray().Select(size => size.GetInt32())];

    private static double[] Numbers(JsonElement list)
    {
        double[] numbers = new double[list.GetArrayLength()];
        int index = 0;
        foreach (JsonElement element in list.EnumerateArray())
            numbers[index++] = Number(element);
        return numbers;
    }

    private static double Number(JsonElement element) => element.ValueKind != JsonValueKind.String ? element.GetDouble()
        : element.GetString() switch
        {
            "NaN" => double.NaN,
            "Infinity" => double.PositiveInfinity,
            "-Infinity" => double.NegativeInfinity,
            string other => throw new FormatException($"'{other}' is not a number"),
            null => throw new FormatException("null is not a number"),
        };

    private static float[] Singles(double[] numbers) => [.. numbers.Select(number => (float)number)];
}
