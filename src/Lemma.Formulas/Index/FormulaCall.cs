using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics.Tensors;

namespace Lemma.Formulas;

/// <summary>One evaluation of a formula: named inputs, named attributes, and where its gradients go.</summary>
/// <remarks>An attribute is a number (double), a flag (bool), a word (string) or numbers (double[]).</remarks>
public sealed class FormulaCall
{
    // One word of a call, "n=1e9", must not take the memory of the machine.
    private const int MostNumbers = 1 << 28;

    private readonly string formula;
    private readonly IReadOnlyDictionary<string, Values> inputs;
    private readonly IReadOnlyDictionary<string, object> attributes;
    private readonly Dictionary<string, Values> gradients = [];
    private readonly List<FormulaAttribute> asked = [];
    private readonly List<string> read = [];
    private readonly bool differentiates;
    private readonly float[]? upstream;

    /// <summary>An evaluation with inputs and attributes; with gradients if <paramref name="differentiates"/>.</summary>
    /// <param name="formula">The formula's name, for errors.</param>
    /// <param name="inputs">Inputs by name.</param>
    /// <param name="attributes">Attributes by name.</param>
    /// <param name="differentiates">Whether gradients are asked for.</param>
    /// <param name="upstream">The gradient of the output; ones without it.</param>
    public FormulaCall(string formula, IReadOnlyDictionary<string, Values> inputs, IReadOnlyDictionary<string, object>? attributes = null,
        bool differentiates = false, float[]? upstream = null)
    {
        (this.formula, this.inputs, this.differentiates, this.upstream) = (formula, inputs, differentiates, upstream);
        this.attributes = attributes ?? new Dictionary<string, object>();
    }

    /// <summary>The gradients of the inputs that have one, by name; filled by an evaluation that differentiates.</summary>
    public IReadOnlyDictionary<string, Values> Gradients => gradients;

    /// <summary>The attributes that the evaluation asked for, in their order.</summary>
    public IReadOnlyList<FormulaAttribute> Attributes => asked;

    /// <summary>An input; throws when it is missing.</summary>
    public Values this[string name]
    {
        get
        {
            Remember(name);
            return inputs.TryGetValue(name, out Values? values) ? values
                : throw new ArgumentException($"{formula}: input '{name}' is missing; given are: {string.Join(", ", inputs.Keys)}");
        }
    }

    /// <summary>An input that must have a shape; −1 stands for any size.</summary>
    public Values Input(string name, params int[] shape)
    {
        Values values = this[name];
        if (values.Shape.Length != shape.Length || shape.Where((size, axis) => size >= 0 && size != values.Shape[axis]).Any())
        {
            string wanted = string.Join(", ", shape.Select(size => size < 0 ? "·" : size.ToString(CultureInfo.InvariantCulture)));
            throw new ArgumentException($"{formula}: {name} must have the shape [{wanted}], but it has {values}");
        }
        return values;
    }

    /// <summary>An input of the shape of another.</summary>
    public Values Same(string name, Values other) => Input(name, other.Shape);

    /// <summary>Whether an input is given.</summary>
    public bool Has(string name)
    {
        Remember(name);
        return inputs.ContainsKey(name);
    }

    /// <summary>An input of whole numbers, such as ids.</summary>
    public int[] Integers(string name)
    {
        float[] data = this[name].Data;
        int[] whole = new int[data.Length];
        Check.WholeNumbers(formula, name, data);
        TensorPrimitives.ConvertToInteger<float, int>(data, whole);
        return whole;
    }

    /// <summary>A number; throws when it is missing and there is no fallback.</summary>
    public double Number(string name, double? fallback = null) => Find(name, fallback, "a number");

    /// <summary>A whole number.</summary>
    public int Whole(string name, int? fallback = null)
    {
        double value = Find(name, fallback is { } number ? (double?)number : null, "a whole number");
        return value == Math.Truncate(value) && Math.Abs(value) < int.MaxValue ? (int)value
            : throw new ArgumentException(string.Create(CultureInfo.InvariantCulture,
                $"{formula}: {name} must be a whole number, but it is {value}"));
    }

    /// <summary>Zeros of a shape that attributes give; throws when there are no such numbers, or more than a gibibyte.</summary>
    public Values New(params int[] shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        double count = 1;
        foreach (int size in shape)
            count = size < 0 ? double.NaN : count * size;
        return count <= MostNumbers ? new Values(shape) : throw Error(
            $"an output of the shape {Values.Describe(shape)} must have sizes from 0 and at most {MostNumbers} numbers");
    }

    /// <summary>A flag.</summary>
    public bool Flag(string name, bool? fallback = null) => Find(name, fallback, "true or false");

    /// <summary>A word; throws when it is missing and there is no fallback.</summary>
    public string Word(string name, string? fallback = null)
    {
        Ask(name, fallback);
        if (!attributes.TryGetValue(name, out object? value))
            return fallback ?? throw new ArgumentException($"{formula}: the attribute '{name}' is missing");
        return value as string ?? throw new ArgumentException($"{formula}: {name} must be a word, but it is {Show(value)}");
    }

    /// <summary>Numbers, or none when the attribute is missing.</summary>
    public double[]? Numbers(string name)
    {
        Ask(name, "none");
        if (!attributes.TryGetValue(name, out object? value))
            return null;
        return value as double[] ?? throw new ArgumentException($"{formula}: {name} must be a list of numbers, but it is {Show(value)}");
    }

    /// <summary>Whether gradients are asked for; then also the gradient of the output, which must have its length.</summary>
    public bool Backward(Values output, [NotNullWhen(true)] out float[]? gradient)
    {
        gradient = null;
        if (!differentiates)
            return false;
        gradient = upstream;
        if (gradient is null)
        {
            gradient = new float[output.Count];
            Array.Fill(gradient, 1);
        }
        Check.SameLength(formula, output.Count, gradient.Length);
        return true;
    }

    /// <summary>The gradient of an input, zero at first: a backward adds to it.</summary>
    public Span<float> Gradient(string name)
    {
        if (!gradients.TryGetValue(name, out Values? values))
            gradients.Add(name, values = this[name].Like());
        return values.Data;
    }

    /// <summary>An error of this formula.</summary>
    public ArgumentException Error(FormattableString problem) =>
        new($"{formula}: {problem?.ToString(CultureInfo.InvariantCulture)}");

    /// <summary>Throws when something was given that the evaluation did not ask for: a wrong name would else do nothing.</summary>
    internal void RefuseUnread()
    {
        string? unread = inputs.Keys.Concat(attributes.Keys).FirstOrDefault(name => !read.Contains(name));
        if (unread is not null)
            throw new ArgumentException($"{formula}: nothing reads '{unread}'; what is read is: {string.Join(", ", read)}");
    }

    private T Find<T>(string name, T? fallback, string kind) where T : struct
    {
        Ask(name, Convert.ToString(fallback, CultureInfo.InvariantCulture) is { Length: > 0 } text ? text : null);
        if (!attributes.TryGetValue(name, out object? value))
            return fallback ?? throw new ArgumentException($"{formula}: the attribute '{name}' is missing");
        return value is T found ? found : throw new ArgumentException($"{formula}: {name} must be {kind}, but it is {Show(value)}");
    }

    private void Ask(string name, string? fallback)
    {
        Remember(name);
        if (!asked.Any(attribute => attribute.Name == name))
            asked.Add(new FormulaAttribute(name, fallback));
    }

    private void Remember(string name)
    {
        if (!read.Contains(name))
            read.Add(name);
    }

    private static string Show(object value) => value is double[] list ? $"{list.Length} numbers" : Convert.ToString(value,
        CultureInfo.InvariantCulture)!;
}

/// <summary>An attribute that a formula asks for.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Fallback">What it is when it is not given; null when it must be given.</param>
public sealed record FormulaAttribute(string Name, string? Fallback);
