using Lemma.Formulas;

namespace Lemma.Tests.Oracles.Twins;

/// <summary>A formula again in double, by loops that can be read off the paper: named inputs and attributes in, its output out.</summary>
internal delegate double[] Twin(TwinInput x);

/// <summary>What a twin is given: inputs in double with their shapes, and attributes, by name.</summary>
internal sealed class TwinInput
{
    private readonly Dictionary<string, double[]> moving = [], held = [];
    private readonly Dictionary<string, int[]> shapes = [];
    private readonly IReadOnlyDictionary<string, object> attributes;

    public TwinInput(IReadOnlyDictionary<string, Values> inputs, IReadOnlyDictionary<string, object> attributes)
    {
        this.attributes = attributes;
        foreach ((string name, Values values) in inputs)
        {
            moving.Add(name, [.. values.Exact]);
            held.Add(name, [.. values.Exact]);
            shapes.Add(name, values.Shape);
        }
    }

    public TwinInput(FormulaExample example) : this(example.Inputs, example.Attributes) { }

    /// <summary>The numbers of an input, which differences move.</summary>
    public double[] this[string name] => moving[name];

    /// <summary>The same before anything moved: for what a formula holds constant in its gradient.</summary>
    public double[] Held(string name) => held[name];

    public bool Has(string name) => moving.ContainsKey(name);

    public int[] Shape(string name) => shapes[name];

    /// <summary>The size of an axis, counted from the end when it is negative.</summary>
    public int Size(string name, int axis) => shapes[name][axis < 0 ? shapes[name].Length + axis : axis];

    /// <summary>The size of the last axis.</summary>
    public int Columns(string name) => Size(name, -1);

    public double Number(string name, double fallback = double.NaN) => (double)attributes.GetValueOrDefault(name, fallback);

    public int Whole(string name, int fallback = int.MinValue) => (int)Number(name, fallback);

    public bool Flag(string name, bool fallback) => (bool)attributes.GetValueOrDefault(name, fallback);

    public string Word(string name, string fallback = "") => (string)attributes.GetValueOrDefault(name, fallback);

    public double[] Numbers(string name) => (double[])attributes.GetValueOrDefault(name, Array.Empty<double>());

    /// <summary>What a nat is in the unit that was asked for.</summary>
    public double Unit(string fallback = "bits") => Word("unit", fallback) == "bits" ? 1 / Math.Log(2) : 1;
}
