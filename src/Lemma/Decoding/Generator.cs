using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Decoding;

/// <summary>Continues a sequence of ids, one at a time, with what came before in a state.</summary>
/// <remarks>
/// The text depends on the weights, the prompt, the options and the seed, and on nothing else. Nothing is allocated a token. When the longest
/// sequence is reached, generation ends.
/// </remarks>
public sealed class Generator : IDisposable
{
    private readonly Decoder model;
    private readonly Tape tape;
    private readonly Candidates candidates;
    private readonly int drawn;
    private readonly int[] last = new int[1];
    private readonly SequenceState[] state = new SequenceState[1];
    private readonly int[] length = new int[1];
    private GenerationOptions options = GenerationOptions.Greedy;
    private ReadOnlyMemory<int> next;
    private IReadOnlyList<int> stopIds = [];
    private int made;

    /// <summary>A generator for a model; the workers are shared, the model is not changed.</summary>
    /// <param name="model">The model.</param>
    /// <param name="workers">Who does the work.</param>
    /// <param name="ids">How many ids may be drawn: those of the tokenizer, where the model has further ones that stand for nothing. Null for all.</param>
    public Generator(Decoder model, Workers workers, int? ids = null)
    {
        int most = model.Config.VocabularySize;
        Require.That(ids is null || (ids > 0 && ids <= most), $"generation: the ids that may be drawn must be from 1 to {most}, but they are {ids}");
        this.model = model;
        state[0] = model.NewState();
        tape = new Tape(workers, model.Parameters) { Recording = false };
        drawn = ids ?? most;
        candidates = new Candidates(drawn);
    }

    /// <summary>Begins with a prompt of at least one id.</summary>
    public void Start(ReadOnlyMemory<int> prompt, GenerationOptions generation)
    {
        Require.That(!prompt.IsEmpty, $"generation: the prompt must have at least one id, but it is empty");
        int longest = model.Config.MaximumLength;
        Require.That(prompt.Length <= longest, $"generation: the prompt of {prompt.Length} ids is longer than the longest sequence, {longest}; "
            + $"keep its last {longest} ids, or fewer for more room");
        foreach (int id in prompt.Span)
            Require.That((uint)id < (uint)model.Config.VocabularySize, $"generation: id {id} is not in the vocabulary of {model.Config.VocabularySize}");
        Require.That(generation.MaximumTokens >= 0, $"generation: the most tokens must not be negative, but they are {generation.MaximumTokens}");
        state[0].Truncate(0);
        (options, next, made, stopIds) = (generation, prompt, 0, generation.StopIds ?? model.Config.EndIds);
    }

    /// <summary>Ids that the longest sequence has room for after what has been read so far.</summary>
    public int Room => !next.IsEmpty ? model.Config.MaximumLength - state[0].Length - next.Length : 0;

    /// <summary>The next id; false at a stop id, at the most tokens or at the longest sequence.</summary>
    public bool TryNext(out int id)
    {
        id = -1;
        if (next.IsEmpty || made >= options.MaximumTokens || Room < 0)
            return false;
        length[0] = next.Length;
        Tensor logits = model.NextLogits(tape, new Rows(next, length, state));
        candidates.Reset(tape[logits][..drawn]);
        tape.Rewind();
        id = Choose();
        made++;
        last[0] = id;
        next = last;
        for (int i = 0; i < stopIds.Count; i++)
        {
            if (id == stopIds[i])
            {
                made = options.MaximumTokens;
                return false;
            }
        }
        return true;
    }

    /// <summary>All ids that follow a prompt.</summary>
    public IReadOnlyList<int> Generate(ReadOnlyMemory<int> prompt, GenerationOptions generation)
    {
        Start(prompt, generation);
        List<int> ids = [];
        while (TryNext(out int id))
            ids.Add(id);
        return ids;
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        state[0].Dispose();
        tape.Dispose();
    }

    private int Choose()
    {
        if (options.Steps is not { } steps)
            return candidates.Largest();
        for (int i = 0; i < steps.Count; i++)
            steps[i].Apply(candidates);
        return candidates.Draw(new Philox(options.Seed), (ulong)made);
    }
}
