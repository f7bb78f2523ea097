using System.CommandLine;
using Lemma.Checkpoints;
using Lemma.Cli.Parsing;
using Lemma.Data;
using Lemma.Language;
using Lemma.Models;
using Lemma.Text;
using Lemma.Training;

namespace Lemma.Cli.Tuning;

/// <summary><c>lemma distill</c>: a model learns to say what another one says.</summary>
internal sealed class DistillCommand
{
    private const int AtATime = 4096;
    private readonly TuningOptions tuning = new("distill", new TrainingOptions
    {
        Steps = 400,
        LearningRate = 5e-4,
        Schedule = new CosineSchedule { Warmup = 20 },
        EvaluateEvery = 100,
    });

    private readonly Option<string?> teacher = Choice.Text("--teacher", "DIR", "The model that is learned from, with the same ids: a folder, or a run");
    private readonly Option<string?> divergence = Choice.Text("--divergence", "forward|reverse", "forward covers all that the teacher may say, reverse says "
        + "nothing that it would not");
    private readonly Option<double?> ownShare = Choice.Number("--own-share", "The share of the examples' own loss beside the divergence", below: 1, fallback: 0);
    private readonly Option<bool> onPolicy = Choice.Flag("--on-policy", "The student reads answers of its own, drawn anew for each pass");
    private readonly Option<int?> longest = Choice.Whole("--answer-length", "The most tokens of an own answer; 64 without it");
    private readonly Option<bool> texts = Choice.Flag("--texts", "Without --data the built-in stories, and not questions about them");
    private readonly Command command = new("distill", "Train a model to say what another one says: distillation.");

    public static Command Build() => new DistillCommand().Create();

    private Command Create()
    {
        divergence.DefaultValueFactory = _ => "forward";
        divergence.AcceptOnlyFromAmong("forward", "reverse");
        tuning.AddTo(command, teacher, divergence, ownShare, onPolicy, longest, texts);
        Examples.Add(command,
            ("a model learns what a tuned one answers", "lemma distill --teacher runs/sft --model runs/quickstart"),
            ("from its own answers, which the teacher judges", "lemma distill --teacher runs/sft --model runs/small --on-policy --divergence reverse"),
            ("on texts or conversations of your own", "lemma distill --teacher big --model small --data texts.jsonl"));
        command.SetAction(Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        TuningRequest request = tuning.Read(command, parsed);
        parsed = request.Parsed;
        string from = parsed.GetValue(teacher) ?? throw new UsageException("--teacher is needed: name a model's folder or a run, such as runs/sft");
        Choice.RequireBeside(parsed, longest, onPolicy);
        if (parsed.GetValue(texts) && request.Data.Length > 0)
            throw new UsageException("--texts: it is of the built-in source, but --data is given");
        using TunedModel model = new(request, speaksAs: from);
        RequireSameIds(model.Tokenizer, from);
        using Decoder master = ModelFolder.ReadDecoder(ModelFiles.Find(ModelPath.Find(from)).Weights);
        int own = Math.Min(request.Length ?? int.MaxValue, model.Base.MaximumLength), most = Math.Min(own, master.MaximumLength);
        // What the teacher cannot read is too long as well.
        ConversationEncoder encoder = model.NewEncoder(room: own - most);
        ExampleSource<TextDocument> stories = StoryTasks.Texts(request.Seed);
        ExampleSource<ChatExample> chats = StoryTasks.Instructions(request.Seed, request.Told);
        ExampleSource<DataExample> builtIn = parsed.GetValue(texts) ? new(stories.Name, stories.At) : new(chats.Name, chats.At);
        (List<TokenExample> training, List<TokenExample> validation) = TuningData.Read(request, builtIn,
            (examples, report) => Encode(examples, report, model, encoder, most));
        Decoder student = model.Begin();
        using Distillation recipe = new(student, master, training, validation, model.Workers, new DistillationOptions
        {
            Direction = parsed.GetValue(divergence) == "reverse" ? DivergenceDirection.Reverse : DivergenceDirection.Forward,
            OwnShare = parsed.GetValue(ownShare)!.Value,
            IsOnPolicy = parsed.GetValue(onPolicy),
            LongestAnswer = parsed.GetValue(longest) ?? 64,
            RowsOfPass = request.Rows,
            Seed = request.Seed,
        });
        return TuningRun.Run("distill", request, model, recipe);
    }

    // The teacher's probabilities are those of its ids: the student's must mean the same.
    private static void RequireSameIds(Tokenizer student, string teacher)
    {
        Tokenizer own = ModelFiles.Find(ModelPath.Find(teacher)).ReadTokenizer();
        int differs = Enumerable.Range(0, Math.Max(own.VocabularySize, student.VocabularySize)).FirstOrDefault(
            id => own.PieceOrNull(id) != student.PieceOrNull(id), -1);
        if (differs >= 0)
            throw new InvalidDataException($"distill: teacher and student must have the same ids, but {differs} is {Piece(own)} and {Piece(student)}");

        string Piece(Tokenizer tokenizer) => tokenizer.PieceOrNull(differs) is { } piece ? $"'{piece}'" : "not there";
    }

    private static IEnumerable<TokenExample> Encode(IEnumerable<DataExample> examples, DataReport report, TunedModel model, ConversationEncoder encoder, int most)
    {
        foreach (DataExample[] some in examples.Chunk(AtATime))
        {
            if (some.All(example => example is ChatExample))
            {
                foreach (TokenExample example in encoder.Encode(some.Cast<ChatExample>(), report))
                    yield return example;
                continue;
            }
            foreach (DataExample example in some)
            {
                string text = example is TextDocument document ? document.Text
                    : throw new InvalidDataException($"{example.Source}: a student learns from conversations or from texts, not from both, nor from other examples");
                TokenExample[] pieces = [.. TuningData.Whole(model, text, most)];
                if (pieces.Length == 0)
                    report.CountDropped(DropReason.NothingCounts, example.Source);
                else
                    report.CountEncoded(pieces.Sum(piece => piece.Ids.Length), pieces.Sum(piece => piece.Predicted), isCut: false);
                foreach (TokenExample piece in pieces)
                    yield return piece;
            }
        }
    }
}
