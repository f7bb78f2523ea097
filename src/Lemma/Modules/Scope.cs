using Lemma.Tensors;
using Lemma.Weights;

namespace Lemma.Modules;

/// <summary>A place in the tree of a model's parts, where a part declares its parameters: names by nesting, first values beside them.</summary>
internal sealed class Scope
{
    private readonly Parameters parameters;
    private readonly string path;
    private readonly Dictionary<(RotaryConfig, int), RopeTable> tables;

    /// <summary>The root of a model.</summary>
    /// <param name="parameters">Where parameters are declared.</param>
    /// <param name="width">The width of the residual stream.</param>
    /// <param name="layers">Blocks whose branches join one residual stream.</param>
    /// <param name="maximumLength">The longest sequence.</param>
    public Scope(Parameters parameters, int width, int layers, int maximumLength)
        : this(parameters, "", [], width, layers, maximumLength) { }

    private Scope(Parameters parameters, string path, Dictionary<(RotaryConfig, int), RopeTable> tables, int width, int layers,
        int maximumLength) => (this.parameters, this.path, this.tables, Width, Layers, MaximumLength)
            = (parameters, path, tables, width, layers, maximumLength);

    /// <summary>The width of the residual stream.</summary>
    public int Width { get; }

    /// <summary>Blocks of the stack.</summary>
    public int Layers { get; }

    /// <summary>The longest sequence.</summary>
    public int MaximumLength { get; }

    /// <summary>The place of a part.</summary>
    public Scope In(string name) => new(parameters, Path(name), tables, Width, Layers, MaximumLength);

    /// <summary>The place of a numbered part.</summary>
    public Scope In(int index) => In($"{index}");

    /// <summary>The same place for a stack of another shape, whose first values differ.</summary>
    public Scope WithShape(int width, int layers) => new(parameters, path, tables, width, layers, MaximumLength);

    /// <summary>Declares a parameter of this place.</summary>
    public Parameter Add(string name, Shape shape, FirstValue first, bool decays, bool learns = true)
    {
        Parameter parameter = parameters.Add(Path(name), shape, decays);
        (parameter.First, parameter.Learns) = (first, learns);
        return parameter;
    }

    /// <summary>A matrix [outputs, inputs], which decays.</summary>
    public Parameter Matrix(string name, int outputs, int inputs, FirstValue first) => Add(name, new Shape(outputs, inputs), first, decays: true);

    /// <summary>A vector, which does not.</summary>
    public Parameter Vector(string name, int count, FirstValue first) => Add(name, new Shape(count), first, decays: false);

    /// <summary>The first values of a matrix inside a branch: deviation 1/√d.</summary>
    public FirstValue Inner => FirstValue.Normal(1 / Math.Sqrt(Width));

    /// <summary>Of a matrix that joins the residual stream: divided by √(2·layers), Radford et al. 2019, section 2.3.</summary>
    public FirstValue Joining => FirstValue.Normal(1 / Math.Sqrt(2.0 * Layers) / Math.Sqrt(Width)) with { Joins = true };

    /// <summary>Of an embedding: 2/√d.</summary>
    public FirstValue Embedding => FirstValue.Normal(2 / Math.Sqrt(Width));

    /// <summary>The gain of the norm before a head: so small that the first loss is ln V, and so it learns faster than the rest.</summary>
    public static FirstValue LastGain => new(0.1, 0, RateScale: 60);

    /// <summary>The angles of a choice, one table for all parts that share it.</summary>
    public RopeTable Rope(RotaryConfig rotary, int headWidth)
    {
        if (!tables.TryGetValue((rotary, headWidth), out RopeTable? table))
        {
            table = new RopeTable(new RopeOptions(MaximumLength, headWidth, rotary.Theta, rotary.Interleaved)
            {
                Width = rotary.Width ?? headWidth,
                Scaling = rotary.Scaling,
            });
            tables.Add((rotary, headWidth), table);
        }
        return table;
    }

    private string Path(string name) => path.Length == 0 ? name : $"{path}.{name}";
}
