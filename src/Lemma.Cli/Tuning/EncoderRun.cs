using Lemma.Checkpoints;
using Lemma.Cli.Commands;
using Lemma.Cli.Display;
using Lemma.Compute;
using Lemma.Models;
using Lemma.Tensors;
using Lemma.Text;
using Lemma.Training;

namespace Lemma.Cli.Tuning;

/// <summary>A run of an encoder, or of one with a decoder, from its recipe to its table.</summary>
internal static class EncoderRun
{
    /// <summary>Trains, and judges the best model once more.</summary>
    /// <param name="request">What was asked for.</param>
    /// <param name="again">The recipe of a model.</param>
    /// <param name="model">The model that learns.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="beside">Writes what else a model's folder has.</param>
    /// <param name="names">What numbers of the evaluation are called in the table.</param>
    /// <param name="scored">What the score is called in the table, which tells it before and after; null to leave it out.</param>
    /// <param name="others">What stands beside a number of the evaluation in the table, computed when it is needed.</param>
    /// <param name="next">What to do with the model.</param>
    public static int Run(ExampleRequest request, Func<Model, Recipe> again, Model model, Tokenizer tokenizer, Action<string> beside,
        IReadOnlyDictionary<string, string> names, string? scored,
        IReadOnlyDictionary<string, Func<Recipe, string>>? others, params (string, string)[] next)
    {
        using Workers workers = new(request.Threads);
        Recipe recipe = again(model);
        TrainingSession session = new()
        {
            Command = request.Command,
            Recipe = recipe,
            Options = request.Options,
            Tokenizer = tokenizer,
            Workers = workers,
            Folder = request.Folder,
            Beside = beside,
            About = [TrainingSession.Describe(model)],
            Data = request.Fingerprint,
            Given = request.Given,
        };
        if (request.IsDry)
            return session.ShowPlan(request.ShareOfPlan);
        Score? before = null;
        if (scored is not null && !request.Resumes)
        {
            using Tape tape = new(workers, model.Parameters) { Recording = false };
            before = recipe.Judge(tape);
        }
        TrainingResult result = session.Train(request.Resumes, request.Anew);
        List<(string, string)> rows = [];
        if (result.End != TrainingEnd.Interrupted && result.BestStep is not null)
        {
            using Model judged = ModelFolder.Read(Path.Combine(request.Folder, "best"));
            using Tape tape = new(workers, judged.Parameters) { Recording = false };
            Score after = again(judged).Judge(tape);
            if (scored is not null)
            {
                string best = ScoreText.Number(after.Value);
                rows.Add((scored, before is null ? best : $"{ScoreText.Number(before.Value)} before, {best} after"));
            }
            rows.AddRange(after.Others.Where(other => names.ContainsKey(other.Name))
                .Select(other => (names[other.Name], Amount.Percent(other.Value)
                    + (others?.GetValueOrDefault(other.Name)?.Invoke(recipe)))));
        }
        session.ShowResult(result, [.. rows, .. result.End == TrainingEnd.Interrupted ? [] : next]);
        return result.End == TrainingEnd.Interrupted ? CommandLine.Interrupted : CommandLine.Done;
    }
}
