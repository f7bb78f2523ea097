using System.Text.Json;
using Lemma.Formats;
using Lemma.Formulas;
using Lemma.Tensors;

namespace Lemma.Training;

/// <summary>The answers of a round, and what is made of them before they are read.</summary>
/// <param name="Number">Which round of the run, from 0.</param>
/// <param name="Entropy">The mean entropy of what the answers were drawn from, in nats.</param>
/// <param name="Beta">What a nat of divergence from the reference costs in the rewards of tokens.</param>
/// <param name="Rollouts">The answers, those of a prompt side by side.</param>
/// <param name="Rewards">A reward an answer.</param>
/// <param name="ReferenceLogs">ln π_ref of each id of each answer; empty without a reference.</param>
internal sealed record PolicyRound(long Number, double Entropy, double Beta, Rollout[] Rollouts, float[] Rewards, float[][] ReferenceLogs)
{
    private const string Name = "rollouts.json";

    /// <summary>An advantage an id of each answer.</summary>
    public float[][] Advantages { get; init; } = [];

    /// <summary>V of each id of each answer when it was drawn; empty without a critic.</summary>
    public float[][] Values { get; init; } = [];

    /// <summary>What V is to become; empty without a critic.</summary>
    public float[][] Returns { get; init; } = [];

    /// <summary>The mean of Σ ln π − ln π_ref over the ids of an answer, in nats; 0 without a reference.</summary>
    public double Divergence => ReferenceLogs.Length == 0 ? 0
        : Rollouts.Select((rollout, i) => rollout.Length * DivergenceK1.Forward(rollout.Logs, ReferenceLogs[i])).Average();

    /// <summary>The reward of each id of each answer: −β·(ln π − ln π_ref), and the answer's own at its last.</summary>
    public float[][] TokenRewards() =>
    [
        .. Rollouts.Select((rollout, answer) =>
        {
            float[] rewards = new float[rollout.Length];
            for (int i = 0; Beta > 0 && i < rewards.Length; i++)
                rewards[i] = (float)(-Beta * ((double)rollout.Logs[i] - ReferenceLogs[answer][i]));
            rewards[^1] += Rewards[answer];
            return rewards;
        }),
    ];

    /// <summary>Numbers of all ids, answer after answer, as those of each answer.</summary>
    public float[][] Split(float[] numbers)
    {
        int first = 0;
        return [.. Rollouts.Select(rollout => numbers[first..(first += rollout.Length)])];
    }

    /// <summary>Some answers as the rows of a pass.</summary>
    public ExampleRows RowsOf(int[] some) => ExampleRows.Of([.. some.Select(answer => Rollouts[answer].ToExample())]);

    /// <summary>What a loss asks for of some answers.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="some">The answers, as the pass read them.</param>
    /// <param name="logs">ln π of their ids now, [ids].</param>
    public PolicyLogs LogsOf(Tape tape, int[] some, Tensor logs) => new(logs, Of(tape, some, [.. Rollouts.Select(rollout => rollout.Logs)]),
        ReferenceLogs.Length == 0 ? null : Of(tape, some, ReferenceLogs), Of(tape, some, Advantages),
        some.Select(answer => Rollouts[answer].Length).ToArray());

    /// <summary>The numbers of the ids of some answers, [ids].</summary>
    public static Tensor Of(Tape tape, int[] some, float[][] numbers)
    {
        float[] own = [.. some.SelectMany(answer => numbers[answer])];
        return tape.Input(new Shape(own.Length), own);
    }

    /// <summary>Writes it into a checkpoint's folder that is being built: a round that is half read goes on with the answers that it began with.</summary>
    public void Write(string folder) => AtomicFile.Write(Path.Combine(folder, Name), stream =>
    {
        using Utf8JsonWriter json = new(stream);
        json.WriteStartObject();
        json.WriteNumber("round", Number);
        json.WriteNumber("entropy", Entropy);
        json.WriteNumber("beta", Beta);
        json.WriteStartArray("answers");
        for (int i = 0; i < Rollouts.Length; i++)
        {
            json.WriteStartObject();
            json.WriteNumber("prompt", Rollouts[i].Prompt);
            json.WriteNumber("prompt_length", Rollouts[i].PromptLength);
            json.WriteBoolean("ended", Rollouts[i].IsEnded);
            json.WriteNumber("reward", (double)Rewards[i]);
            json.WriteStartArray("ids");
            foreach (int id in Rollouts[i].Ids)
                json.WriteNumberValue(id);
            json.WriteEndArray();
            WriteNumbers(json, "logs", Rollouts[i].Logs);
            foreach ((string name, float[][] numbers) in (ReadOnlySpan<(string, float[][])>)[("reference_logs", ReferenceLogs), ("advantages", Advantages),
                ("values", Values), ("returns", Returns)])
            {
                if (numbers.Length > 0)
                    WriteNumbers(json, name, numbers[i]);
            }
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
        foreach (JsonSettings answer in answers)
        {
            int[] ids = [.. answer.Numbers("ids").Select(value => value is >= 0 and <= int.MaxValue && value == (int)value ? (int)value
                : throw answer.Error($"\"ids\": {value} is no id"))];
            float[] logs = Floats(answer, "logs");
            int prompt = answer.Integer("prompt", least: 0, most: int.MaxValue), length = answer.Integer("prompt_length", most: int.MaxValue);
            if (logs.Length == 0 || ids.Length - length != logs.Length)
                throw answer.Error($"an answer of {ids.Length} ids behind a prompt of {length} cannot have {logs.Length} logs");
            rollouts.Add(new Rollout(prompt, ids, length, logs, answer.Boolean("ended", false)));
        }
        if (rollouts.Count == 0)
            throw settings.Error("there are no answers");
        return new PolicyRound(settings.Long("round"), settings.Number("entropy"), settings.Number("beta"), [.. rollouts],
            [.. answers.Select(answer => (float)answer.Number("reward"))], All("reference_logs"))
        {
            Advantages = All("advantages"),
            Values = All("values"),
            Returns = All("returns"),
        };

        // A number an id of each answer; empty where no answer has any.
        float[][] All(string name) => !answers.Any(answer => answer.Has(name)) ? [] : [.. answers.Select((answer, i) =>
        {
            float[] own = answer.Has(name) ? Floats(answer, name) : [];
            return own.Length == rollouts[i].Length ? own : throw answer.Error($"\"{name}\": {rollouts[i].Length} ids cannot have {own.Length} numbers");
        })];
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
