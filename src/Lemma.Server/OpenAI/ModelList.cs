using System.Text.Json;
using Lemma.Server.Http;
using Microsoft.AspNetCore.Routing;

namespace Lemma.Server.OpenAI;

/// <summary><c>/v1/models</c>.</summary>
internal static class ModelList
{
    public static Task List(Call call) => call.WriteAsync(json =>
    {
        json.WriteStartObject();
        json.WriteString("object", "list");
        json.WriteStartArray("data");
        foreach (ServedEngine engine in call.State.Engines)
            Write(json, engine);
        json.WriteEndArray();
        json.WriteEndObject();
    });

    public static Task One(Call call)
    {
        string? name = call.Context.GetRouteValue("model") as string;
        ServedEngine engine = call.State.Engines.FirstOrDefault(engine => engine.Name == name)
            ?? throw new ApiException(404, $"The model '{name}' does not exist.", "model", "model_not_found");
        return call.WriteAsync(json => Write(json, engine));
    }

    private static void Write(Utf8JsonWriter json, ServedEngine engine)
    {
        json.WriteStartObject();
        json.WriteString("id", engine.Name);
        json.WriteString("object", "model");
        json.WriteNumber("created", engine.Created.ToUnixTimeSeconds());
        json.WriteString("owned_by", "lemma");
        json.WriteEndObject();
    }
}
