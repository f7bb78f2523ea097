namespace Lemma.Training;

/// <summary>A run cannot go on: its numbers are no longer finite. What was saved before is untouched.</summary>
public sealed class TrainingFailedException(string message, Exception? cause = null) : Exception(message, cause);
