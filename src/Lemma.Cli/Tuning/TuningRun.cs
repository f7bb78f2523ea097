using System.Globalization;
using Lemma.Cli.Commands;
using Lemma.Cli.Display;
using Lemma.Data;
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
        (double Right, double BitsPerByte)? before = questions.Count > 0 && !request.Resumes ? Standing(model, request, (Decoder)recipe.Model, questions) : null;
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
                (double Right, double BitsPerByte) after = Standing(model, request, best, questions);
                rows.Add(("answers right", Change(before?.Right, after.Right, TuningData.Percent)));
                rows.Add(("stories, bits a byte", Change(before?.BitsPerByte, after.BitsPerByte, bits => bits.ToString("0.0000", CultureInfo.InvariantCulture))));
            }
            if (request.Adapter is not null)
                rows.Add(("merged", Path.Combine(request.Folder, "model")));
        }
        session.ShowResult(result, [.. rows, .. answers ? TuningData.Next(request.Folder) : []]);
        return CommandLine.Done;
    }

    // Held-out questions, and what telling stories has become meanwhile.
    private static (double Right, double BitsPerByte) Standing(TunedModel model, TuningRequest request, Decoder decoder, List<PolicyPrompt> questions) =>
        (PolicyRewards.Mean(decoder, model.Tokenizer, model.Workers, questions, PolicyRewards.All["right"], LongestAnswer),
            StoryLoss.Of(decoder, model.Tokenizer, new StorySource(request.Seed, request.Told), model.Workers).BitsPerByte);

    private static string Change(double? before, double after, Func<double, string> write) =>
        before is { } value ? $"{write(value)} before, {write(after)} after" : write(after);

    private static IEnumerable<string> About(Recipe recipe) => recipe.Learning == recipe.Model.Parameters ? []
        : [$"an adapter of {Amount.Count(recipe.Learning.Count)} parameters learns"];
}
