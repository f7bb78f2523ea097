using Lemma.Models;
using Lemma.Text;
using Lemma.Text.Training;
using Lemma.Training;

namespace Lemma.Tests.Training;

/// <summary>A task that a tiny policy learns in seconds: to say the prompt's last letter again.</summary>
internal static class LetterTask
{
    private const string Letters = "abcdefgh.";

    public static Tokenizer Tokenizer { get; } = CharacterTrainer.Train([Letters], new CharacterTrainerOptions());

    public static PolicyPrompt[] Prompts { get; } = [.. Letters[..8].SelectMany(first => Letters[..8].Select(second => $"{first}{second}"))
        .Select(text => new PolicyPrompt(Tokenizer.Encode(text), text, $"{text[1]}"))];

    public static TrainingOptions Loop { get; } = new()
    {
        Steps = 12,
        LearningRate = 3e-3,
        Schedule = new ConstantSchedule { Warmup = 0 },
        Optimizer = new AdamWOptions { WeightDecay = 0 },
        EvaluateEvery = 4,
        Seed = 3,
    };

    public static double Reward(PolicyPrompt prompt, PolicyAnswer answer) => answer.Text.StartsWith(prompt.Answer!, StringComparison.Ordinal) ? 1 : 0;

    public static Decoder Policy()
    {
        Decoder model = new(Presets.Llama(9, width: 32, layers: 2, heads: 2, hidden: 48, length: 12) with { EndId = Tokenizer.IdOf(".") });
        model.Initialize(3);
        return model;
    }
}

/// <summary>Tells what was reported.</summary>
internal sealed class Reporting(Action<TrainingProgress> then) : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value) => then(value);
}
