using Lemma.Formulas;

namespace Lemma.Data;

/// <summary>The built-in source of documents: small stories with questions and answers, from a known distribution p.</summary>
/// <remarks>Any document can be made at any time in any order, so training and validation are two ranges of indices that do not meet.
/// Because ln p of every text is known, a model's cross-entropy H(p, q) can be set beside the entropy H(p): the gap is the
/// Kullback-Leibler divergence of the model from the source. Thread-safe.</remarks>
public sealed class StorySource
{
    private readonly ulong seed;

    /// <summary>A source of a seed; the seed decides which documents come, never how likely they are.</summary>
    /// <exception cref="ArgumentException">The options break a rule.</exception>
    public StorySource(ulong seed = 0, StoryOptions? options = null)
    {
        Options = options ?? new StoryOptions();
        Options.Validate();
        this.seed = seed;
    }

    /// <summary>The lengths and words of the stories.</summary>
    public StoryOptions Options { get; }

    /// <summary>The document of an index; at least 0.</summary>
    public Story At(long index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        RandomStoryPath path = new(new Philox(seed, (ulong)index));
        StoryGrammar.Tell(Options, path);
        return new Story(path.Text, path.LogProbability);
    }

    /// <summary>The documents of the indices first, first + 1, ..., first + count − 1.</summary>
    public IEnumerable<Story> Range(long first, long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        for (long i = 0; i < count; i++)
            yield return At(first + i);
    }

    /// <summary>ln p of any text, in nats; −∞ for a text that the source never makes.</summary>
    public double LogProbability(string text)
    {
        ReadStoryPath path = new(text);
        StoryGrammar.Tell(Options, path);
        return path.IsComplete ? path.LogProbability : double.NegativeInfinity;
    }

    /// <summary>Ĥ = mean of −ln p over a range of at least one document.</summary>
    public StoryEntropy Entropy(long first, long count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        double mean = 0, squares = 0;
        long bytes = 0, seen = 0;
        foreach (Story story in Range(first, count))
        {
            double change = -story.LogProbability - mean;
            mean += change / ++seen;
            squares += change * (-story.LogProbability - mean);
            bytes += story.Text.Length;
        }
        return new StoryEntropy(count, bytes, mean, count > 1 ? Math.Sqrt(squares / (count - 1) / count) : 0);
    }
}
