using Lemma.Compute;
using Lemma.Decoding;
using Lemma.Models;

namespace Lemma.Tests.Decoding.Batching;

/// <summary>Requests that are left, that fail and that wait; a batcher that ends.</summary>
public class BatcherLifeTests
{
    private static readonly GenerationOptions Many = new() { MaximumTokens = 300, StopIds = [] };

    private sealed record Failing : LogitStep
    {
        public override void Apply(Candidates candidates, in DrawContext context)
        {
            if (context.Made.Length == 3)
                throw new NotSupportedException("a step that fails");
        }
    }

    private sealed class Wild : Speculator
    {
        public override int Guess(ReadOnlySpan<int> ids, Span<int> guesses) => throw new NotSupportedException("a speculator that fails");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(6)]
    public async Task ACancelledRequestGivesItsStateBackBeforeTheNextPass(int passes)
    {
        using Decoder model = BatchModels.Model("grouped_query");
        using Workers workers = new(1);
        using Batcher batcher = new(model, workers, new BatcherOptions { PromptRows = 40 }, null, startsThread: false);
        // After one pass it reads its prompt, after six it makes ids.
        BatchRequest request = batcher.Submit(BatchModels.Prompt(1, 150), Many, 2);
        for (int i = 0; i < passes; i++)
            batcher.Step();
        Assert.Equal(passes > 3, request.Usage.Made > 0);
        Assert.True(batcher.Counts.StateBytes > 0);
        request.Cancel();
        Assert.False(batcher.Step());
        Assert.Equal((0L, 0, 0), (batcher.Counts.StateBytes, batcher.Counts.Running, batcher.Counts.Prefixes));
        await Assert.ThrowsAsync<OperationCanceledException>(() => BatchModels.Read(request));
    }

    [Fact]
    public async Task TokensAndReadersThatLeaveCancel()
    {
        using Decoder model = BatchModels.Model("grouped_query");
        using Workers workers = new(1);
        using Batcher batcher = new(model, workers);
        // Slow enough that nothing ends by itself.
        batcher.Scheduler.Passing = _ => Thread.Sleep(5);
        using CancellationTokenSource source = new();
        BatchRequest byToken = batcher.Submit(BatchModels.Prompt(1, 20), Many, cancellation: source.Token), left = batcher.Submit(BatchModels.Prompt(2, 20), Many);
        await foreach (BatchEvent one in left.ReadAsync(TestContext.Current.CancellationToken))
        {
            Assert.Null(one.End);
            break;
        }
        await source.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => BatchModels.Read(byToken));
        await Assert.ThrowsAsync<InvalidOperationException>(() => BatchModels.Read(left));
        Assert.Throws<OperationCanceledException>(() => batcher.Submit(BatchModels.Prompt(1, 5), Many, cancellation: source.Token));
        await Until(() => batcher.Counts is { Running: 0, Waiting: 0, Ended: 2 });
    }

    [Fact]
    public async Task AFailureIsThatOfItsRequestAlone()
    {
        using Decoder model = BatchModels.Model("grouped_query");
        using Workers workers = new(2);
        string[] expected = BatchModels.Alone(model, workers, BatchModels.Prompt(4, 60), BatchModels.Options(1));
        using Batcher batcher = new(model, workers, new BatcherOptions { PromptRows = 25 }, null, startsThread: false);
        BatchRequest bad = batcher.Submit(BatchModels.Prompt(5, 33), Many, 2);
        // A pass with the second text of that request fails, once it has some ids.
        batcher.Scheduler.Passing = planned =>
        {
            if (planned.Any(text => text.Request == bad && text.Number == 1 && text.Text.Ids.Length > 36))
                throw new TimeoutException("a pass that fails");
        };
        BatchRequest good = batcher.Submit(BatchModels.Prompt(4, 60), BatchModels.Options(1));
        BatchRequest step = batcher.Submit(BatchModels.Prompt(6, 20), Many with { Steps = [new Failing()] });
        BatchRequest wild = batcher.Submit(BatchModels.Prompt(7, 20), Many with { Speculator = new Wild() });
        for (int i = 0; batcher.Step(); i++)
            Assert.True(i < 1000, "it does not end");
        Assert.Equal(expected, await BatchModels.Read(good));
        Assert.Equal("a pass that fails", (await Assert.ThrowsAsync<TimeoutException>(() => BatchModels.Read(bad))).Message);
        Assert.Equal("a step that fails", (await Assert.ThrowsAsync<NotSupportedException>(() => BatchModels.Read(step))).Message);
        Assert.Equal("a speculator that fails", (await Assert.ThrowsAsync<NotSupportedException>(() => BatchModels.Read(wild))).Message);
        Assert.Equal((1, 4L), (batcher.Counts.Prefixes, batcher.Counts.Ended));
        batcher.Scheduler.DropPrefixes();
        batcher.Step();
        Assert.Equal(0, batcher.Counts.StateBytes);
    }

    [Fact]
    public async Task LogitsThatAreNoNumbersAreAnError()
    {
        using Decoder model = BatchModels.Model("grouped_query");
        model.Parameters.Weights(model.Parameters["embedding.weight"]).Slice(9 * 32, 32).Fill(float.NaN);
        using Workers workers = new(1);
        using Batcher batcher = new(model, workers);
        await Assert.ThrowsAsync<ArithmeticException>(() => BatchModels.Read(batcher.Submit(new[] { 1, 9, 2 }, Many)));
    }

    [Fact]
    public async Task AFullQueueIsSaidAndEmptiesAgain()
    {
        using Decoder model = BatchModels.Model("grouped_query");
        using Workers workers = new(1);
        using Batcher batcher = new(model, workers, new BatcherOptions { MostSequences = 1, MostWaiting = 2 }, null, startsThread: false);
        BatchRequest first = batcher.Submit(BatchModels.Prompt(1, 20), Many);
        batcher.Step();
        BatchRequest second = batcher.Submit(BatchModels.Prompt(2, 20), Many), third = batcher.Submit(BatchModels.Prompt(3, 20), Many);
        Assert.Equal(2, batcher.Counts.Waiting);
        Assert.Contains("2 requests wait", Assert.Throws<QueueFullException>(() => batcher.Submit(BatchModels.Prompt(4, 20), Many)).Message);
        second.Cancel();
        batcher.Step();
        await Assert.ThrowsAsync<OperationCanceledException>(() => BatchModels.Read(second));
        BatchRequest fourth = batcher.Submit(BatchModels.Prompt(4, 20), Many);
        while (batcher.Step()) { }
        Assert.Equal([300, 300, 300], ((BatchRequest[])[first, third, fourth]).Select(request => request.Usage.Made));
    }

    [Fact]
    public async Task ATextThatIsEndedEndsAlone()
    {
        using Decoder model = BatchModels.Model("grouped_query");
        using Workers workers = new(1);
        using Batcher batcher = new(model, workers, null, null, startsThread: false);
        string[] expected = BatchModels.Alone(model, workers, BatchModels.Prompt(1, 20), Many with { Steps = [] }, 3);
        BatchRequest request = batcher.Submit(BatchModels.Prompt(1, 20), Many with { Steps = [] }, 3);
        for (int i = 0; i < 4; i++)
            batcher.Step();
        request.End(1);
        while (batcher.Step()) { }
        string[] texts = await BatchModels.Read(request);
        Assert.Equal((expected[0], expected[2]), (texts[0], texts[2]));
        Assert.Equal([.. expected[1].Split(' ')[..4], "Stop"], texts[1].Split(' '));
    }

    [Fact]
    public async Task DisposedAnyTimeEveryRequestEnds()
    {
        using Decoder model = BatchModels.Model("grouped_query");
        for (int round = 0; round < 12; round++)
        {
            using Workers workers = new(2);
            Batcher batcher = new(model, workers, new BatcherOptions { PromptRows = 16 });
            Task[] readers = [.. Enumerable.Range(0, 8).Select(i => Task.Run(async () =>
            {
                try
                {
                    for (int turn = 0; turn < 50; turn++)
                        await BatchModels.Read(batcher.Submit(BatchModels.Prompt(i + turn, 30), Many with { MaximumTokens = 5 }));
                }
                catch (ObjectDisposedException disposed)
                {
                    Assert.Equal(nameof(Batcher), disposed.ObjectName.Split('.')[^1]);
                }
            }, TestContext.Current.CancellationToken))];
            await Task.Delay(round * 2, TestContext.Current.CancellationToken);
            // Two callers at once.
            await Task.WhenAll(Task.Run(batcher.Dispose, TestContext.Current.CancellationToken), Task.Run(batcher.Dispose, TestContext.Current.CancellationToken));
            await Task.WhenAll(readers).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
            Assert.Equal((0L, 0, 0), (batcher.Counts.StateBytes, batcher.Counts.Running, batcher.Counts.Waiting));
            Assert.Throws<ObjectDisposedException>(() => batcher.Submit(new[] { 1 }, Many));
        }
    }

    [Fact]
    public async Task AModelOrWorkersThatAreGoneAreARequestsError()
    {
        Decoder model = BatchModels.Model("grouped_query");
        Workers workers = new(1);
        using Batcher batcher = new(model, workers);
        workers.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => BatchModels.Read(batcher.Submit(new[] { 1, 2 }, Many)));
        model.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => BatchModels.Read(batcher.Submit(new[] { 1, 2 }, Many)));
        Assert.Equal(0, batcher.Counts.Running);
    }

    [Fact]
    public void WrongUseSaysWhatIsWrong()
    {
        using Decoder model = BatchModels.Model("grouped_query");
        using Workers workers = new(1);
        using Batcher batcher = new(model, workers, new BatcherOptions { MostSequences = 2, StateBytes = 100_000 }, null, startsThread: false);
        Says("at least one id", () => batcher.Submit(Array.Empty<int>(), Many with { MaximumTokens = 1 }));
        Says("id 61 is not", () => batcher.Submit(new[] { 61 }, Many));
        Says("longest sequence, 512", () => batcher.Submit(BatchModels.Prompt(1, 513), Many));
        Says("at most 2 texts", () => batcher.Submit(new[] { 1 }, Many with { MaximumTokens = 1 }, 3));
        Says("may hold 100000 bytes", () => batcher.Submit(BatchModels.Prompt(1, 400), Many));
        Says("one text is guessed", () => batcher.Submit(new[] { 1 }, Many with { Speculator = new PromptLookup() }, 2));
        Says("must be positive", () => _ = new BatcherOptions { PromptRows = 0 });
        Says("from 1 to 61", () => new Batcher(model, workers, null, 62).Dispose());

        static void Says(string what, Action action) => Assert.Contains(what, Assert.ThrowsAny<ArgumentException>(action).Message, StringComparison.Ordinal);
    }

    private static async Task Until(Func<bool> isTrue)
    {
        for (int i = 0; !isTrue(); i++)
        {
            Assert.True(i < 3000, "it does not come");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }
}
