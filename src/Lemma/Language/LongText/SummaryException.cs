namespace Lemma.Language.LongText;

/// <summary>A summary that has no end: the model says nothing, or the summaries do not get fewer.</summary>
public sealed class SummaryException(string message) : Exception(message);
