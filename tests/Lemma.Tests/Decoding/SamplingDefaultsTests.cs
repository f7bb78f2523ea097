using System.Text.Json;
using Lemma.Checkpoints;
using Lemma.Decoding;
using Lemma.Extensions.AI;
using Lemma.Formats;
using Lemma.Language;
using Lemma.Language.Exports;
using Lemma.Language.Serving;
using Lemma.Models;
using Lemma.Tests.Language;
using Lemma.Tests.Server;
using Microsoft.Extensions.AI;

namespace Lemma.Tests.Decoding;

/// <summary>How a model's makers would have its texts drawn: read from its files, written again, and taken wherever nobody says otherwise.</summary>
public class SamplingDefaultsTests
{
    private const string Template = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant: ";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void WhatIsGivenGoesBefore()
    {
        SamplingDefaults own = new() { Temperature = 0.6, TopK = 20, TopP = 0.95, RepetitionPenalty = 1.1 };
        Assert.Equal([new RepetitionPenalty(1.1), new TopK(20), new TopP(0.95), new Temperature(0.6)], GenerationOptions.Sample(own: own).Steps!);
        Assert.Equal([new RepetitionPenalty(1.1), new TopK(5), new TopP(0.95), new MinP(0.1), new Temperature(2)],
            GenerationOptions.Sample(own: own, temperature: 2, topK: 5, minP: 0.1).Steps!);
        Assert.Equal([new RepetitionPenalty(1.1), new TopK(1)], GenerationOptions.Sample(own: own, temperature: 0).Steps!);
        // Mirostat keeps ids by itself.
        Assert.Equal([new RepetitionPenalty(1.1), new Temperature(0.6)], GenerationOptions.Sample(own: own, mirostat: new Mirostat2(5, 0.1)).Steps!.Take(2));
        Assert.Equal([], GenerationOptions.Sample().Steps!);
        Assert.Same(GenerationOptions.Greedy, GenerationOptions.Sample(own: new SamplingDefaults { Temperature = 0, TopK = 3 }));
    }

    [Theory]
    [InlineData("""{"do_sample": true, "temperature": 0.6, "top_k": 20, "top_p": 0.95, "min_p": 0.0, "max_length": 20}""", 0.6, 20, 0.95, null)]
    [InlineData("""{"do_sample": false, "temperature": 0.6}""", 0.0, null, null, null)]
    [InlineData("""{"temperature": 1, "top_k": 0, "top_p": 1.0, "repetition_penalty": 1.0}""", 1.0, null, null, null)]
    [InlineData("""{"top_k": -1, "repetition_penalty": 1.05, "temperature": null}""", null, null, null, 1.05)]
    [InlineData("""{"eos_token_id": 2}""", null, null, null, null)]
    public void AFolderSaysIt(string json, double? temperature, int? topK, double? topP, double? repetition)
    {
        using TemporaryFolder folder = new();
        string path = Folder(folder, json);
        using (Model model = ModelFolder.Read(path))
        {
            SamplingDefaults expected = new() { Temperature = temperature, TopK = topK, TopP = topP, RepetitionPenalty = repetition };
            Assert.Equal(expected, model.Sampling);
            ModelFolder.Write(folder["again"], model);
            using Model again = ModelFolder.Read(folder["again"]);
            Assert.Equal(expected, again.Sampling);
        }
        using LanguageModel one = LanguageModel.Load(path, threads: 1);
        GgufExport.Write(folder["one.gguf"], one.Model, one.Tokenizer, one.Template, GgufMix.Find("F32"), one.Workers);
        using Model gguf = ModelFolder.Read(folder["one.gguf"]);
        Assert.Equal((temperature is { } t ? (float)t : null, topK, topP is { } p ? (float)p : null, repetition is { } r ? (float)r : (float?)null),
            ((float?)gguf.Sampling.Temperature, gguf.Sampling.TopK, (float?)gguf.Sampling.TopP, (float?)gguf.Sampling.RepetitionPenalty));
    }

    [Theory]
    [InlineData("""{"temperature": -1}""", "\"temperature\" must be at least 0, but it is -1")]
    [InlineData("""{"top_p": 1.5}""", "\"top_p\" must be in [0, 1], but it is 1.5")]
    [InlineData("""{"top_k": -7}""", "\"top_k\"")]
    [InlineData("""{"top_k": 2.5}""", "\"top_k\"")]
    [InlineData("""{"min_p": "much"}""", "\"min_p\"")]
    [InlineData("""{"typical_p": 0}""", "\"typical_p\"")]
    [InlineData("""{"repetition_penalty": 0}""", "\"repetition_penalty\"")]
    [InlineData("""{"do_sample": "no"}""", "\"do_sample\"")]
    public void NumbersOutOfRangeAreRefused(string json, string said)
    {
        using TemporaryFolder folder = new();
        string path = Folder(folder, json);
        Assert.Contains(said, Assert.Throws<InvalidDataException>(() => ModelFolder.Read(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EveryWayToAskTakesThem()
    {
        using TemporaryFolder folder = new();
        string path = Folder(folder, """{"do_sample": false}""");
        await using TestServer server = await TestServer.StartAsync(configure: options => options.Models.Add(new Lemma.Server.ServedModel("sure", path)));
        using LanguageModel model = LanguageModel.Load(path, threads: 1);
        GenerationOptions likeliest = GenerationOptions.Greedy with { MaximumTokens = 12 };
        Assert.Equal(0, model.Model.Sampling.Temperature);
        Assert.Equal(string.Concat(model.Complete("user: ab", GenerationOptions.Greedy)), string.Concat(model.Complete("user: ab")));
        string text;
        using (Conversation conversation = model.NewConversation())
            text = string.Concat(conversation.Say("ab", likeliest));
        using (Conversation conversation = model.NewConversation())
        using (Conversation other = model.NewConversation())
            Assert.Equal(string.Concat(other.Say("ab", likeliest with { MaximumTokens = 1024 })), string.Concat(conversation.Say("ab")));

        using LanguageEngine engine = new(model);
        using LemmaChatClient client = new(engine, "sure");
        Assert.Equal(text, (await client.GetResponseAsync("ab", new ChatOptions { MaxOutputTokens = 12 }, Token)).Text);
        Assert.NotEqual(text, (await client.GetResponseAsync("ab", new ChatOptions { MaxOutputTokens = 12, Temperature = 2, Seed = 3 }, Token)).Text);

        const string Said = "\"model\": \"sure\", \"messages\": [{\"role\": \"user\", \"content\": \"ab\"}]";
        Assert.Equal(text, Content(await Reply("/v1/chat/completions", $$"""{{{Said}}, "max_tokens": 12}""")));
        Assert.NotEqual(text, Content(await Reply("/v1/chat/completions", $$"""{{{Said}}, "max_tokens": 12, "temperature": 2, "seed": 3}""")));
        Assert.Equal(text, (await Reply("/v1/messages", $$"""{{{Said}}, "max_tokens": 12}""")).GetProperty("content")[0].GetProperty("text").GetString());
        Assert.Equal(text, (await Reply("/api/chat", $$"""{{{Said}}, "options": {"num_predict": 12}, "stream": false}"""))
            .GetProperty("message").GetProperty("content").GetString());
        JsonElement response = await Reply("/v1/responses", """{"model": "sure", "input": "ab", "max_output_tokens": 12}""");
        Assert.Equal((0, 1), (response.GetProperty("temperature").GetDouble(), response.GetProperty("top_p").GetDouble()));

        async Task<JsonElement> Reply(string route, string json)
        {
            (int status, JsonElement body, _) = await server.PostAsync(route, json);
            Assert.True(status == 200, body.ToString());
            return body;
        }

        static string? Content(JsonElement reply) => reply.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString();
    }

    private static string Folder(TemporaryFolder folder, string generation)
    {
        using LanguageModel model = ChatModel.Load(folder, 400, Template);
        string path = folder["model"];
        AtomicFolder.Write(path, inside =>
        {
            ModelFolder.WriteInto(inside, model.Model);
            model.Tokenizer.Save(Path.Combine(inside, "tokenizer.json"));
            File.WriteAllText(Path.Combine(inside, "chat_template.jinja"), Template);
            File.WriteAllText(Path.Combine(inside, "generation_config.json"), generation);
        });
        return path;
    }
}
