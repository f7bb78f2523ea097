using Lemma.Cli.Tuning;
using Lemma.Compute;
using Lemma.Data;
using Lemma.Models;
using Lemma.Text;
using Lemma.Training;

namespace Lemma.Cli.Commands;

/// <summary>How good a model of the built-in stories is: at telling them, at answering questions about them, at telling right answers from wrong ones.</summary>
/// <param name="BitsPerByte">Of held-out stories, each alone.</param>
/// <param name="Right">The share of held-out questions that are answered right.</param>
/// <param name="Preferred">The share of held-out pairs of which the right answer is likelier.</param>
/// <param name="Lists">The share of held-out lists that are said backwards without a fault.</param>
internal sealed record StageScore(double BitsPerByte, double Right, double Preferred, double Lists)
{
    private const int LongestAnswer = 32;

    public static StageScore Of(Decoder decoder, Tokenizer tokenizer, ulong seed, StoryOptions told, Workers workers)
    {
        ConversationEncoder encoder = new(tokenizer, PlainTemplate.For(tokenizer, decoder.Config.EndId, decoder.Config.BeginId),
            new ConversationOptions { MaximumLength = decoder.MaximumLength - LongestAnswer });
        TokenPair[] pairs = [.. encoder.Encode(StoryTasks.Preferences(seed, told).Range(StoryLoss.First, StoryLoss.Count), new DataReport())];
        float[] chosen = SequenceLogs.Compute(decoder, [.. pairs.Select(pair => pair.Chosen)], workers);
        float[] rejected = SequenceLogs.Compute(decoder, [.. pairs.Select(pair => pair.Rejected)], workers);
        return new StageScore(StoryLoss.Of(decoder, tokenizer, new StorySource(seed, told), workers).BitsPerByte,
            Right(StoryTasks.Questions(seed, told)), chosen.Zip(rejected).Average(pair => pair.First > pair.Second ? 1.0 : 0), Right(ListTasks.Questions(seed)));

        double Right(ExampleSource<VerifiableExample> asked) => PolicyRewards.Mean(decoder, tokenizer, workers,
            [.. TuningData.Prompts(encoder.Encode(asked.Range(StoryLoss.First, StoryLoss.Count), new DataReport()))],
            PolicyRewards.All["right"], LongestAnswer);
    }
}
