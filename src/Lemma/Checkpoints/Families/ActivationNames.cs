using Lemma.Formats;
using Lemma.Tensors;

namespace Lemma.Checkpoints;

/// <summary>The names that configs have for activations.</summary>
internal static class ActivationNames
{
    private static readonly (string Name, Activation Activation)[] All =
    [
        ("gelu", Activation.Gelu), ("gelu_python", Activation.Gelu), ("gelu_new", Activation.GeluTanh), ("gelu_pytorch_tanh", Activation.GeluTanh),
        ("gelu_fast", Activation.GeluTanh), ("silu", Activation.Silu), ("swish", Activation.Silu), ("relu", Activation.Relu),
        ("relu2", Activation.SquaredRelu), ("quick_gelu", Activation.QuickGelu), ("sigmoid", Activation.Sigmoid), ("tanh", Activation.Tanh),
        ("linear", Activation.Identity),
    ];

    /// <summary>The activation of a field.</summary>
    public static Activation Read(JsonSettings settings, string field, string fallback)
    {
        string name = settings.Text(field, fallback)!;
        foreach ((string known, Activation activation) in All)
        {
            if (known == name)
                return activation;
        }
        throw settings.Error($"\"{field}\": '{name}' is not supported; supported are {string.Join(", ", All.Select(pair => pair.Name))}");
    }

    /// <summary>The name of an activation.</summary>
    public static string Of(Activation activation) => activation == Activation.GeluTanh ? "gelu_pytorch_tanh"
        : All.First(pair => pair.Activation == activation).Name;
}
