using System.Text.Json;
using Lemma.Formats;
using Lemma.Weights;

namespace Lemma.Checkpoints;

/// <summary>What a run needs beside the model to go on as if it had never stopped.</summary>
/// <remarks>
/// Two files beside the checkpoint: <c>training_state.json</c> (this record) and <c>training_state.safetensors</c> (the optimizer's moments
/// by
/// parameter name). Both are exact: every float and double is read back with the same bits.
/// </remarks>
public sealed record TrainingState
{
    private const string StateName = "training_state.json", MomentsName = "training_state.safetensors";
    private const string FirstPrefix = "first_moment.", SecondPrefix = "second_moment.";
    private static readonly JsonWriterOptions Indented = new() { Indented = true, NewLine = "\n" };

    /// <summary>How many optimizer steps are done.</summary>
    public required long Step { get; init; }

    /// <summary>The pass over the data that the next step belongs to, from 0.</summary>
    public required long Epoch { get; init; }

    /// <summary>The index of the next window in that pass.</summary>
    public required long Position { get; init; }

    /// <summary>The run's seed.</summary>
    public required ulong Seed { get; init; }

    /// <summary>The least validation loss so far, in nats a token; null before the first evaluation.</summary>
    public double? BestValidationLoss { get; init; }

    /// <summary>The step of the least validation loss; null before the first evaluation.</summary>
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
            BestValidationLoss = settings.Has("best_validation_loss") ? settings.Number("best_validation_loss") : null,
            BestStep = settings.Has("best_step") ? settings.Long("best_step") : null,
            EvaluationsWithoutImprovement = settings.Integer("evaluations_without_improvement", least: 0, most: int.MaxValue),
            Run = settings.Section("run") == null ? throw settings.Error("\"run\" is missing") : settings.Raw("run"),
        };
    }

    /// <summary>Reads the record, and the optimizer's moments into the blocks of <paramref name="parameters"/>.</summary>
    public static TrainingState Read(string folder, Parameters parameters)
    {
        TrainingState state = Read(folder);
        JsonSettings settings = JsonSettings.Read(Path.Combine(AtomicFolder.Resolve(folder), StateName));
        string file = Path.Combine(AtomicFolder.Resolve(folder), MomentsName);
        if (!File.Exists(file))
            throw new FileNotFoundException($"resume: the folder '{folder}' has no {MomentsName}");
        using TensorFile moments = TensorFile.Open(file);
        if (moments.Tensors.Count != 2 * parameters.All.Count)
            throw new InvalidDataException($"{file}: two moments for each of {parameters.All.Count} parameters are needed, "
                + $"but there are {moments.Tensors.Count} tensors");
        foreach (Parameter parameter in parameters.All)
        {
            CheckMoment(moments, FirstPrefix, parameter);
            CheckMoment(moments, SecondPrefix, parameter);
        }
        parameters.AllocateTrainingState();
        foreach (Parameter parameter in parameters.All)
        {
            moments.Read(moments.Find(FirstPrefix + parameter.Name)!, parameters.FirstMoments(parameter));
            moments.Read(moments.Find(SecondPrefix + parameter.Name)!, parameters.SecondMoments(parameter));
        }
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
    public void WriteInto(string folder, Parameters parameters)
    {
        SafetensorsWriter.Write(Path.Combine(folder, MomentsName),
        [
            .. parameters.All.Select(parameter => new SafetensorsTensor(FirstPrefix + parameter.Name, Sizes(parameter),
                () => parameters.FirstMoments(parameter))),
            .. parameters.All.Select(parameter => new SafetensorsTensor(SecondPrefix + parameter.Name, Sizes(parameter),
                () => parameters.SecondMoments(parameter))),
        ]);
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
            if (BestValidationLoss is { } loss)
                json.WriteNumber("best_validation_loss", loss);
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

    private static void CheckMoment(TensorFile file, string prefix, Parameter parameter)
    {
        string name = prefix + parameter.Name;
        TensorEntry entry = file.Find(name) ?? throw new InvalidDataException($"{file.Path}: the tensor '{name}' is missing");
        if (!entry.Sizes.SequenceEqual(Sizes(parameter).Select(size => (long)size)))
            throw new InvalidDataException($"{file.Path}: the tensor '{name}' has shape {entry.ShapeText}, but the parameter has "
                + $"{parameter.Shape}");
        if (entry.Type != "F32")
            throw new InvalidDataException($"{file.Path}: the tensor '{name}' has dtype {entry.Type}, but moments are F32");
    }

    private static List<int> Sizes(Parameter parameter)
    {
        List<int> sizes = [];
        for (int axis = 0; axis < parameter.Shape.Rank; axis++)
            sizes.Add(parameter.Shape[axis]);
        return sizes;
    }
}
