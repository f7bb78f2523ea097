using System.Text.Json;
using Lemma.Decoding;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tests.Models;

namespace Lemma.Tests.Decoding;

/// <summary>Beams of decoders and of models with an encoder beside transformers in float64 (bench/golden/make_beams.py).</summary>
public class BeamPeerTests
{
    public static TheoryData<string> Names => ["llama", "gpt2", "gemma3", "qwen3-moe", "t5", "t5-gated", "bart"];

    [Theory, MemberData(nameof(Names))]
    public void EveryBeamAndItsScoreAreThePeers(string name)
    {
        string golden = Path.Combine(AppContext.BaseDirectory, "Golden");
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(golden, "beams.json")));
        using ReferenceCheckpoint reference = ReferenceCheckpoint.Open(Path.Combine(golden, "checkpoints", name));
        reference.Tape.Recording = false;
        int[] prompt = reference.Ints("prompt");
        using SequenceState state = reference.Model is Decoder decoder ? decoder.NewState()
            : ((EncoderDecoder)reference.Model).NewStates(reference.Tape, Rows.One(prompt))[0];
        reference.Tape.Rewind();
        if (reference.Model is EncoderDecoder both)
            prompt = [both.Config.DecoderBeginId];
        JsonElement[] cases = [.. document.RootElement.GetProperty("cases").EnumerateArray().Where(one => one.GetProperty("name").GetString() == name)];
        Assert.Equal(72, cases.Length);
        foreach (JsonElement one in cases)
        {
            BeamOptions options = new()
            {
                Beams = one.GetProperty("beams").GetInt32(),
                MaximumTokens = document.RootElement.GetProperty("length").GetInt32(),
                LengthPenalty = one.GetProperty("penalty").GetDouble(),
                StopIds = Ints(one.GetProperty("ends")),
                Stopping = one.GetProperty("early").GetString() switch
                {
                    "false" => BeamStopping.WhenUnlikely,
                    "true" => BeamStopping.AtOnce,
                    _ => BeamStopping.WhenImpossible,
                },
            };
            IReadOnlyList<Beam> beams = BeamSearch.Run((IContinuingModel)reference.Model, reference.Workers, state, prompt, options);
            string place = $"{options}, ends {one.GetProperty("ends")}";
            int[][] texts = [.. one.GetProperty("texts").EnumerateArray().Select(Ints)];
            double[] scores = [.. one.GetProperty("scores").EnumerateArray().Select(score => score.GetDouble())];
            Assert.Equal(texts.Length, beams.Count);
            for (int i = 0; i < texts.Length; i++)
            {
                Assert.True(Math.Abs(scores[i] - beams[i].Score) <= 1e-4 * Math.Max(1, Math.Abs(scores[i])),
                    $"{place}: score {i} is {beams[i].Score}, not {scores[i]}");
                Assert.True(texts[i].SequenceEqual(beams[i].Ids), $"{place}: beam {i} is {string.Join(' ', beams[i].Ids)}, not {string.Join(' ', texts[i])}");
            }
        }
    }

    private static int[] Ints(JsonElement array) => [.. array.EnumerateArray().Select(id => id.GetInt32())];
}
