using System.CommandLine;
using Lemma.Cli.Parsing;
using Lemma.Data;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Text;
using Lemma.Training;

namespace Lemma.Cli.Tuning;

/// <summary><c>lemma seq2seq</c>: an encoder and a decoder learn to make one text of another.</summary>
internal sealed class SeqToSeqCommand
{
    private static readonly Dictionary<string, Func<ulong, ExampleSource<SequencePair>>> Tasks = new()
    {
        ["reverse"] = static seed => SequenceTasks.Reverse(seed),
        ["sort"] = static seed => SequenceTasks.Sort(seed),
    };

    private readonly ExampleOptions examples = new("seq2seq", new TrainingOptions
    {
        Steps = 1500,
        LearningRate = 2e-3,
        Schedule = new CosineSchedule { Warmup = 100 },
        EvaluateEvery = 250,
    }, "Files, folders or globs of .jsonl, .json and .parquet with the fields source and target; with --corrupt of texts. Without it a task, or the built-in "
        + "stories", examples: 20000, longest: 128);

    private readonly Option<string?> model = Choice.Text("--model", "DIR", "A model to go on with, in place of a new one: a folder, or a run");
    private readonly Option<string?> task = Choice.Text("--task", string.Join('|', Tasks.Keys), "Without --data: what is done with letters; reverse without it");
    private readonly Option<string?> corrupt = Choice.Text("--corrupt", "spans|infilling", "Texts with parts taken out are made whole: each part behind a sentinel "
        + "(T5), or the whole text (BART)");
    private readonly Option<double?> noise = Choice.Number("--noise", "The share of tokens that are taken out; 0.15 for spans, 0.3 for infilling",
        least: double.Epsilon, below: 1);
    private readonly Option<double?> span = Choice.Number("--mean-span", "The mean length of what is taken out; 3 without it", least: 1);
    private readonly SizeOptions sizes = new();
    private readonly Command command = new("seq2seq", "Train an encoder with a decoder to make one text of another.");

    public static Command Build() => new SeqToSeqCommand().Create();

    private Command Create()
    {
        task.AcceptOnlyFromAmong([.. Tasks.Keys]);
        corrupt.AcceptOnlyFromAmong("spans", "infilling");
        command.Add(model);
        examples.AddTo(command, [task, corrupt, noise, span, .. sizes.All]);
        examples.AddLoopTo(command);
        examples.AddRestTo(command);
        Examples.Add(command,
            ("a small T5 reverses letters", "lemma seq2seq"),
            ("ask it", "lemma generate runs/seq2seq --prompt \"a b c d\" --temperature 0"),
            ("parts of the built-in stories, taken out and put back", "lemma seq2seq --corrupt spans --out runs/spans"),
            ("sources with targets of your own", "lemma seq2seq --data pairs.jsonl --preset small --out runs/pairs"),
            ("go on with a trained one", "lemma seq2seq --model t5-small --data pairs.jsonl --learning-rate 1e-4"));
        command.SetAction(Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        ExampleRequest request = examples.Read(command, parsed);
        parsed = request.Parsed;
        string? way = parsed.GetValue(corrupt);
        Choice.RequireBeside(parsed, noise, corrupt);
        Choice.RequireBeside(parsed, span, corrupt);
        if (parsed.GetValue(task) is not null && (way is not null || request.Data.Length > 0))
            throw new UsageException($"--task: it makes the pairs, but {(way is null ? "--data" : "--corrupt")} does as well");
        if (parsed.GetValue(model) is { } given)
            sizes.RequireNone(parsed, given);
        ReadModel read = new(request, parsed.GetValue(model));
        using EncoderDecoder? old = read.Read<EncoderDecoder>(sizes.Dropout(parsed), "an encoder with a decoder");
        Tokenizer? tokenizer = read.Tokenizer;
        int length = Math.Min(request.Length!.Value, old?.MaximumLength ?? int.MaxValue);
        Func<EncoderDecoder, SequenceToSequence> recipe = way is null ? Pairs(request, old, ref tokenizer, length) : Texts(request, old, ref tokenizer, length, way);
        using EncoderDecoder both = old ?? New(sizes.ReadT5(parsed, tokenizer!.VocabularySize), request.Seed);
        return EncoderRun.Run(request, learning => recipe((EncoderDecoder)learning), both, tokenizer!, read.WriteBeside,
            new Dictionary<string, string> { ["validation_exact"] = "targets said word for word" }, null,
            null, ("try it", $"lemma generate {request.Folder} --prompt \"...\" --temperature 0"));
    }

    private static EncoderDecoder New(EncoderDecoderConfig config, ulong seed)
    {
        EncoderDecoder both = new(config);
        SequenceVocabulary.Initialize(both, ((AttentionConfig)config.Encoder.Blocks[0].Mixer).HeadWidth, seed);
        return both;
    }

    private Func<EncoderDecoder, SequenceToSequence> Pairs(ExampleRequest request, EncoderDecoder? old, ref Tokenizer? tokenizer, int length)
    {
        Tokenizer? used = tokenizer;
        (List<TokenSequencePair> training, List<TokenSequencePair> validation) = TuningData.Read(
            request, Tasks[request.Parsed.GetValue(task) ?? "reverse"](request.Seed), Encode);
        tokenizer = used;
        return both => new SequenceToSequence(both, training, validation, Options(request));

        List<TokenSequencePair> Encode(IEnumerable<SequencePair> pairs, DataReport report)
        {
            SequencePair[] all = [.. pairs];
            used ??= Train(all.SelectMany(pair => (string[])[pair.Input, pair.Output]), request);
            List<TokenSequencePair> encoded = [];
            foreach (SequencePair pair in all)
            {
                (int[] source, int[] target) = (used.Encode(pair.Input), Ended(used.Encode(pair.Output), old is null ? used.IdOf("</s>") : old.Config.EndId));
                if (source.Length == 0)
                    report.CountDropped(DropReason.EmptyPrompt, pair.Source);
                else if (Math.Max(source.Length, target.Length) > length)
                    report.CountDropped(DropReason.TooLong, pair.Source);
                else
                {
                    report.CountEncoded(source.Length + target.Length, target.Length, isCut: false);
                    encoded.Add(new TokenSequencePair(source, target));
                }
            }
            return encoded;
        }
    }

    private Func<EncoderDecoder, SequenceToSequence> Texts(ExampleRequest request, EncoderDecoder? old, ref Tokenizer? tokenizer, int length, string way)
    {
        Tokenizer? used = tokenizer;
        TextPieces? pieces = null;
        bool isFramed = way == "infilling";
        (List<ReadOnlyMemory<int>> training, List<ReadOnlyMemory<int>> validation) = TuningData.Read(request, StoryTasks.Texts(request.Seed), Encode);
        tokenizer = used;
        (double? share, double? mean) = (request.Parsed.GetValue(noise), request.Parsed.GetValue(span));
        int? end = old is null ? used!.IdOf("</s>") : old.Config.EndId;
        Func<ReadOnlyMemory<int>, Philox, TokenSequencePair> make;
        if (isFramed)
        {
            TextInfilling infilling = SequenceVocabulary.InfillingOf(used!, share, mean);
            (int before, int after) = (pieces!.Before, pieces.After);
            make = (text, random) => infilling.Corrupt(text.Span, random, before, after);
        }
        else
        {
            SpanCorruption spans = SequenceVocabulary.SpansOf(used!, end, share, mean);
            make = (text, random) => spans.Corrupt(text.Span, random);
        }
        // Those to judge by are always the same.
        TokenSequencePair[] judged = [.. validation.Select((text, i) => make(text, new Philox(0, (ulong)i)))];
        return both => new SequenceToSequence(both, training, make, judged, Options(request));

        List<ReadOnlyMemory<int>> Encode(IEnumerable<TextDocument> documents, DataReport report)
        {
            TextDocument[] all = [.. documents];
            used ??= Train(all.Select(document => document.Text), request);
            pieces ??= new TextPieces(used, length);
            List<ReadOnlyMemory<int>> texts = [];
            foreach (TextDocument document in all)
            {
                int[][] some = [.. pieces.Of(document.Text, isFramed)];
                int tokens = some.Sum(piece => piece.Length);
                if (some.Length == 0)
                    report.CountDropped(DropReason.NothingCounts, document.Source);
                else
                    report.CountEncoded(tokens, tokens, isCut: false);
                texts.AddRange(some.Select(piece => (ReadOnlyMemory<int>)piece));
            }
            return texts;
        }
    }

    private static SequenceToSequenceOptions Options(ExampleRequest request) => new() { RowsOfPass = request.Rows, Seed = request.Seed };

    private Tokenizer Train(IEnumerable<string> texts, ExampleRequest request) => SequenceVocabulary.Train(texts, sizes.Vocabulary(request.Parsed));

    private static int[] Ended(int[] ids, int? end) => end is { } id && (ids.Length == 0 || ids[^1] != id) ? [.. ids, id] : ids;
}
