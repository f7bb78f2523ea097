using System.Text.Json;
using Lemma.Text.Templates;

namespace Lemma.Data;

/// <summary>The fields of one object; a field that is null is not there. Errors name the object's place.</summary>
internal readonly struct ExampleFields(JsonElement json, string source)
{
    public string Source => source;

    /// <summary>The names of the fields that are there.</summary>
    public IEnumerable<string> Names => json.EnumerateObject().Where(one => one.Value.ValueKind != JsonValueKind.Null).Select(one => one.Name);

    public bool Has(string name) => Find(name) is not null;

    public InvalidDataException Error(string reason) => new($"{source}: {reason}");

    public string Text(string name) => Text(Need(name), name);

    public string? TextOrNull(string name) => Find(name) is { } value ? Text(value, name) : null;

    /// <summary>A text or a number, as it is written.</summary>
    public string TextOrNumber(string name) => Need(name) is { ValueKind: JsonValueKind.Number } number ? number.GetRawText() : Text(name);

    /// <summary>Whether a field is there and is a number.</summary>
    public bool IsNumber(string name) => Find(name) is { ValueKind: JsonValueKind.Number };

    /// <summary>A list of texts.</summary>
    public IReadOnlyList<string> Texts(string name)
    {
        if (Need(name) is not { ValueKind: JsonValueKind.Array } list)
            throw Error($"the field \"{name}\" must be a list of texts, but it is {Shown(Need(name))}");
        List<string> texts = [];
        foreach (JsonElement item in list.EnumerateArray())
            texts.Add(Text(item, name));
        return texts;
    }

    /// <summary>True, false, 1 or 0.</summary>
    public bool Flag(string name) => Need(name) switch
    {
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        { ValueKind: JsonValueKind.Number } number when number.TryGetInt32(out int value) && value is 0 or 1 => value == 1,
        _ => throw Error($"the field \"{name}\" must be true, false, 1 or 0, but it is {Shown(Need(name))}"),
    };

    /// <summary>A number from 0 to 1.</summary>
    public double Share(string name) => Need(name) is { ValueKind: JsonValueKind.Number } number && number.TryGetDouble(out double value) && value is >= 0 and <= 1
        ? value : throw Error($"the field \"{name}\" must be a number from 0 to 1, but it is {Shown(Need(name))}");

    /// <summary>A text, which somebody says; or a message, or a list of them.</summary>
    public List<ChatMessage> TurnsOf(string name, string role)
    {
        JsonElement value = Need(name);
        return value.ValueKind switch
        {
            JsonValueKind.String => [new ChatMessage(role, Text(value, name))],
            JsonValueKind.Object => [new MessageReader(source).Read(value, name)],
            JsonValueKind.Array => ListOf(value, name),
            _ => throw Error($"the field \"{name}\" must be a text or a list of messages, but it is {Shown(value)}"),
        };
    }

    /// <summary>A list of messages, after the system's one that stands in a field of its own.</summary>
    public List<ChatMessage> Conversation(string name)
    {
        if (Need(name) is not { ValueKind: JsonValueKind.Array } list)
            throw Error($"the field \"{name}\" must be a list of messages, but it is {Shown(Need(name))}");
        List<ChatMessage> turns = ListOf(list, name);
        if (TextOrNull(Turns.System) is { Length: > 0 } system && turns is not [{ Role: Turns.System }, ..])
            turns.Insert(0, new ChatMessage(Turns.System, system));
        return turns;
    }

    /// <summary>An instruction with its input, after the system's message and earlier pairs of turns.</summary>
    public List<ChatMessage> Instruction()
    {
        List<ChatMessage> turns = TextOrNull(Turns.System) is { Length: > 0 } system ? [new(Turns.System, system)] : [];
        if (Find("history") is { } history)
        {
            if (history.ValueKind != JsonValueKind.Array)
                throw Error($"the field \"history\" must be a list of pairs of texts, but it is {Shown(history)}");
            foreach (JsonElement pair in history.EnumerateArray())
            {
                if (pair.ValueKind != JsonValueKind.Array || pair.GetArrayLength() != 2)
                    throw Error($"the field \"history\" must be a list of pairs of texts, but it has {Shown(pair)}");
                turns.Add(new(Turns.User, Text(pair[0], "history")));
                turns.Add(new(Turns.Assistant, Text(pair[1], "history")));
            }
        }
        string input = TextOrNull("input") ?? "", instruction = Text("instruction");
        turns.Add(new(Turns.User, string.IsNullOrWhiteSpace(input) ? instruction : $"{instruction}\n\n{input}"));
        return turns;
    }

    /// <summary>The tools: a list, or a text that holds it.</summary>
    public JsonElement? Tools()
    {
        if (Find("tools") is not { } tools || (tools.ValueKind == JsonValueKind.String && string.IsNullOrWhiteSpace(tools.GetString())))
            return null;
        JsonElement list = tools.ValueKind == JsonValueKind.String ? ToolJson.Parse(Text(tools, "tools"), $"{source}: the field \"tools\"") : tools.Clone();
        if (list.ValueKind != JsonValueKind.Array)
            throw Error($"the field \"tools\" must be a list, but it is {Shown(list)}");
        return list.GetArrayLength() == 0 ? null : ToolJson.Functions(list);
    }

    public static string Shown(JsonElement value) => value.GetRawText() is { Length: > 60 } text ? $"{text.AsSpan(0, 60)}..." : value.GetRawText();

    private string Text(JsonElement value, string name) => value.ValueKind == JsonValueKind.String ? value.GetString()!
        : throw Error($"the field \"{name}\" must be a text, but it is {Shown(value)}");

    private List<ChatMessage> ListOf(JsonElement list, string name)
    {
        MessageReader reader = new(source);
        return [.. list.EnumerateArray().Select(item => reader.Read(item, name))];
    }

    private JsonElement Need(string name) => Find(name) ?? throw Error($"there is no field \"{name}\"");

    private JsonElement? Find(string name) => json.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
