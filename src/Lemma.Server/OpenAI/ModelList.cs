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
        foreach (ServedModel model in call.State.Pool.Models)
        {
            Write(json, call, model, model.Name);
            foreach (string adapter in model.Adapters.Keys.Order(StringComparer.Ordinal))
                Write(json, call, model, adapter);
        }
        json.WriteEndArray();
        json.WriteEndObject();
    });

    public static Task One(Call call)
    {
        string? name = call.Context.GetRouteValue("model") as string;
        ServedModel model = (name is null ? null : call.State.Pool.Known(name))
            ?? throw new ApiException(404, $"The model '{name}' does not exist.", "model", "model_not_found");
        return call.WriteAsync(json => Write(json, call, model, model.Adapters.ContainsKey(name!) ? name! : model.Name));
    }

    private static void Write(Utf8JsonWriter json, Call call, ServedModel model, string name)
    {
        json.WriteStartObject();
        json.WriteString("id", name);
        json.WriteString("object", "model");
        json.WriteNumber("created", call.State.Created.ToUnixTimeSeconds());
        json.WriteString("owned_by", "lemma");
        // vLLM's word for the model that an adapter changes.
        if (name != model.Name)
            json.WriteString("parent", model.Name);
        // Ollama's word for what a model does, beside OpenAI's fields.
        json.WriteStartArray("capabilities");
        json.WriteStringValue(model.IsEmbedding ? "embedding" : "completion");
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
