using System.Diagnostics.CodeAnalysis;

namespace Lemma.Formats;

/// <summary>The named tensors of a file or of the several files of a folder: safetensors, GGUF, or PyTorch's.</summary>
/// <remarks>
/// Opening reads what says where tensors lie, and checks all of it: sizes against the file before memory is taken, no duplicate, nothing
/// beyond the file. What breaks a rule is refused with <see cref="InvalidDataException"/>, which names the file, the place and the reason.
/// Tables are read from mapped pages, elements straight into the span that they fill. Any number of threads may read at once.
/// </remarks>
public sealed class TensorFile : IDisposable
{
    private const int ChunkElements = 1 << 20;
    private readonly Dictionary<string, TensorEntry> byName;
    private readonly IReadOnlyList<MappedFile> sources;

    internal TensorFile(string path, IReadOnlyList<TensorEntry> tensors, IReadOnlyDictionary<string, object> metadata,
        IReadOnlyList<MappedFile> sources)
    {
        (Path, Tensors, Metadata, this.sources) = (path, tensors, metadata, sources);
        byName = tensors.ToDictionary(entry => entry.Name, StringComparer.Ordinal);
    }

    /// <summary>The path that it was opened with, as errors name it.</summary>
    public string Path { get; }

    /// <summary>Every tensor in the order of the file; of several files, in the order of their names.</summary>
    public IReadOnlyList<TensorEntry> Tensors { get; }

    /// <summary>What stands beside the tensors: texts in safetensors (often <c>format: pt</c>); in GGUF numbers, texts and arrays of them.</summary>
    public IReadOnlyDictionary<string, object> Metadata { get; }

    /// <summary>The files that it reads.</summary>
    internal IReadOnlyList<MappedFile> Sources => sources;

    /// <summary>Opens a file, an index of several (<c>*.index.json</c>), one part of a GGUF in parts, or a model's folder.</summary>
    /// <exception cref="InvalidDataException">It breaks a rule of its format.</exception>
    /// <exception cref="FileNotFoundException">There is no such file, or the folder has none.</exception>
    public static TensorFile Open(string path) => TensorFiles.Open(path);

    /// <summary>The tensor of a name, or null.</summary>
    public TensorEntry? Find(string name) => byName.GetValueOrDefault(name);

    /// <summary>Reads elements of a tensor as float32, in row-major order; threads may read parts of one tensor. Types are F32, F16, BF16, and those of
    /// blocks that GGUF files have: Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q2_K to Q6_K, IQ4_NL, MXFP4.</summary>
    /// <param name="tensor">One of <see cref="Tensors"/>.</param>
    /// <param name="destination">Filled from the first element on; without <paramref name="first"/> as long as the tensor has elements.</param>
    /// <param name="first">The first element that is read, or null for the whole tensor.</param>
    [SuppressMessage("Performance", "CA1822", Justification = "The tensors are read from the file that lists them.")]
    public void Read(TensorEntry tensor, Span<float> destination, long? first = null)
    {
        RequireOwn(tensor);
        RequireNumbers(tensor);
        long from = first ?? 0;
        Fault.Unless(first is not null || destination.Length == tensor.Count,
            $"tensor: '{tensor.Name}' has {tensor.Count} elements, but the destination has {destination.Length}");
        Fault.Unless(from >= 0 && from <= tensor.Count - destination.Length,
            $"tensor: '{tensor.Name}' has {tensor.Count} elements, but {destination.Length} are asked for from {from} on");
        if (BlockFormat.Find(tensor.Type) is { } format)
        {
            BlockElements.Read(tensor, format, from, destination);
            return;
        }
        FloatType type = FloatConversion.Find(tensor.Type)!.Value;
        if (tensor.Strides is { } strides)
        {
            using MappedFile.Loan loan = tensor.Source.Borrow();
            StridedElements.Read(tensor, strides, type, loan, from, destination);
            return;
        }
        int size = FloatConversion.BytesOf(type);
        for (int done = 0, count; done < destination.Length; done += count)
        {
            count = Math.Min(ChunkElements, destination.Length - done);
            Span<float> part = destination.Slice(done, count);
            tensor.Source.Read(FloatConversion.PlaceOf(type, part), tensor.Begin + (from + done) * size);
            FloatConversion.ReadInPlace(type, part);
        }
    }

    /// <summary>Closes the files; a read that is under way ends first.</summary>
    public void Dispose()
    {
        foreach (MappedFile source in sources)
            source.Dispose();
    }

    /// <summary>Whether two tensors have the same type, shape and bytes.</summary>
    internal bool AreEqual(TensorEntry one, TensorEntry other)
    {
        RequireOwn(one);
        RequireOwn(other);
        if (one.Type != other.Type || !one.Sizes.SequenceEqual(other.Sizes))
            return false;
        if (one.Strides is not null || other.Strides is not null)
            return StridedElements.AreEqual(this, one, other);
        using MappedFile.Loan left = one.Source.Borrow(), right = other.Source.Borrow();
        for (long at = 0; at < one.Bytes; at += ChunkElements)
        {
            int count = (int)Math.Min(ChunkElements, one.Bytes - at);
            if (!left.Slice(one.Begin + at, count).SequenceEqual(right.Slice(other.Begin + at, count)))
                return false;
        }
        return true;
    }

    /// <summary>Reads the bytes of a tensor as they lie in the file.</summary>
    /// <param name="tensor">One of <see cref="Tensors"/>.</param>
    /// <param name="destination">Filled.</param>
    /// <param name="first">The first byte.</param>
    [SuppressMessage("Performance", "CA1822", Justification = "The tensors are read from the file that lists them.")]
    internal void ReadBytes(TensorEntry tensor, Span<byte> destination, long first = 0)
    {
        RequireOwn(tensor);
        Fault.Unless(first >= 0 && first <= tensor.Bytes - destination.Length,
            $"tensor: '{tensor.Name}' has {tensor.Bytes} bytes, but {destination.Length} are asked for from {first} on");
        tensor.Source.Read(destination, tensor.Begin + first);
    }

    /// <summary>An error for a tensor whose elements are not read as float32.</summary>
    internal static void RequireNumbers(TensorEntry tensor)
    {
        if (FloatConversion.Find(tensor.Type) is null && BlockFormat.Find(tensor.Type) is null)
            throw Fault.In(tensor.File, $"the tensor '{tensor.Name}' has dtype {tensor.Type}; F32, F16, BF16, {BlockFormat.Names} can be read as numbers");
    }

    private void RequireOwn(TensorEntry tensor) =>
        Fault.Unless(ReferenceEquals(Find(tensor.Name), tensor), $"tensor: '{tensor.Name}' of {tensor.File} is not one of {Path}");
}
