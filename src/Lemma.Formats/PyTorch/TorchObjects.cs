namespace Lemma.Formats;

/// <summary>Storages and tensors out of what a pickle says of them, checked.</summary>
internal static class TorchObjects
{
    private const int MostAxes = 64, LongestKey = 256;

    /// <summary>The storage of a persistent id: <c>('storage', class, key, device, count)</c>, in older files with a view or None behind.</summary>
    public static TorchStorage Storage(in PickleCursor cursor, Dictionary<string, TorchStorage> storages, object? id)
    {
        if (id is not object?[] { Length: 5 or 6 } parts || parts is not ["storage", TorchStorageType type, string key, string, long count, ..]
            || count < 0 || key.Length > LongestKey)
            throw cursor.Error("a persistent id must be a storage's, but is not");
        if (parts is [.., not null] and { Length: 6 })
            throw cursor.Error($"the storage '{key}' is a view of another, which is not supported");
        if (!storages.TryGetValue(key, out TorchStorage? storage))
            storages.Add(key, storage = new TorchStorage(key, type.Element, count));
        return storage.Element == type.Element && storage.Count == count ? storage
            : throw cursor.Error($"the storage '{key}' has {storage.Count} elements of {storage.Element} in one place and {count} of {type.Element} here");
    }

    /// <summary>What a call of a function makes.</summary>
    public static object Call(in PickleCursor cursor, TorchFunction function, object?[] arguments)
    {
        switch (function)
        {
            case TorchFunction.OrderedDictionary when arguments.Length == 0:
                return new PickleDictionary();
            case TorchFunction.OrderedDictionary when arguments is [List<object?> pairs]:
                return Dictionary(cursor, pairs);
            case TorchFunction.Parameter when arguments is [TorchTensor tensor, bool, _]:
                return tensor;
            case TorchFunction.Tensor when arguments is [TorchStorage storage, long offset, object?[] sizes, object?[] strides]:
                return Tensor(cursor, storage, offset, sizes, strides);
            case TorchFunction.TensorWithHooks when IsPlain(arguments)
                && arguments is [TorchStorage storage, long offset, object?[] sizes, object?[] strides, bool, ..]:
                return Tensor(cursor, storage, offset, sizes, strides);
            default:
                throw Wrong(cursor, function);
        }
    }

    // A seventh value says whether elements are conjugated or negated, which no weight is.
    private static bool IsPlain(object?[] arguments) =>
        arguments.Length == 6 || arguments is [_, _, _, _, _, _, null or PickleDictionary { Members.Count: 0 }];

    private static InvalidDataException Wrong(in PickleCursor cursor, TorchFunction function) =>
        cursor.Error($"{function} is called with other values than PyTorch gives it");

    // As Python 2 wrote it: a list of pairs.
    private static PickleDictionary Dictionary(in PickleCursor cursor, List<object?> pairs)
    {
        PickleDictionary dictionary = new();
        foreach (object? pair in pairs)
        {
            (object? key, object? value) = pair switch
            {
                List<object?> { Count: 2 } list => (list[0], list[1]),
                object?[] { Length: 2 } tuple => (tuple[0], tuple[1]),
                _ => throw Wrong(cursor, TorchFunction.OrderedDictionary),
            };
            if (!dictionary.TryAdd(key, value))
                throw cursor.Error($"a key must be a text or a whole number and stand once, but '{PickleCursor.Shown(key)}' is not or does not");
        }
        return dictionary;
    }

    private static TorchTensor Tensor(in PickleCursor cursor, TorchStorage storage, long offset, object?[] sizes, object?[] strides)
    {
        if (sizes.Length != strides.Length || sizes.Length > MostAxes)
            throw cursor.Error($"a tensor must have as many strides as axes, and at most {MostAxes}, but has {strides.Length} and {sizes.Length}");
        long[] lengths = Whole(cursor, sizes), steps = Whole(cursor, strides);
        UInt128 count = 1, last = (ulong)Math.Max(offset, 0);
        bool isEmpty = lengths.Contains(0);
        for (int axis = 0; axis < lengths.Length && !isEmpty; axis++)
        {
            count *= (ulong)lengths[axis];
            last += (UInt128)(lengths[axis] - 1) * (ulong)steps[axis];
            if (count > long.MaxValue / 16 || last >= (ulong)storage.Count)
                break;
        }
        if (offset < 0 || (!isEmpty && last >= (ulong)storage.Count) || (isEmpty && offset > storage.Count) || count > long.MaxValue / 16)
            throw cursor.Error($"a tensor of shape {TensorEntry.Format(lengths)}, strides {TensorEntry.Format(steps)} and offset {offset} "
                + $"does not lie within the {storage.Count} elements of the storage '{storage.Key}'");
        return new TorchTensor(storage, offset, lengths, steps);
    }

    private static long[] Whole(in PickleCursor cursor, object?[] values)
    {
        long[] numbers = new long[values.Length];
        for (int i = 0; i < numbers.Length; i++)
            numbers[i] = values[i] is long number and >= 0 ? number
                : throw cursor.Error($"sizes and strides must be whole numbers of at least 0, but one is '{PickleCursor.Shown(values[i])}'");
        return numbers;
    }
}
