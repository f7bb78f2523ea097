using Lemma.Checkpoints;
using Lemma.Models;
using Lemma.Text;
using Lemma.Text.PostProcessing;
using Lemma.Text.Training;
using static Lemma.Tests.Cli.InProcess;

namespace Lemma.Tests.Cli;

/// <summary>lemma mlm, seq2seq and distill: what they write is read again by the commands that use it, and what is wrong is said.</summary>
[Collection("console")]
public sealed class EncoderCommandTests : IDisposable
{
    private const string Few = "--examples 80 --steps 6 --eval-every 3 --warmup 1 --rows 512 --threads 1", Small = "--width 32 --layers 1 --heads 2";
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void AnEncoderIsTrainedFillsInGoesOnAndIsContinued()
    {
        string output = Good($"mlm {Few} {Small} --vocab 400 --out {folder["mlm"]}");
        Assert.StartsWith("80 examples read, 80 kept\n", output, StringComparison.Ordinal);
        Assert.Contains("bert model of ", output, StringComparison.Ordinal);
        Assert.Matches(@"hidden tokens guessed right +\d+\.\d %; 4-gram \d+\.\d %\n", output);
        Assert.DoesNotContain("following sentences", output, StringComparison.Ordinal);
        Assert.Contains("token ", Good($"fill {folder["mlm"]} The-[MASK]-is"), StringComparison.Ordinal);
        Assert.Contains("run was started with --steps 6, not --steps 9", Bad(2, $"mlm --resume --out {folder["mlm"]} --steps 9"), StringComparison.Ordinal);
        Good($"mlm --resume --out {folder["mlm"]}");

        string texts = folder.Write("texts.jsonl", string.Concat(Enumerable.Range(0, 40).Select(i => $"{{\"text\":\"Tom has {i} coins and a ring.\"}}\n")));
        Good($"mlm --model {folder["mlm"]} --data {texts} --steps 2 --eval-every 2 --length 16 --out {folder["more"]}");
        using Encoder before = (Encoder)ModelFolder.Read(folder["mlm/best"]), after = (Encoder)ModelFolder.Read(folder["more/best"]);
        Assert.Equal(before.Config, after.Config);
        Assert.NotEqual(before.Parameters.Weights(before.Parameters["embedding.weight"]).ToArray(), after.Parameters.Weights(after.Parameters["embedding.weight"]).ToArray());
    }

    [Fact]
    public void TheNextSentenceIsToldBesideIt()
    {
        string output = Good($"mlm --next-sentence {Few} {Small} --vocab 400 --out {folder["pairs"]}");
        Assert.Matches(@"following sentences told right +\d+\.\d %", output);
        using Encoder model = (Encoder)ModelFolder.Read(folder["pairs/best"]);
        Assert.Equal((2, true), (model.Config.Classes, model.Config.Pooler));
    }

    [Theory]
    [InlineData(""), InlineData("--task sort"), InlineData("--corrupt spans --length 48"), InlineData("--corrupt infilling --noise 0.2 --length 48")]
    public void AnEncoderWithADecoderIsTrainedAndAnswers(string what)
    {
        string output = Good($"seq2seq {what} {Few} {Small} --out {folder["run"]}");
        Assert.Contains("t5 model of ", output, StringComparison.Ordinal);
        Assert.Matches(@"targets said word for word +\d+\.\d %", output);
        Good($"generate {folder["run"]} --prompt ab --tokens 4 --temperature 0");
        Good($"summarize {folder["run"]} {folder.Write("text.txt", "Tom was at the mill. He had a ring.")} --threads 1");
        Good($"seq2seq --resume --out {folder["run"]}");
    }

    [Fact]
    public void SourcesWithTargetsAreReadAndATrainedModelGoesOn()
    {
        string pairs = folder.Write("pairs.jsonl", string.Concat(Enumerable.Range(0, 60).Select(i => $"{{\"source\":\"{i} and {i}\",\"target\":\"{(i == 7 ? "" : 2 * i)}\"}}\n")));
        string output = Good($"seq2seq --data {pairs} --steps 4 --eval-every 2 {Small} --out {folder["one"]}");
        Assert.Contains("60 examples read, 59 kept", output, StringComparison.Ordinal);
        Good($"seq2seq --model {folder["one"]} --data {pairs} --steps 2 --eval-every 2 --dropout 0.1 --out {folder["two"]}");
        Good($"seq2seq --model {folder["two"]} --data {pairs} --steps 2 --eval-every 2 --out {folder["three"]}");
        Assert.Equal(0.1f, ModelFolder.ReadConfig(folder["three/best"]).Dropout);
        using EncoderDecoder model = (EncoderDecoder)ModelFolder.Read(folder["two/best"]);
        Assert.Equal((0, 1, 0.1f), (model.Config.DecoderBeginId, model.Config.EndId, model.Config.Dropout));
    }

    [Fact]
    public void AModelOfBartsShapeFillsInTextsInItsOwnFrame()
    {
        using (EncoderDecoder model = (EncoderDecoder)ModelFolder.Read(Path.Combine(AppContext.BaseDirectory, "Golden", "checkpoints", "bart")))
        {
            Tokenizer letters = CharacterTrainer.Train(["abcdefgh "], new CharacterTrainerOptions { SpecialTokens = ["<s>", "<pad>", "</s>", "<mask>"] });
            Assert.InRange(letters.VocabularySize, 1, model.VocabularySize);
            ModelFolder.Write(folder["bart"], model);
            new Tokenizer(letters.Model, letters.AddedTokens, letters.Normalizer, letters.Splitter, new RobertaPostProcessor(("</s>", 2), ("<s>", 0)), letters.Decoder)
                .Save(folder["bart/tokenizer.json"]);
        }
        string texts = folder.Write("texts.jsonl", string.Concat(Enumerable.Range(0, 40).Select(i => $"{{\"text\":\"abc {"abcdefgh"[i % 8]} fed cab\"}}\n")));
        string output = Good($"seq2seq --model {folder["bart"]} --data {texts} --corrupt infilling --length 24 --steps 3 --eval-every 3 --out {folder["run"]}");
        Assert.Contains("bart model of ", output, StringComparison.Ordinal);
        // 13 letters of a text, between <s> and </s>.
        Assert.Contains("tokens of an example: 15 at least, 15 in the middle, 15 at most", output, StringComparison.Ordinal);
        Good($"generate {folder["run"]} --prompt ab --tokens 4 --temperature 0");
        Assert.Contains("but the tokenizer has no <extra_id_0>",
            Bad(1, $"seq2seq --model {folder["bart"]} --data {texts} --corrupt spans --length 24 --out {folder["x"]}"), StringComparison.Ordinal);
    }

    [Fact]
    public void AStudentLearnsFromATeacherOfTheSameIds()
    {
        string teacher = WriteModel(folder, "teacher"), student = WriteModel(folder, "student", width: 16);
        string output = Good($"distill --teacher {teacher} --model {student} {Few} --out {folder["run"]}");
        Assert.Contains("validation divergence", output, StringComparison.Ordinal);
        Assert.Contains("answers right", output, StringComparison.Ordinal);
        Good($"generate {folder["run"]} --prompt It --tokens 3");
        Good($"distill --teacher {teacher} --model {student} {Few} --on-policy --answer-length 6 --divergence reverse --out {folder["own"]}");
        Good($"distill --resume --out {folder["own"]}");
        Good($"distill --teacher {teacher} --model {student} {Few} --texts --own-share 0.5 --lora 2 --out {folder["texts"]}");
        string texts = folder.Write("texts.jsonl", string.Concat(Enumerable.Range(0, 40).Select(i => $"{{\"text\":\"Tom has {i} coins.\"}}\n")));
        Good($"distill --teacher {teacher} --model {student} --data {texts} --steps 2 --eval-every 2 --out {folder["files"]}");
        string others = folder.Write("pairs.jsonl", string.Concat(Enumerable.Repeat("{\"source\":\"a\",\"target\":\"b\"}\n", 40)));
        Assert.Contains("a student learns from conversations or from texts", Bad(1, $"distill --teacher {teacher} --model {student} --data {others} --out {folder["x"]}"),
            StringComparison.Ordinal);
        Good($"mlm {Few} {Small} --vocab 400 --out {folder["mlm"]}");
        Assert.Contains("teacher and student must have the same ids, but ", Bad(1, $"distill --teacher {folder["mlm"]} --model {student} --out {folder["x"]}"),
            StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["x"]));
    }

    [Theory]
    [InlineData("mlm --next-sentence --data a", 2, "lemma mlm: --next-sentence: the sentences are built-in ones, but --data is given")]
    [InlineData("mlm --model none --width 8", 2, "lemma mlm: --width: it is of a new model, but 'none' is given, which has its own")]
    [InlineData("mlm --model none", 1, "lemma mlm: model: 'none' must be a folder with a config.json")]
    [InlineData("mlm --length 3 --examples 10", 1, "lemma mlm: --length: 3 tokens leave no text between the 2 that stand around it")]
    [InlineData("mlm --width 30 --heads 4 --examples 30", 1, "4 heads do not divide d_model 30")]
    [InlineData("seq2seq --task sort --corrupt spans", 2, "lemma seq2seq: --task: it makes the pairs, but --corrupt does as well")]
    [InlineData("seq2seq --task swap", 2, "Argument 'swap' not recognized")]
    [InlineData("seq2seq --noise 0.2", 2, "lemma seq2seq: --noise: it says how --corrupt acts, which is not given")]
    [InlineData("seq2seq --examples 5 --data a", 2, "lemma seq2seq: --examples: it counts those of the built-in source")]
    [InlineData("distill --model none", 2, "lemma distill: --teacher is needed")]
    [InlineData("distill --teacher none", 2, "lemma distill: --model is needed")]
    [InlineData("distill --teacher none --model none --answer-length 5", 2, "--answer-length: it says how --on-policy acts")]
    [InlineData("distill --teacher none --model none --texts --data a", 2, "--texts: it is of the built-in source, but --data is given")]
    [InlineData("distill --teacher none --model none", 1, "model: 'none' must be a folder")]
    public void WhatIsWrongIsSaidInOneSentence(string line, int code, string sentence) =>
        Assert.Contains(sentence, Bad(code, $"{line} --out {folder["x"]}"), StringComparison.Ordinal);

    [Theory, InlineData("mlm"), InlineData("seq2seq"), InlineData("distill"), InlineData("runs")]
    public void EachHasHelpWithExamples(string command) => Assert.Contains($"Examples:\n", Good($"{command} --help"), StringComparison.Ordinal);
}
