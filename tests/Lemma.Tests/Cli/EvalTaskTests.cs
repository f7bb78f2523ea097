using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Lemma.Checkpoints;
using Lemma.Formulas;
using Lemma.Models;
using static Lemma.Tests.Cli.InProcess;

namespace Lemma.Tests.Cli;

/// <summary>lemma eval with tasks, and of two models.</summary>
[Collection("console")]
public sealed class EvalTaskTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void AModelIsJudgedByFilesAndBuiltInTasks()
    {
        string model = WriteModel(folder, "a");
        string questions = folder.Write("q.jsonl", string.Concat(Enumerable.Range(0, 4).Select(i => $$"""{"question": "What is {{i}}?", "answer": {{i}}}""" + "\n")));
        string shots = folder.Write("s.jsonl", """{"question": "What is 9?", "answer": 9, "reasoning": "It is itself."}""");
        string output = Good($"eval {model} --task {questions} --threads 1");
        Assert.Matches(@"exact match +\d+\.\d %, standard error \d+\.\d %\n +edit similarity +\d+\.\d %", output);
        Assert.Matches(@"items +4\n +examples +none\n +prompts +plain text\n", output);
        Assert.Matches($@"items +3\n +examples +1 before each, {questions}: line 1 and on", Good($"eval {model} --task {questions} --shots 1 --tokens 4"));
        Assert.Matches($@"items +2\n +examples +1 before each, {shots}: line 1 and on", Good($"eval {model} --task {questions} --shots 1 --shots-file {shots} --items 2 --tokens 4"));
        string choices = folder.Write("c.jsonl", """{"question": "Where is Tom?", "choices": ["Tom is at the barn.", "Tom is at the mill."], "answer": 1}""");
        using JsonDocument json = JsonDocument.Parse(Good($"eval {model} --task {choices} --json"));
        Assert.Equal((0.5, "plain text"), (json.RootElement.GetProperty("chance").GetDouble(), json.RootElement.GetProperty("prompts").GetString()));
        JsonElement share = json.RootElement.GetProperty("scores").GetProperty("share of the right one"), item = json.RootElement.GetProperty("items")[0];
        Assert.InRange(share.GetProperty("value").GetDouble(), double.Epsilon, 1);
        Assert.Equal(JsonValueKind.Null, share.GetProperty("standard_error").ValueKind);
        Assert.Equal(share.GetProperty("value").GetDouble(), item.GetProperty("share of the right one").GetDouble());
        Assert.StartsWith("Tom is at the", item.GetProperty("answer").GetString(), StringComparison.Ordinal);
        string cloze = folder.Write("p.jsonl", """{"prompt": "It was a windy", "completion": " morning."}""");
        Assert.Matches(@"next token +\d+\.\d %\n +whole completion +\d+\.\d %\n +loss +\d\.\d{4}\n +perplexity +\d+\.\d{4}\n", Good($"eval {model} --task {cloze}"));
        foreach (string name in (string[])["stories", "lists", "choices"])
            Assert.Matches(@"items +3\n", Good($"eval {model} --task {name} --items 3 --tokens 4 --short-stories"));
    }

    [Fact]
    public void TwoModelsAreComparedOnTheSameItems()
    {
        (string a, string b) = (WriteModel(folder, "a"), WriteModel(folder, "b", width: 16));
        string line = $"eval {a} {b} --task choices --items 6 --short-stories";
        string output = Good(line);
        Assert.Matches(@"share of the right one +A \d+\.\d %, B \d+\.\d %; A − B -?\d+\.\d %, 95 % from -?\d+\.\d % to -?\d+\.\d %; A is better in \d+\.\d % of draws\n", output);
        Assert.Equal(output, Good($"{line} --threads 1"));
        using JsonDocument json = JsonDocument.Parse(Good($"{line} --json")), same = JsonDocument.Parse(Good($"eval {a} {a} --task choices --items 6 --json"));
        JsonElement share = json.RootElement.GetProperty("scores").GetProperty("share of the right one");
        Assert.Equal(share.GetProperty("a").GetDouble() - share.GetProperty("b").GetDouble(), share.GetProperty("difference").GetDouble());
        Assert.InRange(share.GetProperty("difference").GetDouble(), share.GetProperty("lower").GetDouble(), share.GetProperty("upper").GetDouble());
        Assert.Equal(0.5, same.RootElement.GetProperty("scores").GetProperty("likeliest").GetProperty("share_for_a").GetDouble());
        string text = folder.Write("text.txt", string.Concat(new Lemma.Data.StorySource(1).Range(0, 12).Select(story => story.Text + "\n")));
        Assert.Matches(@"bits a byte +A \d\.\d{4}, B \d\.\d{4}; A − B -?0\.\d{4}, 95 % from -?\d\.\d{4} to -?\d\.\d{4}; A is better in \d+\.\d % of draws\n +pieces +\d+\n",
            Good($"eval {a} {b} --data {text} --seed 3"));
        Assert.Contains("is no judge", Bad(1, $"eval {a} {b} --task lists --items 2 --tokens 2 --judge {a}"), StringComparison.Ordinal);
        Assert.Contains("at least 2 pieces", Bad(1, $"eval {a} {b} --data {folder.Write("short.txt", "It was.")}"), StringComparison.Ordinal);
    }

    [Fact]
    public void ARewardModelJudgesWhatTwoModelsWrote()
    {
        (string a, string b) = (WriteModel(folder, "a"), WriteModel(folder, "b", width: 16));
        using (Decoder plain = ModelFolder.ReadDecoder(a), reward = plain.WithScores(1))
        {
            Span<float> score = reward.Parameters.Weights(reward.Parameters["score.weight"]);
            for (int i = 0; i < score.Length; i++)
                score[i] = (float)new Philox(6).Normal((ulong)i);
            ModelFolder.Write(folder["judge"], reward);
        }
        File.Copy(folder["a/tokenizer.json"], folder["judge/tokenizer.json"]);
        folder.Write("judge/chat_template.jinja", "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}");
        string line = $"eval {a} {b} --task stories --items 8 --tokens 4 --short-stories --judge {folder["judge"]}", output = Good(line);
        Match share = Regex.Match(output, @"win rate +A (\d+\.\d) %, standard error \d+\.\d %; judged by (\S+)\n");
        Assert.True(share.Success, output);
        Assert.Equal(folder["judge"], share.Groups[2].Value);
        // What wins against the other loses when both change places; equal answers do neither.
        string other = Good($"eval {b} {a} --task stories --items 8 --tokens 4 --short-stories --judge {folder["judge"]}");
        double forA = Number(share), forB = Number(Regex.Match(other, @"win rate +A (\d+\.\d) %"));
        Assert.Equal(100, forA + forB, 1);
        Assert.NotEqual(50, forA);
        Assert.Matches(@"win rate +A 50\.0 %, standard error 0\.0 %", Good($"eval {a} {a} --task stories --items 4 --tokens 3 --short-stories --judge {folder["judge"]}"));
        using JsonDocument json = JsonDocument.Parse(Good($"{line} --json"));
        Assert.Equal(forA / 100, json.RootElement.GetProperty("win_rate").GetDouble(), 3);

        static double Number(Match match) => double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);
    }

    [Theory]
    [InlineData("eval m --task none.jsonl", 1, "there is no file 'none.jsonl', and a built-in task is one of stories, lists, choices")]
    [InlineData("eval m --task lists --data x", 2, "--task: texts are --data, which is given too")]
    [InlineData("eval m --task lists --stride 2", 2, "--stride: it says how --data acts")]
    [InlineData("eval m --task lists --shots-file x", 2, "--shots-file: it says where examples come from, but --shots gives none")]
    [InlineData("eval m --task lists --shots 2 --shots-file x", 2, "'lists' is a built-in task")]
    [InlineData("eval m --task x --short-stories", 2, "--short-stories: it changes the built-in tasks")]
    [InlineData("eval m --data x --shots 1", 2, "--shots: it says how --task acts")]
    [InlineData("eval m --data x --seed 1", 2, "--seed: it says how --task acts")]
    [InlineData("eval m --data x --json", 2, "--json: it is for --task or two models")]
    [InlineData("eval m n --data x --baseline y", 2, "--baseline: it stands beside one model")]
    [InlineData("eval m --task lists --judge r", 2, "--judge: it compares two models, but one is given")]
    [InlineData("eval m --task lists --shots -1", 2, "--shots: a whole number of at least 0 is needed")]
    public void WhatIsWrongIsSaidInOneSentence(string line, int code, string sentence) => Assert.Contains(sentence, Bad(code, line), StringComparison.Ordinal);

    [Fact]
    public void AFileWithMixedFormsIsSaidWithItsLine()
    {
        string mixed = folder.Write("m.jsonl", "{\"question\": \"Q\", \"answer\": \"A\"}\n{\"prompt\": \"P\", \"completion\": \"C\"}\n");
        Assert.Contains($"{mixed}: line 2: a task has one form, but here it is cloze, and in line 1 question", Bad(1, $"eval m --task {mixed}"), StringComparison.Ordinal);
    }
}
