using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Weights;

namespace Lemma.Tests.Models;

/// <summary>A model whose matrices lie in panels computes the bits of the same model in rows.</summary>
public class PackedModelTests
{
    public static TheoryData<string> All => ReferenceCheckpointTests.All;

    [Theory, MemberData(nameof(All))]
    public void EveryFamilyHasTheBitsOfItsRows(string folder)
    {
        using ReferenceCheckpoint reference = ReferenceCheckpoint.Open(Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, folder)));
        Parameters parameters = reference.Model.Parameters;
        reference.Tape.Recording = false;
        float[] before = Outputs(reference), weights = [.. parameters.All.SelectMany(parameter => parameters.Weights(parameter).ToArray())];

        parameters.Pack(reference.Workers);
        parameters.Pack(reference.Workers);
        Assert.True(parameters.IsPacked);
        Assert.Contains(parameters.All, parameter => parameter.RowsInPanels > 0);
        Assert.Equal(before, Outputs(reference));
        using TemporaryFolder temporary = new();
        ModelFolder.Write(temporary["written"], reference.Model);
        using (Model written = ModelFolder.Read(temporary["written"]))
            Assert.Equal(weights, written.Parameters.All.SelectMany(parameter => written.Parameters.Weights(parameter).ToArray()));

        parameters.Unpack(reference.Workers);
        Assert.False(parameters.IsPacked);
        Assert.Equal(weights, parameters.All.SelectMany(parameter => parameters.Weights(parameter).ToArray()));
        Assert.Equal(before, Outputs(reference));
    }

    [Fact]
    public void RowsOfAPackedModelAreRefused()
    {
        using Workers workers = new(1);
        using Decoder model = new(Presets.Find("llama-14m")! with { MaximumLength = 32 });
        model.Initialize(seed: 1);
        model.Parameters.Pack(workers);
        Parameter packed = model.Parameters.All.First(parameter => parameter.RowsInPanels > 0);

        Assert.Contains(packed.Name, Assert.Throws<InvalidOperationException>(() => model.Parameters.Weights(packed).Length).Message, StringComparison.Ordinal);
        Assert.Contains("unpack", Assert.Throws<ArgumentException>(() => model.Parameters.AllocateTrainingState()).Message, StringComparison.Ordinal);
        using Tape tape = new(workers, model.Parameters);
        Assert.Throws<InvalidOperationException>(() => tape[tape.Parameter(packed)].Length);

        model.Parameters.Unpack(workers);
        model.Parameters.AllocateTrainingState();
        Assert.Contains("training", Assert.Throws<ArgumentException>(() => model.Parameters.Pack(workers)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AGradientThroughAPackedWeightIsRefused()
    {
        using Workers workers = new(2);
        using Decoder model = new(Presets.Find("llama-14m")! with { MaximumLength = 32 });
        model.Initialize(seed: 1);
        model.Parameters.IsFrozen = true;
        model.Parameters.Pack(workers);
        using Tape tape = new(workers, model.Parameters);
        LossPart loss = model.Loss(tape, Rows.One(new[] { 1, 2, 3 }), new[] { 2, 3, 4 });
        Assert.Contains("unpack", Assert.Throws<InvalidOperationException>(() => tape.Backward(loss)).Message, StringComparison.Ordinal);
    }

    private static float[] Outputs(ReferenceCheckpoint reference)
    {
        Tape tape = reference.Tape;
        List<float> outputs = [.. tape[reference.Model switch
        {
            Decoder decoder => decoder.Logits(tape, reference.Input),
            EncoderDecoder both => both.Logits(tape, reference.Input, reference.Target),
            Encoder encoder when encoder.Config.Head is not null => encoder.MaskedLogits(tape, encoder.Hidden(tape, reference.Input)),
            _ => ((Encoder)reference.Model).Hidden(tape, reference.Input),
        }]];
        tape.Rewind();
        if (reference.Model is Decoder continuing)
        {
            outputs.Add((float)continuing.Loss(tape, reference.Input, reference.Input.Ids).Mean(tape));
            tape.Rewind();
            using SequenceState state = continuing.NewState();
            foreach (int count in (int[])[5, 1, 1, 2])
            {
                outputs.AddRange(tape[continuing.NextLogits(tape, Rows.One(reference.Input.Ids.Slice(state.Length, count), state))]);
                tape.Rewind();
            }
        }
        return [.. outputs];
    }
}
