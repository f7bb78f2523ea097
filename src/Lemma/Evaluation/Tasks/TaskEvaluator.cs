using Lemma.Compute;
using Lemma.Data;
using Lemma.Decoding;
using Lemma.Models;
using Lemma.Text;
using Lemma.Text.Templates;

namespace Lemma.Evaluation.Tasks;

/// <summary>Judges decoders by tasks.</summary>
/// <remarks>
/// A question is answered by the likeliest tokens, up to an end of the model's or, without a chat template, of the line (of the answer where examples have
/// lines of reasoning). Scores: exact match (<see cref="AnswerCheck"/>) and <see cref="EditSimilarity"/> of the final answers.
/// Of choices the one with the highest ln p is taken: as it is, over its tokens, over its UTF-8 bytes; of equals the first. Beside these stands the right one's
/// share of the choices' p. Of a cloze each token is predicted from the right ones before it: the share of tokens that were the likeliest, of
/// completions whose every token was, the loss in nats a token and its perplexity.
/// </remarks>
public static class TaskEvaluator
{
    private const int ShortAnswer = 32, LongAnswer = 256;

    /// <summary>Judges a decoder.</summary>
    /// <param name="decoder">The model.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="template">Its chat template; null for prompts in plain text.</param>
    /// <param name="workers">Who does the work; the scores do not depend on their number.</param>
    /// <param name="task">The task.</param>
    /// <param name="answerTokens">The most tokens of an answer; null for 32, or 256 where an example's answer has several lines.</param>
    /// <param name="progress">Told the share that is done, in 0 to 1.</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="InvalidDataException">An item does not fit the model's longest sequence, or its template; the message has its place.</exception>
    public static TaskResult Evaluate(Decoder decoder, Tokenizer tokenizer, ChatTemplate? template, Workers workers, EvaluationTask task, int? answerTokens = null,
        IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        ArgumentNullException.ThrowIfNull(task);
        Require.That(answerTokens is null or > 0, $"task: an answer must have at least one token, but it has {answerTokens}");
        TaskPrompts prompts = new(tokenizer, template, decoder.Config.BeginId ?? decoder.Config.EndId, task);
        return task.Items[0] switch
        {
            QuestionItem => Questions(decoder, tokenizer, workers, prompts, task, answerTokens ?? (prompts.HasLongAnswers ? LongAnswer : ShortAnswer), progress,
                cancellation),
            ChoiceItem => Choices(prompts, task, Read<ChoiceItem>(decoder, workers, task,
                item => [.. item.Choices.Select(choice => prompts.Continued(item, choice))], progress, cancellation)),
            _ => Cloze(prompts, task, Read<ClozeItem>(decoder, workers, task, item => [prompts.Continued(item, item.Completion)], progress, cancellation)),
        };
    }

    private static TaskResult Questions(Decoder decoder, Tokenizer tokenizer, Workers workers, TaskPrompts prompts, EvaluationTask task, int most,
        IProgress<double>? progress, CancellationToken cancellation)
    {
        using Generator generator = new(decoder, workers, Math.Min(tokenizer.VocabularySize, decoder.VocabularySize));
        GenerationOptions options = GenerationOptions.Greedy with { MaximumTokens = most, StopTexts = prompts.StopTexts };
        List<string> answers = [];
        foreach (QuestionItem item in task.Items.Cast<QuestionItem>())
        {
            int[] ids = prompts.Question(item);
            if (ids.Length + most > decoder.MaximumLength)
                throw new InvalidDataException($"{item.Source}: the model reads at most {decoder.MaximumLength} tokens, but the prompt has {ids.Length} and an "
                    + $"answer up to {most}; fewer examples or a shorter answer fit");
            answers.Add(string.Concat(new TextStream(generator, tokenizer, ids, options).Pieces(cancellation)).Trim());
            progress?.Report((double)answers.Count / task.Items.Count);
        }
        (string Text, string Known)[] pairs = [.. answers.Zip(task.Items, (text, item) => (text, ((QuestionItem)item).Answer))];
        return new(task, prompts.Form,
        [
            TaskScore.Mean("exact match", pairs.Select(pair => AnswerCheck.IsRight(pair.Text, pair.Known) ? 1.0 : 0)),
            TaskScore.Mean("edit similarity", pairs.Select(pair =>
                EditSimilarity.Of(AnswerCheck.FinalAnswer(pair.Text).Trim(), AnswerCheck.FinalAnswer(pair.Known).Trim()))),
        ], answers);
    }

    private static TaskResult Choices(TaskPrompts prompts, EvaluationTask task, List<ReadContinuation[]> read)
    {
        (ChoiceItem Item, ReadContinuation[] Read)[] items = [.. task.Items.Cast<ChoiceItem>().Zip(read)];
        return new(task, prompts.Form,
        [
            TaskScore.Mean("likeliest", items.Select(one => Hit(one, (_, choice) => choice.LogLikelihood))),
            TaskScore.Mean("likeliest by tokens", items.Select(one => Hit(one, (_, choice) => choice.LogLikelihood / choice.Tokens))),
            TaskScore.Mean("likeliest by bytes", items.Select(one =>
                Hit(one, (text, choice) => choice.LogLikelihood / System.Text.Encoding.UTF8.GetByteCount(text.Trim())))),
            TaskScore.Mean("share of the right one", items.Select(one => ShareOfRight(one.Item, one.Read))),
        ], [.. items.Select(one => one.Item.Choices[Best(one, (_, choice) => choice.LogLikelihood)])], items.Average(one => 1.0 / one.Item.Choices.Count));
    }

    private static double Hit((ChoiceItem Item, ReadContinuation[] Read) one, Func<string, ReadContinuation, double> of) => Best(one, of) == one.Item.Right ? 1 : 0;

    private static int Best((ChoiceItem Item, ReadContinuation[] Read) one, Func<string, ReadContinuation, double> of)
    {
        double[] values = [.. one.Item.Choices.Zip(one.Read, of)];
        return Array.IndexOf(values, values.Max());
    }

    // p of the right one over Σ p, from the largest ln p so that nothing is lost.
    private static double ShareOfRight(ChoiceItem item, ReadContinuation[] read)
    {
        double most = read.Max(choice => choice.LogLikelihood);
        return Math.Exp(read[item.Right].LogLikelihood - most) / read.Sum(choice => Math.Exp(choice.LogLikelihood - most));
    }

    private static TaskResult Cloze(TaskPrompts prompts, EvaluationTask task, List<ReadContinuation[]> read)
    {
        ReadContinuation[] items = [.. read.Select(one => one[0])];
        double[] tokens = [.. items.Select(one => (double)one.Tokens)], nats = [.. items.Select(one => -one.LogLikelihood)];
        return new(task, prompts.Form,
        [
            new("next token", [.. items.Select(one => (double)one.Hits)], tokens),
            TaskScore.Mean("whole completion", items.Select(one => one.Hits == one.Tokens ? 1.0 : 0)),
            new("loss", nats, tokens, IsHigherBetter: false),
            new("perplexity", nats, tokens, IsHigherBetter: false, IsExponential: true),
        ], []);
    }

    private static List<ReadContinuation[]> Read<T>(Decoder decoder, Workers workers, EvaluationTask task,
        Func<T, IReadOnlyList<(int[] Ids, int First)>> continuations, IProgress<double>? progress, CancellationToken cancellation) where T : TaskItem
    {
        using ContinuationReader reader = new(decoder, workers);
        List<ReadContinuation[]> read = [];
        foreach (T item in task.Items.Cast<T>())
        {
            cancellation.ThrowIfCancellationRequested();
            read.Add(reader.Read(item.Source, continuations(item)));
            progress?.Report((double)read.Count / task.Items.Count);
        }
        return read;
    }
}
