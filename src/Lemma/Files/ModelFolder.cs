using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Tensors;

namespace Lemma.Files;

/// <summary>Hugging Face model folders: <c>config.json</c>, <c>model.safetensors</c> and <c>generation_config.json</c>.</summary>
public static class ModelFolder
{
    private const string ConfigName = "config.json", WeightsName = "model.safetensors", GenerationName = "generation_config.json";
    private const int NamesInErrors = 8;
    private static readonly JsonWriterOptions Indented = new() { Indented = true, NewLine = "\n" };

    /// <summary>Reads the config alone; <paramref name="path"/> is a folder or a config file.</summary>
    public static DecoderConfig ReadConfig(string path)
    {
        string file = path;
        string? generation = null;
        if (!File.Exists(path))
        {
            string folder = AtomicFolder.Resolve(path);
            if (!Directory.Exists(folder))
                throw new DirectoryNotFoundException($"model: there is no folder '{path}'");
            file = Path.Combine(folder, ConfigName);
            generation = Path.Combine(folder, GenerationName);
            if (!File.Exists(file))
                throw new FileNotFoundException($"model: the folder '{path}' has no {ConfigName}");
        }
        JsonSettings settings = JsonSettings.Read(file);
        string name = settings.Text("model_type") ?? throw settings.Error("\"model_type\" is missing");
        Family family = Family.Find(name)
            ?? throw settings.Error($"the model type '{name}' is not supported; supported are {Family.Names}");
        DecoderConfig config = family.ReadConfig(settings);
        if (generation != null && File.Exists(generation))
            config = WithEndIds(config, JsonSettings.Read(generation).Ids("eos_token_id"));
        try
        {
            return config.Validate();
        }
        catch (ArgumentException e)
        {
            throw settings.Error(e.Message);
        }
    }

    /// <summary>Reads a decoder; nothing is taken for the weights until the file is known to hold them all.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="dropout">The dropout to train on with, which not every family's config holds; null for the config's.</param>
    public static Decoder ReadDecoder(string path, float? dropout = null)
    {
        DecoderConfig config = ReadConfig(path);
        using TensorFile weights = TensorFile.Open(path);
        config = WithOwnHead(config with { Dropout = dropout ?? config.Dropout }, weights);
        Dictionary<WeightName, TensorEntry> places = Match(weights, config);
        Decoder decoder = new(config);
        try
        {
            Fill(weights, places, decoder.Parameters);
        }
        catch
        {
            decoder.Dispose();
            throw;
        }
        return decoder;
    }

    /// <summary>Reads the config and the weights; nothing is taken for the weights until the file is known to hold them all.</summary>
    /// <returns>The config, and its parameters, declared, allocated and filled.</returns>
    public static (DecoderConfig Config, Parameters Parameters) Read(string path)
    {
        DecoderConfig config = ReadConfig(path);
        using TensorFile weights = TensorFile.Open(path);
        config = WithOwnHead(config, weights);
        Dictionary<WeightName, TensorEntry> places = Match(weights, config);
        Parameters parameters = DecoderParameters.Declare(config);
        parameters.Allocate();
        try
        {
            Fill(weights, places, parameters);
        }
        catch
        {
            parameters.Dispose();
            throw;
        }
        return (config, parameters);
    }

    /// <summary>Writes a folder as a whole: killed at any instant, the old one or the new one is there.</summary>
    public static void Write(string path, DecoderConfig config, Parameters parameters) =>
        AtomicFolder.Write(path, folder => WriteInto(folder, config, parameters));

    /// <summary>Writes the files into a folder that is being built.</summary>
    public static void WriteInto(string folder, DecoderConfig config, Parameters parameters)
    {
        Family family = Family.Find(config.Family)
            ?? throw new ArgumentException($"model: the family '{config.Family}' is not supported; supported are {Family.Names}");
        WriteJson(Path.Combine(folder, ConfigName), json => family.Write(json, config.Validate()));
        WriteJson(Path.Combine(folder, GenerationName), json =>
        {
            json.WriteStartObject();
            Family.WriteIds(json, config);
            json.WriteEndObject();
        });
        SafetensorsWriter.Write(Path.Combine(folder, WeightsName), [.. family.Weights(config).Select(name => ToTensor(parameters, name))]);
    }

    // A chat model's generation_config.json has ids that end a turn, of which its config.json may know only the first.
    private static DecoderConfig WithEndIds(DecoderConfig config, IReadOnlyList<int> ids)
    {
        List<int> all = [.. config.EndIds];
        all.AddRange(ids.Where(id => id < config.VocabularySize && !all.Contains(id)));
        return all.Count == config.EndIds.Count ? config : config with { EndId = all[0], FurtherEndIds = all[1..] };
    }

    // A head in the file that differs from the embedding is the model's head, whatever the config says: so transformers reads it.
    private static DecoderConfig WithOwnHead(DecoderConfig config, TensorFile weights)
    {
        if (!config.TiedHead || weights.Tensors.FirstOrDefault(entry => entry.Name == Family.HeadName) is not { } head)
            return config;
        Family family = Family.Find(config.Family)!;
        string name = family.Bare(family.Weights(config).First(weight => weight.Parameter == "embedding.weight").Name);
        TensorEntry? embedding = weights.Tensors.FirstOrDefault(entry => family.Bare(entry.Name) == name);
        return embedding is null || weights.AreEqual(head, embedding) ? config : config with { TiedHead = false };
    }

    private static Dictionary<WeightName, TensorEntry> Match(TensorFile file, DecoderConfig config)
    {
        if (config.Layers > file.Tensors.Count)
            throw new InvalidDataException(
                $"{file.Path}: the config has {config.Layers} layers, but the file has only {file.Tensors.Count} tensors");
        Family family = Family.Find(config.Family)!;
        using Parameters parameters = DecoderParameters.Declare(config);
        Dictionary<string, TensorEntry> found = [];
        foreach (TensorEntry entry in file.Tensors.Where(entry => !family.Ignores(entry.Name, config)))
        {
            if (!found.TryAdd(family.Bare(entry.Name), entry))
                throw new InvalidDataException($"{file.Path}: the tensor '{family.Bare(entry.Name)}' stands there with and without the "
                    + $"family's prefix");
        }
        Dictionary<WeightName, TensorEntry> places = [];
        List<string> missing = [];
        foreach (WeightName name in family.Weights(config))
        {
            if (!found.Remove(family.Bare(name.Name), out TensorEntry? entry))
                missing.Add(name.Name);
            else
                places.Add(name, Checked(file, entry, name, parameters[name.Parameter]));
        }
        if (missing.Count > 0 || found.Count > 0)
            throw new InvalidDataException($"{file.Path}: the tensors are not those of the config: {Listed("missing", missing)}"
                + (missing.Count > 0 && found.Count > 0 ? "; " : "")
                + Listed("unexpected", [.. found.Values.Select(entry => entry.Name)]));
        return places;
    }

    private static TensorEntry Checked(TensorFile file, TensorEntry entry, WeightName name, Parameter parameter)
    {
        long[] expected = parameter.Shape.Rank == 1 ? [name.Rows]
            : name.Transposed ? [parameter.Shape.Columns, name.Rows] : [name.Rows, parameter.Shape.Columns];
        if (!entry.Sizes.SequenceEqual(expected))
            throw new InvalidDataException($"{file.Path}: the tensor '{entry.Name}' has shape {entry.ShapeText}, "
                + $"but the config asks for {TensorEntry.Format(expected)}");
        if (parameter.Count > Array.MaxLength)
            throw new InvalidDataException($"{file.Path}: the tensor '{entry.Name}' of shape {entry.ShapeText} is larger than "
                + $"{Array.MaxLength} elements");
        TensorFile.RequireFloat(entry);
        return entry;
    }

    private static string Listed(string what, List<string> names) => names.Count == 0 ? ""
        : $"{what} {string.Join(", ", names.Take(NamesInErrors))}"
            + (names.Count > NamesInErrors ? $" and {names.Count - NamesInErrors} more" : "");

    private static Span<float> Place(Parameters parameters, WeightName name)
    {
        Parameter parameter = parameters[name.Parameter];
        int columns = parameter.Shape.Rank == 1 ? 1 : parameter.Shape.Columns;
        return parameters.Weights(parameter).Slice(name.FirstRow * columns, name.Rows * columns);
    }

    private static void Fill(TensorFile file, Dictionary<WeightName, TensorEntry> places, Parameters parameters)
    {
        foreach ((WeightName name, TensorEntry entry) in places)
            Fill(file, entry, Place(parameters, name), name, parameters[name.Parameter].Shape);
    }

    private static void Fill(TensorFile file, TensorEntry entry, Span<float> place, WeightName name, Shape shape)
    {
        if (!name.Transposed)
        {
            file.Read(entry, place);
            return;
        }
        float[] stored = new float[place.Length];
        file.Read(entry, stored);
        Transpose(stored, shape.Columns, name.Rows, place);
    }

    private static SafetensorsTensor ToTensor(Parameters parameters, WeightName name)
    {
        Shape shape = parameters[name.Parameter].Shape;
        if (shape.Rank == 1)
            return new(name.Name, [name.Rows], () => Place(parameters, name));
        if (!name.Transposed)
            return new(name.Name, [name.Rows, shape.Columns], () => Place(parameters, name));
        return new(name.Name, [shape.Columns, name.Rows], () =>
        {
            float[] stored = new float[(long)name.Rows * shape.Columns];
            Transpose(Place(parameters, name), name.Rows, shape.Columns, stored);
            return stored;
        });
    }

    private static void Transpose(ReadOnlySpan<float> source, int rows, int columns, Span<float> destination)
    {
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
                destination[column * rows + row] = source[row * columns + column];
        }
    }

    private static void WriteJson(string path, Action<Utf8JsonWriter> write) => AtomicFile.Write(path, stream =>
    {
        using (Utf8JsonWriter json = new(stream, Indented))
            write(json);
        stream.WriteByte((byte)'\n');
    });
}
