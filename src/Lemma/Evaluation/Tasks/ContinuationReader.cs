using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Evaluation.Tasks;

/// <summary>What a model makes of a continuation.</summary>
/// <param name="LogLikelihood">Σ ln p of its tokens, each from those before it.</param>
/// <param name="Tokens">Its tokens.</param>
/// <param name="Hits">Those that were the likeliest.</param>
internal readonly record struct ReadContinuation(double LogLikelihood, int Tokens, int Hits);

/// <summary>Reads the continuations of an item: once what all of them begin with, then the rest of each in one pass.</summary>
/// <remarks>Their bits are those of each read on its own.</remarks>
internal sealed class ContinuationReader(Decoder decoder, Workers workers) : IDisposable
{
    private readonly Tape tape = new(workers, decoder.Parameters) { Recording = false };

    public ReadContinuation[] Read(string source, IReadOnlyList<(int[] Ids, int First)> continuations)
    {
        foreach ((int[] ids, _) in continuations)
        {
            if (ids.Length - 1 > decoder.MaximumLength)
                throw new InvalidDataException($"{source}: the model reads at most {decoder.MaximumLength} tokens, but prompt and continuation have "
                    + $"{ids.Length - 1}; fewer examples are shorter");
        }
        int shared = Shared(continuations);
        SequenceState?[] states = new SequenceState?[continuations.Count];
        try
        {
            Begin(continuations[0].Ids.AsMemory(0, shared), states);
            return Read(source, continuations, shared, states!);
        }
        finally
        {
            foreach (SequenceState? state in states)
                state?.Dispose();
            tape.Rewind();
        }
    }

    public void Dispose() => tape.Dispose();

    // The ids before the last that tells of a continuation's first, as far as they are the same.
    private static int Shared(IReadOnlyList<(int[] Ids, int First)> continuations)
    {
        int shared = continuations.Min(one => one.First) - 1;
        foreach ((int[] ids, _) in continuations)
            shared = Math.Min(shared, ids.AsSpan().CommonPrefixLength(continuations[0].Ids));
        return shared;
    }

    private void Begin(ReadOnlyMemory<int> ids, SequenceState?[] states)
    {
        SequenceState first = decoder.NewState();
        states[0] = first;
        if (ids.Length > 0)
            decoder.Hidden(tape, new Rows(ids, new[] { ids.Length }, new[] { first }));
        tape.Rewind();
        for (int i = 1; i < states.Length; i++)
            states[i] = first.Fork();
    }

    private ReadContinuation[] Read(string source, IReadOnlyList<(int[] Ids, int First)> continuations, int shared, SequenceState[] states)
    {
        List<int> inputs = [], lengths = [], places = [];
        foreach ((int[] ids, int first) in continuations)
        {
            places.AddRange(Enumerable.Range(inputs.Count + first - 1 - shared, ids.Length - first));
            inputs.AddRange(ids.AsSpan(shared..^1));
            lengths.Add(ids.Length - 1 - shared);
        }
        Tensor hidden = decoder.Hidden(tape, new Rows(inputs.ToArray(), lengths.ToArray(), states));
        ReadOnlySpan<float> logits = tape[decoder.LogitsOf(tape, hidden, places.ToArray())];
        ReadContinuation[] read = new ReadContinuation[continuations.Count];
        for (int i = 0, row = 0; i < read.Length; i++)
        {
            (int[] ids, int first) = continuations[i];
            (double log, int hits) = (0, 0);
            for (int at = first; at < ids.Length; at++, row++)
            {
                ReadOnlySpan<float> z = logits.Slice(row * decoder.VocabularySize, decoder.VocabularySize);
                log += z[ids[at]] - CrossEntropy.LogSumExp(z);
                hits += System.Numerics.Tensors.TensorPrimitives.IndexOfMax(z) == ids[at] ? 1 : 0;
            }
            read[i] = double.IsFinite(log) ? new(log, ids.Length - first, hits)
                : throw new InvalidDataException($"{source}: the model's log-likelihood is {log}");
        }
        return read;
    }
}
