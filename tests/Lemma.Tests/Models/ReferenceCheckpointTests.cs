using System.Text.Json;
using Lemma.Checkpoints;
using Lemma.Decoding;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Training;
using Lemma.Weights;

namespace Lemma.Tests.Models;

/// <summary>Tiny random checkpoints of every family against logits, losses, gradients, optimizer steps, greedy and beam texts recorded in float64.</summary>
public class ReferenceCheckpointTests
{
    public static TheoryData<string> All => [.. ReferenceCheckpoint.Folders.Select(folder => Path.GetRelativePath(AppContext.BaseDirectory, folder))];

    public static TheoryData<string> Continuing => [.. All.Select(row => row.Data).Where(folder => ModelFolder.ReadConfig(Full(folder)) is not EncoderConfig)];

    private static string Full(string folder) => Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, folder));

    // What single precision can hold is measured: a model whose results move when its weights move by a unit in the last place is compared
    // within some times that move. The folders of this project need none of it but 2e-4.
    private const double LeastTolerance = 2e-4, Moves = 16;

    [Theory, MemberData(nameof(All))]
    public void LogitsAgree(string folder)
    {
        using ReferenceCheckpoint reference = ReferenceCheckpoint.Open(Full(folder)), moved = ReferenceCheckpoint.Open(Full(folder));
        moved.MoveWeights();
        foreach ((string name, float[] expected, float[] actual, float[] other) in Outputs(reference).Zip(Outputs(moved), (one, two) => (one.Name,
            one.Expected, one.Actual, two.Actual)))
        {
            Assert.Equal(expected.Length, actual.Length);
            double worst = Largest(expected, actual), tolerance = Math.Max(LeastTolerance, IsGolden(folder) ? 0 : Moves * Largest(actual, other));
            Assert.True(worst < tolerance, $"{name} differ by {worst:E2}, more than {tolerance:E2}");
        }
        if (reference.Expected.TryGetProperty("loss", out JsonElement loss))
            Assert.Equal(loss.GetDouble(), reference.Loss().Mean(reference.Tape), 1e-5);
    }

    [Theory, MemberData(nameof(All))]
    public void FiveStepsAgree(string folder)
    {
        using ReferenceCheckpoint reference = ReferenceCheckpoint.Open(Full(folder)), moved = ReferenceCheckpoint.Open(Full(folder));
        moved.MoveWeights();
        JsonElement training = reference.Expected.GetProperty("training");
        double[] losses = [.. training.GetProperty("losses").EnumerateArray().Select(value => value.GetDouble())];
        (double[] own, double norm) = Train(reference, losses.Length);
        (double[] others, _) = Train(moved, losses.Length);
        Assert.Equal(1, norm / training.GetProperty("first_gradient_norm").GetDouble(), LeastTolerance);
        for (int step = 0; step < losses.Length; step++)
        {
            double moves = Enumerable.Range(0, step + 1).Max(i => Math.Abs(own[i] / others[i] - 1));
            Assert.Equal(1, own[step] / losses[step], Math.Max(LeastTolerance, IsGolden(folder) ? 0 : Moves * moves));
        }
    }

    private static bool IsGolden(string folder) => folder.StartsWith("Golden", StringComparison.Ordinal);

    private static double Largest(float[] one, float[] other) => one.Zip(other, (a, b) => Math.Abs((double)a - b)).Max();

    private static (double[] Losses, double FirstNorm) Train(ReferenceCheckpoint reference, int steps)
    {
        AdamWOptimizer optimizer = new(reference.Model.Parameters, reference.Workers,
            new AdamWOptions { Beta1 = 0.9f, Beta2 = 0.95f, Epsilon = 1e-8f, WeightDecay = 0.1f, DecayAll = true, Clip = 0 });
        double[] losses = new double[steps];
        double first = 0;
        for (int step = 0; step < steps; step++)
        {
            LossPart loss = reference.Loss();
            losses[step] = loss.Mean(reference.Tape);
            reference.Tape.Backward(loss);
            reference.Tape.Rewind();
            double norm = optimizer.Step(0.01f);
            first = step == 0 ? norm : first;
        }
        return (losses, first);
    }

    private static List<(string Name, float[] Expected, float[] Actual)> Outputs(ReferenceCheckpoint reference)
    {
        Tape tape = reference.Tape;
        tape.Recording = false;
        List<(string, float[], float[])> outputs = [];
        switch (reference.Model)
        {
            case Decoder decoder:
                outputs.Add(("logits", reference.Rows("logits"), tape[decoder.Logits(tape, reference.Input)].ToArray()));
                break;
            case EncoderDecoder both:
                outputs.Add(("logits", reference.Floats("logits"), tape[both.Logits(tape, reference.Input, reference.Target)].ToArray()));
                break;
            case Encoder encoder when reference.Expected.TryGetProperty("nsp_logits", out _):
                Tensor hidden = encoder.Hidden(tape, reference.Input, reference.TokenTypes);
                outputs.Add(("hidden", reference.Rows("last_hidden"), tape[hidden].ToArray()));
                outputs.Add(("masked", reference.Rows("mlm_logits"), tape[encoder.MaskedLogits(tape, hidden)].ToArray()));
                outputs.Add(("classes", reference.Floats("nsp_logits"), tape[encoder.ClassLogits(tape, hidden, reference.Input.Lengths)].ToArray()));
                break;
            case Encoder encoder:
                outputs.Add(("masked", reference.Rows("logits"), tape[encoder.MaskedLogits(tape, encoder.Hidden(tape, reference.Input))].ToArray()));
                break;
        }
        return outputs;
    }

    [Theory, MemberData(nameof(Continuing))]
    public void ContinuationsAgree(string folder)
    {
        using ReferenceCheckpoint reference = ReferenceCheckpoint.Open(Full(folder));
        IContinuingModel model = (IContinuingModel)reference.Model;
        using SequenceState state = Start(reference, out int[] prompt);
        Assert.Equal(reference.Ints("greedy"), prompt.Concat(BeamSearch.Run(model, reference.Workers, state, prompt,
            new BeamOptions { Beams = 1, MaximumTokens = 16, StopIds = [] })[0].Ids));
        Assert.Equal(reference.Ints("beam"), prompt.Concat(BeamSearch.Run(model, reference.Workers, state, prompt,
            new BeamOptions { Beams = 3, MaximumTokens = 12, StopIds = [] })[0].Ids));
        Assert.All(BeamSearch.Run(model, reference.Workers, state, prompt, new BeamOptions { Beams = 3, MaximumTokens = 6, StopIds = [], Ids = 40 }),
            beam => Assert.All(beam.Ids, id => Assert.InRange(id, 0, 39)));
        if (model is not Decoder decoder)
            return;
        using Generator generator = new(decoder, reference.Workers);
        Assert.Equal(reference.Ints("greedy"), prompt.Concat(generator.Generate(prompt, GenerationOptions.Greedy with { MaximumTokens = 16, StopIds = [] })));
    }

    [Theory, MemberData(nameof(Continuing))]
    public void CachedRowsHaveTheBitsOfUncachedOnes(string folder)
    {
        using ReferenceCheckpoint reference = ReferenceCheckpoint.Open(Full(folder));
        IContinuingModel model = (IContinuingModel)reference.Model;
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
        Rows all = reference.Input;
        float[] together = tape[Hidden(all)].ToArray();
        int width = together.Length / all.Ids.Length, first = 0;
        for (int i = 0; i < all.Lengths.Length; i++)
        {
            int length = all.Lengths.Span[i];
            Assert.Equal(together.AsSpan(first * width, length * width), tape[Hidden(Rows.One(all.Ids.Slice(first, length)))]);
            first += length;
        }

        Tensor Hidden(Rows rows) => reference.Model switch
        {
            Decoder decoder => decoder.Hidden(tape, rows),
            EncoderDecoder both => both.Encode(tape, rows),
            _ => ((Encoder)reference.Model).Hidden(tape, rows),
        };
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
