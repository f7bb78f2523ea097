using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Language.Exports;

/// <summary>How much the errors of a model's weights count: the mean square of what each column of a matrix is multiplied with, while texts are read.</summary>
/// <remarks>Files are those of <c>llama-imatrix</c>: a GGUF of <c>NAME.in_sum2</c> and <c>NAME.counts</c> for each tensor. The head and absorbed matrices of
/// latent attention have none.</remarks>
public sealed class ImportanceMatrix
{
    private const string Squares = ".in_sum2", Counts = ".counts";
    private readonly IReadOnlyDictionary<string, (float[] Squares, float[] Counts)> sums;
    private readonly int chunks, length;

    private ImportanceMatrix(IReadOnlyDictionary<string, (float[] Squares, float[] Counts)> sums, int chunks, int length)
    {
        (this.sums, this.chunks, this.length) = (sums, chunks, length);
        Values = sums.ToDictionary(pair => pair.Key, pair => Means(pair.Value.Squares, pair.Value.Counts), StringComparer.Ordinal);
    }

    /// <summary>The mean squares of each tensor's columns by its name in a GGUF file, of each of its matrices; 1 for one that met no rows.</summary>
    public IReadOnlyDictionary<string, float[]> Values { get; }

    /// <summary>Reads texts and keeps what the matrices meet; the result does not depend on threads.</summary>
    /// <param name="decoder">The model.</param>
    /// <param name="ids">The ids of the texts.</param>
    /// <param name="length">Ids that are read together, each window by itself.</param>
    /// <param name="workers">Who does the work.</param>
    /// <param name="progress">Told the windows that are done.</param>
    /// <exception cref="ArgumentException">There is not one window, or no architecture of GGUF says the model.</exception>
    public static ImportanceMatrix Collect(Decoder decoder, ReadOnlyMemory<int> ids, int length, Workers workers, IProgress<int>? progress = null)
    {
        Require.That(length >= 1 && length <= decoder.MaximumLength, $"importance: windows have 1 to {decoder.MaximumLength} ids, but {length} are asked for");
        Require.That(ids.Length >= length, $"importance: the texts must fill a window of {length} ids, but have {ids.Length}");
        GgufDraft draft = GgufDraft.Of(decoder);
        ProductInputs inputs = new();
        int chunks = ids.Length / length;
        using Tape tape = new(workers, decoder.Parameters) { Recording = false, Inputs = inputs };
        for (int chunk = 0; chunk < chunks; chunk++)
        {
            decoder.Hidden(tape, Rows.One(ids.Slice(chunk * length, length)));
            tape.Rewind();
            progress?.Report(chunk + 1);
        }
        Dictionary<string, (float[], float[])> sums = new(StringComparer.Ordinal);
        foreach (WeightName name in draft.Names)
        {
            if (!name.Transposed && inputs.All.TryGetValue(name.Parameter, out ProductInputs.Sums? found))
            {
                // In the order of the file's columns.
                IEnumerable<int> columns = Enumerable.Range(0, found.Squares.Length).Select(column => name.ColumnOf?.Invoke(column) ?? column);
                sums.Add(name.Name, ([.. columns.Select(column => (float)found.Squares[column])], [.. found.Rows.Select(rows => (float)rows)]));
            }
        }
        return new ImportanceMatrix(sums, chunks, length);
    }

    /// <summary>Reads a file of <see cref="Write"/> or of <c>llama-imatrix</c>.</summary>
    /// <exception cref="InvalidDataException">It is broken, or no such file.</exception>
    public static ImportanceMatrix Read(string path)
    {
        using TensorFile file = TensorFile.Open(path);
        Dictionary<string, (float[], float[])> sums = new(StringComparer.Ordinal);
        foreach (TensorEntry entry in file.Tensors.Where(entry => entry.Name.EndsWith(Squares, StringComparison.Ordinal)))
        {
            string name = entry.Name[..^Squares.Length];
            if (file.Find(name + Counts) is not { } counts || counts.Count == 0 || entry.Count % counts.Count != 0)
                throw Fault.In(path, $"importance: beside '{entry.Name}' of {entry.Count} numbers there must be {name}{Counts} "
                    + $"with a number for each matrix, but there is not");
            sums.Add(name, (Numbers(file, entry), Numbers(file, counts)));
        }
        return sums.Count > 0 ? new ImportanceMatrix(sums, 0, 0)
            : throw Fault.In(path, $"importance: there must be tensors that end in {Squares}, but there are none");
    }

    /// <summary>Writes a file that <c>llama-quantize --imatrix</c> reads as well; atomically.</summary>
    /// <param name="path">The file.</param>
    /// <param name="datasets">What was read, for people.</param>
    public void Write(string path, params IReadOnlyList<string> datasets)
    {
        List<GgufTensor> tensors = [];
        foreach ((string name, (float[] squares, float[] counts)) in sums.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            tensors.Add(new GgufTensor(name + Squares, [counts.Length, squares.Length / counts.Length], () => squares, "F32"));
            tensors.Add(new GgufTensor(name + Counts, [counts.Length, 1], () => counts, "F32"));
        }
        GgufWriter.Write(path, [new("general.type", "imatrix"), new("imatrix.datasets", datasets.ToArray()), new("imatrix.chunk_count", (uint)chunks),
            new("imatrix.chunk_size", (uint)length)], tensors);
    }

    private static float[] Numbers(TensorFile file, TensorEntry entry)
    {
        TensorFile.RequireNumbers(entry);
        float[] numbers = new float[entry.Count];
        file.Read(entry, numbers);
        return Array.TrueForAll(numbers, number => number >= 0 && float.IsFinite(number)) ? numbers
            : throw Fault.In(file.Path, $"importance: '{entry.Name}' must hold numbers of at least 0, but does not");
    }

    private static float[] Means(float[] squares, float[] counts)
    {
        int columns = squares.Length / counts.Length;
        return [.. squares.Select((sum, i) => counts[i / columns] > 0 ? sum / counts[i / columns] : 1)];
    }
}
