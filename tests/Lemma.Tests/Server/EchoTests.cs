using System.Globalization;
using System.Text.Json;
using Lemma.Decoding;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Tests.Server;

/// <summary><c>/v1/completions</c> with the log-probabilities of the prompt, as lm-evaluation-harness asks for them and adds them up.</summary>
public class EchoTests
{
    private const string Path = "/v1/completions";

    [Fact]
    public async Task WhatLmEvaluationHarnessSendsHasTheModelsOwnLikelihoods()
    {
        await using TestServer server = await TestServer.StartAsync();
        int[][] prompts = [[260, 261, 260, 35, 260], [261, 260, 261, 261, 260, 260, 35], [261, 260, 261]];
        int[] contexts = [2, 3, 1];
        double[][] own = [.. prompts.Select(prompt => Own(server, prompt))];
        // The body of its local-completions for a loglikelihood; the second time everything was read before.
        string sent = $$"""{"model":"tiny","prompt":{{JsonSerializer.Serialize(prompts)}},"temperature":0,"max_tokens":1,"logprobs":1,"seed":1234,"echo":true}""";
        for (int round = 0; round < 2; round++)
        {
            (int status, JsonElement body, _) = await server.PostAsync(Path, sent);
            Assert.True(status == 200, body.ToString());
            JsonElement[] choices = [.. body.GetProperty("choices").EnumerateArray()];
            Assert.Equal([0, 1, 2], choices.Select(choice => choice.GetProperty("index").GetInt32()));
            for (int i = 0; i < prompts.Length; i++)
            {
                JsonElement logs = choices[i].GetProperty("logprobs");
                (double?[] each, JsonElement[] top) = Lists(logs, prompts[i].Length + 1);
                Assert.Equal([null, .. own[i]], each[..^1]);
                // parse_logprobs: what stands behind the context, without the token that was made; greedy where each is the likeliest.
                Assert.Equal(own[i][(contexts[i] - 1)..].Sum(), each[contexts[i]..^1].Sum());
                bool isGreedy = Enumerable.Range(contexts[i], prompts[i].Length - contexts[i]).All(at => each[at] == top[at].EnumerateObject().Max(one => one.Value.GetDouble()));
                Assert.Equal(Enumerable.Range(contexts[i], prompts[i].Length - contexts[i]).All(at => Likeliest(server, prompts[i][..at]) == prompts[i][at]), isGreedy);
            }
        }
    }

    [Fact]
    public async Task AnIdThatEndsTheTextIsTheLastToken()
    {
        await using TestServer server = await TestServer.StartAsync();
        int end = server.Model.Decoder.EndIds[0];
        (int status, JsonElement body, _) = await server.PostAsync(Path,
            $$$"""{"model":"tiny","prompt":[260,261,260],"max_tokens":1,"logprobs":1,"echo":true,"temperature":0,"logit_bias":{"{{{end}}}":100}}""");
        JsonElement choice = body.GetProperty("choices")[0];
        Assert.Equal((200, "stop", server.Model.Tokenizer.Decode([260, 261, 260])), (status, choice.GetProperty("finish_reason").GetString(), choice.GetProperty("text").GetString()));
        // Without it the last token of the prompt would be taken for the one that was made.
        (double?[] each, _) = Lists(choice.GetProperty("logprobs"), 4);
        Assert.Equal([null, .. Own(server, [260, 261, 260]), Own(server, [260, 261, 260, end])[^1]], each);
        Assert.Equal(server.Model.TextOf(end), choice.GetProperty("logprobs").GetProperty("tokens")[3].GetString());
        Assert.Equal(0, body.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
    }

    [Theory, InlineData(0, 1), InlineData(6, 1), InlineData(6, 3)]
    public async Task TheListsAreOfTheTextWholeAndStreamed(int most, int count)
    {
        await using TestServer server = await TestServer.StartAsync();
        string sent = string.Create(CultureInfo.InvariantCulture,
            $$"""{"model":"tiny","prompt":["ab b","b ab ab"],"max_tokens":{{most}},"n":{{count}},"logprobs":2,"seed":7,"echo":true,"ignore_eos":true,"logit_bias":{"260":100,"261":100}""");
        (int status, JsonElement body, _) = await server.PostAsync(Path, sent + "}");
        Assert.True(status == 200, body.ToString());
        JsonElement[] choices = [.. body.GetProperty("choices").EnumerateArray()];
        Assert.Equal(2 * count, choices.Length);
        List<string> lines = await server.LinesAsync(Path, sent + ",\"stream\":true}");
        JsonElement[] pieces = [.. lines[..^1].Select(line => JsonElement.Parse(line[6..]).GetProperty("choices")[0])];
        for (int i = 0; i < choices.Length; i++)
        {
            int[] prompt = server.Model.Prompt(i < count ? "ab b" : "b ab ab");
            string text = choices[i].GetProperty("text").GetString()!;
            Assert.StartsWith(i < count ? "ab b" : "b ab ab", text, StringComparison.Ordinal);
            JsonElement logs = choices[i].GetProperty("logprobs");
            (double?[] each, JsonElement[] top) = Lists(logs, prompt.Length + most);
            Assert.Equal([null, .. Own(server, prompt)], each[..prompt.Length]);
            Assert.All(each[prompt.Length..], one => Assert.NotNull(one));
            string[] tokens = [.. logs.GetProperty("tokens").EnumerateArray().Select(one => one.GetString()!)];
            int[] offsets = [.. logs.GetProperty("text_offset").EnumerateArray().Select(one => one.GetInt32())];
            for (int at = 0; at < tokens.Length; at++)
            {
                // A special token has no text, and what bytes make is certain with the token behind them.
                string own = text[offsets[at]..(at + 1 < tokens.Length ? offsets[at + 1] : text.Length)];
                bool isSpecial = at < prompt.Length && server.Model.Tokenizer.IsSpecial(prompt[at]);
                bool isByte = tokens[at].StartsWith("<0x", StringComparison.Ordinal), followsByte = at > 0 && tokens[at - 1].StartsWith("<0x", StringComparison.Ordinal);
                Assert.True(isByte || own == (isSpecial ? "" : tokens[at]) || (followsByte && own == " " + tokens[at]), $"'{own}' is not '{tokens[at]}'");
                Assert.True(at == 0 || top[at].EnumerateObject().Any(one => one.Name == tokens[at] && one.Value.GetDouble() == each[at]), "the token itself is missing");
                Assert.True(at == 0 || top[at].EnumerateObject().Count() is 2 or 3);
            }
            JsonElement[] own1 = [.. pieces.Where(piece => piece.GetProperty("index").GetInt32() == i)];
            Assert.Equal(text, string.Concat(own1.Select(piece => piece.GetProperty("text").GetString())));
            foreach (string list in (string[])["tokens", "token_logprobs", "top_logprobs", "text_offset"])
                Assert.Equal(logs.GetProperty(list).EnumerateArray().Select(one => one.ToString()), own1.SelectMany(piece => piece.GetProperty("logprobs").GetProperty(list).EnumerateArray()).Select(one => one.ToString()));
        }
    }

    private static (double?[] Each, JsonElement[] Top) Lists(JsonElement logs, int count)
    {
        foreach (string list in (string[])["tokens", "token_logprobs", "top_logprobs", "text_offset"])
            Assert.Equal(count, logs.GetProperty(list).GetArrayLength());
        return ([.. logs.GetProperty("token_logprobs").EnumerateArray().Select(one => one.ValueKind == JsonValueKind.Null ? (double?)null : one.GetDouble())],
            [.. logs.GetProperty("top_logprobs").EnumerateArray()]);
    }

    // ln p of all ids but the first, by one pass of the model.
    private static double[] Own(TestServer server, int[] ids)
    {
        using Tape tape = new(server.Model.Workers, server.Model.Decoder.Parameters) { Recording = false };
        Span<float> logits = tape[server.Model.Decoder.Logits(tape, new Rows(ids, new int[] { ids.Length }))];
        int width = server.Model.Decoder.VocabularySize;
        Candidates candidates = new(server.Model.Tokenizer.VocabularySize);
        double[] own = new double[ids.Length - 1];
        for (int i = 0; i < own.Length; i++)
        {
            candidates.Reset(logits.Slice(i * width, candidates.VocabularySize));
            own[i] = logits[i * width + ids[i + 1]] - (candidates.LargestLogit + candidates.LogTotal);
        }
        return own;
    }

    private static int Likeliest(TestServer server, int[] ids)
    {
        using Generator generator = server.Model.NewGenerator();
        generator.Start(ids, GenerationOptions.Greedy with { MaximumTokens = 1, StopIds = [] });
        Assert.True(generator.TryNext(out int next));
        return next;
    }
}
