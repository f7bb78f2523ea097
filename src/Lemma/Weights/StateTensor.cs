namespace Lemma.Weights;

/// <summary>Where numbers lie that a run keeps beside the weights.</summary>
public delegate Span<float> StateValues();

/// <summary>Numbers that a run keeps beside the weights: the moments of an optimizer, an average of the weights.</summary>
/// <param name="Name">Its name in a file, such as <c>first_moment.embedding.weight</c>.</param>
/// <param name="Sizes">The sizes of its axes.</param>
/// <param name="Values">Its elements, in row-major order.</param>
public sealed record StateTensor(string Name, IReadOnlyList<int> Sizes, StateValues Values)
{
    /// <summary>One of a parameter's shape.</summary>
    public static StateTensor Like(string prefix, Parameter parameter, StateValues values)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        return new StateTensor($"{prefix}.{parameter.Name}", parameter.Shape.Sizes(), values);
    }
}
