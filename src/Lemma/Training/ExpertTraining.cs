using Lemma.Models;
using Lemma.Tensors;

namespace Lemma.Training;

/// <summary>Experts of a decoder while it learns, whatever it learns: their balance loss, the step of their bias, and their metrics.</summary>
internal sealed class ExpertTraining
{
    private readonly Decoder decoder;
    private readonly ExpertLoads loads;
    private readonly double rate;

    private ExpertTraining(Decoder decoder, double rate) => (this.decoder, loads, this.rate) = (decoder, new ExpertLoads(decoder.Config), rate);

    /// <summary>That of a model; null where it is no decoder with experts.</summary>
    public static ExpertTraining? Of(Model model, double rate)
    {
        Decoder? decoder = model as Decoder;
        Require.That(rate == 0 || decoder?.Config.Experts.Any(experts => experts.ChoiceBias) == true,
            $"training: a rate of {rate} for the experts' bias needs a decoder whose experts have a bias for the choice");
        Require.That(rate == 0 || model.Parameters.Adapter is null,
            $"training: the experts' bias is the model's, which stays as it is while an adapter learns");
        return decoder?.Config.Experts.Any() == true ? new ExpertTraining(decoder, rate) : null;
    }

    /// <summary>Of the passes of a step the largest load over the mean, 1 when all are even, and the mean entropy of the routers.</summary>
    public IReadOnlyList<Metric> Metrics => [new("largest_expert_load", loads.LargestOverMean), new("router_entropy", loads.RouterEntropy)];

    /// <summary>Begins a step.</summary>
    public void Begin() => loads.Clear();

    /// <summary>Counts a recorded pass, and adds the balance loss to what it gave.</summary>
    public LossPart Add(Tape tape, LossPart part)
    {
        loads.Add(tape);
        return decoder.Balanced(tape, part);
    }

    /// <summary>Steps the bias by the loads of the step.</summary>
    public void AfterStep()
    {
        if (rate > 0)
            decoder.StepChoiceBiases(loads, rate);
    }
}
