using Lemma.Checkpoints;
using Lemma.Data;
using Lemma.Language;
using Lemma.Models;
using Lemma.Text;
using Lemma.Text.Training;
using static Lemma.Tests.Cli.InProcess;

namespace Lemma.Tests.Cli;

/// <summary>lemma sft, dpo, kto, reward, grpo and ppo on a small model: what they write, how they go on, and what they refuse.</summary>
[Collection("console")]
public sealed class TuningTests : IDisposable
{
    private const string Few = "--examples 60 --steps 4 --eval-every 2 --rows 512 --threads 1";
    private readonly TemporaryFolder folder = new();

    public TuningTests()
    {
        StorySource stories = new(1);
        Tokenizer tokenizer = BpeTrainer.Train(stories.Range(0, 200).Select(story => story.Text),
            new BpeTrainerOptions { VocabularySize = 420, SpecialTokens = ["<|endoftext|>"] });
        int end = tokenizer.IdOf("<|endoftext|>")!.Value;
        using Decoder model = new(Presets.Llama(tokenizer.VocabularySize, width: 32, layers: 1, heads: 2, hidden: 64, length: 512) with { BeginId = end, EndId = end });
        model.Initialize(1);
        ModelFolder.Write(folder["base"], model);
        tokenizer.Save(folder["base/tokenizer.json"]);
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void EachRecipeWritesAModelThatIsTalkedToInItsForm()
    {
        string output = Good($"sft --model {folder["base"]} {Few} --out {folder["sft"]}");
        Assert.Contains("60 examples read, 60 kept", output, StringComparison.Ordinal);
        Assert.Contains("answers right", output, StringComparison.Ordinal);
        using (LanguageModel tuned = LanguageModel.Load(folder["sft/best"]))
            Assert.Equal("Q: Who?\nA:", tuned.Template!.Render([new("user", "Who?")], new() { AddGenerationPrompt = true })[^10..]);
        Assert.Contains("preferred", Good($"dpo --model {folder["sft"]} {Few} --out {folder["dpo"]} --loss ipo --beta 0.2"), StringComparison.Ordinal);
        Assert.Contains("reward", Good($"grpo --model {folder["sft"]} {Few} --prompts 2 --group 3 --answer-length 5 --beta 0.01 --out {folder["grpo"]}"),
            StringComparison.Ordinal);
        Assert.Contains("margin", Good($"kto --model {folder["sft"]} {Few} --out {folder["kto"]}"), StringComparison.Ordinal);
        Good($"reward --model {folder["sft"]} {Few} --out {folder["reward"]}");
        Assert.Contains("reward", Good($"ppo --model {folder["sft"]} --critic {folder["reward"]} {Few} --prompts 2 --group 3 --answer-length 5 --target-kl 2 "
            + $"--entropy 0.01 --overlong-margin 2 --out {folder["ppo"]}"), StringComparison.Ordinal);
        Assert.Contains("\"explained_variance\":", File.ReadAllText(folder["ppo/metrics.jsonl"]), StringComparison.Ordinal);
        Assert.Contains("preferred", Good($"dpo --model {folder["sft"]} {Few} --out {folder["alpha"]} --loss dpo_alpha --alpha 0.3"), StringComparison.Ordinal);
        Assert.Contains("\"validation_chosen_log_ratio\":", File.ReadAllText(folder["alpha/metrics.jsonl"]), StringComparison.Ordinal);
        using Decoder judge = ModelFolder.ReadDecoder(folder["reward/best"]);
        Assert.Equal(1, judge.Config.Scores);
    }

    [Fact]
    public void ListsAndWholeTextsStandAmongTheBuiltInExamples()
    {
        string output = Good($"sft --model {folder["base"]} {Few} --lists 0.25 --replay 0.4 --out {folder["mixed"]}");
        Assert.Contains("\n40 whole texts among them\n", output, StringComparison.Ordinal);
        Assert.Matches(@"answers right +0\.0 % before, .+\n +lists backwards +0\.0 % before, .+\n +stories, bits a byte +\d\.\d{4} before, \d\.\d{4} after", output);
        Assert.DoesNotContain("answers right", Good($"grpo --model {folder["mixed"]} {Few} --lists 1 --prompts 2 --group 2 --answer-length 3 --out {folder["lists"]}"),
            StringComparison.Ordinal);
        string chats = folder.Write("chats.jsonl", string.Concat(Enumerable.Range(0, 40).Select(i =>
            $$"""{"messages":[{"role":"user","content":"Who has the ring {{i}}?"},{"role":"assistant","content":"Tom has it."}]}""" + "\n")));
        string texts = folder.Write("texts.txt", string.Join('\n', new StorySource(1).Range(0, 100).Select(story => story.Text)));
        // 38 conversations to learn from, and as many pieces of the one text.
        Assert.Contains("\n38 whole texts among them\n",
            Good($"sft --model {folder["base"]} --data {chats} --steps 2 --eval-every 2 --replay 0.5 --replay-data {texts} --out {folder["own"]}"), StringComparison.Ordinal);
        Assert.Contains("--replay: the texts that the model knows are needed: name them by --replay-data",
            Bad(2, $"sft --model {folder["base"]} --data {chats} --replay 0.5 --out {folder["x"]}"), StringComparison.Ordinal);
        Assert.Contains("but it is 0", Bad(2, $"sft --model {folder["base"]} --replay-data {texts} --out {folder["x"]}"), StringComparison.Ordinal);
        Assert.Contains("342 pieces of text are wanted, but there are",
            Bad(2, $"sft --model {folder["base"]} --data {chats} --replay 0.9 --replay-data {texts} --out {folder["x"]}"), StringComparison.Ordinal);
        Assert.Contains("--lists: it changes the built-in source", Bad(2, $"sft --model {folder["base"]} --data {chats} --lists 0.5 --out {folder["x"]}"),
            StringComparison.Ordinal);
        Assert.Contains("--lists: a share is at most 1, but it is 1.5", Bad(2, $"ppo --model {folder["base"]} --lists 1.5 --out {folder["x"]}"), StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["x"]));
    }

    [Fact]
    public void AnAdapterIsMergedIntoAModelOfItsOwn()
    {
        string output = Good($"sft --model {folder["base"]} {Few} --lora 4 --lora-alpha 8 --learning-rate 0.05 --out {folder["lora"]}");
        Assert.Contains("an adapter of", output, StringComparison.Ordinal);
        using Decoder merged = ModelFolder.ReadDecoder(folder["lora/model"]), before = ModelFolder.ReadDecoder(folder["base"]);
        using Lemma.Weights.Adapter adapter = AdapterFolder.Read(folder["lora/best"], before);
        adapter.Merge();
        foreach (Lemma.Weights.Parameter parameter in before.Parameters.All)
            Assert.True(before.Parameters.Weights(parameter).SequenceEqual(merged.Parameters.Weights(merged.Parameters[parameter.Name])), parameter.Name);
        Assert.Equal(0, Run($"generate {folder["lora"]} --prompt It --tokens 3").Code);
    }

    [Fact]
    public void FilesOfOthersAreReadAndWhatIsWrongIsSaid()
    {
        string chats = folder.Write("chats.jsonl", string.Concat(Enumerable.Range(0, 40).Select(i =>
            $$"""{"messages":[{"role":"user","content":"Who has the ring {{i}}?"},{"role":"assistant","content":"{{(i == 7 ? "" : "Tom has it.")}}"}]}""" + "\r\n")));
        string output = Good($"sft --model {folder["base"]} --data {chats} --steps 2 --eval-every 2 --out {folder["chats"]}");
        Assert.Contains("40 examples read, 39 kept", output, StringComparison.Ordinal);
        Assert.DoesNotContain("answers right", output, StringComparison.Ordinal);
        Assert.Contains("a pair of answers is needed, but here is a conversation", Bad(1, $"dpo --model {folder["base"]} --data {chats} --out {folder["x"]}"),
            StringComparison.Ordinal);
        Assert.Contains("--model is needed", Bad(2, $"sft --out {folder["x"]}"), StringComparison.Ordinal);
        Assert.Contains("--lora-alpha: it says how --lora acts", Bad(2, $"sft --model {folder["base"]} --lora-alpha 3 --out {folder["x"]}"), StringComparison.Ordinal);
        Assert.Contains("--dora: it says how --lora acts", Bad(2, $"sft --model {folder["base"]} --dora --out {folder["x"]}"), StringComparison.Ordinal);
        Assert.Contains("--examples: it counts those of the built-in source",
            Bad(2, $"sft --model {folder["base"]} --data {chats} --examples 5 --out {folder["x"]}"), StringComparison.Ordinal);
        Assert.Contains("--beta: it is the number of losses that compare with a reference, but simpo",
            Bad(2, $"dpo --model {folder["base"]} --loss simpo --beta 1 --out {folder["x"]}"), StringComparison.Ordinal);
        Assert.Contains("--alpha: it is a number of dpo_alpha, but the loss is dpo",
            Bad(2, $"dpo --model {folder["base"]} --alpha 1 --out {folder["x"]}"), StringComparison.Ordinal);
        Assert.Contains("--token-beta: rewards of tokens need --advantages whitened",
            Bad(2, $"grpo --model {folder["base"]} --token-beta 1 --out {folder["x"]}"), StringComparison.Ordinal);
        Assert.Contains("--target-kl: --beta is led to it, but that is 0",
            Bad(2, $"ppo --model {folder["base"]} --beta 0 --target-kl 1 --out {folder["x"]}"), StringComparison.Ordinal);
        Assert.Contains("γ and λ must lie in [0, 1], but they are 2 and 0.95", Bad(1, $"ppo --model {folder["base"]} --gamma 2 {Few} --out {folder["x"]}"),
            StringComparison.Ordinal);
        Assert.Contains("which an adapter does not learn", Bad(2, $"reward --model {folder["base"]} --lora 4 --out {folder["x"]}"), StringComparison.Ordinal);
        Assert.Contains("dpo, dpo_norm, dpo_forward_kl", Good("dpo --help"), StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["x"]));
    }
}
