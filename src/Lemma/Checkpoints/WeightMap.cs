using Lemma.Compute;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Weights;

namespace Lemma.Checkpoints;

/// <summary>The tensors of a checkpoint and their places in a model's parameters, checked to cover each other.</summary>
internal sealed class WeightMap
{
    private const int NamesInErrors = 8;
    private readonly List<WeightName> names;
    private readonly Dictionary<WeightName, TensorEntry> entries = [];

    private WeightMap(List<WeightName> names) => this.names = names;

    /// <summary>The map of a model; an error where the family's names do not cover every parameter once.</summary>
    /// <param name="family">The names.</param>
    /// <param name="model">The model.</param>
    /// <param name="leftOut">Parameters that the files have no place for.</param>
    public static WeightMap Of(IWeightNames family, Model model, params IReadOnlyList<string> leftOut)
    {
        List<WeightName> names = [.. family.Weights(model.AnyConfig)];
        Dictionary<string, long> covered = [];
        foreach (WeightName name in names.Where(name => !name.IsZero))
            covered[name.Parameter] = covered.GetValueOrDefault(name.Parameter) + name.Rows + name.RowsLeftOut;
        foreach (Parameter parameter in model.Parameters.All.Where(parameter => !leftOut.Contains(parameter.Name)))
        {
            covered.Remove(parameter.Name, out long rows);
            if (rows != RowsOf(parameter))
                throw new InvalidOperationException(
                    $"{family.Name}: the names cover {rows} of the {RowsOf(parameter)} rows of the parameter '{parameter.Name}'");
        }
        return covered.Count == 0 ? new WeightMap(names)
            : throw new InvalidOperationException($"{family.Name}: there is no parameter '{covered.Keys.First()}' for its names");
    }

    /// <summary>The map of a model to the tensors of a file; an error names what is missing, what is too much and what has another shape.</summary>
    public static WeightMap Match(IWeightNames family, TensorFile file, Model model)
    {
        ModelConfig config = model.AnyConfig;
        if (config.AllBlocks.Count() > file.Tensors.Count)
            throw new InvalidDataException(
                $"{file.Path}: the config has {config.AllBlocks.Count()} layers, but the file has only {file.Tensors.Count} tensors");
        // A config may promise millions of experts: names are counted before they are kept.
        long most = 2L * file.Tensors.Count + 1000;
        if (family.Weights(config).Where(name => !name.IsZero).Skip((int)Math.Min(most, int.MaxValue)).FirstOrDefault() is { } further)
            throw new InvalidDataException($"{file.Path}: the config asks for far more tensors than the {file.Tensors.Count} of the file, such as '{further.Name}'");
        WeightMap map = Of(family, model);
        Dictionary<string, TensorEntry> found = [];
        foreach (TensorEntry entry in file.Tensors.Where(entry => !family.Ignores(entry.Name, config)))
        {
            if (!found.TryAdd(family.Bare(entry.Name), entry))
                throw new InvalidDataException($"{file.Path}: the tensor '{family.Bare(entry.Name)}' stands there with and without the family's prefix");
        }
        List<string> missing = [];
        foreach (WeightName name in map.names)
        {
            if (found.Remove(family.Bare(name.Name), out TensorEntry? entry))
                map.entries.Add(name, Checked(file, entry, name, model.Parameters));
            else if (!name.IsZero)
                missing.Add(name.Name);
        }
        if (missing.Count > 0 || found.Count > 0)
            throw new InvalidDataException($"{file.Path}: the tensors are not those of the config: {Listed("missing", missing)}"
                + (missing.Count > 0 && found.Count > 0 ? "; " : "") + Listed("unexpected", [.. found.Values.Select(entry => entry.Name)]));
        return map;
    }

    /// <summary>Every tensor of the file that has a place, in the family's order.</summary>
    public IEnumerable<(WeightName Name, TensorEntry Entry)> Places =>
        names.Where(entries.ContainsKey).Select(name => (name, entries[name]));

    /// <summary>Fills the parameters from the file, but for some; threads share the tensors.</summary>
    public void Fill(TensorFile file, Parameters parameters, Workers workers, IReadOnlySet<string> filled)
    {
        KeyValuePair<WeightName, TensorEntry>[] left = [.. entries.Where(entry => !filled.Contains(entry.Key.Parameter))];
        workers.Run(left.Length, (file, parameters, left), static (in s, index) => Fill(s.file, s.parameters, s.left[index].Key, s.left[index].Value));
    }

    private static void Fill(TensorFile file, Parameters parameters, WeightName name, TensorEntry entry)
    {
        if (name.IsZero)
        {
            float[] zeros = new float[entry.Count];
            file.Read(entry, zeros);
            if (zeros.AsSpan().ContainsAnyExcept(0f))
                throw new InvalidDataException($"{file.Path}: the tensor '{entry.Name}' must hold zeros, since this model has no such part");
            return;
        }
        Span<float> place = Place(parameters, name);
        if (name.IsPlain)
        {
            file.Read(entry, place);
            return;
        }
        float[] stored = new float[entry.Count];
        file.Read(entry, stored);
        if (name.Offset != 0)
        {
            for (int i = 0; i < stored.Length; i++)
                stored[i] -= name.Offset;
        }
        if (name.IsNegatedExponential)
        {
            foreach (ref float number in stored.AsSpan())
                number = number < 0 ? (float)Math.Log(-(double)number)
                    : throw new InvalidDataException($"{file.Path}: the numbers of the tensor '{entry.Name}' must be negative, but one is {number}");
        }
        int columns = ColumnsOf(parameters[name.Parameter]);
        float[] rows = name.Transposed ? EachTransposed(stored, name.Stack, columns, name.Rows / name.Stack) : stored;
        for (int row = 0; row < name.Rows; row++)
        {
            Span<float> to = place.Slice((name.RowOf?.Invoke(row) ?? row) * columns, columns), from = rows.AsSpan(row * columns, columns);
            if (name.ColumnOf is null)
                from.CopyTo(to);
            for (int column = 0; column < columns && name.ColumnOf is not null; column++)
                to[name.ColumnOf(column)] = from[column];
        }
    }

    /// <summary>The tensors to write.</summary>
    public List<SafetensorsTensor> ToTensors(Parameters parameters) => [.. names.Select(name => ToTensor(parameters, name))];

    private static TensorEntry Checked(TensorFile file, TensorEntry entry, WeightName name, Parameters parameters)
    {
        long[] expected = name.Sizes ?? SizesOf(parameters[name.Parameter], name);
        if (!(name.IsSqueezed ? entry.Sizes.Where(size => size != 1).SequenceEqual(expected.Where(size => size != 1)) : entry.Sizes.SequenceEqual(expected)))
            throw new InvalidDataException($"{file.Path}: the tensor '{entry.Name}' has shape {entry.ShapeText}, "
                + $"but the config asks for {TensorEntry.Format(expected)}");
        if (entry.Count > Array.MaxLength)
            throw new InvalidDataException($"{file.Path}: the tensor '{entry.Name}' of shape {entry.ShapeText} is larger than {Array.MaxLength} elements");
        TensorFile.RequireNumbers(entry);
        return entry;
    }

    private static long[] SizesOf(Parameter parameter, WeightName name)
    {
        int rows = name.Rows / name.Stack;
        long[] one = parameter.Shape.Rank == 1 ? [rows] : name.Transposed ? [ColumnsOf(parameter), rows] : [rows, ColumnsOf(parameter)];
        return name.Stack == 1 ? one : [name.Stack, .. one];
    }

    private static long RowsOf(Parameter parameter) => parameter.Shape.Rank == 1 ? parameter.Count : parameter.Count / ColumnsOf(parameter);

    private static int ColumnsOf(Parameter parameter) => parameter.Shape.Rank == 1 ? 1 : parameter.Shape.Columns;

    // From the first row on: as many rows as the tensor has, or all where its rows lie apart.
    private static Span<float> Place(Parameters parameters, WeightName name)
    {
        Parameter parameter = parameters[name.Parameter];
        int columns = ColumnsOf(parameter);
        return parameters.Weights(parameter).Slice(name.FirstRow * columns, RowsFrom(parameter, name) * columns);
    }

    private static int RowsFrom(Parameter parameter, WeightName name) => name.RowOf is null ? name.Rows : (int)RowsOf(parameter) - name.FirstRow;

    // The rows to write: as they lie, or a copy out of panels.
    private static ReadOnlySpan<float> Rows(Parameters parameters, WeightName name)
    {
        Parameter parameter = parameters[name.Parameter];
        if (parameter.RowsInPanels == 0)
            return Place(parameters, name);
        float[] rows = new float[RowsFrom(parameter, name) * (long)ColumnsOf(parameter)];
        parameters.CopyRows(parameter, name.FirstRow, rows);
        return rows;
    }

    private static SafetensorsTensor ToTensor(Parameters parameters, WeightName name)
    {
        if (name.IsZero)
            return new(name.Name, [.. name.Sizes!.Select(size => (int)size)], () => new float[name.Sizes!.Aggregate(1L, (product, size) => product * size)]);
        Parameter parameter = parameters[name.Parameter];
        int columns = ColumnsOf(parameter);
        int[] sizes = [.. (name.Sizes ?? SizesOf(parameter, name)).Select(size => (int)size).Where(size => size != 1 || !name.IsSqueezed)];
        if (sizes.Length == 0)
            sizes = [1];
        if (name.IsPlain)
            return new(name.Name, sizes, () => Rows(parameters, name));
        return new(name.Name, sizes, () =>
        {
            ReadOnlySpan<float> place = Rows(parameters, name);
            float[] stored = new float[name.Rows * (long)columns];
            for (int row = 0; row < name.Rows; row++)
            {
                ReadOnlySpan<float> from = place.Slice((name.RowOf?.Invoke(row) ?? row) * columns, columns);
                Span<float> to = stored.AsSpan(row * columns, columns);
                if (name.ColumnOf is null)
                    from.CopyTo(to);
                for (int column = 0; column < columns && name.ColumnOf is not null; column++)
                    to[column] = from[name.ColumnOf(column)];
            }
            if (name.Transposed)
                stored = EachTransposed(stored, name.Stack, name.Rows / name.Stack, columns);
            for (int i = 0; i < stored.Length && name.Offset != 0; i++)
                stored[i] += name.Offset;
            for (int i = 0; i < stored.Length && name.IsNegatedExponential; i++)
                stored[i] = -(float)Math.Exp(stored[i]);
            return stored;
        });
    }

    // Matrices one after another, each [rows, columns] to [columns, rows].
    private static float[] EachTransposed(float[] source, int count, int rows, int columns)
    {
        float[] destination = new float[source.Length];
        int size = rows * columns;
        for (int one = 0; one < count; one++)
            Transpose(source.AsSpan(one * size, size), rows, columns, destination.AsSpan(one * size, size));
        return destination;
    }

    private static string Listed(string what, List<string> names) => names.Count == 0 ? ""
        : $"{what} {string.Join(", ", names.Take(NamesInErrors))}" + (names.Count > NamesInErrors ? $" and {names.Count - NamesInErrors} more" : "");

    private static void Transpose(ReadOnlySpan<float> source, int rows, int columns, Span<float> destination)
    {
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
                destination[column * rows + row] = source[row * columns + column];
        }
    }
}
