using System.Globalization;
using System.Text.Json;
using Lemma.Language.Serving;
using Lemma.Language.Tools;
using Lemma.Server.Http;

namespace Lemma.Server.Anthropic;

/// <summary>Tools of a request, and whether they are called, in Anthropic's words.</summary>
internal static class AnthropicTools
{
    private const int MostTools = 128;
    private static readonly string[] Efforts = ["low", "medium", "high", "xhigh", "max"];

    /// <summary>The tools; none where there are none.</summary>
    public static IReadOnlyList<Tool> Read(Fields fields)
    {
        if (fields.Any("tools") is not { } value)
            return [];
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > MostTools)
            throw Fields.Wrong(fields.Name("tools"), $"an array of at most {MostTools} tools", value);
        return [.. value.EnumerateArray().Select((tool, i) => One(new Fields(tool, string.Create(CultureInfo.InvariantCulture, $"tools[{i}]."))))];
    }

    /// <summary>Whether they are called.</summary>
    public static ToolChoice Choice(Fields fields)
    {
        if (fields.Any("tool_choice") is not { } value)
            return ToolChoice.Auto;
        Fields own = new(value, "tool_choice.");
        string type = own.NeededText("type");
        ToolChoice choice = type switch
        {
            "auto" => ToolChoice.Auto,
            "none" => ToolChoice.None,
            "any" => ToolChoice.Required,
            "tool" => ToolChoice.Named(own.NeededText("name")),
            _ => throw new ApiException(400, $"'tool_choice.type' must be auto, any, tool or none, but it is '{type}'.", "tool_choice.type", "invalid_value"),
        };
        bool isOne = own.Flag("disable_parallel_tool_use") == true;
        own.RefuseOthers();
        return isOne ? choice with { IsParallel = false } : choice;
    }

    /// <summary>The answer with the effort and held to the schema that are asked for.</summary>
    public static AnswerOptions Configured(Fields fields, AnswerOptions answer, ServedEngine engine)
    {
        if (fields.Any("output_config") is not { } value)
            return answer;
        Fields config = new(value, "output_config.");
        if (ChatMessages.Effort(config, "effort", Efforts, engine) is { } effort)
            answer = answer with { Variables = new Dictionary<string, JsonElement> { [effort.Key] = effort.Value } };
        if (config.Any("format") is { } one)
        {
            Fields format = new(one, "output_config.format.");
            string type = format.NeededText("type");
            if (type != "json_schema")
                throw new ApiException(400, $"'output_config.format.type' must be json_schema, but it is '{type}'.", "output_config.format.type", "invalid_value");
            answer = answer with { Schema = (format.Any("schema") ?? throw format.Missing("schema")).Clone() };
            format.RefuseOthers();
        }
        config.RefuseOthers();
        return answer;
    }

    private static Tool One(Fields tool)
    {
        if (tool.Text("type") is { } type && type != "custom")
        {
            throw new ApiException(400, $"'{tool.Name("type")}' must be custom, but it is '{type}': tools that a server runs are not there.", tool.Name("type"),
                "unsupported_parameter");
        }
        string name = tool.NeededText("name");
        string? description = tool.Text("description");
        JsonElement schema = (tool.Any("input_schema") ?? throw tool.Missing("input_schema")).Clone();
        tool.Accept("cache_control", "strict");
        tool.RefuseOthers();
        return new Tool(name, description, schema);
    }
}
