using System.Text.Json;
using Lemma.Checkpoints;
using Lemma.Decoding;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Training;

namespace Lemma.Tests.Models;

/// <summary>Tiny random checkpoints of every family against logits, losses, gradients, optimizer steps, greedy and beam texts recorded in float64.</summary>
public class ReferenceCheckpointTests
{
    public static TheoryData<string> All => [.. ReferenceCheckpoint.Folders.Select(folder => Path.GetRelativePath(AppContext.BaseDirectory, folder))];

    private static string Full(string folder) => Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, folder));

    [Theory, MemberData(nameof(All))]
    public void LogitsAgree(string folder)
    {
        using ReferenceCheckpoint reference = ReferenceCheckpoint.Open(Full(folder));
        Tape tape = reference.Tape;
        tape.Recording = false;
        switch (reference.Model)
        {
            case Decoder decoder:
                reference.AssertClose("logits", reference.Rows("logits"), decoder.Logits(tape, reference.Input));
                break;
            case EncoderDecoder both:
                reference.AssertClose("logits", reference.Floats("logits"), both.Logits(tape, reference.Input, reference.Target));
                break;
            case Encoder encoder when reference.Expected.TryGetProperty("nsp_logits", out _):
                Tensor hidden = encoder.Hidden(tape, reference.Input, reference.TokenTypes);
                reference.AssertClose("hidden", reference.Rows("last_hidden"), hidden);
                reference.AssertClose("masked", reference.Rows("mlm_logits"), encoder.MaskedLogits(tape, hidden));
                reference.AssertClose("classes", reference.Floats("nsp_logits"), encoder.ClassLogits(tape, hidden, reference.Input.Lengths));
                break;
            case Encoder encoder:
                reference.AssertClose("masked", reference.Rows("logits"), encoder.MaskedLogits(tape, encoder.Hidden(tape, reference.Input)));
                break;
        }
        if (reference.Expected.TryGetProperty("loss", out JsonElement loss))
            Assert.Equal(loss.GetDouble(), tape[reference.Loss()][0], 1e-5);
    }

    [Theory, MemberData(nameof(All))]
    public void FiveStepsAgree(string folder)
    {
        using ReferenceCheckpoint reference = ReferenceCheckpoint.Open(Full(folder));
        Tape tape = reference.Tape;
        JsonElement training = reference.Expected.GetProperty("training");
        AdamWOptimizer optimizer = new(reference.Model.Parameters, reference.Workers,
            new AdamWOptions { Beta1 = 0.9f, Beta2 = 0.95f, Epsilon = 1e-8f, WeightDecay = 0.1f, DecayAll = true, Clip = 0 });
        double[] losses = [.. training.GetProperty("losses").EnumerateArray().Select(value => value.GetDouble())];
        for (int step = 0; step < losses.Length; step++)
        {
            Tensor loss = reference.Loss();
            Assert.Equal(1, tape[loss][0] / losses[step], 2e-4);
            tape.Backward(loss);
            tape.Rewind();
            double norm = optimizer.Step(0.01f);
            if (step == 0)
                Assert.Equal(1, norm / training.GetProperty("first_gradient_norm").GetDouble(), 2e-4);
        }
    }

    [Theory, MemberData(nameof(All))]
    public void ContinuationsAgree(string folder)
    {
        using ReferenceCheckpoint reference = ReferenceCheckpoint.Open(Full(folder));
        if (reference.Model is not IContinuingModel model)
        {
            Assert.IsType<Encoder>(reference.Model);
            return;
        }
        using SequenceState state = Start(reference, out int[] prompt);
        Assert.Equal(reference.Ints("greedy"), prompt.Concat(BeamSearch.Run(model, reference.Workers, state, prompt,
            new BeamOptions { Beams = 1, MaximumTokens = 16, StopIds = [] })[0].Ids));
        Assert.Equal(reference.Ints("beam"), prompt.Concat(BeamSearch.Run(model, reference.Workers, state, prompt,
            new BeamOptions { Beams = 3, MaximumTokens = 12, StopIds = [] })[0].Ids));
        if (model is not Decoder decoder)
            return;
        using Generator generator = new(decoder, reference.Workers);
        Assert.Equal(reference.Ints("greedy"), prompt.Concat(generator.Generate(prompt, GenerationOptions.Greedy with { MaximumTokens = 16, StopIds = [] })));
    }

    [Theory, MemberData(nameof(All))]
    public void CachedRowsHaveTheBitsOfUncachedOnes(string folder)
    {
        using ReferenceCheckpoint reference = ReferenceCheckpoint.Open(Full(folder));
        if (reference.Model is not IContinuingModel model)
            return;
        Tape tape = reference.Tape;
        tape.Recording = false;
        int[] ids = reference.Ints("greedy");
        int vocabulary = model.VocabularySize;
        int[] source = reference.Ints("prompt");
        float[] whole = tape[reference.Model is EncoderDecoder both ? both.Logits(tape, Rows.One(source), Rows.One(ids))
            : ((Decoder)reference.Model).Logits(tape, Rows.One(ids))].ToArray();
        tape.Rewind();
        foreach (int first in new[] { 1, 5, ids.Length - 1 })
        {
            using SequenceState state = Start(reference, out _);
            for (int at = 0; at < ids.Length;)
            {
                int count = at == 0 ? first : 1;
                Tensor next = model.NextLogits(tape, Rows.One(ids.AsMemory(at, count), state));
                at += count;
                Assert.Equal(whole.AsSpan((at - 1) * vocabulary, vocabulary), tape[next]);
                tape.Rewind();
            }
        }
    }

    [Theory, MemberData(nameof(All))]
    public void SequencesTogetherHaveTheBitsOfEachAlone(string folder)
    {
        using ReferenceCheckpoint reference = ReferenceCheckpoint.Open(Full(folder));
        Tape tape = reference.Tape;
        tape.Recording = false;
        if (reference.Model is EncoderDecoder)
            return;
        Rows all = reference.Input;
        float[] together = tape[Hidden(all)].ToArray();
        int width = together.Length / all.Ids.Length, first = 0;
        for (int i = 0; i < all.Lengths.Length; i++)
        {
            int length = all.Lengths.Span[i];
            Assert.Equal(together.AsSpan(first * width, length * width), tape[Hidden(Rows.One(all.Ids.Slice(first, length)))]);
            first += length;
        }

        Tensor Hidden(Rows rows) => reference.Model is Decoder decoder ? decoder.Hidden(tape, rows) : ((Encoder)reference.Model).Hidden(tape, rows);
    }

    [Theory, MemberData(nameof(All))]
    public void AFolderIsWrittenAndReadBack(string folder)
    {
        using TemporaryFolder temporary = new();
        using Model model = ModelFolder.Read(Full(folder));
        ModelFolder.Write(temporary["copy"], model);
        using Model copy = ModelFolder.Read(temporary["copy"]);
        Assert.Equal(model.AnyConfig, copy.AnyConfig);
        foreach (Parameter parameter in model.Parameters.All)
            Assert.True(model.Parameters.Weights(parameter).SequenceEqual(copy.Parameters.Weights(copy.Parameters[parameter.Name])), parameter.Name);
        // Every tensor that was written stood in the folder with the same numbers, unless the family that was written has another name for it.
        using TensorFile original = TensorFile.Open(Full(folder)), written = TensorFile.Open(temporary["copy"]);
        Assert.Equal(original.Tensors.Select(entry => entry.Name).Order(StringComparer.Ordinal), written.Tensors.Select(entry =>
            entry.Name).Order(StringComparer.Ordinal));
        foreach (TensorEntry entry in written.Tensors)
        {
            float[] one = new float[entry.Count], other = new float[entry.Count];
            written.Read(entry, one);
            original.Read(original.Find(entry.Name)!, other);
            Assert.Equal(other, one);
        }
    }

    private static SequenceState Start(ReferenceCheckpoint reference, out int[] prompt)
    {
        prompt = reference.Ints("prompt");
        if (reference.Model is Decoder decoder)
            return decoder.NewState();
        EncoderDecoder both = (EncoderDecoder)reference.Model;
        SequenceState state = both.NewStates(reference.Tape, Rows.One(prompt))[0];
        reference.Tape.Rewind();
        prompt = [both.Config.DecoderBeginId];
        return state;
    }
}
