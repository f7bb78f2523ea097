using Lemma.Cli.Commands;
using Lemma.Cli.Display;
using Lemma.Models;
using Lemma.Training;

namespace Lemma.Cli.Tuning;

/// <summary>A tuning run from its recipe to its table: on the built-in source with the share of right answers before and after.</summary>
internal static class TuningRun
{
    private const int LongestAnswer = 32;

    public static int Run(string command, TuningRequest request, TunedModel model, Recipe recipe, bool answers = true)
    {
        TrainingSession session = new()
        {
            Command = command,
            Recipe = recipe,
            Options = request.Options,
            Tokenizer = model.Tokenizer,
            Workers = model.Workers,
            Folder = request.Folder,
            Beside = model.WriteBeside,
            Adapter = request.Adapter,
            About = [TrainingSession.Describe((Decoder)recipe.Model), .. About(recipe)],
            Data = request.Fingerprint,
            Given = request.Given,
        };
        if (request.IsDry)
            return session.ShowPlan(request.ShareOfPlan);
        List<PolicyPrompt> questions = answers && request.Data.Length == 0 ? TuningData.Questions(model, request, LongestAnswer) : [];
        double? before = questions.Count > 0 && !request.Resumes ? Right(model, (Decoder)recipe.Model, questions) : null;
        TrainingResult result = session.Train(request.Resumes, request.Anew);
        if (result.End == TrainingEnd.Interrupted)
        {
            session.ShowResult(result, []);
            return CommandLine.Interrupted;
        }
        List<(string, string)> rows = [];
        if (result.BestStep is not null)
        {
            Decoder best = model.TakeBest();
            if (questions.Count > 0)
            {
                string after = TuningData.Percent(Right(model, best, questions));
                rows.Add(("answers right", before is { } share ? $"{TuningData.Percent(share)} before, {after} after" : after));
            }
            if (request.Adapter is not null)
                rows.Add(("merged", Path.Combine(request.Folder, "model")));
        }
        session.ShowResult(result, [.. rows, .. answers ? TuningData.Next(request.Folder) : []]);
        return CommandLine.Done;
    }

    private static double Right(TunedModel model, Decoder decoder, List<PolicyPrompt> questions) =>
        PolicyRewards.Mean(decoder, model.Tokenizer, model.Workers, questions, PolicyRewards.All["right"], LongestAnswer);

    private static IEnumerable<string> About(Recipe recipe) => recipe.Learning == recipe.Model.Parameters ? []
        : [$"an adapter of {Amount.Count(recipe.Learning.Count)} parameters learns"];
}
