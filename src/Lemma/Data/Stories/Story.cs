namespace Lemma.Data;

/// <summary>A document of the built-in source, and ln p of its text: the exact log-probability in nats; at most 0.</summary>
/// <param name="Text">ASCII: a story of two paragraphs, then questions with answers; ends with a line feed.</param>
/// <param name="LogProbability">The sum of the logs of all choices that made the text, in nats.</param>
public sealed record Story(string Text, double LogProbability);

/// <summary>Ĥ = mean of −ln p over documents: an unbiased estimate of the source's entropy.</summary>
/// <param name="Documents">The number of documents; at least 1.</param>
/// <param name="Bytes">Their bytes; the texts are ASCII, so also their characters.</param>
/// <param name="NatsPerDocument">The mean of −ln p.</param>
/// <param name="StandardError">The standard error of that mean, in nats; 0 for one document.</param>
public sealed record StoryEntropy(long Documents, long Bytes, double NatsPerDocument, double StandardError)
{
    /// <summary>The nats of all documents divided by their bytes.</summary>
    public double NatsPerByte => NatsPerDocument * Documents / Bytes;

    /// <summary>The bits of all documents divided by their bytes.</summary>
    public double BitsPerByte => NatsPerByte / Math.Log(2);
}
