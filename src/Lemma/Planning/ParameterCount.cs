using Lemma.Models;
using Lemma.Modules;
using Lemma.Weights;

namespace Lemma.Planning;

/// <summary>The parameters of one part.</summary>
/// <param name="Part">The part.</param>
/// <param name="Total">All of them.</param>
/// <param name="Activated">Those that one token meets: of experts, the chosen ones; of a table, all rows.</param>
public readonly record struct PartCount(ModelPart Part, long Total, long Activated);

/// <summary>The parameters of a model, counted from those that its modules declare; no memory is taken for weights.</summary>
public sealed record ParameterCount
{
    private const long BytesOfElement = sizeof(float);

    private ParameterCount() { }

    /// <summary>The parts that have any, in the order of <see cref="ModelPart"/>.</summary>
    public required IReadOnlyList<PartCount> Parts { get; init; }

    /// <summary>All parameters.</summary>
    public long Total => Parts.Sum(part => part.Total);

    /// <summary>Those that one token meets: fewer than all where a router chooses experts.</summary>
    public long Activated => Parts.Sum(part => part.Activated);

    /// <summary>N of scaling laws that leave out tables: <see cref="Activated"/> without embedding and positions (Kaplan et al. 2020, section 1.3).</summary>
    public long WithoutTables => Parts.Where(part => part.Part is not (ModelPart.Embedding or ModelPart.Positions)).Sum(part => part.Activated);

    /// <summary>The bytes that Lemma takes for the weights: 32-bit floats, every parameter from a multiple of 64 bytes on.</summary>
    public required long AllocatedBytes { get; init; }

    /// <summary>Counts the parameters of a config.</summary>
    /// <exception cref="ArgumentException">The config has sizes that do not fit.</exception>
    public static ParameterCount Of(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        using Model model = config.Declare();
        return Of(config, model.Parameters);
    }

    internal static ParameterCount Of(ModelConfig config, Parameters parameters)
    {
        BlockConfig[] blocks = [.. config.AllBlocks];
        Dictionary<ModelPart, (long Total, long Activated)> sums = [];
        foreach (Parameter parameter in parameters.All)
        {
            ModelPart part = ModelParts.Of(parameter.Name);
            (long total, long activated) = sums.GetValueOrDefault(part);
            sums[part] = (total + parameter.Count, activated + (part == ModelPart.Experts ? Chosen(blocks, parameter) : parameter.Count));
        }
        return new ParameterCount
        {
            Parts = [.. sums.OrderBy(sum => sum.Key).Select(sum => new PartCount(sum.Key, sum.Value.Total, sum.Value.Activated))],
            AllocatedBytes = BytesOfElement * parameters.BlockLength,
        };
    }

    // Experts are stacked in one parameter; which block's they are stands in its name.
    private static long Chosen(BlockConfig[] blocks, Parameter parameter)
    {
        string[] path = parameter.Name.Split('.');
        int block = int.Parse(path[Array.IndexOf(path, "blocks") + 1], System.Globalization.CultureInfo.InvariantCulture);
        ExpertsFeedForward experts = (ExpertsFeedForward)blocks[block].FeedForward;
        return parameter.Count / experts.Routing.Experts * experts.Routing.Chosen;
    }
}
