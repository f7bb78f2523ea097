using Lemma.Formats;

namespace Lemma.Language.Sentences;

/// <summary>y = f(W·x + b) of a pooled vector, as a <c>Dense</c> module of sentence-transformers says it.</summary>
internal sealed class SentenceDense
{
    // By the names that PyTorch's classes have.
    private static readonly (string Name, Func<double, double> Function)[] Activations =
    [
        ("Identity", x => x),
        ("Tanh", Math.Tanh),
        ("ReLU", x => Math.Max(x, 0)),
        ("Sigmoid", x => 1 / (1 + Math.Exp(-x))),
    ];

    private readonly float[] weight;
    private readonly float[]? bias;
    private readonly Func<double, double> activation;

    private SentenceDense(int inputs, int outputs, float[] weight, float[]? bias, Func<double, double> activation)
    {
        (Inputs, Outputs, this.weight, this.bias, this.activation) = (inputs, outputs, weight, bias, activation);
    }

    /// <summary>The numbers of x.</summary>
    public int Inputs { get; }

    /// <summary>The numbers of y.</summary>
    public int Outputs { get; }

    /// <summary>Reads the folder of a module.</summary>
    /// <exception cref="InvalidDataException">A file is broken, or asks for something that is not known.</exception>
    public static SentenceDense Read(string folder)
    {
        string config = Path.Combine(folder, "config.json");
        JsonSettings settings = JsonSettings.Read(config);
        (int inputs, int outputs) = (settings.Integer("in_features"), settings.Integer("out_features"));
        bool hasBias = settings.Boolean("bias", fallback: true);
        string name = settings.Text("activation_function") ?? "Tanh", kind = name[(name.LastIndexOf('.') + 1)..];
        settings.RefuseUnread();
        int known = Array.FindIndex(Activations, one => one.Name == kind);
        if (known < 0 || (name != kind && !name.StartsWith("torch.nn.", StringComparison.Ordinal)))
            throw settings.Error($"\"activation_function\": '{name}' is not one of {string.Join(", ", Activations.Select(one => one.Name))}");
        string weights = Path.Combine(folder, "model.safetensors"), old = Path.Combine(folder, "pytorch_model.bin");
        weights = File.Exists(weights) ? weights : File.Exists(old) ? old
            : throw new FileNotFoundException($"embed: the module '{folder}' has neither model.safetensors nor pytorch_model.bin");
        using TensorFile file = TensorFile.Open(weights);
        float[] matrix = Tensor(file, "linear.weight", outputs, inputs);
        float[]? bias = hasBias ? Tensor(file, "linear.bias", outputs) : null;
        return file.Tensors.Count == (hasBias ? 2 : 1) ? new SentenceDense(inputs, outputs, matrix, bias, Activations[known].Function)
            : throw new InvalidDataException($"{weights}: it must hold linear.weight and, with a bias, linear.bias alone, but it has {file.Tensors.Count} tensors");
    }

    /// <summary>f(W·x + b).</summary>
    public double[] Apply(ReadOnlySpan<double> x)
    {
        double[] y = new double[Outputs];
        for (int row = 0; row < y.Length; row++)
        {
            double sum = bias?[row] ?? 0;
            for (int column = 0; column < x.Length; column++)
                sum += weight[row * x.Length + column] * x[column];
            y[row] = activation(sum);
        }
        return y;
    }

    private static float[] Tensor(TensorFile file, string name, params long[] shape)
    {
        TensorEntry entry = file.Find(name) ?? throw new InvalidDataException($"{file.Path}: there is no tensor '{name}'");
        if (!entry.Sizes.SequenceEqual(shape))
            throw new InvalidDataException($"{file.Path}: the tensor '{name}' has shape {entry.ShapeText}, but the config asks for [{string.Join(", ", shape)}]");
        TensorFile.RequireNumbers(entry);
        float[] values = new float[entry.Count];
        file.Read(entry, values);
        return values;
    }
}
