using Lemma.Cli.Commands;
using Lemma.Cli.Display;
using Lemma.Cli.Parsing;
using Lemma.Evaluation.Tasks;
using Lemma.Language;
using Lemma.Models;

namespace Lemma.Cli.Tasks;

/// <summary>One model, or two, in a task.</summary>
internal static class TaskRun
{
    public static int Run(string[] paths, EvaluationTask task, int? answerTokens, ulong seed, bool json, int? threads)
    {
        using Interruption interruption = new();
        TaskResult[] results = [.. paths.Select(path => Judge(path, task, answerTokens, threads, interruption.Token))];
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
        if (json)
            TaskJson.Write(paths, task.Name, task.Items.Count, differences);
        else
            ScoreTable.Write(paths, task.Name, differences,
                [("items", Amount.Count(task.Items.Count)), ("examples", Amount.Count(task.Examples.Count)), ("prompts", $"A {a.PromptForm}, B {b.PromptForm}")]);
        return CommandLine.Done;
    }

    private static TaskResult Judge(string path, EvaluationTask task, int? answerTokens, int? threads, CancellationToken cancellation)
    {
        using LanguageModel model = EvalCommand.LoadDecoder(path, threads, out Decoder decoder);
        using ShareLine line = new($"of {task.Name}");
        return TaskEvaluator.Evaluate(decoder, model.Tokenizer, model.Template, model.Workers, task, answerTokens, line, cancellation);
    }
}
