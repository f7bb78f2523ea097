using Lemma.Compute;
using Lemma.Decoding;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Training;

/// <summary>Answers of a policy to prompts, many sequences in one pass, drawn from the model's own distribution.</summary>
/// <remarks>
/// ln π of a drawn id is computed by the formula of the loss on the logits of the same forward pass that training runs, whose bits do not depend on what
/// else is in a pass: so a trainer that reads a fresh answer finds the same number, and the ratio π/π_old is exactly 1. Draws depend on the seed
/// and the place of an answer alone, not on how many sequences go together.
/// </remarks>
public sealed class RolloutMaker : IDisposable
{
    private readonly Decoder policy;
    private readonly Tape tape;
    private readonly Candidates candidates;
    private readonly int together;

    /// <summary>A maker for a policy, whose weights may change between calls.</summary>
    /// <param name="policy">The model.</param>
    /// <param name="workers">Who does the work.</param>
    /// <param name="together">The most sequences of one pass; the answers do not depend on it.</param>
    /// <param name="ids">How many ids may be drawn, those of the tokenizer; null for all. The others count in ln π, as in training.</param>
    public RolloutMaker(Decoder policy, Workers workers, int together = 64, int? ids = null)
    {
        Require.That(together > 0, $"rollouts: at least one sequence must go at a time, but they are {together}");
        (this.policy, this.together) = (policy, together);
        tape = new Tape(workers, policy.Parameters) { Recording = false };
        candidates = new Candidates(ids ?? policy.VocabularySize);
    }

    /// <summary>The mean entropy of what was drawn from by the last call, in nats.</summary>
    public double Entropy { get; private set; }

    /// <summary>Some answers to each prompt, those of a prompt side by side.</summary>
    /// <param name="prompts">The ids of each prompt, at least one.</param>
    /// <param name="group">Answers a prompt.</param>
    /// <param name="longest">The most ids of an answer; fewer where the model's longest sequence ends it.</param>
    /// <param name="random">Where draws come from; null to take the likeliest id.</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/>.</param>
    public Rollout[] Make(IReadOnlyList<ReadOnlyMemory<int>> prompts, int group, int longest, Philox? random, CancellationToken cancellation = default)
    {
        Require.That(group > 0 && longest > 0, $"rollouts: answers a prompt and their most ids must be positive, but they are {group} and {longest}");
        Rollout[] rollouts = new Rollout[prompts.Count * group];
        (double entropy, long drawn) = (0, 0);
        int perPass = Math.Max(1, together / group);
        for (int first = 0; first < prompts.Count; first += perPass)
        {
            int some = Math.Min(perPass, prompts.Count - first);
            List<Going> going = Begin(prompts, first, some, group, longest);
            try
            {
                for (bool isFirst = true; going.Exists(one => !one.HasEnded); isFirst = false)
                {
                    cancellation.ThrowIfCancellationRequested();
                    (double sum, int count) = Draw(going, isFirst, group, random);
                    (entropy, drawn) = (entropy + sum, drawn + count);
                }
                foreach (Going one in going)
                    rollouts[one.Number] = one.ToRollout(group);
            }
            finally
            {
                foreach (Going one in going)
                    one.State?.Dispose();
            }
        }
        Entropy = drawn == 0 ? 0 : entropy / drawn;
        return rollouts;
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => tape.Dispose();

    private List<Going> Begin(IReadOnlyList<ReadOnlyMemory<int>> prompts, int first, int some, int group, int longest)
    {
        List<Going> going = [];
        for (int prompt = first; prompt < first + some; prompt++)
        {
            int length = prompts[prompt].Length;
            Require.That(length > 0 && length < policy.MaximumLength,
                $"rollouts: prompt {prompt} must have 1 to {policy.MaximumLength - 1} ids to leave room for an answer, but it has {length}");
            for (int member = 0; member < group; member++)
            {
                // The last id that fits is drawn and never read.
                int most = Math.Min(longest, policy.MaximumLength + 1 - length);
                going.Add(new Going(prompt * group + member, prompts[prompt], most) { State = member == 0 ? policy.NewState() : null });
            }
        }
        return going;
    }

    private (double Entropy, int Count) Draw(List<Going> going, bool isFirst, int group, Philox? random)
    {
        // A prompt is read once, by the first of its group; the others go on from forks.
        Going[] reading = [.. going.Where((one, place) => isFirst ? place % group == 0 : !one.HasEnded)];
        int[] lengths = [.. reading.Select(one => one.Unread.Length)], ids = new int[lengths.Sum()];
        for (int i = 0, at = 0; i < reading.Length; at += lengths[i++])
            reading[i].Unread.CopyTo(ids.AsSpan(at));
        Tensor logits = policy.NextLogits(tape, new Rows(ids, lengths, reading.Select(one => one.State!).ToArray()));
        double entropy = 0;
        int count = 0, row = 0;
        for (int place = 0; place < going.Count; place++)
        {
            Going one = going[place];
            if (one.HasEnded)
                continue;
            one.State ??= going[place - place % group].State!.Fork();
            ReadOnlySpan<float> z = tape[logits].Slice((isFirst ? place / group : row++) * policy.VocabularySize, policy.VocabularySize);
            candidates.Reset(z[..candidates.VocabularySize]);
            int id = random is { } generator ? candidates.Draw(generator.Split((ulong)one.Number), (ulong)one.Length) : candidates.Largest();
            // As CrossEntropy has it, to the bit.
            one.Add(id, -(CrossEntropy.LogSumExp(z) - z[id]), policy.EndIds.Contains(id));
            (entropy, count) = (entropy + candidates.Entropy, count + 1);
        }
        tape.Rewind();
        return (entropy, count);
    }

    /// <summary>An answer while it is made.</summary>
    private sealed class Going(int number, ReadOnlyMemory<int> prompt, int most)
    {
        private readonly List<int> ids = [];
        private readonly List<float> logs = [];
        private bool isEnded;

        public int Number => number;

        public SequenceState? State { get; set; }

        public int Length => ids.Count;

        public bool HasEnded => isEnded || ids.Count >= most;

        public ReadOnlySpan<int> Unread => ids.Count == 0 ? prompt.Span : System.Runtime.InteropServices.CollectionsMarshal.AsSpan(ids)[^1..];

        public void Add(int id, float log, bool ends)
        {
            ids.Add(id);
            logs.Add(log);
            isEnded = ends;
        }

        public Rollout ToRollout(int group) => new(number / group, [.. prompt.Span, .. ids], prompt.Length, [.. logs], isEnded);
    }
}
