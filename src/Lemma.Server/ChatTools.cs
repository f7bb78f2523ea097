using System.Globalization;
using System.Text.Json;
using Lemma.Language.Serving;
using Lemma.Language.Tools;
using Lemma.Server.Http;

namespace Lemma.Server;

/// <summary>Tools of a request, whether they are called, and the format of what is said, in OpenAI's words.</summary>
internal static class ChatTools
{
    private const int MostTools = 128;

    /// <summary>The tools; none where there are none.</summary>
    public static IReadOnlyList<Tool> Read(Fields fields)
    {
        if (fields.Any("tools") is not { } value)
            return [];
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > MostTools)
            throw Fields.Wrong(fields.Name("tools"), $"an array of at most {MostTools} tools", value);
        return [.. value.EnumerateArray().Select((tool, i) => One(new Fields(tool, string.Create(CultureInfo.InvariantCulture, $"{fields.Name("tools")}[{i}]."))))];
    }

    /// <summary>Whether they are called.</summary>
    public static ToolChoice Choice(Fields fields)
    {
        ToolChoice choice = fields.Any("tool_choice") switch
        {
            null => ToolChoice.Auto,
            { ValueKind: JsonValueKind.String } word => word.GetString() switch
            {
                "auto" => ToolChoice.Auto,
                "none" => ToolChoice.None,
                "required" => ToolChoice.Required,
                _ => throw Fields.Wrong(fields.Name("tool_choice"), "auto, none, required or a function", word),
            },
            { } value => Named(new Fields(value, fields.Name("tool_choice") + ".")),
        };
        return fields.Flag("parallel_tool_calls") == false ? choice with { IsParallel = false } : choice;
    }

    /// <summary>The answer held to the format that is asked for.</summary>
    public static AnswerOptions Format(Fields fields, AnswerOptions answer)
    {
        if (fields.Any("response_format") is not { } value)
            return answer;
        Fields format = new(value, fields.Name("response_format") + ".");
        string type = format.NeededText("type");
        if (type == "json_schema")
            answer = answer with { Schema = Schema(new Fields(format.Any("json_schema") ?? throw format.Missing("json_schema"), format.Name("json_schema") + ".")) };
        else if (type == "json_object")
            answer = answer with { IsJsonObject = true };
        else if (type != "text")
            throw new ApiException(400, $"'{format.Name("type")}' must be text, json_object or json_schema, but it is '{type}'.", format.Name("type"),
                "invalid_value");
        format.RefuseOthers();
        return answer;
    }

    private static JsonElement Schema(Fields schema)
    {
        schema.NeededText("name");
        schema.Text("description");
        schema.Flag("strict");
        JsonElement value = schema.Any("schema") ?? throw schema.Missing("schema");
        schema.RefuseOthers();
        return value.Clone();
    }

    private static ToolChoice Named(Fields choice)
    {
        RequireFunction(choice);
        Fields function = new(choice.Any("function") ?? throw choice.Missing("function"), choice.Name("function") + ".");
        string name = function.NeededText("name");
        function.RefuseOthers();
        choice.RefuseOthers();
        return ToolChoice.Named(name);
    }

    private static Tool One(Fields tool)
    {
        RequireFunction(tool);
        Fields function = new(tool.Any("function") ?? throw tool.Missing("function"), tool.Name("function") + ".");
        string name = function.NeededText("name");
        string? description = function.Text("description");
        function.Flag("strict");
        JsonElement parameters = function.Any("parameters") is { } schema ? schema.Clone() : default;
        function.RefuseOthers();
        tool.RefuseOthers();
        return new Tool(name, description, parameters);
    }

    private static void RequireFunction(Fields fields)
    {
        string type = fields.NeededText("type");
        if (type != "function")
            throw new ApiException(400, $"'{fields.Name("type")}' must be function, but it is '{type}'.", fields.Name("type"), "unsupported_parameter");
    }
}
