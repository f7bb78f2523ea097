#pragma warning disable
using Lemma.Formulas;
namespace Lemma.Tensors;
public readonly record struct HeadColumns(Tensor Tensor, int First);
public readonly record struct AttentionTerms(float Cap = 0, Tensor? Bias = null, int BiasZero = 0, Tensor? Sinks = null);
public enum RouterScore { Softmax, Sigmoid }
public sealed record ExpertRouting(int Experts, int Chosen) { public RouterScore Score { get; init; } public bool NormalizesChosen { get; init; } public float Scale { get; init; } = 1; public int Groups { get; init; } = 1; public int ChosenGroups { get; init; } = 1; }
public readonly record struct ExpertOutput(Tensor Rows, Tensor Probabilities, ReadOnlyMemory<int> Loads);
public static unsafe partial class Ops
{
    public static Tensor Attention(this Tape tape, HeadColumns query, HeadColumns key, HeadColumns value, ReadOnlyMemory<int> q, ReadOnlyMemory<int> k, AttentionHeads heads, AttentionTerms terms = default, ReadOnlyMemory<int> prefixes = default) => throw new NotImplementedException();
    public static Tensor RelativeBias(this Tape tape, Tensor table, bool bidirectional, int maximumDistance, int least, int most) => throw new NotImplementedException();
    public static Tensor LinearBias(this Tape tape, int heads, int least, int most) => throw new NotImplementedException();
    public static ExpertOutput Experts(this Tape tape, Tensor x, Tensor routerLogits, Tensor? choiceBias, Tensor gateUp, Tensor down, ExpertRouting routing, Activation activation) => throw new NotImplementedException();
}
