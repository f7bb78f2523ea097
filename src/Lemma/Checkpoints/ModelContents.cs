using Lemma.Formats;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Weights;

namespace Lemma.Checkpoints;

/// <summary>What stands in a model's files, without its weights: parameters, tensors, and which lie where.</summary>
public sealed class ModelContents
{
    private readonly LayerState[] layers = [];

    private ModelContents(TensorFile file)
    {
        (Path, Tensors, Metadata) = (file.Path, file.Tensors, file.Metadata);
    }

    private ModelContents(string path, Family family, Model model)
    {
        (Path, FamilyName, Config, Parameters) = (path, family.Name, model.AnyConfig, model.Parameters.All);
        layers = [.. model.NewLayers(CacheFormat.Float32)];
    }

    /// <summary>The folder or file.</summary>
    public string Path { get; private init; }

    /// <summary>The family, or null where there are tensors alone.</summary>
    public string? FamilyName { get; }

    /// <summary>The model's choices, or null where there are tensors alone.</summary>
    public ModelConfig? Config { get; }

    /// <summary>Every parameter of the model in its order.</summary>
    public IReadOnlyList<Parameter> Parameters { get; } = [];

    /// <summary>The tensors of the files; none where there is a config alone.</summary>
    public IReadOnlyList<TensorEntry> Tensors { get; private init; } = [];

    /// <summary>What stands beside the tensors.</summary>
    public IReadOnlyDictionary<string, object> Metadata { get; private init; } = new Dictionary<string, object>();

    /// <summary>Where each tensor lies in the parameters.</summary>
    public IReadOnlyList<TensorPlace> Places { get; private init; } = [];

    /// <summary>Whether a sequence keeps anything between passes.</summary>
    public bool HasState => layers.Length > 0;

    /// <summary>The bytes that a sequence of some tokens keeps between passes as 32-bit floats;
    /// of a model with an encoder, without what it keeps of the source.</summary>
    public long StateBytes(int length) => layers.Sum(layer => layer.BytesAt(length, CacheFormat.Float32));

    /// <summary>Reads the contents of a model's folder, a GGUF file, a checkpoint of llama2.c, a config (<c>*.json</c>), or a file
    /// of tensors.</summary>
    /// <exception cref="InvalidDataException">Something is broken, or the tensors are not those of the config.</exception>
    public static ModelContents Read(string path)
    {
        bool isFile = File.Exists(path), isIndex = path.EndsWith(".index.json", StringComparison.Ordinal);
        bool isConfig = isFile && !isIndex && path.EndsWith(".json", StringComparison.Ordinal), isModel = !isFile || IsLlama2C(path) || GgufModel.IsModel(path);
        bool isFolder = isModel && Llama2C.Find(path) is null && GgufModel.Find(path) is null && Directory.Exists(AtomicFolder.Resolve(path));
        if (isConfig || (isFolder && !TensorFiles.AreIn(path)))
        {
            using Model declared = ModelFolder.Declare(ModelFolder.ReadConfig(path, out Family family), path);
            return new ModelContents(path, family, declared);
        }
        if (!isModel)
        {
            using TensorFile file = TensorFile.Open(path);
            return new ModelContents(file);
        }
        using OpenedModel opened = ModelFolder.Open(path);
        return new ModelContents(path, opened.Family, opened.Model)
        {
            Tensors = opened.File.Tensors,
            Metadata = opened.File.Metadata,
            Places = [.. opened.Map.Places.Where(place => !place.Name.IsZero).Select(place => new TensorPlace(place.Entry, place.Name.Parameter, place.Name.FirstRow,
                place.Name.Rows, place.Name.Transposed))],
        };
    }

    // PyTorch's files end in .bin as well.
    private static bool IsLlama2C(string path) => path.EndsWith(".bin", StringComparison.Ordinal) && Llama2C.IsCheckpoint(path);
}

/// <summary>Where one tensor of a file lies in the parameters of a model.</summary>
/// <param name="Tensor">The tensor.</param>
/// <param name="Parameter">The name of the parameter.</param>
/// <param name="FirstRow">Its first row there.</param>
/// <param name="Rows">How many rows it takes.</param>
/// <param name="IsTransposed">Whether the file stores it as [in, out].</param>
public sealed record TensorPlace(TensorEntry Tensor, string Parameter, int FirstRow, int Rows, bool IsTransposed);
