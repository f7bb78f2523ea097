using Lemma.Compute;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Planning;

/// <summary>What one pass of a model that answers takes beside weights and caches: the memory of its activations.</summary>
/// <remarks>Counted by running the model's own pass on a tape whose workers do nothing; weights are 32-bit floats.</remarks>
public sealed record PassPlan
{
    private PassPlan() { }

    /// <summary>Tokens of the prompt that is read in one pass.</summary>
    public required int Tokens { get; init; }

    /// <summary>The bytes that the pass takes at once.</summary>
    public required long Bytes { get; init; }

    /// <summary>Jobs that workers are given.</summary>
    internal long Jobs { get; init; }

    /// <summary>Plans reading a prompt: by the decoder, or by the encoder where the model has one.</summary>
    /// <exception cref="ArgumentException">The model continues no text, or the prompt is longer than its longest sequence.</exception>
    public static PassPlan Of(ModelConfig config, int tokens)
    {
        ArgumentNullException.ThrowIfNull(config);
        Require.That(tokens > 0 && tokens <= config.MaximumLength, $"plan: a prompt has 1 to {config.MaximumLength} tokens, but it has {tokens}");
        using WorkCounter counter = new();
        using Workers workers = Workers.Counting(counter);
        using Model model = config.Declare();
        model.Parameters.AllocateCounted(counter.Memory);
        using Tape tape = new(workers, model.Parameters) { Recording = false };
        int[] ids = new int[tokens];
        switch (model)
        {
            case Decoder decoder:
                using (SequenceState state = decoder.NewState())
                    decoder.NextLogits(tape, Rows.One(ids, state));
                break;
            case EncoderDecoder both:
                foreach (SequenceState state in both.NewStates(tape, Rows.One(ids)))
                    state.Dispose();
                break;
            default:
                throw new ArgumentException("plan: an encoder continues no text, so it reads no prompt");
        }
        return new PassPlan
        {
            Tokens = tokens,
            Bytes = sizeof(float) * tape.PeakElements,
            Jobs = counter.JobsOf(WorkPhase.Forward),
        };
    }
}
