using Lemma.Tensors;

namespace Lemma.Modules;

/// <summary>What a block adds of the row that a token has for it: norm((φ(x·G)∘e)·W).</summary>
internal sealed class PerBlockInput(int columns, Activation activation, NormConfig config, Scope scope)
{
    private readonly Linear gate = new(scope.In("gate"), columns, scope.Width, bias: false, scope.Inner);
    private readonly Linear projection = new(scope.In("projection"), scope.Width, columns, bias: false, scope.Joining);
    private readonly Norm norm = new(config, scope.In("norm"), scope.Width);

    /// <summary>[rows, d] to [rows, d].</summary>
    public Tensor Apply(Tape tape, Tensor x, in Pass pass)
    {
        Tensor own = tape.Columns(pass.BlockRows!.Value, pass.Layer * columns, columns);
        Tensor let = tape.Multiply(tape.Activate(gate.Apply(tape, x, pass.Random), activation), own);
        return norm.Apply(tape, projection.Apply(tape, let, pass.Random));
    }
}
