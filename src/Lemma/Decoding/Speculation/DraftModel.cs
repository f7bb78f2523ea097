using Lemma.Compute;
using Lemma.Models;

namespace Lemma.Decoding;

/// <summary>Guesses by a smaller model of the same vocabulary: its likeliest ids.</summary>
public sealed class DraftModel : Speculator, IDisposable
{
    private readonly Generator generator;
    private readonly int ids;
    private int[] text = [];

    /// <summary>A speculator; the model and the workers stay the caller's.</summary>
    /// <param name="model">The smaller model.</param>
    /// <param name="workers">Who does its work: the workers of the generator that it guesses for, or others.</param>
    public DraftModel(Decoder model, Workers workers)
    {
        ArgumentNullException.ThrowIfNull(model);
        (generator, ids, Longest) = (new Generator(model, workers), model.VocabularySize, model.MaximumLength);
    }

    /// <summary>The longest text that it guesses for.</summary>
    public int Longest { get; }

    /// <inheritdoc/>
    public override int Guess(ReadOnlySpan<int> ids, Span<int> guesses)
    {
        if (ids.Length >= Longest)
            return 0;
        foreach (int id in ids)
            Require.That(id < this.ids, $"speculation: the smaller model has {this.ids} ids, but the text has the id {id}");
        if (text.Length < ids.Length)
            text = new int[2 * ids.Length];
        ids.CopyTo(text);
        generator.Restart(text.AsMemory(0, ids.Length), new GenerationOptions { MaximumTokens = guesses.Length, StopIds = [] });
        int count = 0;
        while (generator.TryNext(out int id))
            guesses[count++] = id;
        return count;
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => generator.Dispose();
}
