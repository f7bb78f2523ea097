using Lemma.Cli.Commands;
using Lemma.Cli.Display;
using Lemma.Models;
using Lemma.Training;

namespace Lemma.Cli.Tuning;

/// <summary>A tuning run from its recipe to its table: on the built-in source with the share of right answers before and after.</summary>
internal static class TuningRun
{
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
        Standing? standing = answers && request.Data.Length == 0 ? new(model, request) : null;
        double[]? before = request.Resumes ? null : standing?.Of((Decoder)recipe.Model);
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
            if (standing is not null)
                rows.AddRange(standing.Rows(before, standing.Of(best)));
            if (request.Adapter is not null)
                rows.Add(("merged", Path.Combine(request.Folder, "model")));
        }
        session.ShowResult(result, [.. rows, .. answers ? TuningData.Next(request.Folder) : []]);
        return CommandLine.Done;
    }

    private static IEnumerable<string> About(Recipe recipe) => recipe.Learning == recipe.Model.Parameters ? []
        : [$"an adapter of {Amount.Count(recipe.Learning.Count)} parameters learns"];
}
