using System.Runtime.CompilerServices;
using Lemma.Decoding;

namespace Lemma.Language.Serving;

/// <summary>A prompt that an engine continues: its texts as they come.</summary>
/// <remarks>Read it once, on any thread; a reader that leaves before the end cancels it.</remarks>
public sealed class TextRequest
{
    private readonly BatchRequest request;
    private readonly TextPieces[] pieces;
    private int made;

    internal TextRequest(BatchRequest request, TextPieces[] pieces) => (this.request, this.pieces) = (request, pieces);

    /// <summary>How many texts there are.</summary>
    public int Count => request.Count;

    /// <summary>What it took so far; ids that came behind a text to stop at are not among those that were made.</summary>
    public BatchUsage Usage => request.Usage with { Made = Volatile.Read(ref made) };

    /// <summary>Pieces and ends of its texts, until the last has ended.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The engine was disposed.</exception>
    public async IAsyncEnumerable<TextUpdate> ReadAsync([EnumeratorCancellation] CancellationToken cancellation = default)
    {
        bool[] ended = new bool[Count];
        int open = Count;
        await foreach (BatchEvent one in request.ReadAsync(cancellation).ConfigureAwait(false))
        {
            // What came before the batcher knew of the end.
            if (ended[one.Sequence])
                continue;
            if (one.IsPrompt)
            {
                yield return new TextUpdate(one.Sequence, "") { IsPrompt = true, Id = one.Id, Choice = new TokenChoice(one.Chosen, one.Likeliest) };
                continue;
            }
            TextPieces text = pieces[one.Sequence];
            TextUpdate update;
            if (one.End is { } end)
            {
                string rest = text.Finish();
                update = new TextUpdate(one.Sequence, rest)
                {
                    End = text.Stop is null ? end : TextEnd.Stop,
                    Stop = text.Stop,
                    Ending = one.Ending is { } ending ? new TokenChoice(ending, one.Likeliest) : null,
                };
            }
            else
            {
                made++;
                update = new TextUpdate(one.Sequence, text.Append(one.Id))
                {
                    Id = one.Id,
                    Choice = request.Options.LogProbabilities is null ? null : new TokenChoice(one.Chosen, one.Likeliest),
                    End = text.Stop is null ? null : TextEnd.Stop,
                    Stop = text.Stop,
                };
                if (text.Stop is not null)
                    request.End(one.Sequence);
            }
            ended[one.Sequence] = update.End is not null;
            open -= ended[one.Sequence] ? 1 : 0;
            yield return update;
            if (open == 0)
                break;
        }
    }

    /// <summary>Ends it; of one that has ended nothing happens.</summary>
    public void Cancel() => request.Cancel();
}
