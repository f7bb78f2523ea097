using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace Lemma.Compute;

/// <summary>A gang of threads, started once, that runs the parts of one job; the caller works too.</summary>
/// <remarks>
/// What a part is depends on the job alone, never on the number of threads, and parts do not share results, so the bits are the same for any
/// number of threads; so is the exception, which is that of the first part that failed. Starting a job allocates nothing. A gang serves one
/// caller at a time: a second one, or a job inside a part, is refused. Threads that wait spin for a moment, then sleep.
/// </remarks>
public sealed unsafe class Workers : IDisposable
{
    private const int SpinsBeforeSleep = 2000;
    private readonly Thread[] threads;
    private readonly object gate = new();
    private delegate*<object, void*, int, void> run;
    private object body = null!;
    private void* state;
    private int parts, next, pending, sleeping, busy;
    private volatile int generation;
    private volatile bool stopping;
    private int failedPart;
    private Exception? failure;

    /// <summary>Starts the gang.</summary>
    /// <param name="count">Threads, the caller included; null for one a processor.</param>
    public Workers(int? count = null)
    {
        Require.That(count is null or > 0, $"workers: the number of threads must be positive, but it is {count}");
        Count = count ?? Environment.ProcessorCount;
        threads = new Thread[Count - 1];
        for (int i = 0; i < threads.Length; i++)
        {
            threads[i] = new Thread(Loop, 4 << 20) { IsBackground = true, Name = $"lemma worker {i + 1}" };
            threads[i].Start();
        }
    }

    private Workers(WorkCounter counter)
    {
        (Count, threads) = (1, []);
        Counter = counter;
    }

    /// <summary>Workers that run nothing: operations tell a counter what they would do.</summary>
    internal static Workers Counting(WorkCounter counter) => new(counter);

    /// <summary>What counts the work that is not done; null where it is done.</summary>
    internal WorkCounter? Counter { get; }

    /// <summary>Threads, the caller included.</summary>
    public int Count { get; }

    /// <summary>Runs <paramref name="part"/> for every index below <paramref name="count"/>, in any order, and returns when all are done.</summary>
    /// <remarks>Pass a static lambda and everything it needs as the state: nothing is then allocated.</remarks>
    /// <exception cref="InvalidOperationException">Another job runs: of another thread, or the one that this part belongs to.</exception>
    /// <exception cref="ObjectDisposedException">The gang was disposed.</exception>
    internal void Run<TState>(int count, in TState state, WorkerPart<TState> part)
    {
        ArgumentNullException.ThrowIfNull(part);
        ObjectDisposedException.ThrowIf(stopping, this);
        if (Counter is not null)
        {
            Counter.Job();
            return;
        }
        if (Interlocked.CompareExchange(ref busy, 1, 0) != 0)
            throw new InvalidOperationException("workers: they run one job at a time, but a job runs already; a thread of its own needs workers of its own");
        try
        {
            if (count <= 1 || threads.Length == 0)
            {
                for (int i = 0; i < count; i++)
                    part(in state, i);
                return;
            }
            TState copy = state;
#pragma warning disable CS8500 // The copy stays on this stack until every thread is done with it.
            Start(count, &Invoke<TState>, part, &copy);
#pragma warning restore CS8500
        }
        finally
        {
            Volatile.Write(ref busy, 0);
        }
    }

    /// <summary>Splits rows into parts of a given size: the part gets its first row and its number of rows.</summary>
    internal void Rows<TState>(int rows, int rowsAPart, in TState state, RowsPart<TState> part)
    {
        Require.That(rowsAPart > 0, $"workers: a part must have rows, but it has {rowsAPart}");
        Run((int)(((long)rows + rowsAPart - 1) / rowsAPart), (State: state, Part: part, Rows: rows, Size: rowsAPart),
            static (in s, i) => s.Part(in s.State, i * s.Size, Math.Min(s.Size, s.Rows - i * s.Size)));
    }

    /// <summary>Rows a part so that one part is worth waking a thread for: about 16,384 elements.</summary>
    internal static int RowsFor(int columns) => Math.Max(1, 16384 / Math.Max(1, columns));

    /// <summary>Ends the threads.</summary>
    /// <exception cref="InvalidOperationException">A job runs.</exception>
    public void Dispose()
    {
        if (stopping)
            return;
        if (Interlocked.CompareExchange(ref busy, 1, 0) != 0)
            throw new InvalidOperationException("workers: they cannot be disposed while a job runs");
        stopping = true;
        Interlocked.Increment(ref generation);
        lock (gate)
            Monitor.PulseAll(gate);
        foreach (Thread thread in threads)
            thread.Join();
    }

    private static void Invoke<TState>(object body, void* state, int index)
    {
#pragma warning disable CS8500
        Unsafe.As<WorkerPart<TState>>(body)(in *(TState*)state, index);
#pragma warning restore CS8500
    }

    private void Start(int count, delegate*<object, void*, int, void> invoke, object part, void* copy)
    {
        run = invoke;
        body = part;
        state = copy;
        parts = count;
        next = 0;
        (failure, failedPart) = (null, int.MaxValue);
        Volatile.Write(ref pending, threads.Length);
        Interlocked.Increment(ref generation);
        if (Volatile.Read(ref sleeping) > 0)
        {
            lock (gate)
                Monitor.PulseAll(gate);
        }
        Work();
        SpinWait spin = default;
        for (int i = 0; i < SpinsBeforeSleep && Volatile.Read(ref pending) > 0; i++)
            spin.SpinOnce(sleep1Threshold: -1);
        lock (gate)
        {
            while (pending > 0)
                Monitor.Wait(gate);
        }
        if (failure is { } error)
            ExceptionDispatchInfo.Throw(error);
    }

    private void Work()
    {
        // Parts after one that failed need not run, those before it do: the first failure is then the same for any number of threads.
        for (int i = Interlocked.Increment(ref next) - 1; i < Math.Min(parts, Volatile.Read(ref failedPart)); i = Interlocked.Increment(ref next) - 1)
        {
            try
            {
                run(body, state, i);
            }
            catch (Exception error)
            {
                lock (gate)
                {
                    if (i < failedPart)
                        (failure, failedPart) = (error, i);
                }
            }
        }
    }

    private void Loop()
    {
        int seen = 0;
        while (true)
        {
            SpinWait spin = default;
            for (int i = 0; i < SpinsBeforeSleep && generation == seen; i++)
                spin.SpinOnce(sleep1Threshold: -1);
            if (generation == seen)
            {
                lock (gate)
                {
                    Interlocked.Increment(ref sleeping);
                    while (generation == seen)
                        Monitor.Wait(gate);
                    Interlocked.Decrement(ref sleeping);
                }
            }
            seen = generation;
            if (stopping)
                return;
            Work();
            if (Interlocked.Decrement(ref pending) == 0)
            {
                lock (gate)
                    Monitor.PulseAll(gate);
            }
        }
    }
}

/// <summary>One part of a job; a static lambda.</summary>
internal delegate void WorkerPart<TState>(in TState state, int index);

/// <summary>A range of rows of a job; a static lambda.</summary>
internal delegate void RowsPart<TState>(in TState state, int first, int count);
