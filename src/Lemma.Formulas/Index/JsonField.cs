using System.Globalization;
using System.Text.Json;

namespace Lemma.Formulas;

/// <summary>A field of a JSON document that knows its place, so that an error can name it.</summary>
internal readonly struct JsonField(string place, JsonElement element)
{
    private const int DeepestList = 16;

    /// <summary>Whether it is a list or an object.</summary>
    public bool IsValues => element.ValueKind is JsonValueKind.Array or JsonValueKind.Object;

    /// <summary>Whether it is a number.</summary>
    public bool IsNumber => element.ValueKind == JsonValueKind.Number;

    /// <summary>Whether it is a list of numbers alone.</summary>
    public bool IsList => element.ValueKind == JsonValueKind.Array && element.EnumerateArray().All(one => one.ValueKind is not
        (JsonValueKind.Array or JsonValueKind.Object));

    /// <summary>A field of this object; throws when it is missing.</summary>
    public JsonField this[string name] => Find(name) ?? throw new FormatException($"{Inner(name)} is missing");

    /// <summary>A field of this object, or null.</summary>
    public JsonField? Find(string name)
    {
        Expect(JsonValueKind.Object, "an object");
        return Whole(one => one.TryGetProperty(name, out JsonElement found) ? found : (JsonElement?)null) is JsonElement found
            ? new JsonField(Inner(name), found) : null;
    }

    /// <summary>The fields of this object by name, each once.</summary>
    public Dictionary<string, JsonField> Fields()
    {
        Expect(JsonValueKind.Object, "an object");
        Dictionary<string, JsonField> fields = [];
        foreach ((string name, JsonElement value) in Whole(static one => one.EnumerateObject().Select(static field => (field.Name, field.Value)).ToArray()))
        {
            if (!fields.TryAdd(name, new JsonField(Inner(name), value)))
                throw new FormatException($"{Inner(name)} is there twice");
        }
        return fields;
    }

    /// <summary>The elements of this list.</summary>
    public IEnumerable<JsonField> Elements()
    {
        Expect(JsonValueKind.Array, "a list");
        string name = place;
        return element.EnumerateArray().Select((one, i) => new JsonField(string.Create(CultureInfo.InvariantCulture, $"{name}[{i}]"), one));
    }

    /// <summary>A word.</summary>
    public string Text()
    {
        Expect(JsonValueKind.String, "a word");
        return Word();
    }

    /// <summary>A number; those that JSON does not hold are the words NaN, Infinity and -Infinity.</summary>
    public double Number() => element.ValueKind switch
    {
        JsonValueKind.Number => element.GetDouble(),
        JsonValueKind.String => Word() switch
        {
            "NaN" => double.NaN,
            "Infinity" => double.PositiveInfinity,
            "-Infinity" => double.NegativeInfinity,
            _ => throw Wrong("a number"),
        },
        _ => throw Wrong("a number"),
    };

    /// <summary>A list of numbers.</summary>
    public double[] Numbers()
    {
        Expect(JsonValueKind.Array, "a list of numbers");
        double[] numbers = new double[element.GetArrayLength()];
        int index = 0;
        foreach (JsonElement one in element.EnumerateArray())
        {
            // The place of an element is written for an error alone.
            numbers[index] = one.ValueKind == JsonValueKind.Number ? one.GetDouble() : Elements().ElementAt(index).Number();
            index++;
        }
        return numbers;
    }

    /// <summary>A list of sizes.</summary>
    public int[] Sizes()
    {
        List<int> sizes = [];
        foreach (JsonField one in Elements())
            sizes.Add(one.Size());
        return [.. sizes];
    }

    /// <summary>Numbers with a shape: an object {shape, data} or nested lists.</summary>
    public Values Values()
    {
        if (element.ValueKind == JsonValueKind.Object)
            return Shaped(this["shape"].Sizes(), this["data"].Numbers());
        List<int> shape = [];
        List<double> numbers = [];
        Collect(0, shape, numbers);
        return Shaped([.. shape], [.. numbers]);
    }

    /// <summary>An attribute: a number, a flag, a word or a list of numbers.</summary>
    public object Attribute() => element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Number => element.GetDouble(),
        JsonValueKind.Array => Numbers(),
        JsonValueKind.String => Word(),
        _ => throw Wrong("a number, a word, true, false or a list of numbers"),
    };

    private Values Shaped(int[] shape, double[] data)
    {
        try
        {
            return new Values(shape, data);
        }
        catch (ArgumentException e)
        {
            throw new FormatException($"{place}: {e.Message}", e);
        }
    }

    private void Collect(int depth, List<int> shape, List<double> numbers)
    {
        if (element.ValueKind != JsonValueKind.Array)
        {
            if (depth < shape.Count)
                throw Wrong("a list, as its neighbours are");
            numbers.Add(Number());
            return;
        }
        int length = element.GetArrayLength();
        if (depth == shape.Count)
        {
            if (numbers.Count > 0 || depth == DeepestList)
                throw Wrong(depth == DeepestList ? "a number, so deep inside lists" : "a number, as its neighbours are");
            shape.Add(length);
        }
        if (shape[depth] != length)
        {
            throw new FormatException(string.Create(CultureInfo.InvariantCulture,
                $"{place} has {length} elements where its neighbours have {shape[depth]}"));
        }
        foreach (JsonField one in Elements())
            one.Collect(depth + 1, shape, numbers);
    }

    private int Size() => element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out int size) && size >= 0 ? size
        : throw Wrong("a size");

    private string Word() => Whole(static one => one.GetString()!);

    /// <summary>What is read of an element's texts, which may hold half a character.</summary>
    private T Whole<T>(Func<JsonElement, T> read)
    {
        try
        {
            return read(element);
        }
        catch (InvalidOperationException e)
        {
            throw new FormatException($"{(place.Length == 0 ? "the document" : place)} must have whole characters, but has half a surrogate pair", e);
        }
    }

    private void Expect(JsonValueKind kind, string what)
    {
        if (element.ValueKind != kind)
            throw Wrong(what);
    }

    private FormatException Wrong(string what)
    {
        string raw = element.ValueKind == JsonValueKind.Undefined ? "nothing" : element.GetRawText();
        string shown = raw.Length > 40 ? raw[..40] + "…" : raw;
        return new FormatException($"{(place.Length == 0 ? "the document" : place)} must be {what}, but it is {shown}");
    }

    private string Inner(string name) => place.Length == 0 ? name : $"{place}.{name}";
}
