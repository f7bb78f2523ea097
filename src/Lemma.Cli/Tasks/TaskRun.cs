using Lemma.Cli.Commands;
using Lemma.Cli.Display;
using Lemma.Cli.Parsing;
using Lemma.Evaluation.Tasks;
using Lemma.Language;
using Lemma.Models;
using Lemma.Sequences;

namespace Lemma.Cli.Tasks;

/// <summary>One model, or two, in a task.</summary>
internal static class TaskRun
{
    public static int Run(string[] paths, EvaluationTask task, int? answerTokens, string? judge, ulong seed, bool json, int? threads,
        CacheFormat? cacheFormat)
    {
        using Interruption interruption = new();
        TaskResult[] results = [.. paths.Select(path => Judge(path, task, answerTokens, threads, cacheFormat, interruption.Token))];
        if (results is [var one])
        {
            if (json)
                TaskJson.Write(paths[0], one);
            else
                ScoreTable.Write(paths[0], one);
            return CommandLine.Done;
        }
        (TaskResult a, TaskResult b) = (results[0], results[1]);
        PairedDifference[] differences = [.. a.Scores.Zip(b.Scores, (x, y) => PairedBootstrap.Compare(x, y, seed, cancellation: interruption.Token))];
        TaskScore? wins = judge is null ? null : WinRate(judge, a, b, threads, interruption.Token);
        if (json)
            TaskJson.Write(paths, task.Name, task.Items.Count, differences, wins);
        else
            ScoreTable.Write(paths, task.Name, differences,
                [.. wins is null ? [] : ScoreTable.Wins(wins, judge!), ("items", Amount.Count(task.Items.Count)),
                    ("examples", Amount.Count(task.Examples.Count)), ("prompts", $"A {a.PromptForm}, B {b.PromptForm}")]);
        return CommandLine.Done;
    }

    private static TaskScore WinRate(string path, TaskResult a, TaskResult b, int? threads, CancellationToken cancellation)
    {
        using LanguageModel model = EvalCommand.LoadDecoder(path, threads, out Decoder reward);
        if (reward.Config.Scores != 1 || model.Template is not { } template)
            throw new InvalidDataException($"the model in '{path}' is no judge: a reward model with a chat template is needed, as lemma reward makes it");
        return RewardJudge.WinRate(RewardJudge.Rewards(reward, model.Tokenizer, template, model.Workers, a, cancellation),
            RewardJudge.Rewards(reward, model.Tokenizer, template, model.Workers, b, cancellation));
    }

    private static TaskResult Judge(string path, EvaluationTask task, int? answerTokens, int? threads, CacheFormat? cacheFormat,
        CancellationToken cancellation)
    {
        using LanguageModel model = EvalCommand.LoadDecoder(path, threads, out Decoder decoder, cacheFormat);
        using ShareLine line = new($"of {task.Name}");
        return TaskEvaluator.Evaluate(decoder, model.Tokenizer, model.Template, model.Workers, task, answerTokens, line, cancellation);
    }
}
