namespace Lemma.Text.Training;

/// <summary>How far a trainer is: it reads and counts all texts first, then it learns.</summary>
/// <param name="Characters">The UTF-16 code units that were read; while the trainer learns, 0.</param>
/// <param name="Learned">The share of the learning that is done, in 0 to 1; while texts are read, 0.</param>
public readonly record struct TrainerProgress(long Characters, double Learned)
{
    internal static TrainerProgress OfReading(long characters) => new(characters, 0);

    internal static TrainerProgress OfLearning(double share) => new(0, share);
}
