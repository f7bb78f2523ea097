using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Lemma.Decoding;
using Lemma.Language.Serving;
using Lemma.Server;
using Lemma.Tests.Language;
using Lemma.Weights;

namespace Lemma.Tests.Server;

/// <summary>Adapters by name: requests for each share the model, and each has its own text.</summary>
public sealed class ServerAdapterTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task RequestsForAnAdapterHaveItsText()
    {
        string tuned = ChatModel.WriteAdapter(folder, ChatModel.Write(folder, 400));
        await using TestServer server = await TestServer.StartAsync(configure: options =>
            options.Models[0] = options.Models[0] with { Adapters = new Dictionary<string, string> { ["tuned"] = tuned } });
        int[] prompt;
        GenerationOptions greedy = GenerationOptions.Greedy with { MaximumTokens = 12 };
        string own, expected;
        using (LanguageEngine engine = new(server.Model))
        using (Adapter adapter = engine.ReadAdapter(tuned))
        {
            prompt = engine.Prompt([new("user", "ab")]);
            own = server.Alone(prompt, greedy);
            adapter.Apply();
            expected = server.Alone(prompt, greedy);
        }
        Assert.NotEqual(own, expected);
        (string Model, string Text)[] answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => Complete(i % 2 == 0 ? "tuned" : "tiny")));
        for (int i = 0; i < answers.Length; i++)
            Assert.Equal(i % 2 == 0 ? ("tuned", expected) : ("tiny", own), answers[i]);

        JsonElement list = await server.Http.GetFromJsonAsync<JsonElement>("/v1/models", Token);
        Assert.Equal(["tiny", "tuned", "vectors"], list.GetProperty("data").EnumerateArray().Select(one => one.GetProperty("id").GetString()));
        JsonElement one = await server.Http.GetFromJsonAsync<JsonElement>("/v1/models/tuned", Token);
        Assert.Equal(("tuned", "tiny"), (one.GetProperty("id").GetString(), one.GetProperty("parent").GetString()));
        JsonElement chat = await Post("/v1/chat/completions", """{"model":"tuned","messages":[{"role":"user","content":"ab"}],"max_completion_tokens":3}""");
        Assert.Equal("tuned", chat.GetProperty("model").GetString());
        using HttpResponseMessage unknown = await server.Http.PostAsync("/v1/completions", Json("""{"model":"other","prompt":"a"}"""), Token);
        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);

        async Task<(string, string)> Complete(string model)
        {
            JsonElement reply = await Post("/v1/completions", $$"""{"model":"{{model}}","prompt":[{{string.Join(',', prompt)}}],"max_tokens":12,"temperature":0}""");
            return (reply.GetProperty("model").GetString()!, reply.GetProperty("choices")[0].GetProperty("text").GetString()!);
        }

        async Task<JsonElement> Post(string path, string body)
        {
            using HttpResponseMessage reply = await server.Http.PostAsync(path, Json(body), Token);
            string text = await reply.Content.ReadAsStringAsync(Token);
            Assert.True(reply.IsSuccessStatusCode, text);
            return JsonElement.Parse(text);
        }
    }

    [Fact]
    public void AnAdapterThatCannotBeServedIsRefusedAtTheStart()
    {
        string path = ChatModel.Write(folder, 64), tuned = ChatModel.WriteAdapter(folder, path);
        Dictionary<string, string> named = new() { ["tuned"] = tuned };
        Assert.Contains("makes vectors", Refused(new ServedModel("vectors", path) { IsEmbedding = true, Adapters = named }), StringComparison.Ordinal);
        Assert.Contains("2 are called 'tuned'", Refused(new ServedModel("tuned", path) { Adapters = named }), StringComparison.Ordinal);

        static string Refused(ServedModel model)
        {
            LemmaServerOptions options = new();
            options.Models.Add(model);
            return Assert.Throws<ArgumentException>(() => new ServerState(options).Dispose()).Message;
        }
    }

    private static StringContent Json(string body) => new(body, System.Text.Encoding.UTF8, "application/json");
}
