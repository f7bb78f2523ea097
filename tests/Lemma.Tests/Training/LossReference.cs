using System.Text.Json;
using Lemma.Checkpoints;
using Lemma.Data;
using Lemma.Models;
using Lemma.Tensors;
using Lemma.Tests.Oracles;
using Lemma.Weights;

namespace Lemma.Tests.Training;

/// <summary>A tiny Llama, its reference, and what losses of their answers come to in float64 (Golden/preferences).</summary>
internal static class LossReference
{
    private const double Tolerance = 1e-5;

    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Golden", "preferences");

    public static JsonElement Expected { get; } = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "expected.json"))).RootElement;

    /// <summary>The policy, with memory for its gradient.</summary>
    public static Decoder Policy()
    {
        Decoder policy = ModelFolder.ReadDecoder(Path.Combine(Folder, "policy"));
        policy.Parameters.AllocateTrainingState();
        return policy;
    }

    public static Decoder Reference() => ModelFolder.ReadDecoder(Path.Combine(Folder, "reference"));

    /// <summary>A prompt and one of its answers, whose ids alone count.</summary>
    public static TokenExample Example(JsonElement one, string answer)
    {
        int[] prompt = Ids(one, "prompt"), said = Ids(one, answer);
        return new TokenExample(new int[][] { prompt, said }.SelectMany(ids => ids).ToArray(),
            Enumerable.Range(0, prompt.Length + said.Length).Select(place => place >= prompt.Length).ToArray());
    }

    /// <summary>Takes the loss back and compares its mean, the norm of the whole gradient and the gradient of one matrix.</summary>
    public static void Compare(JsonElement expected, Tape tape, LossPart part, Parameters parameters)
    {
        Assert.Equal(1, part.Mean(tape) / expected.GetProperty("loss").GetDouble(), Tolerance);
        tape.Backward(tape.Scale(part.Sum, (float)(1 / part.Weight)));
        double squares = 0;
        foreach (Parameter parameter in parameters.All)
        {
            foreach (float value in parameters.Gradients(parameter))
                squares += (double)value * value;
        }
        Assert.Equal(1, Math.Sqrt(squares) / expected.GetProperty("norm").GetDouble(), Tolerance);
        double[] gradient = [.. expected.GetProperty("gradient").EnumerateArray().Select(value => value.GetDouble())];
        // Queries, keys and values are one matrix here; the last rows are those of the values.
        Parameter matrix = parameters.All.Single(parameter => parameter.Name.Contains(".1.", StringComparison.Ordinal)
            && parameter.Name.EndsWith("qkv.weight", StringComparison.Ordinal));
        OperationCheck.Close("gradient", gradient, parameters.Gradients(matrix)[^gradient.Length..].ToArray(), Tolerance);
    }

    private static int[] Ids(JsonElement one, string name) => [.. one.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];
}
