#pragma warning disable
using Lemma.Formulas;
namespace Lemma.Tensors;
public enum RouterScore { Softmax, Sigmoid }
public sealed record ExpertRouting(int Experts, int Chosen) { public RouterScore Score { get; init; } public bool NormalizesChosen { get; init; } public float Scale { get; init; } = 1; public int Groups { get; init; } = 1; public int ChosenGroups { get; init; } = 1; }
public readonly record struct ExpertOutput(Tensor Rows, Tensor Probabilities, ReadOnlyMemory<int> Loads);
public static unsafe partial class Ops
{
    public static ExpertOutput Experts(this Tape tape, Tensor x, Tensor routerLogits, Tensor? choiceBias, Tensor gateUp, Tensor down, ExpertRouting routing, Activation activation) => throw new NotImplementedException();
}
