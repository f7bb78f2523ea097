using System.Globalization;
using System.Text.Json;
using Lemma.Language.Serving;
using Lemma.Language.Tools;
using Lemma.Server.Http;

namespace Lemma.Server.Responses;

/// <summary>Tools, whether they are called, and the format of what is said, in the words of the Responses API.</summary>
internal static class ResponseTools
{
    private const int MostTools = 128;

    /// <summary>The answer with the tools and the format that are asked for.</summary>
    public static AnswerOptions Read(Fields fields, AnswerOptions answer)
    {
        List<Tool> tools = [];
        if (fields.Any("tools") is { } value)
        {
            if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > MostTools)
                throw Fields.Wrong(fields.Name("tools"), $"an array of at most {MostTools} tools", value);
            for (int i = 0; i < value.GetArrayLength(); i++)
                tools.Add(One(new Fields(value[i], string.Create(CultureInfo.InvariantCulture, $"{fields.Name("tools")}[{i}]."))));
        }
        answer = Choice(fields, answer with { Tools = tools });
        if (fields.Flag("parallel_tool_calls") == false)
            answer = answer with { Choice = answer.Choice with { IsParallel = false } };
        if (answer.Choice.IsRequired && answer.Tools.Count == 0)
            throw new ApiException(400, "'tool_choice' requires a call, but there are no tools.", "tool_choice", "invalid_value");
        return Format(fields, answer);
    }

    /// <summary>Writes the tools as they were understood.</summary>
    public static void Write(Utf8JsonWriter json, IReadOnlyList<Tool> tools)
    {
        json.WriteStartArray("tools");
        foreach (Tool tool in tools)
        {
            json.WriteStartObject();
            json.WriteString("type", "function");
            json.WriteString("name", tool.Name);
            json.WriteString("description", tool.Description);
            json.WritePropertyName("parameters");
            if (tool.Parameters.ValueKind == JsonValueKind.Undefined)
                json.WriteNullValue();
            else
                tool.Parameters.WriteTo(json);
            // Arguments are held to the schema, whether that was asked for or not.
            json.WriteBoolean("strict", true);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static Tool One(Fields tool)
    {
        RequireFunction(tool);
        string name = tool.NeededText("name");
        string? description = tool.Text("description");
        tool.Flag("strict");
        JsonElement parameters = tool.Any("parameters") is { } schema ? schema.Clone() : default;
        tool.RefuseOthers();
        return new Tool(name, description, parameters);
    }

    private static AnswerOptions Choice(Fields fields, AnswerOptions answer)
    {
        if (fields.Any("tool_choice") is not { } value)
            return answer;
        if (value.ValueKind == JsonValueKind.String)
        {
            return answer with
            {
                Choice = value.GetString() switch
                {
                    "auto" => ToolChoice.Auto,
                    "none" => ToolChoice.None,
                    "required" => ToolChoice.Required,
                    _ => throw Fields.Wrong(fields.Name("tool_choice"), "auto, none, required, a function or allowed_tools", value),
                },
            };
        }
        Fields choice = new(value, fields.Name("tool_choice") + ".");
        if (choice.Text("type") == "allowed_tools")
            return Allowed(choice, answer);
        RequireFunction(choice);
        string name = choice.NeededText("name");
        choice.RefuseOthers();
        return answer with { Choice = ToolChoice.Named(name) };
    }

    // The model is told of those that it may call.
    private static AnswerOptions Allowed(Fields choice, AnswerOptions answer)
    {
        bool isRequired = choice.NeededText("mode") switch
        {
            "auto" => false,
            "required" => true,
            var other => throw new ApiException(400, $"'{choice.Name("mode")}' must be auto or required, but it is '{other}'.", choice.Name("mode"),
                "invalid_value"),
        };
        JsonElement list = choice.Any("tools") ?? throw choice.Missing("tools");
        if (list.ValueKind != JsonValueKind.Array)
            throw Fields.Wrong(choice.Name("tools"), "an array of functions", list);
        HashSet<string> names = new(StringComparer.Ordinal);
        for (int i = 0; i < list.GetArrayLength(); i++)
        {
            Fields one = new(list[i], string.Create(CultureInfo.InvariantCulture, $"{choice.Name("tools")}[{i}]."));
            RequireFunction(one);
            names.Add(one.NeededText("name"));
            one.RefuseOthers();
        }
        choice.RefuseOthers();
        return answer with { Tools = [.. answer.Tools.Where(tool => names.Contains(tool.Name))], Choice = isRequired ? ToolChoice.Required : ToolChoice.Auto };
    }

    private static AnswerOptions Format(Fields fields, AnswerOptions answer)
    {
        if (fields.Any("text") is not { } value)
            return answer;
        Fields text = new(value, fields.Name("text") + ".");
        text.Refuse("verbosity", "it cannot be chosen", "medium");
        if (text.Any("format") is { } one)
        {
            Fields format = new(one, text.Name("format") + ".");
            string type = format.NeededText("type");
            if (type == "json_object")
                answer = answer with { IsJsonObject = true };
            else if (type == "json_schema")
            {
                format.NeededText("name");
                format.Text("description");
                format.Flag("strict");
                answer = answer with { Schema = (format.Any("schema") ?? throw format.Missing("schema")).Clone() };
            }
            else if (type != "text")
            {
                throw new ApiException(400, $"'{format.Name("type")}' must be text, json_object or json_schema, but it is '{type}'.", format.Name("type"),
                    "invalid_value");
            }
            format.RefuseOthers();
        }
        text.RefuseOthers();
        return answer;
    }

    private static void RequireFunction(Fields fields)
    {
        string type = fields.NeededText("type");
        if (type != "function")
            throw new ApiException(400, $"'{fields.Name("type")}' must be function, but it is '{type}'.", fields.Name("type"), "unsupported_parameter");
    }
}
