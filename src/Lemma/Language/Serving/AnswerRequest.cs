using System.Runtime.CompilerServices;
using Lemma.Decoding;
using Lemma.Language.Tools;
using Lemma.Text.Templates;

namespace Lemma.Language.Serving;

/// <summary>A conversation that an engine answers: what is said, thought and called, as it comes.</summary>
/// <remarks>Read it once, on any thread; a reader that leaves before the end cancels it.</remarks>
public sealed class AnswerRequest
{
    private readonly TextRequest text;
    private readonly AnswerParser[] parsers;
    private int thought;

    internal AnswerRequest(TextRequest text, AnswerFormat format, IReadOnlyList<Tool> tools)
    {
        this.text = text;
        parsers = [.. Enumerable.Range(0, text.Count).Select(_ => new AnswerParser(format, tools))];
    }

    /// <summary>How many answers there are.</summary>
    public int Count => text.Count;

    /// <summary>What it took so far.</summary>
    public BatchUsage Usage => text.Usage;

    /// <summary>Tokens so far that were thought, not said.</summary>
    public int Thought => Volatile.Read(ref thought);

    /// <summary>Pieces and ends of its answers, until the last has ended.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The engine was disposed.</exception>
    public async IAsyncEnumerable<AnswerUpdate> ReadAsync([EnumeratorCancellation] CancellationToken cancellation = default)
    {
        bool[] calls = new bool[Count];
        await foreach (TextUpdate update in text.ReadAsync(cancellation).ConfigureAwait(false))
        {
            AnswerParser parser = parsers[update.Sequence];
            bool thinks = parser.IsThinking;
            IReadOnlyList<AnswerDelta> deltas = update.Text.Length > 0 ? parser.Append(update.Text) : [];
            if (update.End is not null)
                deltas = [.. deltas, .. parser.Finish()];
            if (update.Id is not null && (thinks || parser.IsThinking))
                thought++;
            calls[update.Sequence] |= deltas.Any(static delta => delta.Kind == AnswerKind.CallName);
            yield return new AnswerUpdate(update, deltas) { Calls = calls[update.Sequence] };
        }
    }

    /// <summary>Ends it; of one that has ended nothing happens.</summary>
    public void Cancel() => text.Cancel();
}
