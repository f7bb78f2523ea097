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
            engine = await call.EmbedderAsync(fields.NeededText("model")).ConfigureAwait(false);
            dimensions = fields.Whole("dimensions", 1, engine.Embedding!.Width);
            texts = [.. fields.Texts("input", MostTexts) ?? throw fields.Missing("input")];
            // A text that is too long is an error whatever is asked for, so nothing is cut in silence.
            fields.Accept("truncate", "keep_alive", "options", Stray);
            fields.RefuseOthers();
        }
        int[][] ids = engine.Embedding.Encode(texts);
        call.Spent = () => ids.Sum(static one => (long)one.Length);
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
        ModelCard card;
        using (JsonDocument body = await call.ReadAsync().ConfigureAwait(false))
        {
            Fields fields = new(body.RootElement);
            string name = fields.Text("model") ?? fields.Text("name") ?? throw fields.Missing("model");
            fields.Accept("name", "verbose", Stray);
            fields.RefuseOthers();
            ServedModel model = call.State.Pool.Known(name) ?? throw new ApiException(404, $"model '{name}' not found", "model", "model_not_found");
            engine = await call.TakeAsync(model).ConfigureAwait(false);
            card = call.State.Cards.Of(model);
        }
        await call.WriteAsync(json =>
        {
            json.WriteStartObject();
            json.WriteString("modelfile", "");
            json.WriteString("parameters", "");
            json.WriteString("template", "");
            WriteDetails(json, card);
            json.WriteStartObject("model_info");
            json.WriteString("general.architecture", card.Summary.Family);
            if (engine.Writer is { } writer)
            {
                json.WriteNumber("general.parameter_count", writer.Model.Model.Parameters.Count);
                json.WriteNumber($"{card.Summary.Family}.context_length", writer.LongestText);
                json.WriteNumber($"{card.Summary.Family}.embedding_length", writer.Model.Decoder.Config.Width);
            }
            else
                json.WriteNumber($"{card.Summary.Family}.embedding_length", engine.Embedding!.Width);
            json.WriteEndObject();
            json.WriteStartArray("capabilities");
            json.WriteStringValue(engine.Writer is null ? "embedding" : "completion");
            json.WriteEndArray();
            json.WriteString("modified_at", call.State.Created);
            json.WriteEndObject();
        }).ConfigureAwait(false);
    }

    private static Task Models(Call call, bool isRunning) => call.WriteAsync(json =>
    {
        IReadOnlyList<ServedEngine> loaded = call.State.Pool.Loaded;
        json.WriteStartObject();
        json.WriteStartArray("models");
        foreach (ServedModel model in call.State.Pool.Models)
        {
            if (isRunning && !loaded.Any(one => one.Name == model.Name))
                continue;
            ModelCard card = call.State.Cards.Of(model);
            json.WriteStartObject();
            json.WriteString("name", model.Name);
            json.WriteString("model", model.Name);
            json.WriteString("modified_at", call.State.Created);
            json.WriteNumber("size", model.FileBytes);
            json.WriteString("digest", card.Digest);
            WriteDetails(json, card);
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

    private static void WriteDetails(Utf8JsonWriter json, ModelCard card)
    {
        json.WriteStartObject("details");
        json.WriteString("parent_model", "");
        json.WriteString("format", card.Format);
        json.WriteString("family", card.Summary.Family);
        json.WriteStartArray("families");
        json.WriteStringValue(card.Summary.Family);
        json.WriteEndArray();
        json.WriteString("parameter_size", ModelCard.SizeOf(card.Summary.Parameters));
        json.WriteString("quantization_level", card.Summary.Quantization);
        json.WriteEndObject();
    }
}
