using System.Text.Json;
using static Lemma.Tests.Cli.InProcess;

namespace Lemma.Tests.Cli;

/// <summary>What a text must match, in generate, chat and bench.</summary>
[Collection("console")]
public sealed class ConstraintCommandTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void TextsMatchWhatTheyMust()
    {
        string model = WriteModel(folder, "model");
        string Text(string options) => Good($"generate {model} --prompt It --tokens 400 --temperature 1.5 {options}")[2..].TrimEnd('\n');
        Assert.Matches("^(yes|no|né)$", Text("--choices yes,no,né"));
        Assert.Matches("^[0-9]{4}-[a-c]{2}$", Text("--regex [0-9]{4}-[a-c]{2}"));
        string schema = folder.Write("schema.json", """{"type":"object","properties":{"a":{"type":"integer","maximum":99,"minimum":1},"b":{"enum":["x","y"]}},"required":["a","b"]}""");
        JsonElement made = JsonDocument.Parse(Text($"--schema {schema}")).RootElement;
        Assert.InRange(made.GetProperty("a").GetInt32(), 1, 99);
        Assert.Contains(made.GetProperty("b").GetString(), (string[])["x", "y"]);
        string grammar = folder.Write("list.gbnf", "root ::= (\"- \" [a-z]{2} \"\\n\"){2}");
        Assert.Matches("^- [a-z]{2}\n- [a-z]{2}$", Text($"--grammar {grammar}"));
        Assert.StartsWith("{", Text("--json-object"), StringComparison.Ordinal);
        Assert.Equal("Ityes", Good($"generate {model} --prompt It --beams 2 --choices yes").Trim());
        (int code, string said, string error) = Run($"chat {model} --tokens 30 --choices yes", "It was\n");
        Assert.True(code == 0 && said.Contains("yes", StringComparison.Ordinal), error);
        Assert.Matches(@"a schema +\d+ ms +\d", Good($"bench constraints {model} --texts 2 --length 20"));
    }

    [Fact]
    public void WhatCannotMatchIsSaid()
    {
        string model = WriteModel(folder, "model"), schema = folder.Write("schema.json", """{"type":"object","properties":{"a":{"if":{}}}}""");
        Assert.Contains("--choices: a text matches one thing, but --regex is given too", Bad(2, $"generate {model} --regex a --choices b"), StringComparison.Ordinal);
        Assert.Contains("schema: #/properties/a/if: the keyword 'if' is not supported", Bad(1, $"generate {model} --schema {schema}"), StringComparison.Ordinal);
        Assert.Contains("regex: '(' must close its group", Bad(1, $"generate {model} --regex ("), StringComparison.Ordinal);
    }
}
