using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Weights;

namespace Lemma.Checkpoints;

/// <summary>Folders of LoRA adapters as PEFT writes them: <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>.</summary>
public static class AdapterFolder
{
    private const string ConfigName = "adapter_config.json", WeightsName = "adapter_model.safetensors", OldWeightsName = "adapter_model.bin";
    private const string Prefix = "base_model.model.", EndA = ".lora_A.weight", EndB = ".lora_B.weight", EndBase = ".base_layer.weight";
    private static readonly JsonWriterOptions Indented = new() { Indented = true, NewLine = "\n" };

    /// <summary>Reads the config alone.</summary>
    public static AdapterConfig ReadConfig(string path)
    {
        string folder = AtomicFolder.Resolve(path), file = Path.Combine(folder, ConfigName);
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException($"adapter: there is no folder '{path}'");
        return File.Exists(file) ? AdapterConfig.Read(file) : throw new FileNotFoundException($"adapter: the folder '{path}' has no {ConfigName}");
    }

    /// <summary>Reads an adapter of a model; it is neither applied nor merged yet.</summary>
    /// <exception cref="InvalidDataException">It is the adapter of another model: the message names the first matrix that does not fit.</exception>
    public static Adapter Read(string path, Model model)
    {
        AdapterConfig config = ReadConfig(path);
        string folder = AtomicFolder.Resolve(path), weights = Path.Combine(folder, WeightsName);
        weights = File.Exists(weights) ? weights : Path.Combine(folder, OldWeightsName);
        if (!File.Exists(weights))
            throw new FileNotFoundException($"adapter: the folder '{path}' has neither {WeightsName} nor {OldWeightsName}");
        using TensorFile file = TensorFile.Open(weights);
        AdaptedMatrices matrices = new(model);
        Adapter adapter = new(model.Parameters) { Dropout = config.Dropout };
        try
        {
            List<(TensorEntry Entry, Parameter Parameter, WeightName Name)> fills = [];
            int copies = 0;
            foreach (TensorEntry a in file.Tensors.Where(entry => !entry.Name.EndsWith(EndB, StringComparison.Ordinal)))
            {
                if (a.Name.EndsWith(EndBase, StringComparison.Ordinal))
                {
                    RequireCopy(file, a, model.Parameters, matrices);
                    copies++;
                    continue;
                }
                string module = ModuleOf(file, a, EndA);
                TensorEntry b = file.Find($"{a.Name[..^EndA.Length]}{EndB}") ?? throw Fault(file, $"'{a.Name}' has no partner with {EndB}");
                if (!config.Chooses(module))
                    throw Fault(file, $"'{module}' has an adapter, but it is not among the target modules {string.Join(", ", config.Targets)}");
                WeightName name = matrices.Find(module) ?? throw Fault(file, $"the model has no matrix '{module}' that takes an adapter");
                Parameter weight = model.Parameters[name.Parameter];
                int rank = config.RankOf(module);
                Check(file, a, rank, weight.Shape.Columns);
                Check(file, b, name.Rows, rank);
                AdapterPart part = adapter.Add(AdaptedMatrices.FullName(name), weight, name.FirstRow, name.Rows, rank, config.ScaleOf(module),
                    AdaptedMatrices.IsShared(name));
                fills.Add((a, part.A, name));
                fills.Add((b, part.B, name));
            }
            if (fills.Count == 0 || fills.Count + copies != file.Tensors.Count)
                throw Fault(file, $"it has {file.Tensors.Count} tensors, of which {fills.Count} are pairs of A and B");
            adapter.Parameters.Allocate();
            foreach ((TensorEntry entry, Parameter parameter, WeightName name) in fills)
                Fill(file, entry, adapter.Parameters.Weights(parameter), entry.Name.EndsWith(EndB, StringComparison.Ordinal) ? name : null);
        }
        catch (ArgumentException e)
        {
            adapter.Dispose();
            throw Fault(file, e.Message);
        }
        catch
        {
            adapter.Dispose();
            throw;
        }
        return adapter;
    }

    /// <summary>A fresh adapter, which changes nothing yet: A is drawn, B is 0.</summary>
    public static Adapter Create(Model model, AdapterConfig config, ulong seed)
    {
        AdaptedMatrices matrices = new(model);
        Adapter adapter = new(model.Parameters) { Dropout = config.Dropout };
        foreach (WeightName name in matrices.All.Where(name => config.Chooses(AdaptedMatrices.FullName(name))))
        {
            string module = AdaptedMatrices.FullName(name);
            adapter.Add(module, model.Parameters[name.Parameter], name.FirstRow, name.Rows, config.RankOf(module), config.ScaleOf(module),
                AdaptedMatrices.IsShared(name));
        }
        Require.That(adapter.Parameters.All.Count > 0, $"adapter: the model has no matrices with the names {string.Join(", ", config.Targets)}");
        adapter.Parameters.Allocate();
        FirstValue.Draw(adapter.Parameters, seed);
        return adapter;
    }

    /// <summary>Writes a folder as a whole.</summary>
    public static void Write(string path, Model model, Adapter adapter, AdapterConfig config) => AtomicFolder.Write(path, folder =>
    {
        AdaptedMatrices matrices = new(model);
        AtomicFile.Write(Path.Combine(folder, ConfigName), stream =>
        {
            using (Utf8JsonWriter json = new(stream, Indented))
                config.Write(json, matrices.All.Any(name => name.Transposed));
            stream.WriteByte((byte)'\n');
        });
        SafetensorsWriter.Write(Path.Combine(folder, WeightsName), [.. adapter.Parameters.All.Select(parameter => new SafetensorsTensor(
            Prefix + parameter.Name, [parameter.Shape[0], parameter.Shape[1]], () => Stored(adapter.Parameters, parameter, matrices)))]);
    });

    // PEFT saves the matrix of an adapted head beside A and B; another one than the model's would be a change that is not read.
    private static void RequireCopy(TensorFile file, TensorEntry entry, Parameters parameters, AdaptedMatrices matrices)
    {
        string module = ModuleOf(file, entry, EndBase);
        if (matrices.Find(module) is not { RowOf: null, Transposed: false } name || parameters[name.Parameter] is not { } weight)
            throw Fault(file, $"the model has no matrix '{module}' that a copy can be compared with");
        Check(file, entry, name.Rows, weight.Shape.Columns);
        float[] copy = new float[entry.Count];
        file.Read(entry, copy);
        if (!parameters.Weights(weight).Slice(name.FirstRow * weight.Shape.Columns, copy.Length).SequenceEqual(copy))
            throw Fault(file, $"the tensor '{entry.Name}' is not the model's matrix, and matrices that take the place of others are not supported");
    }

    private static string ModuleOf(TensorFile file, TensorEntry entry, string end) => entry.Name.StartsWith(Prefix, StringComparison.Ordinal)
        && entry.Name.EndsWith(end, StringComparison.Ordinal) && entry.Name.Length > Prefix.Length + end.Length
        ? entry.Name[Prefix.Length..^end.Length]
        : throw Fault(file, $"the tensor '{entry.Name}' is neither {Prefix}…{EndA} nor {Prefix}…{EndB}");

    private static void Check(TensorFile file, TensorEntry entry, long rows, long columns)
    {
        if (entry.Sizes is not [long first, long second] || first != rows || second != columns)
            throw Fault(file, $"the tensor '{entry.Name}' has shape {entry.ShapeText}, but the model and the config ask for [{rows}, {columns}]");
        TensorFile.RequireFloat(entry);
    }

    private static void Fill(TensorFile file, TensorEntry entry, Span<float> place, WeightName? rows)
    {
        if (rows?.RowOf is not { } rowOf)
        {
            file.Read(entry, place);
            return;
        }
        float[] stored = new float[place.Length];
        file.Read(entry, stored);
        int rank = stored.Length / rows.Rows;
        for (int row = 0; row < rows.Rows; row++)
            stored.AsSpan(row * rank, rank).CopyTo(place[(rowOf(row) * rank)..]);
    }

    private static ReadOnlySpan<float> Stored(Parameters parameters, Parameter parameter, AdaptedMatrices matrices)
    {
        ReadOnlySpan<float> values = parameters.Weights(parameter);
        if (!parameter.Name.EndsWith(EndB, StringComparison.Ordinal) || matrices.Find(parameter.Name[..^EndB.Length])?.RowOf is not { } rowOf)
            return values;
        int rank = parameter.Shape[1];
        float[] stored = new float[values.Length];
        for (int row = 0; row < parameter.Shape[0]; row++)
            values.Slice(rowOf(row) * rank, rank).CopyTo(stored.AsSpan(row * rank));
        return stored;
    }

    private static InvalidDataException Fault(TensorFile file, string reason) => new($"{file.Path}: adapter: {reason}");

    // The matrices of a model that take adapters, by the names of their modules in the family's files. A tied head has a name of its own there.
    private sealed class AdaptedMatrices
    {
        private const string Weight = ".weight", Embedding = "embedding.weight";
        private readonly Family family;
        private readonly Dictionary<string, WeightName> byName = [];

        public AdaptedMatrices(Model model)
        {
            family = Family.Of(model.AnyConfig, model.Origin);
            foreach (WeightName name in family.Weights(model.AnyConfig))
            {
                if (!name.IsZero && name.Name.EndsWith(Weight, StringComparison.Ordinal) && model.Parameters[name.Parameter].TakesAdapter)
                    byName.Add(family.Bare(FullName(name)), name);
            }
            foreach (string head in Family.IsTied(model.AnyConfig) ? family.TiedNames : [])
                byName.Add(family.Bare(head[..^Weight.Length]), WeightName.Whole(head, Embedding, model.AnyConfig.VocabularySize));
        }

        public IEnumerable<WeightName> All => byName.Values;

        public static string FullName(WeightName name) => name.Name[..^Weight.Length];

        public static bool IsShared(WeightName name) => name.Parameter == Embedding;

        public WeightName? Find(string module) => byName.GetValueOrDefault(family.Bare(module));
    }
}
