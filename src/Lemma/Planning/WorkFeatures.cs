using Lemma.Compute;

namespace Lemma.Planning;

/// <summary>Amounts of work by kind; what a kind costs on a machine is measured.</summary>
internal readonly record struct WorkFeatures
{
    /// <summary>2·m·n·k of all matrix products.</summary>
    public double ProductOperations { get; init; }

    /// <summary>m·k + n·k of all matrix products: what is packed into panels.</summary>
    public double PackedElements { get; init; }

    /// <summary>m·n of all matrix products: what is written.</summary>
    public double WrittenElements { get; init; }

    /// <summary>How many matrix products there are.</summary>
    public double Products { get; init; }

    /// <summary>Operations of attention's scores and values.</summary>
    public double AttentionOperations { get; init; }

    /// <summary>Elements of results and gradients that were written or added to.</summary>
    public double Elements { get; init; }

    /// <summary>Logits whose exponentials are taken.</summary>
    public double Logits { get; init; }

    /// <summary>Jobs that workers are given.</summary>
    public double Jobs { get; init; }

    /// <summary>Parameters that the optimizer steps.</summary>
    public double Stepped { get; init; }

    public static WorkFeatures Of(WorkCounter counter, int passes, long parameters)
    {
        WorkPhase[] phases = Enum.GetValues<WorkPhase>();
        return new WorkFeatures
        {
            ProductOperations = passes * counter.Products.Sum(product => product.Operations),
            PackedElements = passes * counter.Products.Sum(product => (double)product.K * (product.M + product.N)),
            WrittenElements = passes * counter.Products.Sum(product => (double)product.M * product.N),
            Products = passes * counter.Products.Count,
            AttentionOperations = passes * counter.Attentions.Sum(attention => attention.Operations),
            Elements = passes * phases.Sum(counter.ElementsOf),
            Logits = passes * phases.Sum(counter.LogitsOf),
            Jobs = passes * phases.Sum(counter.JobsOf),
            Stepped = parameters,
        };
    }
}
