using System.Diagnostics;
using System.Globalization;
using Lemma.Checkpoints;
using Lemma.Data;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Text;
using Lemma.Text.Training;
using static Lemma.Tests.Cli.InProcess;

namespace Lemma.Tests.Cli;

/// <summary>Every recipe, killed at random instants (SIGKILL) and resumed: the files of a run that was never interrupted, to the byte.</summary>
/// <remarks>LEMMA_KILLS says how often each recipe is killed; twice without it.</remarks>
[Collection("console")]
public sealed class KilledRunTests : IDisposable
{
    private const string Rounds = "--prompts 2 --group 3 --answer-length 5 --passes 3", Small = "--width 32 --layers 1 --heads 2";
    private readonly TemporaryFolder folder = new();

    public KilledRunTests()
    {
        string[] texts = [.. new StorySource(1).Range(0, 200).Select(story => story.Text)];
        Tokenizer tokenizer = BpeTrainer.Train(texts, new BpeTrainerOptions { VocabularySize = 420, SpecialTokens = ["<|endoftext|>"] });
        int end = tokenizer.IdOf("<|endoftext|>")!.Value;
        using Decoder model = new(Presets.Llama(tokenizer.VocabularySize, width: 32, layers: 2, heads: 2, hidden: 64, length: 512) with { BeginId = end, EndId = end });
        foreach (ulong seed in (ulong[])[1, 2])
        {
            model.Initialize(seed);
            ModelFolder.Write(folder[$"model{seed}"], model);
            tokenizer.Save(folder[$"model{seed}/tokenizer.json"]);
        }
        folder.Write("texts.txt", string.Join('\n', texts));
    }

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("sft --model model1 --lora 4 --dora --lora-dropout 0.1 --average 0.9"), InlineData("sft --model model1 --optimizer muon --accumulate 2")]
    [InlineData("dpo --model model1"), InlineData("kto --model model1"), InlineData("reward --model model1 --optimizer adafactor")]
    [InlineData($"grpo --model model1 {Rounds} --beta 0.1"), InlineData($"ppo --model model1 {Rounds} --target-kl 0.5 --kl-horizon 40")]
    [InlineData("distill --teacher model2 --model model1 --on-policy --answer-length 5"), InlineData("pairs --model model1 --optimizer lion")]
    [InlineData($"mlm {Small} --vocab 400 --next-sentence --dropout 0.1"), InlineData($"seq2seq {Small} --corrupt spans --length 48")]
    [InlineData($"train --data texts.txt {Small} --vocab 400 --length 64 --batch 2 --dropout 0.1")]
    public void AKilledRunGoesOnToTheSameBytes(string recipe)
    {
        int wanted = int.Parse(Environment.GetEnvironmentVariable("LEMMA_KILLS") ?? "2", CultureInfo.InvariantCulture), killed = 0;
        string name = recipe.Split(' ')[0];
        string run = $"{recipe.Replace("model1", folder["model1"]).Replace("model2", folder["model2"]).Replace("texts.txt", folder["texts.txt"])} "
            + $"{(name == "train" ? "" : "--rows 512 --examples 60 ")}--steps 24 --warmup 2 --eval-every 2 --threads 1";
        Stopwatch watch = Stopwatch.StartNew();
        using (Process whole = Tool.Start($"{run} --out {folder["whole"]}"))
            Assert.True(whole.WaitForExit(600_000));
        TimeSpan time = watch.Elapsed;
        Philox random = new(7);
        bool isPending = true;
        for (int attempt = 0; killed < wanted || isPending; attempt++)
        {
            Assert.True(attempt < 20 * wanted, $"{killed} of {wanted} kills in {attempt} attempts");
            bool goesOn = TrainingState.Exists(folder["parts/last"]);
            string line = goesOn ? $"{name} --resume --out {folder["parts"]}" : $"{run} --force --out {folder["parts"]}";
            // The first fifth of a process loads the runtime.
            TimeSpan instant = time * (0.2 + (0.8 * random.Uniform((ulong)attempt)));
            if (killed < wanted)
            {
                using Process process = Tool.Start(line);
                if (!process.WaitForExit(instant))
                {
                    process.Kill();
                    process.WaitForExit();
                    (killed, isPending) = (killed + 1, true);
                    continue;
                }
                Assert.Equal(0, process.ExitCode);
            }
            else
                Good(line);
            Compare();
            isPending = false;
            Directory.Delete(folder["parts"], recursive: true);
        }
    }

    private void Compare()
    {
        foreach (string part in (string[])["last", "best"])
        {
            string[] files = [.. Directory.GetFiles(folder[$"whole/{part}"], "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
            Assert.NotEmpty(files);
            foreach (string file in files)
                Same(Path.GetRelativePath(folder["whole"], file));
            Assert.Equal(files.Length, Directory.GetFiles(folder[$"parts/{part}"], "*", SearchOption.AllDirectories).Length);
        }
        Same("metrics.jsonl");

        void Same(string file) =>
            Assert.True(File.ReadAllBytes(folder[$"whole/{file}"]).AsSpan().SequenceEqual(File.ReadAllBytes(folder[$"parts/{file}"])), file);
    }
}
