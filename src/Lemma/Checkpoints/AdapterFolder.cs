using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Weights;

namespace Lemma.Checkpoints;

/// <summary>Folders of LoRA adapters as PEFT writes them: <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>.</summary>
public static class AdapterFolder
{
    private const string ConfigName = "adapter_config.json", WeightsName = "adapter_model.safetensors", OldWeightsName = "adapter_model.bin";
    private const string Prefix = "base_model.model.", EndBase = ".base_layer.weight", Magnitude = ".lora_magnitude_vector";
    private static readonly Ends OfProducts = new(".lora_A.weight", ".lora_B.weight"), OfLookups = new(".lora_embedding_A", ".lora_embedding_B");
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
            List<(TensorEntry Entry, Parameter Parameter)> fills = [];
            List<(string Module, TensorEntry A, Ends Ends)> pairs = [];
            int copies = 0;
            foreach (TensorEntry entry in file.Tensors.Where(entry => !IsB(entry.Name) && !entry.Name.EndsWith(Magnitude, StringComparison.Ordinal)))
            {
                if (entry.Name.EndsWith(EndBase, StringComparison.Ordinal))
                {
                    RequireCopy(file, entry, model.Parameters, matrices);
                    copies++;
                    continue;
                }
                Ends ends = entry.Name.EndsWith(OfLookups.A, StringComparison.Ordinal) ? OfLookups : OfProducts;
                pairs.Add((ModuleOf(file, entry, ends.A), entry, ends));
            }
            // In the order of a fresh one, not of the file: which part draws what, and the order of sums over all of them, must not change with a resume.
            foreach ((string module, TensorEntry a, Ends ends) in pairs.OrderBy(pair => matrices.PlaceOf(pair.Module)))
            {
                TensorEntry b = file.Find($"{a.Name[..^ends.A.Length]}{ends.B}") ?? throw Fault(file, $"'{a.Name}' has no partner with {ends.B}");
                if (!config.Chooses(module))
                    throw Fault(file, $"'{module}' has an adapter, but it is not among the target modules {string.Join(", ", config.Targets)}");
                AdaptedMatrix matrix = matrices.Find(module) ?? throw Fault(file, matrices.WhyNone(module));
                Ends due = matrix.IsLookup ? OfLookups : OfProducts;
                if (ends != due)
                    throw Fault(file, $"the tensor '{a.Name}' must end with {due.A}, since the module {(matrix.IsLookup ? "is" : "is not")} an embedding");
                AdapterPart part = Add(adapter, model, matrix, module, config);
                long rows = matrix.Name.Rows, columns = model.Parameters[matrix.Name.Parameter].Shape.Columns;
                (long inputs, long outputs) = matrix.IsLookup ? (rows, columns) : (columns, rows);
                Check(file, a, part.Rank, inputs);
                Check(file, b, outputs, part.Rank);
                fills.Add((a, part.A));
                fills.Add((b, part.B));
                if (part.Magnitude is not { } magnitude)
                    continue;
                TensorEntry m = file.Find($"{a.Name[..^ends.A.Length]}{Magnitude}") ?? throw Fault(file, $"'{a.Name}' has no partner with {Magnitude}");
                Check(file, m, part.Rows);
                fills.Add((m, magnitude));
            }
            if (fills.Count == 0 || fills.Count + copies != file.Tensors.Count)
                throw Fault(file, $"it has {file.Tensors.Count} tensors, of which {fills.Count} are pairs of A and B"
                    + (config.HasMagnitudes ? " with magnitudes" : ""));
            adapter.Parameters.Allocate();
            foreach ((TensorEntry entry, Parameter parameter) in fills)
                Fill(file, entry, PlacesOf(parameter, matrices), adapter.Parameters.Weights(parameter));
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

    /// <summary>A fresh adapter, which changes nothing yet: A is drawn, B is 0; of an embedding the other way round.</summary>
    public static Adapter Create(Model model, AdapterConfig config, ulong seed)
    {
        Adapter adapter = Declare(model, config);
        adapter.Parameters.Allocate();
        FirstValue.Draw(adapter.Parameters, seed);
        adapter.DrawMagnitudes();
        return adapter;
    }

    /// <summary>An adapter without memory, for passes that only count.</summary>
    internal static Adapter Declare(Model model, AdapterConfig config)
    {
        AdaptedMatrices matrices = new(model);
        Adapter adapter = new(model.Parameters) { Dropout = config.Dropout };
        foreach (AdaptedMatrix matrix in matrices.All.Where(matrix => config.Chooses(matrix.Module) && !(matrix.IsLookup && config.IsEveryLinear)))
            Add(adapter, model, matrix, matrix.Module, config);
        Require.That(adapter.Parameters.All.Count > 0, $"adapter: the model has no matrices with the names {string.Join(", ", config.Targets)}");
        return adapter;
    }

    /// <summary>Writes a folder as a whole.</summary>
    public static void Write(string path, Model model, Adapter adapter, AdapterConfig config) =>
        AtomicFolder.Write(path, folder => WriteInto(folder, model, adapter, config));

    /// <summary>Writes the files into a folder that is being built.</summary>
    public static void WriteInto(string folder, Model model, Adapter adapter, AdapterConfig config)
    {
        AdaptedMatrices matrices = new(model);
        AtomicFile.Write(Path.Combine(folder, ConfigName), stream =>
        {
            using (Utf8JsonWriter json = new(stream, Indented))
                config.Write(json, matrices.All.Any(matrix => matrix.Name.Transposed));
            stream.WriteByte((byte)'\n');
        });
        SafetensorsWriter.Write(Path.Combine(folder, WeightsName),
            [.. adapter.Parameters.All.Select(parameter => ToTensor(adapter.Parameters, parameter, matrices))]);
    }

    // PEFT saves the matrix of an adapted head beside A and B; another one than the model's would be a change that is not read.
    private static void RequireCopy(TensorFile file, TensorEntry entry, Parameters parameters, AdaptedMatrices matrices)
    {
        string module = ModuleOf(file, entry, EndBase);
        if (matrices.Find(module) is not { Name: { RowOf: null, Transposed: false } name } || parameters[name.Parameter] is not { } weight)
            throw Fault(file, $"the model has no matrix '{module}' that a copy can be compared with");
        Check(file, entry, name.Rows, weight.Shape.Columns);
        float[] copy = new float[entry.Count], own = new float[entry.Count];
        file.Read(entry, copy);
        parameters.CopyRows(weight, name.FirstRow, own);
        if (!own.AsSpan().SequenceEqual(copy))
            throw Fault(file, $"the tensor '{entry.Name}' is not the model's matrix, and matrices that take the place of others are not supported");
    }

    private static AdapterPart Add(Adapter adapter, Model model, AdaptedMatrix matrix, string module, AdapterConfig config)
    {
        Parameter weight = model.Parameters[matrix.Name.Parameter];
        (int rank, float scale) = (config.RankOf(module), config.ScaleOf(module));
        Require.That(!(matrix.IsLookup && config.HasMagnitudes), $"adapter: '{module}' is an embedding, whose rows have no magnitudes of their own");
        return matrix.IsLookup ? adapter.AddLookup(matrix.Module, weight, rank, scale, matrix.IsShared)
            : adapter.Add(matrix.Module, weight, matrix.Name.FirstRow, matrix.Name.Rows, rank, scale, matrix.IsShared, config.HasMagnitudes);
    }

    private static bool IsB(string name) => name.EndsWith(OfProducts.B, StringComparison.Ordinal) || name.EndsWith(OfLookups.B, StringComparison.Ordinal);

    private static string ModuleOf(TensorFile file, TensorEntry entry, string end) => entry.Name.StartsWith(Prefix, StringComparison.Ordinal)
        && entry.Name.EndsWith(end, StringComparison.Ordinal) && entry.Name.Length > Prefix.Length + end.Length
        ? entry.Name[Prefix.Length..^end.Length]
        : throw Fault(file, $"the tensor '{entry.Name}' is neither {Prefix}…{OfProducts.A} nor {Prefix}…{OfProducts.B}, nor the same of an embedding");

    private static void Check(TensorFile file, TensorEntry entry, params long[] sizes)
    {
        if (!entry.Sizes.SequenceEqual(sizes))
            throw Fault(file, $"the tensor '{entry.Name}' has shape {entry.ShapeText}, but the model and the config ask for [{string.Join(", ", sizes)}]");
        TensorFile.RequireNumbers(entry);
    }

    private static void Fill(TensorFile file, TensorEntry entry, Func<int, int>? placeOf, Span<float> values)
    {
        if (placeOf is null)
        {
            file.Read(entry, values);
            return;
        }
        float[] stored = new float[values.Length];
        file.Read(entry, stored);
        for (int i = 0; i < stored.Length; i++)
            values[placeOf(i)] = stored[i];
    }

    private static SafetensorsTensor ToTensor(Parameters parameters, Parameter parameter, AdaptedMatrices matrices)
    {
        return new SafetensorsTensor(Prefix + parameter.Name, IsTurned(parameter.Name) ? [parameter.Shape[1], parameter.Shape[0]] : parameter.Shape.Sizes(), () =>
        {
            ReadOnlySpan<float> values = parameters.Weights(parameter);
            if (PlacesOf(parameter, matrices) is not { } placeOf)
                return values;
            float[] stored = new float[values.Length];
            for (int i = 0; i < stored.Length; i++)
                stored[i] = values[placeOf(i)];
            return stored;
        });
    }

    // A of an embedding lies turned in memory, so that an id's numbers are together.
    private static bool IsTurned(string name) => name.EndsWith(OfLookups.A, StringComparison.Ordinal);

    // The place in a parameter of each element of its tensor; null where they are the same.
    private static Func<int, int>? PlacesOf(Parameter parameter, AdaptedMatrices matrices)
    {
        string name = parameter.Name;
        if (IsTurned(name))
        {
            (int rows, int rank) = (parameter.Shape[0], parameter.Shape[1]);
            return i => i % rows * rank + i / rows;
        }
        // B and magnitudes lie as the rows of the matrix do.
        string? end = name.EndsWith(OfProducts.B, StringComparison.Ordinal) ? OfProducts.B : name.EndsWith(Magnitude, StringComparison.Ordinal) ? Magnitude : null;
        if (end is null || matrices.Find(name[..^end.Length])!.Name.RowOf is not { } rowOf)
            return null;
        int columns = parameter.Shape.Rank == 1 ? 1 : parameter.Shape[1];
        return i => rowOf(i / columns) * columns + i % columns;
    }

    private static InvalidDataException Fault(TensorFile file, string reason) => new($"{file.Path}: adapter: {reason}");

    // How the names of a pair's tensors end.
    private sealed record Ends(string A, string B);
}
