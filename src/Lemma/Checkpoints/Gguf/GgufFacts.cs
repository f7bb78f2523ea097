using Lemma.Formats;

namespace Lemma.Checkpoints;

/// <summary>What a GGUF file says, or is going to say: its values, and its tensors without their numbers but for small ones.</summary>
/// <param name="Path">What errors name.</param>
/// <param name="Values">The values by their names.</param>
/// <param name="Sizes">The sizes of a tensor's axes, or null where there is none.</param>
/// <param name="Read">The numbers of a tensor.</param>
internal sealed record GgufFacts(string Path, IReadOnlyDictionary<string, object> Values, Func<string, IReadOnlyList<long>?> Sizes, Func<string, float[]> Read)
{
    private const string ArchitectureName = "general.architecture";
    private const int MostNumbers = 1 << 20;

    /// <summary>The architecture.</summary>
    public string Architecture => Values.GetValueOrDefault(ArchitectureName) as string
        ?? throw Error($"the value {ArchitectureName} must be a text, but is not there");

    /// <summary>Blocks behind the last one, which predict further tokens in training: counted among the blocks, but no part of the model.</summary>
    public long FurtherBlocks => Whole("nextn_predict_layers") switch
    {
        null => 0,
        >= 0 and var further when further < (Whole("block_count") ?? 1) => further,
        long other => throw Error($"the value {Architecture}.nextn_predict_layers must be less than the {Whole("block_count")} blocks, but is {other}"),
    };

    /// <summary>The facts of an open file.</summary>
    public static GgufFacts Of(TensorFile file) => new(file.Path, file.Metadata, name => file.Find(name)?.Sizes, name =>
    {
        TensorEntry entry = file.Find(name)!;
        if (entry.Count > MostNumbers)
            throw Fault.In(file.Path, $"GGUF: the tensor '{name}' must have at most {MostNumbers} numbers, but has {entry.Count}");
        TensorFile.RequireNumbers(entry);
        float[] numbers = new float[entry.Count];
        file.Read(entry, numbers);
        return numbers;
    });

    /// <summary>Whether there is a tensor.</summary>
    public bool Has(string tensor) => Sizes(tensor) is not null;

    /// <summary>A whole number among the values of the architecture, or null; of an array, where all are equal.</summary>
    public long? Whole(string key) => One(key) switch
    {
        null => null,
        ulong number and <= long.MaxValue => (long)number,
        byte or sbyte or ushort or short or uint or int or long => Convert.ToInt64(One(key), System.Globalization.CultureInfo.InvariantCulture),
        object other => throw Error($"the value {Architecture}.{key} must be a whole number, but is {other}"),
    };

    /// <summary>A number among the values of the architecture, or null.</summary>
    public object? Number(string key) => One(key) switch
    {
        null => null,
        float number when float.IsFinite(number) => number,
        double number when double.IsFinite(number) => number,
        float or double => throw Error($"the value {Architecture}.{key} must be finite, but is {One(key)}"),
        _ => Whole(key),
    };

    /// <summary>True or false among the values of the architecture, or null.</summary>
    public bool? Flag(string key) => One(key) switch
    {
        null => null,
        bool flag => flag,
        object other => throw Error($"the value {Architecture}.{key} must be true or false, but is {other}"),
    };

    /// <summary>A text among the values of the architecture, or null.</summary>
    public string? Text(string key) => One(key) switch
    {
        null => null,
        string text => text,
        object other => throw Error($"the value {Architecture}.{key} must be a text, but is {other}"),
    };

    /// <summary>An error that names the file.</summary>
    public InvalidDataException Error(string reason) => new($"{Path}: GGUF: {reason}");

    private object? One(string key)
    {
        object? value = Values.GetValueOrDefault($"{Architecture}.{key}");
        if (value is not Array items)
            return value;
        object? first = items.Length == 0 ? null : items.GetValue(0);
        foreach (object item in items)
        {
            if (!item.Equals(first))
                throw Error($"the value {Architecture}.{key} must be the same for all layers, but is {first} and {item}");
        }
        return first;
    }
}
