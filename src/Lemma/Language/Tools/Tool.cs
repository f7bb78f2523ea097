using System.Buffers;
using System.Text.Json;

namespace Lemma.Language.Tools;

/// <summary>A tool that a model may call.</summary>
/// <param name="Name">Its name: letters, digits, hyphens and underscores.</param>
/// <param name="Description">What it does; null for nothing said.</param>
/// <param name="Parameters">The JSON schema of its arguments, an object; undefined for any object.</param>
public sealed record Tool(string Name, string? Description, JsonElement Parameters)
{
    /// <summary>The tools as templates take them: a list of objects of the type function.</summary>
    /// <exception cref="ArgumentException">A name is empty, has other characters, or occurs twice.</exception>
    public static JsonElement ToJson(IReadOnlyList<Tool> tools)
    {
        ArgumentNullException.ThrowIfNull(tools);
        HashSet<string> names = new(StringComparer.Ordinal);
        ArrayBufferWriter<byte> bytes = new();
        using (Utf8JsonWriter json = new(bytes))
        {
            json.WriteStartArray();
            foreach (Tool tool in tools)
            {
                Require.That(tool.Name.Length > 0 && tool.Name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'),
                    $"tools: a name must be of letters, digits, hyphens and underscores, but it is '{tool.Name}'");
                Require.That(names.Add(tool.Name), $"tools: names must differ, but '{tool.Name}' occurs twice");
                json.WriteStartObject();
                json.WriteString("type", "function");
                json.WriteStartObject("function");
                json.WriteString("name", tool.Name);
                json.WriteString("description", tool.Description ?? "");
                json.WritePropertyName("parameters");
                if (tool.Parameters.ValueKind == JsonValueKind.Undefined)
                    json.WriteRawValue("""{"type":"object","properties":{}}""");
                else
                    tool.Parameters.WriteTo(json);
                json.WriteEndObject();
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        using JsonDocument document = JsonDocument.Parse(bytes.WrittenMemory);
        return document.RootElement.Clone();
    }
}

/// <summary>A call of a tool.</summary>
/// <param name="Id">Its id, nine letters and digits where the model gave none.</param>
/// <param name="Name">The tool.</param>
/// <param name="Arguments">The arguments, an object of JSON.</param>
public sealed record ToolCall(string Id, string Name, string Arguments);

/// <summary>Whether tools are called.</summary>
/// <param name="IsAllowed">Whether there may be calls.</param>
/// <param name="IsRequired">Whether there must be one.</param>
/// <param name="Name">The only tool that may be called; null for any.</param>
/// <param name="IsParallel">Whether there may be several.</param>
public sealed record ToolChoice(bool IsAllowed, bool IsRequired = false, string? Name = null, bool IsParallel = true)
{
    /// <summary>No calls.</summary>
    public static ToolChoice None { get; } = new(IsAllowed: false);

    /// <summary>Calls as the model likes.</summary>
    public static ToolChoice Auto { get; } = new(IsAllowed: true);

    /// <summary>At least one call.</summary>
    public static ToolChoice Required { get; } = new(IsAllowed: true, IsRequired: true);

    /// <summary>A call of one tool.</summary>
    public static ToolChoice Named(string name) => new(IsAllowed: true, IsRequired: true, name, IsParallel: false);
}
