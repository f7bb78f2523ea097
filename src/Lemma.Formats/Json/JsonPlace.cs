using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Lemma.Formats;

/// <summary>A value of a JSON file and the way to it, so that every error can say where it is.</summary>
internal sealed class JsonPlace
{
    private readonly JsonPlace? parent;
    private readonly int index;
    private readonly string file = "";

    /// <summary>The whole of a file, which errors name; who reads without a name adds it himself.</summary>
    public JsonPlace(JsonElement root, string file = "")
        : this(root, null, "", -1) => this.file = file;

    private JsonPlace(JsonElement value, JsonPlace? parent, string name, int index) =>
        (Value, this.parent, Name, this.index) = (value, parent, name, index);

    /// <summary>The value.</summary>
    public JsonElement Value { get; }

    /// <summary>The name that it has in its object; empty where it is in an array.</summary>
    public string Name { get; }

    /// <summary>Whether the value is null or was not there.</summary>
    public bool IsNull => Value.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined;

    /// <summary>The way from the root, as in <c>a.b[2]</c>; empty for the root.</summary>
    public string Path => parent is null ? "" : index >= 0 ? $"{parent.Path}[{index}]"
        : parent.Path is { Length: > 0 } path ? $"{path}.{Name}" : Name;

    /// <summary>The member of an object; its <see cref="IsNull"/> holds when there is none.</summary>
    public JsonPlace this[string name]
    {
        get
        {
            Expect(JsonValueKind.Object);
            try
            {
                return new JsonPlace(Value.TryGetProperty(name, out JsonElement member) ? member : default, this, name, -1);
            }
            catch (InvalidOperationException)
            {
                throw Error("must have names that are valid Unicode, but has not");
            }
        }
    }

    /// <summary>An element of an array.</summary>
    public JsonPlace this[int place] => new(Value[place], this, "", place);

    /// <summary>The number of elements of an array.</summary>
    public int Count()
    {
        Expect(JsonValueKind.Array);
        return Value.GetArrayLength();
    }

    /// <summary>The elements of an array.</summary>
    public IEnumerable<JsonPlace> Items()
    {
        Expect(JsonValueKind.Array);
        int count = 0;
        foreach (JsonElement item in Value.EnumerateArray())
            yield return new JsonPlace(item, this, "", count++);
    }

    /// <summary>The members of an object.</summary>
    public IEnumerable<JsonPlace> Members()
    {
        Expect(JsonValueKind.Object);
        foreach (JsonProperty member in Value.EnumerateObject())
            yield return new JsonPlace(member.Value, this, NameOf(member), -1);
    }

    /// <summary>A text.</summary>
    public string Text()
    {
        Expect(JsonValueKind.String);
        try
        {
            return Value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw Error("must be valid Unicode, but is not");
        }
    }

    /// <summary>A text, or another where there is none.</summary>
    public string TextOr(string other) => IsNull ? other : Text();

    /// <summary>A text that is not empty.</summary>
    public string SomeText() => Text() is { Length: > 0 } text ? text : throw Error("must not be empty");

    /// <summary>A whole number of 32 bits.</summary>
    public int Integer()
    {
        Expect(JsonValueKind.Number);
        return Value.TryGetInt32(out int number) ? number : throw Error($"must be a whole number of 32 bits, but is {Shown()}");
    }

    /// <summary>A finite number.</summary>
    public double Real()
    {
        Expect(JsonValueKind.Number);
        return Value.TryGetDouble(out double number) && double.IsFinite(number) ? number
            : throw Error($"must be a finite number, but is {Shown()}");
    }

    /// <summary>A finite number as Hugging Face's reader takes it: all digits as one whole number, divided by a power of ten.</summary>
    /// <remarks>That can be the last bit away from the nearest number, which decides between pieces of equal scores.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public double Score()
    {
        double number = Real();
        ReadOnlySpan<byte> text = JsonMarshal.GetRawUtf8Value(Value);
        int point = text.IndexOf((byte)'.');
        if (point < 0 || text.ContainsAny((byte)'e', (byte)'E'))
            return number;
        ulong digits = 0;
        int decimals = 0;
        for (int i = text[0] == '-' ? 1 : 0; i < text.Length; i++)
        {
            if (i == point)
                continue;
            ulong digit = (ulong)(text[i] - '0');
            if (digits > (ulong.MaxValue - digit) / 10)
            {
                if (i < point)
                    return number;
                break;
            }
            digits = (digits * 10) + digit;
            decimals += i > point ? 1 : 0;
        }
        double size = decimals <= 22 ? digits / Math.Pow(10, decimals) : Math.Abs(number);
        return text[0] == '-' ? -size : size;
    }

    /// <summary>A number at least 0.</summary>
    public int Natural() => Integer() is int number and >= 0 ? number : throw Error($"must be at least 0, but is {Shown()}");

    /// <summary>true or false, or another where there is none.</summary>
    public bool FlagOr(bool other)
    {
        if (IsNull)
            return other;
        return Value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? Value.GetBoolean() : throw Error($"must be true or false, but is {Shown()}");
    }

    /// <summary>The error that this place breaks a rule.</summary>
    public InvalidDataException Error(string rule) => new($"{FilePrefix}{(Path.Length == 0 ? "the whole" : Path)} {rule}");

    /// <summary>The error that a component has a type that no reader here knows.</summary>
    public InvalidDataException Unknown(string stage, string type) => Error($"has the unknown {stage} type '{type}'");

    private string FilePrefix => parent is not null ? parent.FilePrefix : file.Length == 0 ? "" : file + ": ";

    private void Expect(JsonValueKind kind)
    {
        if (Value.ValueKind != kind)
            throw Error($"must be {NameOf(kind)}, but is {Shown()}");
    }

    private string NameOf(JsonProperty member)
    {
        try
        {
            return member.Name;
        }
        catch (InvalidOperationException)
        {
            throw Error("must be valid Unicode, but is not");
        }
    }

    private string Shown()
    {
        if (Value.ValueKind == JsonValueKind.Undefined)
            return "missing";
        if (Value.ValueKind != JsonValueKind.Number)
            return NameOf(Value.ValueKind);
        string text = Value.GetRawText();
        return text.Length <= 40 ? text : text[..40] + "...";
    }

    private static string NameOf(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a text",
        JsonValueKind.Number => "a number",
        JsonValueKind.Null => "null",
        _ => "true or false",
    };
}
