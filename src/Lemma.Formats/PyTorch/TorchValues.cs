namespace Lemma.Formats;

/// <summary>What a pickle may call.</summary>
internal enum TorchFunction
{
    OrderedDictionary,
    Tensor,
    TensorWithHooks,
    Parameter,
}

/// <summary>The class of a storage: its elements' type by the name that safetensors gives it.</summary>
internal sealed record TorchStorageType(string Element);

/// <summary>A run of elements in the file that tensors may share.</summary>
internal sealed class TorchStorage(string key, string element, long count)
{
    /// <summary>The name under which the file keeps its bytes.</summary>
    public string Key => key;

    /// <summary>The type of its elements.</summary>
    public string Element => element;

    /// <summary>How many elements it has.</summary>
    public long Count => count;

    /// <summary>The position of its first byte in the file; known when its bytes are found.</summary>
    public long Begin { get; set; } = -1;
}

/// <summary>A view of a storage.</summary>
internal sealed record TorchTensor(TorchStorage Storage, long Offset, long[] Sizes, long[] Strides)
{
    /// <summary>Whether the elements lie in row-major order without holes.</summary>
    public bool IsContiguous
    {
        get
        {
            long expected = 1;
            for (int axis = Sizes.Length - 1; axis >= 0; axis--)
            {
                if (Sizes[axis] == 0)
                    return true;
                if (Sizes[axis] != 1 && Strides[axis] != expected)
                    return false;
                expected *= Sizes[axis];
            }
            return true;
        }
    }
}

/// <summary>The names that a pickle of tensors mentions; a pickle that mentions another is refused, since it could run anything.</summary>
internal static class TorchNames
{
    /// <summary>What a name stands for, or null.</summary>
    public static object? Find(string module, string name) => (module, name) switch
    {
        ("collections", "OrderedDict") => TorchFunction.OrderedDictionary,
        ("torch._utils", "_rebuild_tensor") => TorchFunction.Tensor,
        ("torch._utils", "_rebuild_tensor_v2") => TorchFunction.TensorWithHooks,
        ("torch._utils", "_rebuild_parameter") => TorchFunction.Parameter,
        ("torch", "FloatStorage") => new TorchStorageType("F32"),
        ("torch", "HalfStorage") => new TorchStorageType("F16"),
        ("torch", "BFloat16Storage") => new TorchStorageType("BF16"),
        ("torch", "DoubleStorage") => new TorchStorageType("F64"),
        ("torch", "LongStorage") => new TorchStorageType("I64"),
        ("torch", "IntStorage") => new TorchStorageType("I32"),
        ("torch", "ShortStorage") => new TorchStorageType("I16"),
        ("torch", "CharStorage") => new TorchStorageType("I8"),
        ("torch", "ByteStorage") => new TorchStorageType("U8"),
        ("torch", "BoolStorage") => new TorchStorageType("BOOL"),
        ("torch", "ComplexFloatStorage") => new TorchStorageType("C64"),
        _ => null,
    };
}
