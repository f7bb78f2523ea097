using System.CommandLine;
using Lemma.Cli.Parsing;
using Lemma.Data;
using Lemma.Language.Sentences;
using Lemma.Models;
using Lemma.Text;
using Lemma.Training;

namespace Lemma.Cli.Tuning;

/// <summary><c>lemma pairs</c>: a model learns vectors of texts from pairs of them.</summary>
internal sealed class PairsCommand
{
    private const string Order = "order", Contrast = "contrast";
    private static readonly Dictionary<string, PoolingMode> Poolings = new()
    {
        ["mean"] = PoolingMode.Mean,
        ["first"] = PoolingMode.First,
        ["last"] = PoolingMode.Last,
    };

    private readonly ExampleOptions examples = new("pairs", new TrainingOptions
    {
        Steps = 200,
        LearningRate = 5e-5,
        Schedule = new LinearSchedule { Warmup = 20 },
        EvaluateEvery = 50,
    }, "Files, folders or globs of .jsonl, .json and .parquet: sentence1, sentence2 and score, or anchor and positive. Without it the built-in sentences",
        examples: 20000);

    private readonly Option<string?> model = Choice.Text("--model", "DIR", "The model that is tuned: a folder of sentence-transformers, of an encoder or of a "
        + "decoder, or a run");
    private readonly Option<string?> loss = Choice.Text("--loss", $"{Order}|{Contrast}", "What is learned: the order of the scores (CoSENT), or which text "
        + "of the pass belongs to which, from pairs whose score is 1 (InfoNCE)");
    private readonly Option<string?> pooling = Choice.Text("--pooling", string.Join('|', Poolings.Keys), "How rows become a vector; as the folder says without "
        + "it, or their mean");
    private readonly Option<double?> scale = Choice.Number("--scale", "What cosines are multiplied with", least: double.Epsilon, fallback: 20);
    private readonly Command command = new("pairs", "Tune a model that turns texts into vectors, on pairs of texts.");

    public static Command Build() => new PairsCommand().Create();

    private Command Create()
    {
        loss.DefaultValueFactory = _ => Order;
        loss.AcceptOnlyFromAmong(Order, Contrast);
        pooling.AcceptOnlyFromAmong([.. Poolings.Keys]);
        command.Add(model);
        examples.AddTo(command, [loss, pooling, scale]);
        examples.AddLoopTo(command);
        examples.AddRestTo(command);
        Examples.Add(command,
            ("how alike the built-in sentences are", "lemma pairs --model all-minilm-l6-v2"),
            ("scores of your own", "lemma pairs --model all-minilm-l6-v2 --data scored.jsonl --out runs/mine"),
            ("questions with their answers", "lemma pairs --model all-minilm-l6-v2 --data found.jsonl --loss contrast --rows 4096"),
            ("vectors of what came of it", "lemma embed runs/pairs \"Tom went home.\" \"Tom walked home.\""));
        command.SetAction(Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        ExampleRequest request = examples.Read(command, parsed);
        parsed = request.Parsed;
        string given = parsed.GetValue(model) ?? throw new UsageException("--model is needed: name a model's folder or a run, such as all-minilm-l6-v2");
        SentenceFiles files = SentenceFiles.Read(ModelPath.Find(given));
        if (files.HasLayers)
            throw new InvalidDataException($"{given}: vectors go through Dense modules, which are not tuned");
        if (parsed.GetValue(pooling) is { } way)
            files = files with { Modes = [Poolings[way]] };
        if (files.Modes is not [PoolingMode.Mean or PoolingMode.First or PoolingMode.Last])
        {
            throw new InvalidDataException($"{given}: rows are pooled by {string.Join(" and ", files.Modes)}, but only their mean, the first or the last are tuned; "
                + "--pooling takes another way");
        }
        SentenceTuningOptions options = new()
        {
            Loss = parsed.GetValue(loss) == Contrast ? SentenceLoss.Contrast : SentenceLoss.Order,
            Pooling = files.Modes[0],
            Scale = parsed.GetValue(scale)!.Value,
            RowsOfPass = request.Rows,
            Seed = request.Seed,
        };
        ReadModel read = new(request, files.Model);
        using Model learning = read.Read<Model>(null, "a model")!;
        (int longest, int width) = learning switch
        {
            Encoder encoder => (encoder.Config.MaximumLength, encoder.Config.Stack.Embedding.Width),
            Decoder decoder => (decoder.MaximumLength, decoder.Config.Stack.Embedding.Width),
            _ => throw new InvalidDataException($"{given}: the model is an encoder with a decoder, of which no rows stand for a text"),
        };
        longest = Math.Min(longest, Math.Min(request.Length ?? int.MaxValue, files.MaximumLength ?? int.MaxValue));
        (List<TokenSentencePair> training, List<TokenSentencePair> validation) = TuningData.Read(request, StoryTasks.Similarities(request.Seed),
            (some, report) => Encode(some, report, read.Tokenizer!, files, longest, options.Loss));
        return EncoderRun.Run(request, tuned => new SentenceTuning(tuned, training, validation, options), learning, read.Tokenizer!,
            folder =>
            {
                read.WriteBeside(folder);
                files.WriteInto(folder, width);
            },
            new Dictionary<string, string>(), options.Loss == SentenceLoss.Contrast ? "partners that are the nearest" : "correlation with the scores",
            null, ("try it", $"lemma embed {request.Folder} \"...\" \"...\""));
    }

    // Longer texts are cut inside their special tokens, as in lemma embed --cut.
    private static IEnumerable<TokenSentencePair> Encode(IEnumerable<SentencePair> pairs, DataReport report, Tokenizer own, SentenceFiles files, int longest,
        SentenceLoss loss)
    {
        Tokenizer cutting = new(own.Model, own.AddedTokens, own.Normalizer, own.Splitter, own.PostProcessor, own.Decoder,
            new TruncationOptions { MaximumLength = longest });
        foreach (SentencePair pair in pairs)
        {
            if (loss == SentenceLoss.Contrast && pair.Score < 1)
            {
                report.CountDropped(DropReason.LowScore, pair.Source);
                continue;
            }
            (int[] first, bool isFirstCut) = Ids(pair.First);
            (int[] second, bool isSecondCut) = Ids(pair.Second);
            if (first.Length == 0 || second.Length == 0)
            {
                report.CountDropped(DropReason.EmptyText, pair.Source);
                continue;
            }
            report.CountEncoded(first.Length + second.Length, first.Length + second.Length, isFirstCut || isSecondCut);
            yield return new TokenSentencePair(first, second, pair.Score);
        }

        (int[] Ids, bool IsCut) Ids(string text)
        {
            text = files.Prepare(text);
            int[] ids = own.Encode(text);
            return ids.Length <= longest ? (ids, false) : ([.. cutting.EncodeForModel(text).Ids], true);
        }
    }
}
