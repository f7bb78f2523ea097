using static Lemma.Tests.Cli.InProcess;

namespace Lemma.Tests.Cli;

/// <summary>--mix, --deduplicate and --cache: what is read how often, and what is said of it.</summary>
[Collection("console")]
public sealed class DataOptionsTests : IDisposable
{
    private const string Small = "--steps 2 --eval-every 2 --threads 1", Tiny = $"{Small} --char --layers 1 --heads 2 --width 16 --length 8 --batch 2";
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void ExamplesOfSeveralSourcesAreMixedByWeights()
    {
        string model = WriteModel(folder, "base"), one = Chats("one.jsonl", 100, "ring"), other = Chats("other.jsonl", 40, "coin");
        string output = Good($"sft --model {model} --data {one} {other} --mix 1 3 {Small} --out {folder["mixed"]}");
        Assert.Contains("140 examples read, 140 kept", output, StringComparison.Ordinal);
        Assert.Contains($"mixed: {one} 1, {other} 3\n", output, StringComparison.Ordinal);
        Good($"sft --resume --out {folder["mixed"]}");
        Good($"sft --options {folder["mixed/options.yaml"]} --out {folder["again"]}");
        Assert.Equal(File.ReadAllBytes(folder["mixed/best/model.safetensors"]), File.ReadAllBytes(folder["again/best/model.safetensors"]));
        Good($"sft --model {model} --data {one} {other} {Small} --out {folder["plain"]}");
        Assert.NotEqual(File.ReadAllBytes(folder["mixed/best/model.safetensors"]), File.ReadAllBytes(folder["plain/best/model.safetensors"]));
        Assert.Contains("--mix: each --data needs a weight, but there are 1 for 2", Bad(2, $"sft --model {model} --data {one} {other} --mix 1 --out {folder["x"]}"),
            StringComparison.Ordinal);
        Assert.Contains("--mix: each --data needs a weight, but there are 1 for 0", Bad(2, $"sft --model {model} --mix 1 --out {folder["x"]}"), StringComparison.Ordinal);
        Assert.Contains("--mix: a number above 0 is needed, but '0' was given", Bad(2, $"sft --model {model} --data {one} --mix 0 --out {folder["x"]}"),
            StringComparison.Ordinal);
        Assert.Contains($"{Chats("few.jsonl", 1, "x")}: 1 examples cannot be parted",
            Bad(1, $"sft --model {model} --data {one} {folder["few.jsonl"]} --mix 1 1 --out {folder["x"]}"), StringComparison.Ordinal);
    }

    [Fact]
    public void WhatOccurredBeforeIsLeftOutAndCounted()
    {
        string model = WriteModel(folder, "base"), one = Chats("one.jsonl", 60, "ring"), same = Chats("same.jsonl", 60, "ring");
        string output = Good($"sft --model {model} --data {one} {same} --deduplicate {Small} --out {folder["run"]}");
        Assert.Contains("120 examples read, 60 kept\n  60 left out: duplicate (the first: ", output, StringComparison.Ordinal);
        Good($"dpo --model {model} --examples 50 --deduplicate {Small} --rows 512 --out {folder["builtin"]}");
        folder.Write("texts/a.txt", string.Concat(Enumerable.Range(0, 60).Select(i => $"{i} and so on.\n")));
        folder.Write("texts/b.txt", string.Concat(Enumerable.Range(0, 60).Select(i => $"{i}  and so on.\n")));
        folder.Write("texts/c.txt", string.Concat(Enumerable.Range(0, 60).Select(i => $"{i} and not so on.\n")));
        Assert.Contains("1 documents left out: duplicate (the first: ", Good($"train --data {folder["texts"]} --deduplicate {Tiny} --out {folder["train"]}"),
            StringComparison.Ordinal);
        Assert.Contains("b.txt occurred before", Bad(1, $"train --data {folder["texts/a.txt"]} {folder["texts/b.txt"]} --mix 1 1 --deduplicate {Tiny} --out {folder["x"]}"),
            StringComparison.Ordinal);
    }

    [Fact]
    public void TokensOfSeveralSourcesAreMixedByWeights()
    {
        string one = folder.Write("one.txt", string.Concat(Enumerable.Repeat("abc ", 300))), other = folder.Write("other.txt", string.Concat(Enumerable.Repeat("xyz ", 100)));
        string output = Good($"train --data {one} {other} --mix 1 1 {Tiny} --out {folder["run"]}");
        Assert.Contains($"mixed: {one} 1, {other} 1\n", output, StringComparison.Ordinal);
        // 90 % of 1,201 and of 401 tokens, an end mark behind each, to learn from.
        Assert.Contains("1,440 tokens to learn from, 162 to judge by", output, StringComparison.Ordinal);
    }

    [Fact]
    public void TokensAreKeptMappedAndMadeAnewWhereTheyAreNotToBeTrusted()
    {
        string data = folder.Write("text.txt", string.Concat(Enumerable.Range(0, 100).Select(i => $"{i} and so on.\n")));
        string train = $"train --data {data} {Tiny}";
        Good($"{train} --out {folder["plain"]}");
        Assert.Contains("tokens written", Good($"{train} --cache {folder["cache"]} --out {folder["one"]}"), StringComparison.Ordinal);
        Assert.Contains("tokens mapped", Good($"{train} --cache {folder["cache"]} --out {folder["two"]}"), StringComparison.Ordinal);
        string file = Assert.Single(Directory.GetFiles(folder["cache"]));
        File.WriteAllBytes(file, File.ReadAllBytes(file)[..^4]);
        string output = Good($"{train} --cache {folder["cache"]} --out {folder["three"]}");
        Assert.Contains("not used: it should hold ", output, StringComparison.Ordinal);
        Assert.Contains("tokens written", output, StringComparison.Ordinal);
        foreach (string run in (string[])["one", "two", "three"])
            Assert.Equal(File.ReadAllBytes(folder["plain/best/model.safetensors"]), File.ReadAllBytes(folder[$"{run}/best/model.safetensors"]));
        Good($"{train} --cache {folder["dry"]} --dry-run");
        Assert.False(Directory.Exists(folder["dry"]));
    }

    private string Chats(string name, int count, string thing) => folder.Write(name, string.Concat(Enumerable.Range(0, count).Select(i =>
        $$"""{"messages":[{"role":"user","content":"Who has the {{thing}} {{i}}?"},{"role":"assistant","content":"Tom has the {{thing}}."}]}""" + "\n")));
}
