using System.Globalization;
using System.Text.Json;
using Lemma.Language;
using Lemma.Server.Http;

namespace Lemma.Server.OpenAI;

/// <summary><c>/v1/rerank</c>, in the form of Jina's and Cohere's APIs: texts by the cosine of their vectors with that of a query.</summary>
internal static class Rerank
{
    public static async Task Answer(Call call)
    {
        ServedEngine engine;
        string[] texts;
        int first;
        bool returns;
        using (JsonDocument body = await call.ReadAsync().ConfigureAwait(false))
        {
            Fields fields = new(body.RootElement);
            engine = await call.EmbedderAsync(fields.NeededText("model")).ConfigureAwait(false);
            texts = [fields.NeededText("query"), .. Documents(fields)];
            first = fields.Whole("top_n", 1) ?? texts.Length;
            returns = fields.Flag("return_documents") ?? false;
            fields.RefuseOthers();
        }
        int[][] ids = engine.Embedding!.Encode(texts);
        long tokens = ids.Sum(static one => (long)one.Length);
        call.Spent = () => tokens;
        float[][] vectors = await Embeddings.VectorsAsync(engine, ids, null, call.Cancellation).ConfigureAwait(false);
        // Equal ones stay in the order that they came in.
        (int Index, double Score)[] ranked = [.. Enumerable.Range(0, texts.Length - 1)
            .Select(i => (Index: i, Score: EmbeddingModel.Similarity(vectors[0], vectors[i + 1]))).OrderByDescending(static one => one.Score).Take(first)];
        await call.WriteAsync(json =>
        {
            json.WriteStartObject();
            json.WriteString("model", engine.Name);
            json.WriteStartArray("results");
            foreach ((int index, double score) in ranked)
            {
                json.WriteStartObject();
                json.WriteNumber("index", index);
                json.WriteNumber("relevance_score", TokenJson.Finite(score));
                if (returns)
                {
                    json.WriteStartObject("document");
                    json.WriteString("text", texts[index + 1]);
                    json.WriteEndObject();
                }
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteStartObject("usage");
            json.WriteNumber("prompt_tokens", tokens);
            json.WriteNumber("total_tokens", tokens);
            json.WriteEndObject();
            json.WriteEndObject();
        }).ConfigureAwait(false);
    }

    // A text, or an object that has one.
    private static IEnumerable<string> Documents(Fields fields)
    {
        JsonElement documents = fields.Any("documents") ?? throw fields.Missing("documents");
        if (documents.ValueKind != JsonValueKind.Array || documents.GetArrayLength() is 0 or > Embeddings.MostTexts)
            throw Fields.Wrong("documents", $"an array of 1 to {Embeddings.MostTexts} texts", documents);
        for (int i = 0; i < documents.GetArrayLength(); i++)
        {
            if (documents[i].ValueKind == JsonValueKind.String)
            {
                yield return documents[i].GetString()!;
                continue;
            }
            Fields one = new(documents[i], string.Create(CultureInfo.InvariantCulture, $"documents[{i}]."));
            yield return one.NeededText("text");
            one.RefuseOthers();
        }
    }
}
