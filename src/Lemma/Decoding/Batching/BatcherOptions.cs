namespace Lemma.Decoding;

/// <summary>What a batcher may take.</summary>
public sealed record BatcherOptions
{
    /// <summary>The most texts that go on together; each takes a row of every pass.</summary>
    public int MostSequences
    {
        get;
        init
        {
            Require.That(value > 0, $"batcher: the most texts that go on together must be positive, but they are {value}");
            field = value;
        }
    } = 64;

    /// <summary>
    /// The most rows of prompts that a pass reads beside those of running texts: more read prompts faster, fewer hold running texts up for less long.
    /// </summary>
    public int PromptRows
    {
        get;
        init
        {
            Require.That(value > 0, $"batcher: the rows of prompts a pass must be positive, but they are {value}");
            field = value;
        }
    } = 256;

    /// <summary>The most requests that wait; one more is a <see cref="QueueFullException"/>.</summary>
    public int MostWaiting
    {
        get;
        init
        {
            Require.That(value > 0, $"batcher: the most requests that wait must be positive, but they are {value}");
            field = value;
        }
    } = 1024;

    /// <summary>
    /// The bytes that states may hold together, running ones and those kept for their prefixes; null for a quarter of the memory that the process may use.
    /// </summary>
    /// <remarks>A text that goes on alone may pass it by the pages of one pass.</remarks>
    public long? StateBytes
    {
        get;
        init
        {
            Require.That(value is null or > 0, $"batcher: the bytes of states must be positive, but they are {value}");
            field = value;
        }
    }

    /// <summary>Whether states of texts that ended are kept, so that a prompt which begins alike reads only what is new.</summary>
    public bool KeepsPrefixes { get; init; } = true;
}
