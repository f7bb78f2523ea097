using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Decoding;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Text;
using Lemma.Weights;

namespace Lemma.Tests.Decoding;

/// <summary>Going on, several sequences, log-probabilities, texts to stop at, and what steps remember.</summary>
public class GenerationTests
{
    private static string Folder(string name) => Path.Combine(AppContext.BaseDirectory, "Golden", "checkpoints", name);

    private static Decoder Small() => ModelFolder.ReadDecoder(Folder("llama"));

    private static readonly GenerationOptions Drawn = new()
    {
        Steps = [new RepetitionPenalty(1.1), new PresencePenalty(0.2), new FrequencyPenalty(0.1), new NoRepeatNgrams(3), new Dry(0.5), new TopNSigma(4),
            new TopK(60), new Typical(0.98), new TopP(0.97), new MinP(0.01), new Xtc(0.1, 0.5), new Temperature(1.3), new Mirostat2(4)],
        MaximumTokens = 40,
        StopIds = [],
        Seed = 11,
    };

    // A model that counts the ids that it reads, and its passes.
    private sealed class Counting(Decoder model) : IContinuingModel
    {
        public int Read { get; private set; }

        public int Passes { get; private set; }

        public Tensor NextLogits(Tape tape, in Rows rows)
        {
            (Read, Passes) = (Read + rows.Ids.Length, Passes + 1);
            return model.NextLogits(tape, rows);
        }

        public Tensor LastLogits(Tape tape, in Rows rows, int count)
        {
            (Read, Passes) = (Read + rows.Ids.Length, Passes + 1);
            return model.LastLogits(tape, rows, count);
        }

        public Parameters Parameters => model.Parameters;

        public int VocabularySize => model.VocabularySize;

        public int MaximumLength => model.MaximumLength;

        public IReadOnlyList<int> EndIds => model.EndIds;
    }

    [Fact]
    public void ATokenWithEveryStepAllocatesNothing()
    {
        using Decoder model = Small();
        using Workers workers = new(2);
        using Generator generator = new(model, workers);
        foreach (int count in (int[])[1, 3])
        {
            int[] next = new int[count];
            generator.Start(new[] { 1, 2, 3 }, Drawn with { MaximumTokens = 100, LogProbabilities = 5 }, count);
            for (int i = 0; i < 20; i++)
                Assert.True(generator.TryNext(next));
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 40; i++)
                generator.TryNext(next);
            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }
    }

    [Fact]
    public void SeveralSequencesAreEachTheOneAloneWithItsSeed()
    {
        using Decoder model = Small();
        Counting counting = new(model);
        using SequenceState state = model.NewState();
        using Workers workers = new(2);
        using Generator together = new(counting, workers), alone = new(model, workers);
        GenerationOptions ending = Drawn with { StopIds = [5, 17, 40, 60] };
        int[] prompt = [1, 7, 9, 30];
        together.Start(state, prompt, ending, 5);
        int[] next = new int[5];
        while (together.TryNext(next)) { }
        IReadOnlyList<int>[] expected = [.. Enumerable.Range(0, 5).Select(i => alone.Generate(prompt, ending with { Seed = 11 + (ulong)i }))];
        Assert.Equal(expected, Enumerable.Range(0, 5).Select(i => (IReadOnlyList<int>)together.Ids(i)[4..].ToArray()));
        Assert.True(expected.Select(ids => ids.Count).Distinct().Count() > 1, "all ended at one length");
        // The prompt once, then a pass a token of the longest, for those that have not ended; the last of 40 is never read.
        Assert.Equal(4 + expected.Sum(ids => Math.Min(ids.Count, 39)), counting.Read);
        Assert.Equal(1 + expected.Max(ids => Math.Min(ids.Count, 39)), counting.Passes);
        Assert.Equal(expected, alone.Generate(prompt, ending, 5));
        Assert.Equal(expected[0], alone.Generate(prompt, ending));
    }

    [Fact]
    public void GoingOnGivesTheTextOfOneGeneration()
    {
        using Decoder model = Small();
        using Workers workers = new(1);
        Counting counting = new(model);
        using SequenceState state = model.NewState();
        using Generator parts = new(counting, workers), whole = new(model, workers);
        IReadOnlyList<int> expected = whole.Generate(new[] { 1, 2, 3 }, Drawn);
        parts.Start(state, new[] { 1, 2, 3 }, Drawn with { MaximumTokens = 15 });
        while (parts.TryNext(out _)) { }
        parts.Continue(default, Drawn with { MaximumTokens = 25 });
        while (parts.TryNext(out _)) { }
        Assert.Equal(expected, parts.Ids()[3..].ToArray());
        Assert.Equal(3 + 39, counting.Read);
    }

    [Fact]
    public void FurtherIdsAreReadAndNothingElse()
    {
        using Decoder model = Small();
        using Workers workers = new(1);
        Counting counting = new(model);
        using SequenceState state = model.NewState();
        using Generator parts = new(counting, workers), whole = new(model, workers);
        GenerationOptions greedy = GenerationOptions.Greedy with { MaximumTokens = 8, StopIds = [] };
        parts.Start(state, new[] { 1, 2, 3 }, greedy);
        while (parts.TryNext(out _)) { }
        int read = counting.Read;
        int[] sofar = [.. parts.Ids(), 50, 51];
        parts.Continue(new[] { 50, 51 });
        Assert.True(parts.TryNext(out _));
        // The last made id and the two further ones.
        Assert.Equal(read + 3, counting.Read);
        while (parts.TryNext(out _)) { }
        Assert.Equal(whole.Generate(sofar, greedy), parts.Ids()[sofar.Length..].ToArray());

        // A stop id that came is not among what was made; what follows goes on without it.
        int stop = whole.Generate(new[] { 1, 2, 3 }, greedy)[4];
        GenerationOptions ending = greedy with { StopIds = [stop] };
        parts.Start(state, new[] { 1, 2, 3 }, ending);
        while (parts.TryNext(out _)) { }
        Assert.InRange(parts.Ids().Length, 3, 7);
        int[] behind = [.. parts.Ids(), 60];
        Assert.Contains("a text that a stop id ended goes on behind further ids, but there are none",
            Assert.Throws<ArgumentException>(() => parts.Continue(default)).Message, StringComparison.Ordinal);
        parts.Continue(new[] { 60 }, greedy);
        while (parts.TryNext(out _)) { }
        Assert.Equal(whole.Generate(behind, greedy), parts.Ids()[behind.Length..].ToArray());
    }

    [Fact]
    public void WhatCannotGoOnSaysWhy()
    {
        using Decoder model = Small();
        using Workers workers = new(1);
        using Generator generator = new(model, workers);
        Expect("there is nothing to continue before Start", () => generator.Continue(new[] { 1 }));
        generator.Start(new[] { 1 }, Drawn);
        Expect("steps and the seed belong to a text from its beginning", () => generator.Continue(new[] { 1 }, Drawn with { Seed = 3 }));
        Expect("steps and the seed belong to a text from its beginning", () => generator.Continue(new[] { 1 }, Drawn with { Steps = [] }));
        Expect("generation: 1 ids and 128 further ones are more than the longest sequence, 128", () => generator.Continue(new int[128]));
        Expect("id 96 is not in the vocabulary of 96", () => generator.Continue(new[] { 96 }));
        Expect("log-probabilities are told where the options ask for them", () => generator.Chosen());
        Expect("there must be at least one sequence, but there are 0", () => generator.Start(new[] { 1 }, Drawn, 0));
        Expect("the log-probabilities to tell must be from 0 to 96, but they are 97", () => generator.Start(new[] { 1 }, Drawn with { LogProbabilities = 97 }));
        Expect("ids alone do not show the 1 texts to stop at", () => generator.Start(new[] { 1 }, Drawn with { StopTexts = ["x"] }));
        generator.Start(new[] { 1 }, Drawn, 2);
        Expect("2 sequences go on, so there is no one next id", () => generator.TryNext(out _));
        Expect("3 places do not fit 2 sequences", () => generator.TryNext(new int[3]));
        using EncoderDecoder both = (EncoderDecoder)ModelFolder.Read(Folder("t5"));
        using Generator other = new(both, workers);
        Expect("a model with an encoder begins with a state of a source", () => other.Start(new[] { 0 }, Drawn));

        static void Expect(string message, Action call) =>
            Assert.Contains(message, Assert.Throws<ArgumentException>(call).Message, StringComparison.Ordinal);
    }

    [Theory, InlineData("t5"), InlineData("bart")]
    public void AModelWithAnEncoderGeneratesFromItsSource(string name)
    {
        using Models.ReferenceCheckpoint reference = Models.ReferenceCheckpoint.Open(Folder(name));
        EncoderDecoder model = (EncoderDecoder)reference.Model;
        reference.Tape.Recording = false;
        using SequenceState state = model.NewStates(reference.Tape, Rows.One(reference.Ints("prompt")))[0];
        reference.Tape.Rewind();
        using Generator generator = new(model, reference.Workers);
        GenerationOptions greedy = GenerationOptions.Greedy with { MaximumTokens = 16, StopIds = [] };
        foreach (int count in (int[])[1, 2])
        {
            generator.Start(state, new[] { model.Config.DecoderBeginId }, greedy, count);
            int[] next = new int[count];
            while (generator.TryNext(next)) { }
            for (int i = 0; i < count; i++)
                Assert.Equal(reference.Ints("greedy"), generator.Ids(i).ToArray());
        }
    }

    [Fact]
    public void LogProbabilitiesAreTheModelsOwnWhateverTheSteps()
    {
        using Decoder model = Small();
        using Workers workers = new(1);
        using Generator generator = new(model, workers), plain = new(model, workers);
        using Tape tape = new(workers, model.Parameters) { Recording = false };
        IReadOnlyList<int> expected = plain.Generate(new[] { 4, 8 }, Drawn);
        generator.Start(new[] { 4, 8 }, Drawn with { LogProbabilities = 3 });
        for (int step = 0; generator.TryNext(out int id); step++)
        {
            Assert.Equal(expected[step], id);
            int[] before = generator.Ids()[..^1].ToArray();
            double[] logits = [.. tape[model.NextLogits(tape, Rows.One(before))].ToArray().Select(z => (double)z)];
            tape.Rewind();
            double total = Math.Log(logits.Sum(z => Math.Exp(z - logits.Max()))) + logits.Max();
            Assert.Equal(id, generator.Chosen().Id);
            Assert.Equal(logits[id] - total, generator.Chosen().LogProbability, 2e-6);
            int[] likely = [.. Enumerable.Range(0, logits.Length).OrderByDescending(i => logits[i]).ThenBy(i => i).Take(3)];
            Assert.Equal(likely, generator.Likeliest().ToArray().Select(one => one.Id));
            foreach (TokenLogProbability one in generator.Likeliest())
                Assert.Equal(logits[one.Id] - total, one.LogProbability, 2e-6);
        }
        // A stop id is not returned, but it was chosen.
        generator.Start(new[] { 4, 8 }, Drawn with { LogProbabilities = 0, StopIds = [expected[0]] });
        Assert.False(generator.TryNext(out _));
        Assert.Equal(expected[0], generator.Chosen().Id);
        Assert.Equal(0, generator.Likeliest().Length);
    }

    [Fact]
    public void TheSurpriseOfMirostatComesNearItsTargetAndBelongsToItsText()
    {
        // Logits whose entropy is far above the target: what is kept shrinks until a draw surprises by the target's bits.
        float[] logits = [.. Enumerable.Range(0, 500).Select(i => -0.01f * i)];
        Mirostat2 step = new(3, 0.05);
        Candidates candidates = new(500);
        StepChain chain = new([step], 1), second = new([step], 1);
        List<int> first = [];
        double surprise = 0;
        for (int draw = 0; draw < 600; draw++)
        {
            candidates.Reset(logits);
            first.Add(chain.Choose(candidates, [], 0, draw));
            surprise += draw < 200 ? 0 : -Math.Log2(candidates.Probabilities()[candidates.Ids.IndexOf(first[^1])]) / 400;
        }
        Assert.Equal(3, surprise, 0.1);
        // Another text with the same step begins anew.
        for (int draw = 0; draw < 600; draw++)
        {
            candidates.Reset(logits);
            Assert.Equal(first[draw], second.Choose(candidates, [], 0, draw));
        }
    }

    [Fact]
    public void AStreamOfTextStopsWhereItsTextsStand()
    {
        string folder = SharedData.FindOrSkip("data/weights/stories260K");
        Tokenizer tokenizer = Tokenizer.Load(Path.Combine(folder, "derived-hf", "tokenizer.json"));
        using Decoder model = ModelFolder.ReadDecoder(Path.Combine(folder, "derived-hf"));
        using Workers workers = new(1);
        using Generator generator = new(model, workers);
        GenerationOptions options = GenerationOptions.Greedy with { MaximumTokens = 80, StopIds = [] };
        string whole = All(new TextStream(generator, tokenizer, new[] { 1 }, options));
        Assert.Equal(tokenizer.Decode(generator.Ids()[1..]).Trim(), whole.Trim());
        foreach (string stop in (string[])[whole[40..47], whole[60..61], "\u0001", whole[..3], whole[90..99]])
        {
            TextStream stream = new(generator, tokenizer, new[] { 1 }, options with { StopTexts = [stop, "never"] });
            int at = whole.IndexOf(stop, StringComparison.Ordinal);
            Assert.Equal(at < 0 ? whole : whole[..at], All(stream));
            Assert.Equal(at < 0 ? null : stop, stream.Stop);
        }

        static string All(TextStream stream)
        {
            string text = "";
            while (stream.TryNext(out string piece))
                text += piece;
            return text;
        }
    }

    [Fact]
    public void TheUsualOrderIsTheDocumentedOne()
    {
        GenerationOptions all = GenerationOptions.Sample(0.7, 40, 0.9, 0.05, 0.95, 1.1, 0.5, 0.25, 3, new Dictionary<int, double> { [4] = 1 });
        Assert.Equal([new LogitBias([new(4, 1)]), new RepetitionPenalty(1.1), new PresencePenalty(0.5), new FrequencyPenalty(0.25), new NoRepeatNgrams(3),
            new TopK(40), new Typical(0.95), new TopP(0.9), new MinP(0.05), new Temperature(0.7)], all.Steps!);
        Assert.Null(GenerationOptions.Sample(0, 40, 0.9).Steps);
        Assert.Equal([new RepetitionPenalty(1.1), new TopK(1)], GenerationOptions.Sample(0, 40, repetitionPenalty: 1.1).Steps!);
    }
}
