using System.Buffers.Binary;
using System.Globalization;
using System.Text.Json;
using Lemma.Language;
using Lemma.Server.Http;

namespace Lemma.Server.OpenAI;

/// <summary><c>/v1/embeddings</c>.</summary>
internal static class Embeddings
{
    /// <summary>The most texts of one request.</summary>
    public const int MostTexts = 2048;

    public static async Task Answer(Call call)
    {
        ServedEngine engine;
        int[][] ids;
        bool isBase64;
        int? dimensions;
        using (JsonDocument body = await call.ReadAsync().ConfigureAwait(false))
        {
            Fields fields = new(body.RootElement);
            engine = await call.EmbedderAsync(fields.NeededText("model")).ConfigureAwait(false);
            dimensions = fields.Whole("dimensions", 1, engine.Embedding!.Width);
            isBase64 = fields.Text("encoding_format") switch
            {
                null or "float" => false,
                "base64" => true,
                var other => throw new ApiException(400, $"'encoding_format' must be float or base64, but it is '{other}'.", "encoding_format", "invalid_value"),
            };
            fields.Accept("user");
            JsonElement input = fields.Any("input") ?? throw fields.Missing("input");
            fields.RefuseOthers();
            ids = Read(input, engine.Embedding);
        }
        call.Spent = () => ids.Sum(static one => (long)one.Length);
        float[][] vectors = await VectorsAsync(engine, ids, dimensions, call.Cancellation).ConfigureAwait(false);
        await call.WriteAsync(json =>
        {
            json.WriteStartObject();
            json.WriteString("object", "list");
            json.WriteStartArray("data");
            for (int i = 0; i < vectors.Length; i++)
            {
                json.WriteStartObject();
                json.WriteString("object", "embedding");
                json.WriteNumber("index", i);
                Write(json, vectors[i], isBase64);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteString("model", engine.Name);
            long tokens = ids.Sum(one => (long)one.Length);
            json.WriteStartObject("usage");
            json.WriteNumber("prompt_tokens", tokens);
            json.WriteNumber("total_tokens", tokens);
            json.WriteEndObject();
            json.WriteEndObject();
        }).ConfigureAwait(false);
    }

    /// <summary>Vectors of texts, cut to their first numbers where fewer are asked for; of length 1 where the whole ones are.</summary>
    public static async Task<float[][]> VectorsAsync(ServedEngine engine, int[][] ids, int? dimensions, CancellationToken cancellation)
    {
        await engine.Turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            return await Task.Run(() => engine.Embedding!.EmbedIds(ids, dimensions, cancellation: cancellation), cancellation).ConfigureAwait(false);
        }
        finally
        {
            engine.Turn.Release();
        }
    }

    private static int[][] Read(JsonElement input, EmbeddingModel model)
    {
        const string rule = "a string, an array of strings, an array of token ids, or an array of such arrays";
        if (input.ValueKind == JsonValueKind.String)
            return model.Encode([input.GetString()!]);
        if (input.ValueKind != JsonValueKind.Array || input.GetArrayLength() == 0)
            throw Fields.Wrong("input", rule, input);
        if (input[0].ValueKind == JsonValueKind.Number)
            return [Fields.Ids(input, "input")];
        if (input.GetArrayLength() > MostTexts)
            throw new ApiException(400, $"'input' has {input.GetArrayLength()} texts, but at most {MostTexts} may be sent together.", "input", "invalid_value");
        if (input.EnumerateArray().All(one => one.ValueKind == JsonValueKind.String))
            return model.Encode([.. input.EnumerateArray().Select(one => one.GetString()!)]);
        return [.. input.EnumerateArray().Select((one, i) => one.ValueKind == JsonValueKind.Array
            ? Fields.Ids(one, string.Create(CultureInfo.InvariantCulture, $"input[{i}]")) : throw Fields.Wrong("input", rule, one))];
    }

    private static void Write(Utf8JsonWriter json, float[] vector, bool isBase64)
    {
        if (isBase64)
        {
            byte[] bytes = new byte[vector.Length * sizeof(float)];
            for (int i = 0; i < vector.Length; i++)
                BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i * sizeof(float)), vector[i]);
            json.WriteBase64String("embedding", bytes);
            return;
        }
        json.WriteStartArray("embedding");
        foreach (float x in vector)
            json.WriteNumberValue(x);
        json.WriteEndArray();
    }
}
