namespace Lemma.Files;

/// <summary>Where one tensor of a checkpoint lies in a model's parameters.</summary>
/// <param name="Name">The tensor's full name in the checkpoint.</param>
/// <param name="Parameter">The name of the parameter that holds it.</param>
/// <param name="FirstRow">Its first row in the parameter (first element, for a vector): fused parameters hold several tensors.</param>
/// <param name="Rows">How many rows it takes.</param>
/// <param name="Transposed">Whether the checkpoint stores it as [in, out].</param>
public sealed record WeightName(string Name, string Parameter, int FirstRow, int Rows, bool Transposed = false);
