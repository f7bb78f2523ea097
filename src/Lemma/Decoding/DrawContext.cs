using Lemma.Formulas;

namespace Lemma.Decoding;

/// <summary>What a step may look at beside the candidates.</summary>
public readonly ref struct DrawContext
{
    /// <summary>The context of one step of one draw.</summary>
    /// <param name="ids">The prompt and what was made.</param>
    /// <param name="promptLength">How many of them are the prompt.</param>
    /// <param name="number">The number of the draw, from 0.</param>
    /// <param name="random">The step's own generator.</param>
    /// <param name="memory">What the step remembers of this text.</param>
    public DrawContext(ReadOnlySpan<int> ids, int promptLength, int number = 0, Philox random = default, Span<double> memory = default)
    {
        Require.That(promptLength >= 0 && promptLength <= ids.Length, $"draw: a prompt of {promptLength} ids is not in [0, {ids.Length}]");
        Ids = ids;
        PromptLength = promptLength;
        Number = number;
        Random = random;
        Memory = memory;
    }

    /// <summary>The ids of the prompt and of what was made.</summary>
    public ReadOnlySpan<int> Ids { get; }

    /// <summary>How many of them are the prompt.</summary>
    public int PromptLength { get; }

    /// <summary>The ids that were made.</summary>
    public ReadOnlySpan<int> Made => Ids[PromptLength..];

    /// <summary>The number of the draw in its text, from 0.</summary>
    public int Number { get; }

    /// <summary>A generator of this step alone, from the seed of the text; a draw takes the number at <see cref="Number"/>.</summary>
    public Philox Random { get; }

    /// <summary>What the step remembers of this text, <see cref="LogitStep.MemorySize"/> numbers.</summary>
    public Span<double> Memory { get; }

    /// <summary>The last ids, at most as many; all for null.</summary>
    public ReadOnlySpan<int> Last(int? count) => count < Ids.Length ? Ids[^count.Value..] : Ids;
}
