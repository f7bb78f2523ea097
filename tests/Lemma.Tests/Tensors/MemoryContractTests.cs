using Lemma.Compute;
using Lemma.Decoding;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Tests.Oracles;
using Lemma.Weights;

namespace Lemma.Tests.Tensors;

/// <summary>What must be an exception and never a crash, a wait without end or a wrong number.</summary>
public class MemoryContractTests
{
    private static readonly DecoderConfig Small = Presets.Llama(vocabularySize: 61, width: 32, layers: 2, heads: 4, hidden: 48, length: 96);

    [Fact]
    public void WorkersRefuseAJobAfterDispose()
    {
        foreach (int threads in new[] { 1, 3 })
        {
            Workers workers = new(threads);
            workers.Dispose();
            workers.Dispose();
            Assert.Throws<ObjectDisposedException>(() => workers.Run(4, 0, static (in s, i) => { }));
        }
    }

    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public void WorkersRefuseAJobInsideAJob(int threads)
    {
        using Workers workers = new(threads);
        Assert.Contains("one job at a time", Assert.Throws<InvalidOperationException>(() =>
            workers.Run(5, workers, static (in gang, i) => gang.Run(2, 0, static (in s, j) => { }))).Message, StringComparison.Ordinal);
        int[] done = new int[7];
        workers.Run(7, done, static (in all, i) => all[i]++);
        Assert.All(done, count => Assert.Equal(1, count));
    }

    [Fact]
    public void WorkersRefuseASecondCaller()
    {
        using Workers workers = new(2);
        using ManualResetEventSlim started = new(), end = new();
        Thread first = new(() => workers.Run(2, (started, end), static (in s, i) =>
        {
            s.started.Set();
            s.end.Wait(TestContext.Current.CancellationToken);
        }));
        first.Start();
        started.Wait(TestContext.Current.CancellationToken);
        Assert.Throws<InvalidOperationException>(() => workers.Run(1, 0, static (in s, i) => { }));
        Assert.Throws<InvalidOperationException>(workers.Dispose);
        end.Set();
        first.Join();
        workers.Run(1, 0, static (in s, i) => { });
    }

    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public void TheFirstFailureIsThrownAsItIs(int threads)
    {
        using Workers workers = new(threads);
        for (int turn = 0; turn < 50; turn++)
        {
            FormatException error = Assert.Throws<FormatException>(() => workers.Run(40, 0, static (in s, i) =>
            {
                if (i is 7 or 8 or 31)
                    throw i == 7 ? new FormatException("seven") : new ArithmeticException("later");
            }));
            Assert.Equal("seven", error.Message);
        }
    }

    [Fact]
    public void RowsUpToTheLargestIntegerAreSplit()
    {
        using Workers workers = new(1);
        long[] sum = new long[1];
        workers.Rows(int.MaxValue, 1 << 30, sum, static (in s, first, count) => s[0] += count);
        Assert.Equal(int.MaxValue, sum[0]);
    }

    [Fact]
    public void WhatWasDisposedIsAnException()
    {
        using Workers workers = new(1);
        Parameters parameters = new();
        Parameter weight = parameters.Add("weight", new Shape(3, 4), decays: true);
        parameters.Allocate();
        using Tape tape = new(workers, parameters);
        Tensor w = tape.Parameter(weight), x = tape.Input(new Shape(2, 4), new float[8]);
        parameters.Dispose();
        Assert.Throws<ObjectDisposedException>(() => tape.Parameter(weight));
        Assert.Throws<ObjectDisposedException>(() => tape.Linear(x, w));
        Assert.Throws<ObjectDisposedException>(() => parameters.Weights(weight).Length);
        Assert.Throws<ObjectDisposedException>(() => parameters.AllocateTrainingState());
        tape.Dispose();
        Assert.Throws<ObjectDisposedException>(() => tape.New(new Shape(2)));
        Assert.Throws<InvalidOperationException>(() => tape[x].Length);
        using Decoder model = new(Small);
        SequenceState state = model.NewState();
        state.Dispose();
        using Tape other = new(workers, model.Parameters) { Recording = false };
        Assert.Throws<ObjectDisposedException>(() => model.NextLogits(other, Rows.One(new[] { 1 }, state)));
    }

    [Fact]
    public void ATensorOfAnotherTapeIsRefused()
    {
        using Workers workers = new(1);
        using Tape one = new(workers), two = new(workers);
        Tensor x = one.Input(new Shape(4), [1, 2, 3, 4]);
        two.Input(new Shape(4), [5, 6, 7, 8]);
        Assert.Contains("another tape", Assert.Throws<InvalidOperationException>(() => two[x].Length).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AStateOfAnotherModelIsRefused()
    {
        using Workers workers = new(1);
        using Decoder model = new(Small);
        using Tape tape = new(workers, model.Parameters) { Recording = false };
        using Decoder another = new(Small);
        using SequenceState wrong = another.NewState(), right = model.NewState();
        Assert.Contains("another model", Refused(Rows.One(new[] { 1 }, wrong)), StringComparison.Ordinal);
        Assert.Contains("one state", Refused(new Rows(new[] { 1, 2 }, new[] { 1, 1 }, new[] { right, right })), StringComparison.Ordinal);
        Assert.Contains("61", Refused(Rows.One(new[] { 61 }, right)), StringComparison.Ordinal);
        Assert.Contains("longest sequence", Refused(Rows.One(new int[Small.MaximumLength + 1], right)), StringComparison.Ordinal);
        Assert.Equal(0, right.Length);
        Assert.Throws<ArgumentException>(() => right.Truncate(1));

        string Refused(Rows rows) => Assert.Throws<ArgumentException>(() => model.NextLogits(tape, rows)).Message;
    }

    [Theory, InlineData(-1), InlineData(int.MinValue), InlineData(6)]
    public void LengthsOutsideTheirSequenceAreRefused(int length)
    {
        using Workers workers = new(1);
        using Tape tape = new(workers);
        AttentionHeads heads = new(1, 1, 8, Causal: true, Window: 2);
        Tensor x = tape.Input(new Shape(10, heads.RowWidth), new float[10 * heads.RowWidth]);
        Assert.Contains("[0, 10]", Assert.Throws<ArgumentException>(() => tape.Attention(x, new[] { 5, length }, heads)).Message, StringComparison.Ordinal);
        Assert.Contains("sum to 5", Assert.Throws<ArgumentException>(() => tape.Attention(x, new[] { 5 }, heads)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new Rows(new int[10], new[] { 5, length }));
        Assert.Throws<ArgumentException>(() => new Rows(new int[10], new[] { 5 }));
        Assert.Throws<ArgumentException>(() => new Rows(default, default));
    }

    [Fact]
    public void AGradientThatWentBackIsAnException()
    {
        using Workers workers = new(1);
        using Tape tape = new(workers);
        Tensor x = tape.Input(new Shape(2, 3), [1, 2, 3, 4, 5, 6]), hidden = tape.Silu(x);
        Tensor loss = tape.Sum(tape.LinearCrossEntropy(hidden, tape.Input(new Shape(3, 3), new float[9]), new[] { 0, 1 }));
        tape.Backward(loss);
        Assert.Contains("given back", Assert.Throws<InvalidOperationException>(() => tape.Gradient(hidden).Length).Message, StringComparison.Ordinal);
        Assert.Equal(6, tape.Gradient(x).Length);
        Assert.Contains("already", Assert.Throws<InvalidOperationException>(tape.RunBackward).Message, StringComparison.Ordinal);
        tape.Rewind();
        Tensor again = tape.Input(new Shape(2), [1, 2]);
        tape.Gradient(tape.Silu(again)).Fill(1);
        tape.RunBackward();
        Assert.NotEqual(0, tape.Gradient(again)[0]);
    }

    [Fact]
    public void AParameterIsNotTurnedInPlace()
    {
        using Workers workers = new(1);
        using Parameters parameters = new();
        Parameter weight = parameters.Add("weight", new Shape(2, 8), decays: true);
        parameters.Allocate();
        using Tape tape = new(workers, parameters);
        Tensor w = tape.Parameter(weight);
        Assert.Throws<ArgumentException>(() => tape.RopeInPlace(w, 1, new[] { 0, 1 }, new RopeTable(2, 8, 10000, false)));
    }

    [Fact]
    public void SizesBeyondCountingAreNamed()
    {
        Assert.Contains("2147483647", Assert.Throws<ArgumentException>(() => new Shape(int.MaxValue, int.MaxValue, int.MaxValue)).Message, StringComparison.Ordinal);
        using Workers workers = new(1);
        using Tape tape = new(workers);
        Assert.Contains("65536", Assert.Throws<ArgumentException>(() => tape.New(new Shape(65536, 65536))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => SpanProduct.Multiply(65536, 1, 65536, default, false, default, false, default));
    }

    [Fact]
    public void BuffersOfManyLengthsAreShared()
    {
        if (GuardedMemory.IsOn)
            Assert.Skip("guarded memory gives every size its own pages");
        using Workers workers = new(1);
        using Tape tape = new(workers);
        float[] values = OperationCheck.Random(100_000, 1);
        long afterOneOctave = 0;
        for (int turn = 0; turn < 1000; turn++)
        {
            int length = 50_000 + 48 * turn;
            Tensor x = tape.Input(new Shape(length), values.AsSpan(0, length));
            tape.Gradient(tape.Silu(tape.Silu(tape.Silu(x)))).Fill(1);
            tape.RunBackward();
            tape.Rewind();
            if (turn == 0)
                afterOneOctave = tape.PooledElements;
        }
        Assert.True(tape.PooledElements < 8 * afterOneOctave, $"{tape.PooledElements} elements after 1000 lengths, {afterOneOctave} after one");
    }

    [Theory, InlineData(1), InlineData(4), InlineData(100), InlineData(1_000_000), InlineData(123_456_789)]
    public void SizeClassesHoldTheirCountAndWasteAQuarterAtMost(long count)
    {
        if (GuardedMemory.IsOn)
            Assert.Skip("guarded memory is made to measure");
        long size = GradientPool.SizeOf(count);
        Assert.InRange(size, count, Math.Max(64, count * 5 / 4));
        Assert.Equal(size, GradientPool.SizeOf(size));
    }

    [Fact]
    public void ALongestSequenceCostsNothingBeforeItIsReached()
    {
        RopeTable table = new(1 << 28, 128, 10000, false);
        Assert.Equal(0, table.Held);
        table.Cosines(5_000_000);
        Assert.Equal(1024 * 128, table.Held);
        float[] cosines = new float[64], sines = new float[64];
        Rope.Angles(5_000_000, 1, RopeScaling.None.Frequencies(128, 10000, 0), 1, cosines, sines);
        Assert.Equal(cosines, table.Cosines(5_000_000));
        Assert.Equal(sines, table.Sines(5_000_000));
    }

    [Fact]
    public void AHundredThreadsThatShareAModelGiveTheTextsOfOne()
    {
        using Decoder model = new(Small);
        model.Initialize(3);
        int[][] prompts = [.. Enumerable.Range(0, 100).Select(i => Enumerable.Range(0, 1 + i % 37).Select(j => (7 * i + j) % 61).ToArray())];
        GenerationOptions OptionsOf(int i) => GenerationOptions.Sample(temperature: 0.9, topK: 20) with { MaximumTokens = 20, Seed = (ulong)i };
        IReadOnlyList<int>[] alone = new IReadOnlyList<int>[100], together = new IReadOnlyList<int>[100];
        using (Workers workers = new(1))
        using (Generator generator = new(model, workers))
        {
            for (int i = 0; i < 100; i++)
                alone[i] = generator.Generate(prompts[i], OptionsOf(i));
        }
        Thread[] threads = [.. Enumerable.Range(0, 100).Select(i => new Thread(() =>
        {
            using Workers workers = new(1 + i % 2);
            using Generator generator = new(model, workers);
            together[i] = generator.Generate(prompts[i], OptionsOf(i));
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        Assert.Equal(alone, together);
    }

    [Fact]
    public void APassOfAnotherShapeLeavesAPendingBackwardAlone()
    {
        using Workers workers = new(1);
        using Decoder model = new(Small);
        model.Initialize(5);
        model.Parameters.AllocateTrainingState();
        int[] ids = [.. Enumerable.Range(0, 64).Select(i => i * 11 % 61)], targets = [.. ids.Select(id => (id + 1) % 61)];
        float[] GradientAfter(bool evaluates)
        {
            model.Parameters.ForgetGradients();
            using Tape tape = new(workers, model.Parameters), other = new(workers, model.Parameters) { Recording = false };
            LossPart loss = model.Loss(tape, Rows.Windows(ids, 8), targets);
            if (evaluates)
                model.Loss(other, Rows.Windows(ids, 4), targets);
            tape.Backward(loss);
            return model.Parameters.Gradients(model.Parameters["embedding.weight"]).ToArray();
        }
        Assert.Equal(GradientAfter(false), GradientAfter(true));
    }
}
