using System.Text.Json;
using System.Text.RegularExpressions;
using Lemma.Server.Http;

namespace Lemma.Server;

/// <summary><c>/openapi/v1.json</c>: every endpoint as OpenAPI 3.1 has it, with the fields that a body must have; docs/serving.md says the others.</summary>
internal static partial class ServerDocument
{
    public static Task Write(Call call) => call.WriteAsync(json =>
    {
        json.WriteStartObject();
        json.WriteString("openapi", "3.1.0");
        json.WriteStartObject("info");
        json.WriteString("title", "Lemma");
        json.WriteString("version", typeof(ServerDocument).Assembly.GetName().Version!.ToString(3));
        json.WriteEndObject();
        json.WriteStartObject("paths");
        foreach (IGrouping<string, ServerRoute> path in Routes.All.GroupBy(static route => route.PlainPath))
        {
            json.WriteStartObject(path.Key);
            foreach (ServerRoute route in path)
                WriteRoute(json, route);
            json.WriteEndObject();
        }
        json.WriteEndObject();
        json.WritePropertyName("components");
        json.WriteRawValue("""{"securitySchemes":{"key":{"type":"http","scheme":"bearer"}}}""");
        json.WriteEndObject();
    });

    private static void WriteRoute(Utf8JsonWriter json, ServerRoute route)
    {
        json.WriteStartObject(route.Method switch
        {
            "GET" => "get",
            "POST" => "post",
            _ => "delete",
        });
        json.WriteString("operationId", $"{route.Method} {route.PlainPath}");
        json.WriteString("summary", route.Summary);
        json.WritePropertyName("security");
        json.WriteRawValue(route.IsOpen ? "[]" : """[{"key":[]}]""");
        json.WriteStartArray("parameters");
        foreach (Match parameter in Parameter().Matches(route.PlainPath))
        {
            json.WriteStartObject();
            json.WriteString("name", parameter.Groups[1].Value);
            json.WriteString("in", "path");
            json.WriteBoolean("required", true);
            json.WritePropertyName("schema");
            json.WriteRawValue("""{"type":"string"}""");
            json.WriteEndObject();
        }
        json.WriteEndArray();
        if (route.Method == "POST")
            WriteBody(json, route);
        json.WritePropertyName("responses");
        json.WriteStartObject();
        json.WritePropertyName(route.IsSocket ? "101" : "200");
        json.WriteRawValue(route.IsSocket ? """{"description":"The connection; docs/serving.md says its messages."}""" : """{"description":"The answer."}""");
        json.WritePropertyName("default");
        json.WriteRawValue("""{"description":"An error, in the words of the API."}""");
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteBody(Utf8JsonWriter json, ServerRoute route)
    {
        json.WriteStartObject("requestBody");
        json.WriteBoolean("required", true);
        json.WriteStartObject("content");
        json.WriteStartObject("application/json");
        json.WriteStartObject("schema");
        json.WriteString("type", "object");
        json.WriteStartArray("required");
        foreach (string field in route.Needed)
            json.WriteStringValue(field);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    [GeneratedRegex(@"\{(\w+)\}", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Parameter();
}
