using System.CommandLine;
using Lemma.Cli.Bench;
using Lemma.Cli.Parsing;
using Lemma.Sequences;

namespace Lemma.Cli.Commands;

/// <summary><c>lemma bench</c>: how fast this machine trains and multiplies.</summary>
internal static class BenchCommand
{
    public static Command Build()
    {
        Command command = new("bench", "Measure speed.")
        {
            BuildTrain(), BuildTune(), BuildDecode(), BuildEncode(), BuildMatrixProduct(), BuildAttention(), BuildSampling(), BuildConstraints(), BuildTokenizer(),
        };
        Examples.Add(command,
            ("a training step of GPT-2's size", "lemma bench train gpt2-124m"),
            ("matrix products", "lemma bench matmul --threads 1"));
        command.SetAction(parsed => Examples.ShowHelp(parsed, command));
        return command;
    }

    private static Command BuildTrain()
    {
        Argument<string> shape = new("SHAPE") { Description = string.Join(" | ", TrainingBench.Shapes) };
        shape.AcceptOnlyFromAmong([.. TrainingBench.Shapes]);
        Option<int?> batch = Choice.Whole("--batch", "Windows of a step; the shape's without it");
        Option<int?> length = Choice.Whole("--length", "Tokens of a window; the shape's without it");
        Option<int?> steps = Choice.Whole("--steps", "Steps that are measured, after two that warm up", fallback: 8);
        Option<int?> threads = Choice.Threads();
        Option<bool> packed = Choice.Flag("--packed", "Beside equal windows also steps of packed documents of mixed lengths, in turn");
        Command command = new("train", "Time whole training steps: forward, backward, clipping, AdamW.")
        {
            shape, batch, length, steps, threads, packed,
        };
        Examples.Add(command,
            ("the median of eight steps", "lemma bench train llama-14m"),
            ("on one thread", "lemma bench train gpt2-124m --threads 1 --steps 4"));
        command.SetAction(parsed => TrainingBench.Run(parsed.GetRequiredValue(shape), parsed.GetValue(batch), parsed.GetValue(length),
            parsed.GetValue(steps)!.Value, parsed.GetValue(threads), parsed.GetValue(packed)));
        return command;
    }

    private static Command BuildTune()
    {
        Argument<string> objective = new("OBJECTIVE") { Description = string.Join(" | ", TuningBench.Objectives) };
        objective.AcceptOnlyFromAmong([.. TuningBench.Objectives]);
        Option<string?> preset = Choice.Text("--preset", "NAME", "The shape; llama-14m without it");
        preset.AcceptOnlyFromAmong([.. Lemma.Models.Presets.Names]);
        Option<int?> rank = Choice.Whole("--lora", "An adapter of this rank learns, not the model"), threads = Choice.Threads();
        Option<int?> steps = Choice.Whole("--steps", "Steps that are measured, after two that warm up", fallback: 8);
        Option<bool> equal = Choice.Flag("--equal", "Prompts and answers of one length"), recompute = Choice.Flag("--recompute", "Blocks are made again in the "
            + "backward");
        Command command = new("tune", "Time tuning steps on sixteen answers: the recipe's pass, backward, clipping, AdamW.")
        {
            objective, preset, rank, equal, recompute, steps, threads,
        };
        Examples.Add(command,
            ("supervised tuning", "lemma bench tune sft"),
            ("preferences with an adapter", "lemma bench tune dpo --lora 16"));
        command.SetAction(parsed => TuningBench.Run(parsed.GetRequiredValue(objective), parsed.GetValue(preset) ?? "llama-14m", parsed.GetValue(rank),
            parsed.GetValue(equal), parsed.GetValue(recompute), parsed.GetValue(steps)!.Value, parsed.GetValue(threads)));
        return command;
    }

    private static Command BuildDecode()
    {
        Argument<string?> preset = new("MODEL")
        {
            Description = "A GGUF file, a model's folder, or the name of a shape; llama-135m without it",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<int?> prompt = Choice.Whole("--prompt", "Tokens of the prompt", fallback: 512);
        Option<int?> tokens = Choice.Whole("--tokens", "Tokens that are decoded", fallback: 128);
        prompt.Aliases.Add("-p");
        tokens.Aliases.Add("-n");
        Option<int?> context = Choice.Whole("--context", "Decode behind so many tokens as well");
        Option<int?> together = Choice.Whole("--together", "Decode so many sequences together as well"), threads = Choice.Threads();
        Option<CacheFormat?> cacheFormat = Choice.CacheFormat();
        Command command = new("decode", "Time reading a prompt and decoding, beside what memory and processor allow.")
        {
            preset, prompt, tokens, context, together, cacheFormat, threads,
        };
        Option<bool> rows = AddRows(command);
        Examples.Add(command,
            ("a model of 135 million parameters, not trained", "lemma bench decode"),
            ("a model as its file has it", "lemma bench decode model-Q4_K_M.gguf -p 512 -n 128 --threads 2"),
            ("behind a long text, and sixteen users at once", "lemma bench decode model.gguf --context 4096 --together 16"),
            ("behind a long text kept in 8 bits", "lemma bench decode model.gguf --context 4096 --cache-format q8_0"));
        command.SetAction(parsed => DecodingBench.Run(parsed.GetValue(preset) ?? "llama-135m", new DecodingBench.Sizes(parsed.GetValue(prompt)!.Value,
            parsed.GetValue(tokens)!.Value, parsed.GetValue(context), parsed.GetValue(together)), parsed.GetValue(threads), parsed.GetValue(rows),
            parsed.GetValue(cacheFormat) ?? CacheFormat.Float32));
        return command;
    }

    private static Command BuildEncode()
    {
        Argument<string> model = new("MODEL") { Description = "The folder of an encoder" };
        Option<int?> threads = Choice.Threads();
        Option<double?> seconds = Choice.Number("--seconds", "The time for each batch", fallback: 5);
        Command command = new("encode", "Time an encoder on sentences of 8 to 128 tokens, one at a time and 32 together.") { model, seconds, threads };
        Option<bool> rows = AddRows(command);
        Examples.Add(command, ("a sentence encoder", "lemma bench encode all-minilm-l6-v2"));
        command.SetAction(parsed => EncodingBench.Run(parsed.GetRequiredValue(model), parsed.GetValue(seconds)!.Value, parsed.GetValue(threads),
            parsed.GetValue(rows)));
        return command;
    }

    private static Option<bool> AddRows(Command command)
    {
        Option<bool> rows = Choice.Flag("--rows", "Weights in rows, as training needs them, not in the panels that products read");
        command.Add(rows);
        return rows;
    }

    private static Command BuildMatrixProduct()
    {
        Option<int?> threads = Choice.Threads();
        Option<double?> seconds = Choice.Number("--seconds", "The time for each size", fallback: 1);
        Argument<string[]> sizes = new("SIZES")
        {
            Description = "Rows x outputs x inputs of each product; a few usual ones without it",
            Arity = ArgumentArity.ZeroOrMore,
        };
        Command command = new("matmul", "Time matrix products beside the processor's peak.") { sizes, seconds, threads };
        Examples.Add(command,
            ("on one thread", "lemma bench matmul --threads 1"),
            ("sizes of your own", "lemma bench matmul 68x1536x384 512x1536x576"));
        command.SetAction(parsed => MatrixBench.Run([.. parsed.GetValue(sizes)!.Select(MatrixBench.Parse)], parsed.GetValue(seconds)!.Value,
            parsed.GetValue(threads)));
        return command;
    }

    private static Command BuildAttention()
    {
        Option<int?> batch = Choice.Whole("--batch", "Sequences", fallback: 1), length = Choice.Whole("--length", "Tokens of a sequence", fallback: 1024);
        Option<int?> heads = Choice.Whole("--heads", "Heads", fallback: 8), width = Choice.Whole("--width", "The width of a head", fallback: 64);
        Option<int?> keyValueHeads = Choice.Whole("--kv-heads", "Key and value heads; as many as heads unless given");
        Option<int?> threads = Choice.Threads();
        Option<double?> seconds = Choice.Number("--seconds", "The time to measure", fallback: 3);
        Command command = new("attention", "Time causal attention beside the processor's peak.")
        {
            batch, length, heads, keyValueHeads, width, seconds, threads,
        };
        Examples.Add(command, ("on one thread", "lemma bench attention --length 1024 --threads 1"));
        command.SetAction(parsed => AttentionBench.Run(parsed.GetValue(batch)!.Value, parsed.GetValue(length)!.Value,
            parsed.GetValue(heads)!.Value, parsed.GetValue(keyValueHeads) ?? parsed.GetValue(heads)!.Value, parsed.GetValue(width)!.Value,
            parsed.GetValue(seconds)!.Value, parsed.GetValue(threads)));
        return command;
    }

    private static Command BuildSampling()
    {
        Option<int?> vocabulary = Choice.Whole("--vocab", "Ids to choose from", fallback: 128_000);
        Option<double?> spread = Choice.Number("--spread", "The deviation of the logits, in nats; the flatter, the more is kept", fallback: 3);
        Option<double?> seconds = Choice.Number("--seconds", "The time for each setting", fallback: 1);
        Command command = new("sampling", "Time choosing an id from logits, for usual settings.") { vocabulary, spread, seconds };
        Examples.Add(command, ("a vocabulary of 128,000", "lemma bench sampling"));
        command.SetAction(parsed => SamplingBench.Run(parsed.GetValue(vocabulary)!.Value, parsed.GetValue(spread)!.Value, parsed.GetValue(seconds)!.Value));
        return command;
    }

    private static Command BuildConstraints()
    {
        Argument<string> file = new("TOKENIZER") { Description = "A tokenizer's file or folder" };
        Option<int?> texts = Choice.Whole("--texts", "Random texts of each constraint", fallback: 20);
        Option<int?> length = Choice.Whole("--length", "The most ids of a text", fallback: 100);
        Command command = new("constraints", "Time the masks of constraints: of states that were never met, and of those that were.") { file, texts, length };
        Examples.Add(command, ("of a vocabulary", "lemma bench constraints tokenizer.json"));
        command.SetAction(parsed => ConstraintBench.Run(Lemma.Text.Tokenizer.Load(parsed.GetRequiredValue(file)),
            parsed.GetValue(texts)!.Value, parsed.GetValue(length)!.Value));
        return command;
    }

    private static Command BuildTokenizer()
    {
        Argument<string> file = new("TOKENIZER") { Description = "A tokenizer's file or folder" };
        Argument<string> text = new("TEXT") { Description = "A file of text" };
        Option<int?> threads = Choice.Threads();
        Option<bool> train = Choice.Flag("--train", "Also time the trainers: byte-level BPE, WordPiece, Unigram");
        Command command = new("tokenizer", "Time encoding: one thread, all threads, a cold memory of words.") { file, text, threads, train };
        Examples.Add(command, ("encode and train", "lemma bench tokenizer tokenizer.json book.txt --train"));
        command.SetAction(parsed => TokenizerBench.Run(
            parsed.GetRequiredValue(file), parsed.GetRequiredValue(text), parsed.GetValue(threads), parsed.GetValue(train)));
        return command;
    }
}
