using System.Text.Json;
using Lemma.Formats;

namespace Lemma.Training;

/// <summary>The answers of a round, and what is made of them before they are read.</summary>
/// <param name="Number">Which round of the run, from 0.</param>
/// <param name="Entropy">The mean entropy of what the answers were drawn from, in nats.</param>
/// <param name="Rollouts">The answers, those of a prompt side by side.</param>
/// <param name="Rewards">A reward an answer.</param>
/// <param name="Advantages">An advantage an answer.</param>
/// <param name="ReferenceLogs">ln π_ref of each id of each answer; empty without a reference.</param>
internal sealed record PolicyRound(long Number, double Entropy, Rollout[] Rollouts, float[] Rewards, float[] Advantages, float[][] ReferenceLogs)
{
    private const string Name = "rollouts.json";

    /// <summary>Writes it into a checkpoint's folder that is being built: a round that is half read goes on with the answers that it began with.</summary>
    public void Write(string folder) => AtomicFile.Write(Path.Combine(folder, Name), stream =>
    {
        using Utf8JsonWriter json = new(stream);
        json.WriteStartObject();
        json.WriteNumber("round", Number);
        json.WriteNumber("entropy", Entropy);
        json.WriteStartArray("answers");
        for (int i = 0; i < Rollouts.Length; i++)
        {
            json.WriteStartObject();
            json.WriteNumber("prompt", Rollouts[i].Prompt);
            json.WriteNumber("prompt_length", Rollouts[i].PromptLength);
            json.WriteBoolean("ended", Rollouts[i].IsEnded);
            json.WriteNumber("reward", (double)Rewards[i]);
            json.WriteNumber("advantage", (double)Advantages[i]);
            json.WriteStartArray("ids");
            foreach (int id in Rollouts[i].Ids)
                json.WriteNumberValue(id);
            json.WriteEndArray();
            WriteNumbers(json, "logs", Rollouts[i].Logs);
            if (ReferenceLogs.Length > 0)
                WriteNumbers(json, "reference_logs", ReferenceLogs[i]);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    });

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <exception cref="InvalidDataException">It is none that a run wrote.</exception>
    public static PolicyRound Read(string folder)
    {
        string path = Path.Combine(AtomicFolder.Resolve(folder), Name);
        if (!File.Exists(path))
            throw new FileNotFoundException($"resume: the folder '{folder}' has no {Name}, but the run stopped within a round");
        JsonSettings settings = JsonSettings.Read(path);
        IReadOnlyList<JsonSettings> answers = settings.Sections("answers");
        List<Rollout> rollouts = [];
        List<float[]> references = [];
        foreach (JsonSettings answer in answers)
        {
            int[] ids = [.. answer.Numbers("ids").Select(value => value is >= 0 and <= int.MaxValue && value == (int)value ? (int)value
                : throw answer.Error($"\"ids\": {value} is no id"))];
            float[] logs = Floats(answer, "logs"), reference = answer.Has("reference_logs") ? Floats(answer, "reference_logs") : [];
            int prompt = answer.Integer("prompt", least: 0, most: int.MaxValue), length = answer.Integer("prompt_length", most: int.MaxValue);
            if (logs.Length == 0 || ids.Length - length != logs.Length || (reference.Length > 0 && reference.Length != logs.Length))
                throw answer.Error($"an answer of {ids.Length} ids behind a prompt of {length} cannot have {logs.Length} and {reference.Length} logs");
            rollouts.Add(new Rollout(prompt, ids, length, logs, answer.Boolean("ended", false)));
            references.Add(reference);
        }
        if (rollouts.Count == 0)
            throw settings.Error("there are no answers");
        return new PolicyRound(settings.Long("round"), settings.Number("entropy"), [.. rollouts], [.. answers.Select(answer => (float)answer.Number("reward"))],
            [.. answers.Select(answer => (float)answer.Number("advantage"))], references.Exists(one => one.Length == 0) ? [] : [.. references]);
    }

    // A float as a double, which comes back with its bits.
    private static void WriteNumbers(Utf8JsonWriter json, string name, float[] values)
    {
        json.WriteStartArray(name);
        foreach (float value in values)
            json.WriteNumberValue((double)value);
        json.WriteEndArray();
    }

    private static float[] Floats(JsonSettings settings, string name) => [.. settings.Numbers(name).Select(value => (float)value)];
}
