using Lemma.Formulas;

namespace Lemma.Compute;

/// <summary>Which pass a piece of work belongs to.</summary>
internal enum WorkPhase
{
    /// <summary>The forward.</summary>
    Forward,

    /// <summary>The backward.</summary>
    Backward,

    /// <summary>What the backward makes again because it was not kept.</summary>
    Recomputation,
}

/// <summary>A matrix product [M, K] × [K, N], and the parameter that it is with.</summary>
internal readonly record struct CountedProduct(WorkPhase Phase, string Parameter, int M, int N, int K)
{
    public double Operations => 2.0 * M * N * K;
}

/// <summary>Attention of some sequences: score and value products of all pairs of a query and a key that it may see.</summary>
internal readonly record struct CountedAttention(WorkPhase Phase, double Operations);

/// <summary>What a pass takes, told by the operations of a tape whose workers do nothing (<see cref="Workers.Counting"/>).</summary>
internal sealed class WorkCounter : IDisposable
{
    private readonly double[] elements = new double[3], logits = new double[3];
    private readonly long[] jobs = new long[3];

    /// <summary>What all blocks of memory stand for.</summary>
    public CountedMemory Memory { get; } = new();

    /// <summary>Which pass runs.</summary>
    public WorkPhase Phase { get; set; }

    /// <summary>The parameter that the next products are with.</summary>
    public string Parameter { get; set; } = "";

    /// <summary>All matrix products.</summary>
    public List<CountedProduct> Products { get; } = [];

    /// <summary>All attention.</summary>
    public List<CountedAttention> Attentions { get; } = [];

    /// <summary>Elements of results, and of gradients that were written or added to.</summary>
    public double ElementsOf(WorkPhase phase) => elements[(int)phase];

    /// <summary>Logits whose exponentials are taken.</summary>
    public double LogitsOf(WorkPhase phase) => logits[(int)phase];

    /// <summary>Jobs that workers were given.</summary>
    public long JobsOf(WorkPhase phase) => jobs[(int)phase];

    public void Job() => jobs[(int)Phase]++;

    public void Product(int m, int n, int k) => Products.Add(new CountedProduct(Phase, Parameter, m, n, k));

    public void Attention(double operations) => Attentions.Add(new CountedAttention(Phase, operations));

    public void Elements(long count) => elements[(int)Phase] += count;

    public void Logits(long count) => logits[(int)Phase] += count;

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => Memory.Dispose();
}
