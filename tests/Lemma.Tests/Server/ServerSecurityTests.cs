using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Lemma.Server.Http;
using Lemma.Tests.Language.Tools;
using Microsoft.AspNetCore.Http;

namespace Lemma.Tests.Server;

/// <summary>What a request cannot do: name a file, bring a template, take the server's time or memory by a schema, or learn a key.</summary>
public class ServerSecurityTests
{
    private const string Chat = "/v1/chat/completions";

    [Fact]
    public async Task NoFileIsNamedByARequest()
    {
        await using TestServer server = await TestServer.StartAsync();
        foreach (string name in (string[])["/etc/passwd", "../../../etc/passwd", "..", ".", "file:///etc/passwd", "tiny/../tiny", "tiny\\u0000", "TINY", "", "~", "%2e%2e%2f"])
        {
            foreach ((string path, string body) in (IEnumerable<(string, string)>)[(Chat, "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]"), ("/v1/completions", "\"prompt\":\"a\""), ("/v1/embeddings", "\"input\":\"a\""),
                ("/v1/rerank", "\"query\":\"a\",\"documents\":[\"a\"]"), ("/v1/responses", "\"input\":\"a\""), ("/v1/messages", "\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]"),
                ("/api/chat", "\"messages\":[]"), ("/api/generate", "\"prompt\":\"a\""), ("/api/embed", "\"input\":\"a\""), ("/api/show", "\"verbose\":true"), ("/tokenize", "\"content\":\"a\"")])
            {
                (int status, JsonElement reply, _) = await server.PostAsync(path, $"{{\"model\":\"{name}\",{body}}}");
                Assert.True(status == 404, $"{path} {name}: {status} {reply}");
            }
        }
        foreach (string path in (string[])["/v1/models/..%2f..%2fetc%2fpasswd", "/v1/models//etc/passwd", "/v1/responses/..%2f..%2fetc%2fpasswd"])
            Assert.Equal(404, (int)(await server.Http.GetAsync(path, TestContext.Current.CancellationToken)).StatusCode);
    }

    [Theory]
    [InlineData(Chat, "chat_template", "\"{{ messages }}\"")]
    [InlineData(Chat, "lora", "[{\"id\":0,\"scale\":1}]")]
    [InlineData(Chat, "adapter", "\"/etc/passwd\"")]
    [InlineData(Chat, "documents", "[\"/etc/passwd\"]")]
    [InlineData("/api/chat", "template", "\"{{ .Prompt }}\"")]
    [InlineData("/api/chat", "adapters", "{\"a\":\"/etc/passwd\"}")]
    public async Task NoTemplateOrAdapterIsBrought(string path, string field, string value)
    {
        await using TestServer server = await TestServer.StartAsync();
        (int status, JsonElement reply, _) = await server.PostAsync(path, $"{{\"model\":\"tiny\",\"messages\":[{{\"role\":\"user\",\"content\":\"a\"}}],\"{field}\":{value}}}");
        Assert.Equal(400, status);
        Assert.Contains(field, reply.GetProperty("error").ToString(), StringComparison.Ordinal);
    }

    /// <summary>Each is refused, or taken and cut off by its most tokens; all of them in little time and memory.</summary>
    [Fact]
    public async Task SchemasThatExplodeAreBounded()
    {
        await using TestServer server = await TestServer.StartAsync(2000, MadeTemplates.Tagged);
        StringBuilder doubling = new("{\"$ref\":\"#/$defs/d30\",\"$defs\":{\"d0\":{\"type\":\"integer\"}");
        for (int i = 1; i <= 30; i++)
            doubling.Append($",\"d{i}\":{{\"type\":\"object\",\"properties\":{{\"a\":{{\"$ref\":\"#/$defs/d{i - 1}\"}},\"b\":{{\"$ref\":\"#/$defs/d{i - 1}\"}}}},\"required\":[\"a\",\"b\"]}}");
        doubling.Append("}}");
        static string Pattern(string pattern) => $"{{\"type\":\"string\",\"pattern\":{JsonSerializer.Serialize(pattern)}}}";
        static string Deep(int depth) => depth == 0 ? "{\"type\":\"null\"}" : "{\"type\":\"array\",\"items\":" + Deep(depth - 1) + "}";
        string all = string.Join(',', Enumerable.Range(0, 3000).Select(i => $"\"property{i}\":{{\"type\":\"string\"}}"));
        string[] schemas =
        [
            doubling.ToString(), Pattern("^((a{1000}){1000}){1000}$"), Pattern("^(a|b|ab)*(a|b){1000}c$"), Pattern("^(a*)*b$"), Pattern("^(((((a?){30}){30}){30}){30}){30}$"),
            Pattern("^" + new string('(', 5000) + new string(')', 5000) + "$"), Pattern("^.{0,1000000000}$"), "{\"type\":\"string\",\"minLength\":2000000000}",
            "{\"type\":\"array\",\"items\":{\"type\":\"integer\"},\"minItems\":100000000,\"maxItems\":2000000000}", "{\"type\":\"integer\",\"minimum\":-1e300,\"maximum\":1e300}",
            "{\"type\":\"number\",\"multipleOf\":1e-300}", "{\"enum\":[" + string.Join(',', Enumerable.Range(0, 50_000)) + "]}", "{\"type\":\"object\",\"properties\":{" + all + "}}", Deep(25),
            "{\"$ref\":\"#\"}", "{\"anyOf\":[{\"$ref\":\"#\"},{\"$ref\":\"#\"}]}", "{\"allOf\":[{\"$ref\":\"#/allOf/1\"},{\"$ref\":\"#/allOf/0\"}]}",
            "{\"type\":\"object\",\"additionalProperties\":{\"$ref\":\"#\"},\"minProperties\":100000}",
        ];
        foreach (string schema in schemas)
        {
            long memory = GC.GetTotalMemory(forceFullCollection: true), began = Stopwatch.GetTimestamp();
            foreach (string body in (string[])
                [$"{{\"model\":\"tiny\",\"messages\":[{{\"role\":\"user\",\"content\":\"ab\"}}],\"max_tokens\":4,\"response_format\":{{\"type\":\"json_schema\",\"json_schema\":{{\"name\":\"x\",\"schema\":{schema}}}}}}}",
                $"{{\"model\":\"tiny\",\"messages\":[{{\"role\":\"user\",\"content\":\"ab\"}}],\"max_tokens\":4,\"tool_choice\":\"required\",\"tools\":[{{\"type\":\"function\",\"function\":{{\"name\":\"f\",\"parameters\":{{\"type\":\"object\",\"properties\":{{\"a\":{schema.Replace("\"#", "\"#/properties/a", StringComparison.Ordinal)}}}}}}}}}]}}"])
            {
                (int status, JsonElement reply, _) = await server.PostAsync(Chat, body);
                string told = $"{schema[..Math.Min(90, schema.Length)]}: {status} {(reply.TryGetProperty("error", out JsonElement error) ? error.GetProperty("message").GetString() : "taken")}";
                Assert.True(status is 200 or 400, told);
                TestContext.Current.TestOutputHelper?.WriteLine($"{Stopwatch.GetElapsedTime(began).TotalMilliseconds:0} ms {told[..Math.Min(300, told.Length)]}");
            }
            Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(20), schema[..Math.Min(90, schema.Length)]);
            Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - memory, long.MinValue, 400_000_000);
        }
        Assert.Equal(200, (await server.PostAsync(Chat, "{\"model\":\"tiny\",\"messages\":[{\"role\":\"user\",\"content\":\"ab\"}],\"max_tokens\":4}")).Status);
    }

    [Fact]
    public void KeysAreComparedWhole()
    {
        string[] keys = [.. Enumerable.Range(0, 50).Select(i => $"key-{i}")];
        ApiKeys known = new(keys);
        for (int i = 0; i < keys.Length; i++)
            Assert.Equal(i, known.Check(Request(keys[i])));
        foreach (string wrong in (string[])["key-", "key-00", "KEY-0", "key-0 key-1", "key-0\t.", "é", new string('a', 100_000)])
            Assert.Equal(401, Assert.Throws<ApiException>(() => known.Check(Request(wrong))).Status);
        Assert.Equal("missing_api_key", Assert.Throws<ApiException>(() => known.Check(Request(""))).Code);
        Assert.Equal(ApiKeys.Nobody, new ApiKeys([]).Check(Request("anything")));

        static HttpRequest Request(string key)
        {
            HttpRequest request = new DefaultHttpContext().Request;
            request.Headers.Authorization = "Bearer " + key;
            return request;
        }
    }
}
