using Lemma.Compute;
using Lemma.Evaluation.Tasks;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Text;
using Lemma.Text.Templates;
using Lemma.Text.Training;

namespace Lemma.Tests.Evaluation;

/// <summary>Scores of a small model with random weights, beside sums over its logits one prefix at a time.</summary>
public sealed class TaskEvaluatorTests : IDisposable
{
    private const int End = 256;
    private static readonly Tokenizer Bytes = BpeTrainer.Train([""], new BpeTrainerOptions { VocabularySize = 257 });
    private static readonly ChatTemplate Template = ChatTemplate.Parse(
        "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% if m.role == 'assistant' %}!{% endif %}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}");
    private readonly Workers workers = new(1);
    private readonly Decoder decoder = new(Presets.Llama(257, width: 16, layers: 2, heads: 2, hidden: 32, length: 256) with { EndId = End });

    public TaskEvaluatorTests() => decoder.Initialize(3);

    public void Dispose()
    {
        decoder.Dispose();
        workers.Dispose();
    }

    [Theory, InlineData(false), InlineData(true)]
    public void ChoicesAreJudgedByTheirLogLikelihood(bool hasTemplate)
    {
        string[][] choices = [["é", "bcd"], ["long one", "x", "éé"], ["yes", "no, never"], ["it is so", "a"], ["q", "rst"], ["mm", "€"]];
        ChoiceItem[] items = [.. choices.Select((texts, i) => new ChoiceItem($"line {i}", $"which {i}", texts, i % 2))];
        ChoiceItem example = new("example", "shown", ["left", "right"], 1);
        TaskResult result = Judge(new("t", items, [example]), hasTemplate ? Template : null);
        double[] raw = new double[6], byTokens = new double[6], byBytes = new double[6], share = new double[6];
        for (int i = 0; i < items.Length; i++)
        {
            string prompt = hasTemplate ? $"<user>shown<assistant>right!<user>which {i}<assistant>" : $"Q: shown\nA: right\nQ: which {i}\nA:";
            double[] logs = [.. choices[i].Select(text => NaiveLog(prompt, hasTemplate ? text : " " + text, begins: !hasTemplate).Log)];
            int[] bytes = [.. choices[i].Select(System.Text.Encoding.UTF8.GetByteCount)];
            int right = items[i].Right, space = hasTemplate ? 0 : 1;
            raw[i] = Array.IndexOf(logs, logs.Max()) == right ? 1 : 0;
            // A token is a byte; in plain text the space before the answer is one.
            byTokens[i] = Right(logs.Select((log, c) => log / (bytes[c] + space)), right);
            byBytes[i] = Right(logs.Select((log, c) => log / bytes[c]), right);
            share[i] = 1 / logs.Sum(log => Math.Exp(log - logs[right]));
            Assert.Equal(choices[i][Array.IndexOf(logs, logs.Max())], result.Answers[i]);
        }
        Assert.Equal(["likeliest", "likeliest by tokens", "likeliest by bytes", "share of the right one"], result.Scores.Select(score => score.Name));
        Assert.Equal(raw, result.Scores[0].Sums);
        Assert.Equal(byTokens, result.Scores[1].Sums);
        Assert.Equal(byBytes, result.Scores[2].Sums);
        Assert.Equal(share, result.Scores[3].Sums, (a, b) => Math.Abs(a - b) < 1e-4);
        Assert.Equal((0.5 * 5 + 1.0 / 3) / 6, result.Chance!.Value, 1e-12);
        Assert.Equal(hasTemplate ? "chat template" : "plain text", result.PromptForm);
        // What is likely as it is, is not what is likely by bytes: the test sees which is which.
        Assert.NotEqual(result.Scores[0].Sums, result.Scores[2].Sums);
    }

    [Fact]
    public void AClozeIsPredictedTokenByToken()
    {
        ClozeItem[] items = [new("line 1", "The cat sat on the", " mat"), new("line 2", "One, two,", " three é"), Foreseen()];
        // A cloze is a text whatever the template.
        TaskResult result = Judge(new("t", items), Template);
        Assert.Equal("plain text", result.PromptForm);
        (double Log, int Tokens, int Hits)[] naive = [.. items.Select(item => NaiveLog(item.Prompt, item.Completion, begins: true))];
        Assert.Equal((4.0, 9.0), (naive[0].Tokens, naive[1].Tokens));
        Assert.Equal((1, 1), (naive[2].Tokens, naive[2].Hits));
        (double nats, double tokens) = (-naive.Sum(one => one.Log), naive.Sum(one => one.Tokens));
        Dictionary<string, TaskScore> scores = result.Scores.ToDictionary(score => score.Name);
        Assert.Equal(naive.Sum(one => one.Hits) / tokens, scores["next token"].Value, 1e-12);
        Assert.Equal(naive.Count(one => one.Hits == one.Tokens) / 3.0, scores["whole completion"].Value, 1e-12);
        Assert.Equal(nats / tokens, scores["loss"].Value, 1e-5);
        Assert.Equal(Math.Exp(nats / tokens), scores["perplexity"].Value, 1e-2);
        Assert.Equal(naive.Select(one => -one.Log), scores["loss"].Sums, (a, b) => Math.Abs(a - b) < 1e-4);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void QuestionsAreAnsweredByTheLikeliestTokens(bool hasTemplate)
    {
        string prompt = hasTemplate ? "<user>one<assistant>" : "Q: one\nA:", written = Greedy(prompt, begins: !hasTemplate, 8).Split('\n')[0].Trim();
        Assert.NotEmpty(written);
        QuestionItem[] items = [new("line 1", "one", written), new("line 2", "two", "something else that is no answer"), new("line 3", "three", "12")];
        TaskResult result = Judge(new("t", items), hasTemplate ? Template : null, answerTokens: 8);
        Assert.Equal(written, result.Answers[0]);
        Assert.Equal([1, 0, 0], result.Scores[0].Sums);
        Assert.Equal(1.0 / 3, result.Scores[0].Value, 1e-15);
        Assert.Equal(1.0 / 3, result.Scores[0].StandardError, 1e-15);
        Assert.Equal(1, result.Scores[1].Sums[0]);
        Assert.Equal(EditSimilarity.Of(result.Answers[1], "something else that is no answer"), result.Scores[1].Sums[1]);
    }

    [Fact]
    public void ExamplesAreShownWithTheirReasoning()
    {
        QuestionItem plain = new("1", "1+1", "2"), reasoned = new("2", "1+1+1", "3", "1+1 is 2, and 1."), asked = new("3", "1+4", "5", "not looked at");
        TaskPrompts prompts = new(Bytes, null, End, new("t", [asked], [plain]));
        Assert.Equal("Q: 1+1\nA: 2\nQ: 1+4\nA:", Bytes.Decode(prompts.Question(asked).AsSpan(1)));
        Assert.Equal((End, "\n"), (prompts.Question(asked)[0], Assert.Single(prompts.StopTexts)));
        prompts = new(Bytes, null, null, new("t", [asked], [plain, reasoned]));
        Assert.Equal("Q: 1+1\nA: 2\nQ: 1+1+1\nA: 1+1 is 2, and 1.\n#### 3\nQ: 1+4\nA:", Bytes.Decode(prompts.Question(asked)));
        Assert.Equal("\nQ:", Assert.Single(prompts.StopTexts));
        prompts = new(Bytes, Template, End, new("t", [asked], [reasoned]));
        Assert.Equal("<user>1+1+1<assistant>1+1 is 2, and 1.\n#### 3!<user>1+4<assistant>", Bytes.Decode(prompts.Question(asked)));
        Assert.Empty(prompts.StopTexts);
        ClozeItem shown = new("1", "a", "b"), cloze = new("2", "c", "d");
        Assert.Equal("ab\n\ncd", Bytes.Decode(new TaskPrompts(Bytes, Template, null, new("t", [cloze], [shown])).Continued(cloze, "d").Ids));
    }

    [Fact]
    public void WhatDoesNotFitIsSaidWithItsPlace()
    {
        string longText = new('x', 250);
        Refuses("line 7: the model reads at most 256 tokens, but the prompt has 257 and an answer up to 32", new QuestionItem("line 7", longText, "a"), null);
        Refuses("line 7: the model reads at most 256 tokens, but prompt and continuation have 265", new ClozeItem("line 7", longText, longText[..14] + "."), null);
        ChatTemplate shouting = ChatTemplate.Parse("{% for m in messages %}{{ m.content | upper }}{% endfor %}{% if add_generation_prompt %}:{% endif %}");
        Refuses("line 7: the template must write the answer as it is", new ChoiceItem("line 7", "q", ["a", "b"], 0), shouting);
        ChatTemplate failing = ChatTemplate.Parse("{{ raise_exception('no') }}");
        Refuses("line 7: ", new QuestionItem("line 7", "q", "a"), failing);
        // Without an id that begins a text the first token has nothing before it.
        using Decoder bare = new(Presets.Llama(257, width: 16, layers: 1, heads: 2, hidden: 32, length: 256));
        Assert.Throws<ArgumentException>(() => TaskEvaluator.Evaluate(bare, Bytes, null, workers, new("t", [new QuestionItem("1", "q", "a")]), answerTokens: 0));
    }

    [Fact]
    public void TheScoresDoNotDependOnThreadsOrOnWhatElseIsJudged()
    {
        EvaluationTask task = BuiltInTasks.Make("choices", count: 4, options: Lemma.Data.StoryOptions.Short);
        using Decoder wide = new(Presets.Llama(257, width: 32, layers: 1, heads: 2, hidden: 64, length: 1024) with { EndId = End });
        wide.Initialize(1);
        using Workers two = new(2);
        TaskResult one = TaskEvaluator.Evaluate(wide, Bytes, null, workers, task), other = TaskEvaluator.Evaluate(wide, Bytes, null, two, task);
        Assert.Equal(one.Scores.SelectMany(score => score.Sums), other.Scores.SelectMany(score => score.Sums));
        TaskResult last = TaskEvaluator.Evaluate(wide, Bytes, null, two, new("t", [task.Items[3]]));
        Assert.Equal(one.Scores.Select(score => score.Sums[3]), last.Scores.Select(score => score.Sums[0]));
    }

    [Fact]
    public void AJudgeReadsQuestionAndAnswerToTheEnd()
    {
        EvaluationTask task = new("t", [new QuestionItem("1", "one", "a"), new QuestionItem("2", "two", "b")]);
        TaskResult a = new(task, "plain text", [], ["so", "no"]), b = a with { Answers = ["so", "yes, but"] };
        using Decoder reward = decoder.WithScores(1);
        Random random = new(1);
        foreach (ref float weight in reward.Parameters.Weights(reward.Parameters.All[^1]))
            weight = random.NextSingle() - 0.5f;
        IReadOnlyList<double> ofA = RewardJudge.Rewards(reward, Bytes, Template, workers, a), ofB = RewardJudge.Rewards(reward, Bytes, Template, workers, b);
        using Tape tape = new(workers, reward.Parameters) { Recording = false };
        Assert.Equal(tape[reward.LastScores(tape, Rows.One(Bytes.Encode("<user>two<assistant>yes, but!", addSpecialTokens: false)))][0], ofB[1]);
        Assert.Equal(ofA[0], ofB[0]);
        Assert.NotEqual(ofA[1], ofB[1]);
        TaskScore wins = RewardJudge.WinRate(ofA, ofB);
        Assert.Equal([0.5, ofA[1] > ofB[1] ? 1 : 0], wins.Sums);
        Assert.Throws<ArgumentException>(() => RewardJudge.Rewards(decoder, Bytes, Template, workers, a));
        Assert.Throws<ArgumentException>(() => RewardJudge.WinRate([1], [1, 2]));
        TaskResult wide = a with { Answers = [new('x', 300), "no"] };
        Assert.StartsWith("1: the judge reads 1 to 256 tokens", Assert.Throws<InvalidDataException>(() =>
            RewardJudge.Rewards(reward, Bytes, Template, workers, wide)).Message, StringComparison.Ordinal);
    }

    private static double Right(IEnumerable<double> values, int right) => values.ToArray() is var all && Array.IndexOf(all, all.Max()) == right ? 1 : 0;

    private TaskResult Judge(EvaluationTask task, ChatTemplate? template, int? answerTokens = null) =>
        TaskEvaluator.Evaluate(decoder, Bytes, template, workers, task, answerTokens);

    private void Refuses(string sentence, TaskItem item, ChatTemplate? template) => Assert.StartsWith(sentence,
        Assert.Throws<InvalidDataException>(() => Judge(new("t", [item]), template)).Message, StringComparison.Ordinal);

    private (double Log, int Tokens, int Hits) NaiveLog(string prompt, string continuation, bool begins)
    {
        List<int> ids = Ids(prompt, begins);
        int[] more = [.. Bytes.Encode(continuation, addSpecialTokens: false)];
        (double log, int hits) = (0, 0);
        foreach (int id in more)
        {
            float[] z = Next(ids);
            log += z[id] - Math.Log(z.Sum(value => Math.Exp(value)));
            hits += Array.IndexOf(z, z.Max()) == id ? 1 : 0;
            ids.Add(id);
        }
        return (log, more.Length, hits);
    }

    private string Greedy(string prompt, bool begins, int most)
    {
        List<int> ids = Ids(prompt, begins);
        int first = ids.Count;
        while (ids.Count < first + most)
        {
            float[] z = Next(ids);
            int id = Array.IndexOf(z, z.Max());
            if (id == End)
                break;
            ids.Add(id);
        }
        return Bytes.Decode([.. ids[first..]]);
    }

    // A letter whose likeliest next byte is one too.
    private ClozeItem Foreseen()
    {
        for (char first = '0'; first <= 'z'; first++)
        {
            float[] z = Next(Ids($"{first}", begins: true));
            if (Bytes.Decode([Array.IndexOf(z, z.Max())]) is [>= '!' and <= '~'] next)
                return new("line 3", $"{first}", next);
        }
        throw new InvalidOperationException("no letter has a letter as its likeliest successor");
    }

    private static List<int> Ids(string text, bool begins) => [.. begins ? [End] : (int[])[], .. Bytes.Encode(text, addSpecialTokens: false)];

    private float[] Next(List<int> ids)
    {
        using Tape tape = new(workers, decoder.Parameters) { Recording = false };
        return tape[decoder.NextLogits(tape, Rows.One(ids.ToArray()))].ToArray();
    }
}
