using Lemma.Formulas;

namespace Lemma.Tensors;

public static unsafe partial class Ops
{
    /// <summary>Any formula of the index as an operation: its inputs are tensors by name, its gradients go to them.</summary>
    /// <remarks>
    /// The backward computes the formula again, so nothing is kept but the inputs. It copies its inputs: formulas with an operation of their own
    /// are faster. A formula without a gradient stops one that arrives; an input that the formula holds constant gets none.
    /// </remarks>
    public static Tensor Apply(this Tape tape, Formula formula, IReadOnlyDictionary<string, object> attributes,
        params (string Name, Tensor Value)[] inputs)
    {
        ArgumentNullException.ThrowIfNull(formula);
        ArgumentNullException.ThrowIfNull(inputs);
        Values output = formula.Evaluate(new FormulaCall(formula.Name, Read(tape, inputs), attributes));
        Tensor y = tape.New(ShapeOf(output));
        output.Data.CopyTo(tape[y]);
        if (!formula.IsDifferentiable)
        {
            tape.RecordStop(formula.Name, y);
            return y;
        }
        tape.Record((formula, attributes, inputs, y), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.y))
                return;
            FormulaCall call = new(s.formula.Name, Read(tape, s.inputs), s.attributes, differentiates: true, tape.Gradient(s.y).ToArray());
            s.formula.Evaluate(call);
            foreach ((string name, Tensor value) in s.inputs)
            {
                if (call.Gradients.TryGetValue(name, out Values? gradient))
                    System.Numerics.Tensors.TensorPrimitives.Add(tape.Gradient(value), gradient.Data, tape.Gradient(value));
            }
        });
        return y;
    }

    private static Dictionary<string, Values> Read(Tape tape, (string Name, Tensor Value)[] inputs)
    {
        Dictionary<string, Values> values = [];
        foreach ((string name, Tensor value) in inputs)
        {
            int[] sizes = new int[value.Shape.Rank];
            for (int axis = 0; axis < sizes.Length; axis++)
                sizes[axis] = value.Shape[axis];
            values.Add(name, new Values(sizes, tape[value].ToArray()));
        }
        return values;
    }

    private static Shape ShapeOf(Values values) => values.Shape switch
    {
        [] => new Shape(1),
        [int a] => new Shape(a),
        [int a, int b] => new Shape(a, b),
        [int a, int b, int c] => new Shape(a, b, c),
        [int a, int b, int c, int d] => new Shape(a, b, c, d),
        _ => throw new ArgumentException($"apply: a tensor has at most four axes, but the output has the shape {values}"),
    };
}
