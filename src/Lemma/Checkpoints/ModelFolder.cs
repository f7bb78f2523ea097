using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;

namespace Lemma.Checkpoints;

/// <summary>Hugging Face model folders: <c>config.json</c>, weights and <c>generation_config.json</c>; GGUF files and checkpoints of llama2.c are
/// read as well.</summary>
public static class ModelFolder
{
    private const string ConfigName = "config.json", WeightsName = "model.safetensors", GenerationName = "generation_config.json";
    private static readonly JsonWriterOptions Indented = new() { Indented = true, NewLine = "\n" };

    /// <summary>The families that are read and written, by the name in their config's <c>model_type</c>.</summary>
    public static string FamilyNames => Family.Names;

    /// <summary>The family that a config is written as: that of the files it came from (<see cref="Model.Origin"/>) where that can say it.</summary>
    public static string FamilyOf(ModelConfig config, string? origin = null) => Family.Of(config, origin).Name;

    /// <summary>Reads the config alone; <paramref name="path"/> is a folder, a config file, a GGUF file or a checkpoint of llama2.c.</summary>
    public static ModelConfig ReadConfig(string path) => ReadConfig(path, out _);

    /// <summary>Reads the config of a decoder alone.</summary>
    public static DecoderConfig ReadDecoderConfig(string path) => ReadDecoderConfig(path, out _);

    /// <summary>Reads the config of a decoder alone, and the name of its family, which a model of it has as its <see cref="Model.Origin"/>.</summary>
    public static DecoderConfig ReadDecoderConfig(string path, out string origin)
    {
        ModelConfig config = ReadConfig(path, out Family family);
        origin = family.Name;
        return config as DecoderConfig ?? throw NoDecoder(path);
    }

    /// <summary>Reads a model; nothing is taken for the weights until the file is known to hold them all.</summary>
    /// <param name="path">The folder, a GGUF file, or a checkpoint of llama2.c.</param>
    /// <param name="dropout">The dropout to train on with, which not every family's config holds; null for the config's.</param>
    public static Model Read(string path, float? dropout = null)
    {
        using OpenedModel opened = Open(path, dropout);
        return opened.Fill();
    }

    /// <summary>Reads a model that answers: quantized weights and those of 16 bits stay as the file has them, and are multiplied with as they lie.</summary>
    public static Model ReadAsStored(string path)
    {
        using OpenedModel opened = Open(path, null);
        return opened.Fill(asStored: true);
    }

    /// <summary>Reads a decoder; see <see cref="Read"/>.</summary>
    public static Decoder ReadDecoder(string path, float? dropout = null)
    {
        Model model = Read(path, dropout);
        if (model is Decoder decoder)
            return decoder;
        model.Dispose();
        throw NoDecoder(path);
    }

    /// <summary>Writes a folder as a whole: killed at any instant, the old one or the new one is there.</summary>
    public static void Write(string path, Model model) => AtomicFolder.Write(path, folder => WriteInto(folder, model));

    /// <summary>Writes the files into a folder that is being built.</summary>
    public static void WriteInto(string folder, Model model)
    {
        ModelConfig config = model.AnyConfig;
        Family family = Family.Of(config, model.Origin);
        WriteJson(Path.Combine(folder, ConfigName), json => family.Write(json, config));
        WriteJson(Path.Combine(folder, GenerationName), json =>
        {
            json.WriteStartObject();
            Family.WriteIds(json, config);
            SamplingFile.Write(json, model.Sampling);
            json.WriteEndObject();
        });
        SafetensorsWriter.Write(Path.Combine(folder, WeightsName), WeightMap.Of(family, model).ToTensors(model.Parameters));
    }

    /// <summary>Opens the files of a model and checks them.</summary>
    internal static OpenedModel Open(string path, float? dropout = null)
    {
        if (Llama2C.Find(path) is { } checkpoint)
            return Llama2C.Open(checkpoint, dropout);
        if (GgufModel.Find(path) is { } gguf)
            return GgufModel.Open(gguf, dropout);
        ModelConfig config = ReadConfig(path, out Family family);
        TensorFile file = TensorFile.Open(path);
        try
        {
            config = WithOwnHead(family, family.Adapt(config with { Dropout = dropout ?? config.Dropout }, file), file);
            SamplingDefaults sampling = SamplingFile.OfFolder(Path.Combine(AtomicFolder.Resolve(path), GenerationName));
            OpenedModel opened = new(family, file, config);
            opened.Model.Sampling = sampling;
            return opened;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>A model of a config that stands in a file, without memory for its weights.</summary>
    internal static Model Declare(ModelConfig config, string path)
    {
        try
        {
            return config.Declare();
        }
        catch (ArgumentException error)
        {
            throw new InvalidDataException($"{path}: {error.Message}");
        }
    }

    /// <summary>Reads a config and finds its family.</summary>
    internal static ModelConfig ReadConfig(string path, out Family family)
    {
        if (Llama2C.Find(path) is { } checkpoint)
        {
            family = Family.Find("llama")!;
            return Llama2C.ReadConfig(checkpoint);
        }
        if (GgufModel.Find(path) is { } gguf)
            return GgufModel.ReadConfig(gguf, out family);
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
        family = Family.Find(name)?.For(settings) ?? throw settings.Error($"the model type '{name}' is not supported; supported are {Family.Names}");
        try
        {
            ModelConfig config = family.Read(settings);
            if (generation != null && File.Exists(generation))
                config = WithEndIds(config, JsonSettings.Read(generation).Ids("eos_token_id"));
            return config.Validate();
        }
        catch (ArgumentException e)
        {
            throw settings.Error(e.Message);
        }
    }

    // A chat model's generation_config.json has ids that end a turn, of which its config.json may know only the first.
    private static ModelConfig WithEndIds(ModelConfig config, IReadOnlyList<int> ids)
    {
        List<int> all = [.. config.EndIds];
        all.AddRange(ids.Where(id => id < config.VocabularySize && !all.Contains(id)));
        return all.Count == config.EndIds.Count ? config : config with { EndId = all[0], FurtherEndIds = [.. all[1..]] };
    }

    // A head in the file that differs from the embedding is the model's head, whatever the config says: so transformers reads it.
    private static ModelConfig WithOwnHead(Family family, ModelConfig config, TensorFile file)
    {
        if (!Family.IsTied(config) || file.Tensors.FirstOrDefault(entry => family.TiedNames.Contains(entry.Name)) is not { } head)
            return config;
        string name = family.Bare(family.Weights(config).First(weight => weight.Parameter == "embedding.weight").Name);
        TensorEntry? embedding = file.Tensors.FirstOrDefault(entry => family.Bare(entry.Name) == name);
        if (embedding is null || file.AreEqual(head, embedding))
            return config;
        return config switch
        {
            DecoderConfig decoder => decoder with { Head = decoder.Head with { Tied = false } },
            EncoderConfig { Head: { } own } encoder => encoder with { Head = own with { Tied = false } },
            EncoderDecoderConfig both => both with { Head = both.Head with { Tied = false } },
            _ => config,
        };
    }

    private static InvalidDataException NoDecoder(string path) =>
        new($"model: the model in '{path}' is no decoder, which is needed to continue a text");

    private static void WriteJson(string path, Action<Utf8JsonWriter> write) => AtomicFile.Write(path, stream =>
    {
        using (Utf8JsonWriter json = new(stream, Indented))
            write(json);
        stream.WriteByte((byte)'\n');
    });
}
