using System.Text.Json;
using Lemma.Formats;

namespace Lemma.Training;

/// <summary>The answers of a round, and what is made of them before they are read.</summary>
/// <param name="Number">Which round of the run, from 0.</param>
/// <param name="Rollouts">The answers, those of a prompt side by side.</param>
/// <param name="Rewards">A reward an answer.</param>
/// <param name="Advantages">An advantage an answer.</param>
/// <param name="ReferenceLogs">ln π_ref of each id of each answer; empty without a reference.</param>
internal sealed record PolicyRound(long Number, Rollout[] Rollouts, float[] Rewards, float[] Advantages, float[][] ReferenceLogs)
{
    private const string Name = "rollouts.json";

    /// <summary>Writes it into a checkpoint's folder that is being built: a round that is half read goes on with the answers that it began with.</summary>
    public void Write(string folder) =>
        AtomicFile.Write(Path.Combine(folder, Name), stream => JsonSerializer.Serialize(stream, this, RoundJson.Default.PolicyRound));

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    public static PolicyRound Read(string folder)
    {
        string path = Path.Combine(AtomicFolder.Resolve(folder), Name);
        if (!File.Exists(path))
            throw new FileNotFoundException($"resume: the folder '{folder}' has no {Name}, but the run stopped within a round");
        try
        {
            using FileStream stream = File.OpenRead(path);
            PolicyRound? round = JsonSerializer.Deserialize(stream, RoundJson.Default.PolicyRound);
            return round is { Rollouts.Length: > 0 } && round.Rewards.Length == round.Rollouts.Length && round.Advantages.Length == round.Rollouts.Length
                && round.ReferenceLogs.All(logs => logs.Length > 0)
                && round.Rollouts.All(rollout => rollout is { PromptLength: > 0, Logs.Length: > 0 } && rollout.Length == rollout.Logs.Length)
                ? round : throw new InvalidDataException($"{path}: it is none that a run wrote");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path}: {e.Message}");
        }
    }
}

/// <summary>The JSON of a round, made at compile time, so that it works ahead of time too.</summary>
[System.Text.Json.Serialization.JsonSerializable(typeof(PolicyRound))]
internal sealed partial class RoundJson : System.Text.Json.Serialization.JsonSerializerContext;
