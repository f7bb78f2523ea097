using Lemma.Compute;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Decoding;

/// <summary>Continues sequences of ids, one id at a time, with what came before in states.</summary>
/// <remarks>
/// The text depends on the weights, the prompt, the options and the seed, and on nothing else. Nothing is allocated a token. When the longest
/// sequence is reached, generation ends. Several sequences of one prompt read it once, and then one pass reads a token of each.
/// </remarks>
public sealed class Generator : IDisposable
{
    private readonly IContinuingModel model;
    private readonly Tape tape;
    private readonly Candidates candidates;
    private readonly List<GeneratedSequence> sequences = [];
    private readonly int drawn;
    private int[] unread = [], lengths = [];
    private SequenceState[] states = [];
    private Candidates? observed;
    private GenerationOptions options = GenerationOptions.Greedy;
    private bool isRead;
    private readonly GuessedIds guesses = new();
    private Tensor ahead;
    private int checkedRows = -1;

    /// <summary>A generator for a model; the workers are shared, the model is not changed.</summary>
    /// <param name="model">The model.</param>
    /// <param name="workers">Who does the work.</param>
    /// <param name="ids">How many ids may be drawn: those of the tokenizer, where the model has further ones that stand for nothing. Null for all.</param>
    public Generator(IContinuingModel model, Workers workers, int? ids = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        int most = model.VocabularySize;
        Require.That(ids is null || (ids > 0 && ids <= most), $"generation: the ids that may be drawn must be from 1 to {most}, but they are {ids}");
        this.model = model;
        tape = new Tape(workers, model.Parameters) { Recording = false };
        drawn = ids ?? most;
        candidates = new Candidates(drawn);
    }

    /// <summary>How many sequences go on together.</summary>
    public int Sequences => sequences.Count;

    /// <summary>Begins with a prompt of at least one id.</summary>
    /// <param name="prompt">What is continued.</param>
    /// <param name="generation">How.</param>
    /// <param name="count">How many sequences continue it; the seed of each is that of the options and its number.</param>
    public void Start(ReadOnlyMemory<int> prompt, GenerationOptions generation, int count = 1)
    {
        Require.That(model is Decoder, $"generation: a model with an encoder begins with a state of a source, but there is none");
        Check(prompt, generation, count, 0);
        Settle();
        if (sequences.Count == 0)
            sequences.Add(new GeneratedSequence(((Decoder)model).NewState()));
        else
            sequences[0].State.Truncate(0);
        Begin(prompt, generation, count);
    }

    /// <summary>Begins with a prompt behind what a state holds, which is left as it was: the state of a source, where the model has an encoder.</summary>
    public void Start(SequenceState state, ReadOnlyMemory<int> prompt, GenerationOptions generation, int count = 1)
    {
        ArgumentNullException.ThrowIfNull(state);
        Require.That(state.Length == 0, $"generation: a state that begins a text holds no tokens, but it holds {state.Length}");
        Check(prompt, generation, count, 0);
        Settle();
        SequenceState own = state.Fork();
        Release(0);
        sequences.Add(new GeneratedSequence(own));
        Begin(prompt, generation, count);
    }

    /// <summary>Goes on where every sequence ended, behind further ids; what was read before is not read again.</summary>
    /// <param name="ids">Ids that follow what was made; none where the text was cut off by its most tokens. A stop id that came is not among what was made.</param>
    /// <param name="generation">How; null as before. Draws go on in their numbers, steps and seeds stay.</param>
    public void Continue(ReadOnlyMemory<int> ids, GenerationOptions? generation = null)
    {
        Require.That(sequences.Count > 0, $"generation: there is nothing to continue before Start");
        Settle();
        generation ??= options;
        Require.That(ReferenceEquals(generation.Steps, options.Steps) && generation.Seed == options.Seed,
            $"generation: steps and the seed belong to a text from its beginning, so what goes on cannot have others");
        int longest = 0;
        foreach (GeneratedSequence sequence in sequences)
        {
            longest = Math.Max(longest, sequence.Ids.Length);
            Require.That(!ids.IsEmpty || !sequence.Unread.IsEmpty, $"generation: a text that a stop id ended goes on behind further ids, but there are none");
        }
        Check(ids, generation, sequences.Count, longest);
        options = generation;
        foreach (GeneratedSequence sequence in sequences)
            sequence.GoOn(ids.Span, generation, generation.StopIds ?? model.EndIds, model.MaximumLength);
        Reserve();
    }

    /// <summary>Begins with another prompt; the first ids that it shares with the first sequence's are not read again, with the same bits.</summary>
    /// <remarks>For one text that grows and changes, such as a conversation. Weights that changed in between need <c>Start</c>.</remarks>
    public void Restart(ReadOnlyMemory<int> prompt, GenerationOptions generation, int count = 1)
    {
        if (sequences.Count == 0)
        {
            Start(prompt, generation, count);
            return;
        }
        Check(prompt, generation, count, 0);
        Settle();
        // The last id is read in any case: its logits choose what follows.
        SequenceState state = sequences[0].State;
        int shared = Math.Min(prompt.Span.CommonPrefixLength(sequences[0].Ids), Math.Min(state.Length, prompt.Length - 1));
        state.Truncate(state.CanTruncate(shared) ? shared : 0);
        Begin(prompt, generation, count);
    }

    /// <summary>How many tokens were read since the generator was made, by all sequences.</summary>
    public long TokensRead { get; private set; }

    /// <summary>Ids that the longest sequence has room for after what there is so far.</summary>
    public int Room
    {
        get
        {
            int most = 0;
            foreach (GeneratedSequence sequence in sequences)
                most = Math.Max(most, sequence.Ids.Length);
            return sequences.Count == 0 ? 0 : model.MaximumLength - most;
        }
    }

    /// <summary>The prompt and what was made of a sequence.</summary>
    public ReadOnlySpan<int> Ids(int sequence = 0) => sequences[sequence].Ids;

    /// <summary>The id that was chosen last in a sequence, a stop id too, with its log-probability under the model's own logits.</summary>
    public TokenLogProbability Chosen(int sequence = 0)
    {
        RequireObserved();
        return sequences[sequence].Chosen;
    }

    /// <summary>The likeliest ids when the last one was chosen in a sequence, the likeliest first.</summary>
    public ReadOnlySpan<TokenLogProbability> Likeliest(int sequence = 0)
    {
        RequireObserved();
        return sequences[sequence].Likeliest;
    }

    /// <summary>The next id of the one sequence; false at a stop id, at the most tokens or at the longest sequence.</summary>
    public bool TryNext(out int id)
    {
        Require.That(sequences.Count <= 1, $"generation: {sequences.Count} sequences go on, so there is no one next id");
        id = -1;
        return sequences.Count > 0 && TryNext(new Span<int>(ref id));
    }

    /// <summary>The next id of every sequence, −1 of one that has ended; false when all have.</summary>
    public bool TryNext(Span<int> next)
    {
        Require.That(next.Length == sequences.Count, $"generation: {next.Length} places do not fit {sequences.Count} sequences");
        next.Fill(-1);
        // Where angles depend on the length, guesses would change those of what stands before them.
        if (options.Speculator is { } speculator && isRead && model is not Decoder { Reader.DependsOnLength: true })
            return TryNext(speculator, out next[0]);
        int readers = Gather(out ReadOnlyMemory<int> ids);
        if (readers == 0)
            return false;
        TokensRead += ids.Length;
        Tensor logits = model.NextLogits(tape, new Rows(ids, lengths.AsMemory(0, readers), states.AsMemory(0, readers)));
        bool any = false;
        for (int i = 0, row = 0; i < sequences.Count; i++)
        {
            GeneratedSequence sequence = sequences[i];
            if (sequence.HasEnded(model.MaximumLength))
                continue;
            // The prompt is read by the first sequence alone, and the others choose from the same logits.
            if (!isRead && i > 0)
                sequence.Replace(sequences[0].State.Fork());
            int at = isRead ? row++ : 0;
            if (sequence.TryChoose(tape[logits].Slice(at * model.VocabularySize, drawn), candidates, options.LogProbabilities is null ? null : observed, out int id))
                (next[i], any) = (id, true);
        }
        isRead = true;
        tape.Rewind();
        return any;
    }

    // The pass that reads the last id reads guesses behind it: row i has the logits behind the i-th of them. An id is chosen as ever, and where it is the guessed
    // one, the next row's logits are those that follow.
    private bool TryNext(Speculator speculator, out int id)
    {
        GeneratedSequence sequence = sequences[0];
        id = -1;
        if (sequence.HasEnded(model.MaximumLength))
        {
            Settle();
            return false;
        }
        if (checkedRows < 0)
            ReadAhead(sequence, speculator);
        int row = checkedRows++;
        if (!sequence.TryChoose(tape[ahead].Slice(row * model.VocabularySize, drawn), candidates, options.LogProbabilities is null ? null : observed, out id))
        {
            Settle(isStopped: true);
            id = -1;
            return false;
        }
        if (!guesses.IsRight(row, id, speculator))
            Settle();
        return true;
    }

    private void ReadAhead(GeneratedSequence sequence, Speculator speculator)
    {
        ReadOnlySpan<int> last = sequence.Unread.Span;
        guesses.Ask(speculator, sequence, model.VocabularySize, model.MaximumLength);
        int count = last.Length + guesses.Count;
        if (unread.Length < count)
            unread = new int[last.Length + speculator.Most];
        last.CopyTo(unread);
        guesses.Ids.CopyTo(unread.AsSpan(last.Length));
        TokensRead += count;
        ahead = model.LastLogits(tape, Rows.One(unread.AsMemory(0, count), sequence.State), guesses.Count + 1);
        checkedRows = 0;
    }

    // Takes back what was guessed wrong.
    private void Settle(bool isStopped = false)
    {
        if (checkedRows < 0)
            return;
        guesses.Settle(sequences[0], isStopped);
        checkedRows = -1;
        tape.Rewind();
    }

    /// <summary>Ends a sequence; the others go on.</summary>
    public void End(int sequence) => sequences[sequence].End();

    /// <summary>All ids that follow a prompt.</summary>
    public IReadOnlyList<int> Generate(ReadOnlyMemory<int> prompt, GenerationOptions generation)
    {
        Start(prompt, generation);
        List<int> ids = [];
        while (TryNext(out int id))
            ids.Add(id);
        return ids;
    }

    /// <summary>All ids that follow a prompt in each of several sequences.</summary>
    public IReadOnlyList<IReadOnlyList<int>> Generate(ReadOnlyMemory<int> prompt, GenerationOptions generation, int count)
    {
        Start(prompt, generation, count);
        int[] next = new int[count];
        while (TryNext(next)) { }
        return [.. sequences.Select(sequence => sequence.Ids[prompt.Length..].ToArray())];
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        Settle();
        Release(0);
        tape.Dispose();
    }

    private void Check(ReadOnlyMemory<int> ids, GenerationOptions generation, int count, int before) =>
        new GenerationRules(model.VocabularySize, model.MaximumLength, drawn).Check(ids.Span, generation, count, before);

    // The first sequence has a state of no tokens; the others get theirs when it has read the prompt.
    private void Begin(ReadOnlyMemory<int> prompt, GenerationOptions generation, int count)
    {
        Release(1);
        while (sequences.Count < count)
            sequences.Add(new GeneratedSequence(sequences[0].State.Fork()));
        (options, isRead) = (generation, false);
        for (int i = 0; i < count; i++)
            sequences[i].Begin(prompt.Span, generation, generation.Seed + (ulong)i, generation.StopIds ?? model.EndIds, model.MaximumLength);
        Reserve();
    }

    private void Reserve()
    {
        if (options.LogProbabilities is not null)
            observed ??= new Candidates(drawn);
        long all = 0;
        foreach (GeneratedSequence sequence in sequences)
            all += sequence.Unread.Length;
        if (unread.Length < all)
            unread = new int[all];
        if (lengths.Length != sequences.Count)
            (lengths, states) = (new int[sequences.Count], new SequenceState[sequences.Count]);
    }

    // What the next pass reads, and of how many sequences.
    private int Gather(out ReadOnlyMemory<int> ids)
    {
        int readers = 0, sum = 0;
        ids = default;
        for (int i = 0; i < (isRead ? sequences.Count : Math.Min(1, sequences.Count)); i++)
        {
            if (sequences[i].HasEnded(model.MaximumLength))
                continue;
            ids = sequences[i].Unread;
            (lengths[readers], states[readers]) = (ids.Length, sequences[i].State);
            if (sequences.Count > 1)
                ids.Span.CopyTo(unread.AsSpan(sum));
            sum += ids.Length;
            readers++;
        }
        if (readers > 1)
            ids = unread.AsMemory(0, sum);
        return readers;
    }

    private void Release(int kept)
    {
        while (sequences.Count > kept)
        {
            sequences[^1].Dispose();
            sequences.RemoveAt(sequences.Count - 1);
        }
    }

    private void RequireObserved() =>
        Require.That(options.LogProbabilities is not null, $"generation: log-probabilities are told where the options ask for them, but they do not");
}
