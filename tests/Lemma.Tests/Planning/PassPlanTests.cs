using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Planning;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Tests.Models;

namespace Lemma.Tests.Planning;

/// <summary>A pass that reads a prompt takes the memory that was planned.</summary>
public class PassPlanTests
{
    [Theory, MemberData(nameof(ReferenceCheckpointTests.All), MemberType = typeof(ReferenceCheckpointTests))]
    public void AFamilyTakesThePlannedBytes(string folder)
    {
        Assert.SkipWhen(NativeBlock.Source.IsExact, "blocks that are made to measure are no chunks");
        using Model model = ModelFolder.Read(Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, folder)));
        using Workers workers = new(2);
        // As a model that answers has its weights.
        model.Parameters.Pack(workers);
        foreach (int tokens in (int[])[1, 24])
        {
            using Tape tape = new(workers, model.Parameters) { Recording = false };
            int[] ids = [.. Enumerable.Range(0, tokens).Select(i => i % 50)];
            switch (model)
            {
                case Decoder decoder:
                    using (SequenceState state = decoder.NewState())
                        decoder.NextLogits(tape, Rows.One(ids, state));
                    Assert.Equal(4 * tape.PeakElements, PassPlan.Of(decoder.Config, tokens).Bytes);
                    break;
                case EncoderDecoder both:
                    foreach (SequenceState state in both.NewStates(tape, Rows.One(ids)))
                        state.Dispose();
                    Assert.Equal(4 * tape.PeakElements, PassPlan.Of(both.Config, tokens).Bytes);
                    break;
                default:
                    Assert.Contains("an encoder", Assert.Throws<ArgumentException>(() => PassPlan.Of(((Encoder)model).Config, tokens)).Message, StringComparison.Ordinal);
                    break;
            }
        }
    }

    [Fact]
    public void APromptThatNoPassReadsIsRefused()
    {
        Assert.Throws<ArgumentException>(() => PassPlan.Of(Presets.Tiny(64), 0));
        Assert.Contains("257", Assert.Throws<ArgumentException>(() => PassPlan.Of(Presets.Tiny(64), 257)).Message, StringComparison.Ordinal);
    }
}
