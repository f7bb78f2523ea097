using System.Globalization;
using System.Text.Json;
using Lemma.Server.Http;
using Lemma.Server.OpenAI;

namespace Lemma.Server.Ollama;

/// <summary>The rest of Ollama's API: vectors, the models that are served, the version.</summary>
internal static class OllamaPages
{
    /// <summary>What OllamaSharp sends with every request.</summary>
    internal const string Stray = "CustomHeaders";

    private const int MostTexts = 2048;

    public static async Task Embed(Call call)
    {
        ServedEngine engine;
        string[] texts;
        int? dimensions;
        using (JsonDocument body = await call.ReadAsync().ConfigureAwait(false))
        {
            Fields fields = new(body.RootElement);
            engine = call.State.Embedder(fields.NeededText("model"));
            dimensions = fields.Whole("dimensions", 1, engine.Embedding!.Width);
            texts = [.. fields.Texts("input", MostTexts) ?? throw fields.Missing("input")];
            // A text that is too long is an error whatever is asked for, so nothing is cut in silence.
            fields.Accept("truncate", "keep_alive", "options", Stray);
            fields.RefuseOthers();
        }
        int[][] ids = engine.Embedding.Encode(texts);
        float[][] vectors = await Embeddings.VectorsAsync(engine, ids, dimensions, call.Cancellation).ConfigureAwait(false);
        await call.WriteAsync(json =>
        {
            json.WriteStartObject();
            json.WriteString("model", engine.Name);
            json.WriteStartArray("embeddings");
            foreach (float[] vector in vectors)
            {
                json.WriteStartArray();
                foreach (float x in vector)
                    json.WriteNumberValue(x);
                json.WriteEndArray();
            }
            json.WriteEndArray();
            json.WriteNumber("total_duration", OllamaTexts.Nanoseconds(TimeProvider.System.GetElapsedTime(call.Started)));
            json.WriteNumber("load_duration", 0);
            json.WriteNumber("prompt_eval_count", ids.Sum(one => (long)one.Length));
            json.WriteEndObject();
        }).ConfigureAwait(false);
    }

    public static Task Tags(Call call) => Models(call, isRunning: false);

    public static Task Running(Call call) => Models(call, isRunning: true);

    public static Task Version(Call call) => call.WriteAsync(json =>
    {
        json.WriteStartObject();
        json.WriteString("version", typeof(OllamaPages).Assembly.GetName().Version!.ToString(3));
        json.WriteEndObject();
    });

    public static async Task Show(Call call)
    {
        ServedEngine engine;
        using (JsonDocument body = await call.ReadAsync().ConfigureAwait(false))
        {
            Fields fields = new(body.RootElement);
            string name = fields.Text("model") ?? fields.Text("name") ?? throw fields.Missing("model");
            fields.Accept("name", "verbose", Stray);
            fields.RefuseOthers();
            engine = call.State.Engines.FirstOrDefault(one => one.Name == name || $"{one.Name}:latest" == name)
                ?? throw new ApiException(404, $"model '{name}' not found", "model", "model_not_found");
        }
        await call.WriteAsync(json =>
        {
            json.WriteStartObject();
            json.WriteString("modelfile", "");
            json.WriteString("parameters", "");
            json.WriteString("template", "");
            WriteDetails(json, engine);
            json.WriteStartObject("model_info");
            json.WriteString("general.architecture", Family(engine));
            if (engine.Writer is { } writer)
            {
                json.WriteNumber("general.parameter_count", writer.Model.Model.Parameters.Count);
                json.WriteNumber($"{Family(engine)}.context_length", writer.LongestText);
                json.WriteNumber($"{Family(engine)}.embedding_length", writer.Model.Decoder.Config.Width);
            }
            else
                json.WriteNumber($"{Family(engine)}.embedding_length", engine.Embedding!.Width);
            json.WriteEndObject();
            json.WriteStartArray("capabilities");
            json.WriteStringValue(engine.Writer is null ? "embedding" : "completion");
            json.WriteEndArray();
            json.WriteString("modified_at", engine.Created);
            json.WriteEndObject();
        }).ConfigureAwait(false);
    }

    private static Task Models(Call call, bool isRunning) => call.WriteAsync(json =>
    {
        json.WriteStartObject();
        json.WriteStartArray("models");
        foreach (ServedEngine engine in call.State.Engines)
        {
            json.WriteStartObject();
            json.WriteString("name", engine.Name);
            json.WriteString("model", engine.Name);
            json.WriteString("modified_at", engine.Created);
            json.WriteNumber("size", engine.FileBytes);
            json.WriteString("digest", "");
            WriteDetails(json, engine);
            if (isRunning)
            {
                json.WriteString("expires_at", DateTimeOffset.MaxValue);
                json.WriteNumber("size_vram", 0);
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    });

    private static void WriteDetails(Utf8JsonWriter json, ServedEngine engine)
    {
        json.WriteStartObject("details");
        json.WriteString("parent_model", "");
        json.WriteString("format", engine.Path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) ? "gguf" : "safetensors");
        json.WriteString("family", Family(engine));
        json.WriteStartArray("families");
        json.WriteStringValue(Family(engine));
        json.WriteEndArray();
        json.WriteString("parameter_size", engine.Writer is { } writer
            ? string.Create(CultureInfo.InvariantCulture, $"{writer.Model.Model.Parameters.Count / 1e6:0.#}M") : "");
        json.WriteString("quantization_level", "");
        json.WriteEndObject();
    }

    private static string Family(ServedEngine engine) => engine.Writer?.Model.Model.Origin ?? "lemma";
}
