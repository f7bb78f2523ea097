using static Lemma.Tests.Oracles.Twins.TwinMath;

namespace Lemma.Tests.Oracles.Twins;

/// <summary>Twins of the group Activations.</summary>
internal static class ActivationTwins
{
    public static IReadOnlyDictionary<string, Twin> All { get; } = new Dictionary<string, Twin>
    {
        ["gelu"] = x => Map(x["x"], Gelu),
        ["gelu_tanh"] = x => Map(x["x"], GeluTanh),
        ["relu"] = x => Map(x["x"], value => Math.Max(0, value)),
        ["sigmoid"] = x => Map(x["x"], Sigmoid),
        ["soft_cap"] = x => [.. x["x"].Select(value => x.Number("cap") * Math.Tanh(value / x.Number("cap")))],
        ["silu"] = x => Map(x["x"], value => value * Sigmoid(value)),
        ["swish"] = x => Map(x["x"], value => value * Sigmoid((x.Has("beta") ? x["beta"][0] : x.Number("beta", 1)) * value)),
        ["tanh"] = x => Map(x["x"], Math.Tanh),
        ["softmax"] = x => MapRows(x["x"], x.Columns("x"), row => Softmax(Map(row, value => value / x.Number("temperature", 1)))),
        ["log_softmax"] = x => MapRows(x["x"], x.Columns("x"), row => LogSoftmax(Map(row, value => value / x.Number("temperature", 1)))),
    };
}
