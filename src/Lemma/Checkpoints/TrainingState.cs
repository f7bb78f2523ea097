using System.Text.Json;
using Lemma.Formats;
using Lemma.Weights;

namespace Lemma.Checkpoints;

/// <summary>What a run needs beside the model to go on as if it had never stopped.</summary>
/// <remarks>
/// Two files beside the checkpoint: <c>training_state.json</c> (this record) and <c>training_state.safetensors</c> (the optimizer's moments
/// by parameter name). Both are exact: every float and double is read back with the same bits.
/// </remarks>
public sealed record TrainingState
{
    private const string StateName = "training_state.json", MomentsName = "training_state.safetensors";
    private static readonly JsonWriterOptions Indented = new() { Indented = true, NewLine = "\n" };

    /// <summary>How many optimizer steps are done.</summary>
    public required long Step { get; init; }

    /// <summary>The pass over the data that the next step belongs to, from 0.</summary>
    public required long Epoch { get; init; }

    /// <summary>The index of the next window in that pass.</summary>
    public required long Position { get; init; }

    /// <summary>The run's seed.</summary>
    public required ulong Seed { get; init; }

    /// <summary>What is trained and how: the recipe's name. A run goes on with the recipe that it began with.</summary>
    public required string Recipe { get; init; }

    /// <summary>The best score so far; null before the first evaluation.</summary>
    public double? BestScore { get; init; }

    /// <summary>The step of the best score; null before the first evaluation.</summary>
    public long? BestStep { get; init; }

    /// <summary>How many evaluations in a row have not improved on the best.</summary>
    public int EvaluationsWithoutImprovement { get; init; }

    /// <summary>The run's options as a JSON object, kept as given.</summary>
    public string Run { get; init; } = "{}";

    /// <summary>Whether a checkpoint's folder has a training state.</summary>
    public static bool Exists(string folder) => File.Exists(Path.Combine(AtomicFolder.Resolve(folder), StateName));

    /// <summary>Reads the record alone.</summary>
    public static TrainingState Read(string folder)
    {
        string file = Path.Combine(AtomicFolder.Resolve(folder), StateName);
        if (!File.Exists(file))
            throw new FileNotFoundException($"resume: the folder '{folder}' has no {StateName}");
        JsonSettings settings = JsonSettings.Read(file);
        return new TrainingState
        {
            Step = settings.Long("step"),
            Epoch = settings.Long("epoch"),
            Position = settings.Long("position"),
            Seed = settings.Unsigned("seed"),
            Recipe = settings.Text("recipe") ?? throw settings.Missing("recipe"),
            BestScore = settings.Has("best_score") ? settings.Number("best_score") : null,
            BestStep = settings.Has("best_step") ? settings.Long("best_step") : null,
            EvaluationsWithoutImprovement = settings.Integer("evaluations_without_improvement", least: 0, most: int.MaxValue),
            Run = settings.Section("run") == null ? throw settings.Error("\"run\" is missing") : settings.Raw("run"),
        };
    }

    /// <summary>Reads the record, the numbers of <paramref name="kept"/> and the scales of rates of <paramref name="parameters"/>.</summary>
    /// <exception cref="InvalidDataException">The file has other numbers, or of other shapes.</exception>
    public static TrainingState Read(string folder, Parameters parameters, IReadOnlyList<StateTensor> kept)
    {
        TrainingState state = Read(folder);
        JsonSettings settings = JsonSettings.Read(Path.Combine(AtomicFolder.Resolve(folder), StateName));
        string path = Path.Combine(AtomicFolder.Resolve(folder), MomentsName);
        if (!File.Exists(path))
            throw new FileNotFoundException($"resume: the folder '{folder}' has no {MomentsName}");
        using TensorFile file = TensorFile.Open(path);
        if (file.Tensors.Count != kept.Count)
            throw new InvalidDataException($"{path}: the run keeps {kept.Count} tensors beside its weights, but there are {file.Tensors.Count}");
        foreach (StateTensor tensor in kept)
            Check(file, tensor);
        foreach (StateTensor tensor in kept)
            file.Read(file.Find(tensor.Name)!, tensor.Values());
        if (settings.Section("rate_scales") is { } scales)
        {
            foreach (Parameter parameter in parameters.All)
            {
                double scale = scales.Number(parameter.Name, 1);
                parameter.RateScale = scale > 0 ? (float)scale : throw settings.Error($"\"rate_scales\": that of '{parameter.Name}' must be positive");
            }
        }
        return state;
    }

    /// <summary>Writes both files into a checkpoint's folder that is being built.</summary>
    public void WriteInto(string folder, Parameters parameters, IReadOnlyList<StateTensor> kept)
    {
        SafetensorsWriter.Write(Path.Combine(folder, MomentsName),
            [.. kept.Select(tensor => new SafetensorsTensor(tensor.Name, tensor.Sizes, () => tensor.Values()))]);
        AtomicFile.Write(Path.Combine(folder, StateName), stream => WriteJson(stream, parameters));
    }

    private void WriteJson(Stream stream, Parameters parameters)
    {
        using (Utf8JsonWriter json = new(stream, Indented))
        {
            json.WriteStartObject();
            json.WriteNumber("step", Step);
            json.WriteNumber("epoch", Epoch);
            json.WriteNumber("position", Position);
            json.WriteNumber("seed", Seed);
            json.WriteString("recipe", Recipe);
            if (BestScore is { } score)
                json.WriteNumber("best_score", score);
            if (BestStep is { } step)
                json.WriteNumber("best_step", step);
            json.WriteNumber("evaluations_without_improvement", EvaluationsWithoutImprovement);
            json.WriteStartObject("rate_scales");
            foreach (Parameter parameter in parameters.All.Where(parameter => parameter.RateScale != 1))
                json.WriteNumber(parameter.Name, parameter.RateScale);
            json.WriteEndObject();
            json.WritePropertyName("run");
            json.WriteRawValue(Run);
            json.WriteEndObject();
        }
        stream.WriteByte((byte)'\n');
    }

    private static void Check(TensorFile file, StateTensor tensor)
    {
        TensorEntry entry = file.Find(tensor.Name) ?? throw new InvalidDataException($"{file.Path}: the tensor '{tensor.Name}' is missing");
        if (!entry.Sizes.SequenceEqual(tensor.Sizes.Select(size => (long)size)))
            throw new InvalidDataException($"{file.Path}: the tensor '{tensor.Name}' has shape {entry.ShapeText}, "
                + $"but the run's has [{string.Join(", ", tensor.Sizes)}]");
        if (entry.Type != "F32")
            throw new InvalidDataException($"{file.Path}: the tensor '{tensor.Name}' has dtype {entry.Type}, but what a run keeps is F32");
    }
}
