using System.Text.Json;
using Lemma.Text.Templates;

namespace Lemma.Tests.Text.Templates;

/// <summary>Templates in the files of models, and what their callers see.</summary>
public sealed class ChatTemplateTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void AFolderGivesTheTemplateAndItsTokens()
    {
        folder.Write("tokenizer_config.json",
            "{\"bos_token\": \"<s>\", \"eos_token\": {\"content\": \"</s>\", \"lstrip\": false}, \"pad_token\": null, "
            + "\"chat_template\": \"{{ bos_token }}{% for m in messages %}{{ m.role }}: {{ m.content }}\\n{% endfor %}{{ eos_token }}{{ pad_token }}\"}");
        ChatTemplate template = ChatTemplate.Load(Root);
        Assert.Equal("<s>user: Hi\n</s>", template.Render([new ChatMessage("user", "Hi")]));
        Assert.Equal("</s>", template.SpecialTokens["eos_token"]);
        Dictionary<string, JsonElement> more = new() { ["eos_token"] = JsonDocument.Parse("\"!\"").RootElement };
        Assert.Equal("<s>!", template.Render([], new ChatOptions { Variables = more }));
        Assert.Equal(template.Text, ChatTemplate.Load(folder["tokenizer_config.json"]).Text);
        folder.Write("chat_template.jinja", "own {{ bos_token }}\n");
        Assert.Equal("own <s>", ChatTemplate.Load(Root).Render([]));
        Assert.Equal("own <s>", ChatTemplate.Load(folder["chat_template.jinja"]).Render([]));
    }

    [Fact]
    public void TokensOfEveryFileAreSeen()
    {
        folder.Write("special_tokens_map.json", "\uFEFF{\"bos_token\": \"<map>\", \"eos_token\": {\"content\": \"</map>\"}, "
            + "\"additional_special_tokens\": [\"<x>\"]}");
        folder.Write("tokenizer_config.json", "{\"bos_token\": \"<s>\", \"extra_special_tokens\": {\"image_token\": \"<image>\", "
            + "\"audio\": {\"content\": \"<audio>\"}}, \"model_specific_special_tokens\": {\"boi_token\": \"<boi>\"}, "
            + "\"chat_template\": \"{{ bos_token }}{{ eos_token }}{{ image_token }}{{ audio }}{{ boi_token }}\"}");
        Assert.Equal("<s></map><image><audio><boi>", ChatTemplate.Load(Root).Render([]));
        folder.Write("tokenizer_config.json", "{\"extra_special_tokens\": [\"<x>\"], \"chat_template\": \"{{ bos_token }}\"}");
        Assert.Equal("<map>", ChatTemplate.Load(Root).Render([]));
    }

    [Fact]
    public void ToolsHaveATemplateOfTheirOwn()
    {
        folder.Write("tokenizer_config.json", "{\"chat_template\": [{\"name\": \"default\", \"template\": \"plain\"}, "
            + "{\"name\": \"tool_use\", \"template\": \"{{ tools|length }} tools\"}, {\"name\": \"rag\", \"template\": \"rag\"}]}");
        ChatTemplate template = ChatTemplate.Load(Root);
        Assert.Equal("plain", template.Render([]));
        Assert.Equal("2 tools", template.Render([], new ChatOptions { Tools = JsonDocument.Parse("[{}, {}]").RootElement }));
        Assert.Equal("rag", ChatTemplate.Load(Root, "rag").Render([]));
        Assert.Contains("there is no chat template 'none', only default, rag, tool_use",
            Assert.Throws<InvalidDataException>(() => ChatTemplate.Load(Root, "none")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{", "tokenizer_config.json: the file must be JSON, but line 1")]
    [InlineData("[]", "tokenizer_config.json: the whole must be an object, but is an array")]
    [InlineData("{}", "there must be a chat template, in chat_template.jinja or tokenizer_config.json, but there is none")]
    [InlineData("{\"chat_template\": 1}", "tokenizer_config.json: chat_template must be a text, but is 1")]
    [InlineData("{\"chat_template\": [{\"name\": \"a\"}]}", "tokenizer_config.json: chat_template[0].template must be a text, but is missing")]
    [InlineData("{\"bos_token\": {}, \"chat_template\": \"x\"}", "tokenizer_config.json: bos_token.content must be a text, but is missing")]
    public void ABrokenConfigurationIsOneSentence(string config, string says)
    {
        folder.Write("tokenizer_config.json", config);
        Assert.Contains(says, Assert.Throws<InvalidDataException>(() => ChatTemplate.Load(Root)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ATemplateSaysWhyItRefuses()
    {
        ChatTemplate template = ChatTemplate.Parse("{% if messages|length == 0 %}\n  {{ raise_exception('Nothing was said') }}\n{% endif %}");
        TemplateException error = Assert.Throws<TemplateException>(() => template.Render([]));
        Assert.Equal(("Nothing was said", 2, 6), (error.Refusal, error.Line, error.Column));
        Assert.Equal("template: line 2, column 6: Nothing was said", error.Message);
        Assert.Null(Assert.Throws<TemplateException>(() => ChatTemplate.Parse("{{ x.y }}").Render([])).Refusal);
        Assert.Throws<FileNotFoundException>(() => ChatTemplate.Load(folder["none.jinja"]));
    }

    [Fact]
    public void OneTemplateServesManyThreads()
    {
        ChatTemplate template = ChatTemplate.Parse("{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + m.content|int %}{% endfor %}{{ ns.n }}");
        Parallel.For(0, 200, i => Assert.Equal($"{i * 3}",
            template.Render(Enumerable.Range(0, 3).Select(_ => new ChatMessage("user", $"{i}")))));
    }

    private string Root => Path.GetDirectoryName(folder["x"])!;
}
