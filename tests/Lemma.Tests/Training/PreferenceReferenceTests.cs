using Lemma.Compute;
using Lemma.Data;
using Lemma.Models;
using Lemma.Tensors;
using Lemma.Training;
using Philox = Lemma.Formulas.Philox;

namespace Lemma.Tests.Training;

/// <summary>Losses and gradients of preference tuning against PyTorch in float64 (bench/golden/preferences.py).</summary>
public class PreferenceReferenceTests
{
    // Cases that are a loss with other numbers than its own.
    private static readonly Dictionary<string, PreferenceLoss> Variants = new()
    {
        ["cdpo"] = new DirectPreferenceLoss { LabelSmoothing = 0.2 },
        ["dpo_alpha_smoothed"] = new DivergencePreferenceLoss { Divergence = PreferenceDivergence.Alpha, Alpha = 0.8, LabelSmoothing = 0.1 },
        ["ipo_sums"] = new IdentityPreferenceLoss { IsMeanOfTokens = false },
    };

    public static TheoryData<string> Names => [.. PreferenceLoss.All.Keys, .. Variants.Keys];

    [Theory, MemberData(nameof(Names))]
    public void ALossHasTheValueAndTheGradientOfTheReference(string name)
    {
        PreferenceLoss loss = Variants.GetValueOrDefault(name) ?? PreferenceLoss.All[name];
        using Decoder model = LossReference.Policy(), reference = LossReference.Reference();
        using Workers workers = new(2);
        TokenPair[] pairs = [.. LossReference.Expected.GetProperty("pairs").EnumerateArray()
            .Select(pair => new TokenPair(LossReference.Example(pair, "chosen"), LossReference.Example(pair, "rejected")))];
        PairSet set = new(pairs, loss.NeedsReference ? ReferenceLogs.Compute(reference, pairs, workers) : null);
        PreferenceTuning recipe = new(model, set, set, new PreferenceTuningOptions { Loss = loss });
        using Tape tape = new(workers, model.Parameters);
        LossPart part = recipe.Pass(tape, 0, new Philox(1));
        Assert.Equal(pairs.Length, part.Weight);
        LossReference.Compare(LossReference.Expected.GetProperty("preferences").GetProperty(name), tape, part, model.Parameters);
    }

    [Fact]
    public void EveryLossIsKnownByItsNameAndHasAReference()
    {
        Assert.Equal(LossReference.Expected.GetProperty("preferences").EnumerateObject().Select(one => one.Name).Order(StringComparer.Ordinal),
            PreferenceLoss.All.Keys.Concat(Variants.Keys).Order(StringComparer.Ordinal));
        Assert.Equal(Records(typeof(PreferenceLoss)), Names(PreferenceLoss.All.Values));
        Assert.Equal(Records(typeof(FeedbackLoss)), Names(FeedbackLoss.All.Values));
        Assert.All(PreferenceLoss.All, pair => Assert.Equal(pair.Key, pair.Value.Name));
        foreach (PreferenceLoss loss in PreferenceLoss.All.Values)
            loss.Validate();
        foreach (FeedbackLoss loss in FeedbackLoss.All.Values)
            loss.Validate();

        static IEnumerable<string> Names(IEnumerable<object> losses) => losses.Select(loss => loss.GetType().Name).Distinct().Order(StringComparer.Ordinal);
    }

    [Fact]
    public void NumbersThatALossCannotTakeAreNamed()
    {
        Named("dpo: β must be above 0, but it is 0", new DirectPreferenceLoss { Beta = 0 });
        Named("robust: the label smoothing must lie in [0, 0.5), but it is 0.5", new RobustPreferenceLoss { LabelSmoothing = 0.5 });
        Named("exo: the label smoothing must be above 0, but it is 0", new ExactPreferenceLoss { LabelSmoothing = 0 });
        Named("discopop: τ must lie in (0, 1), but it is 1", new DiscoveredPreferenceLoss { Temperature = 1 });
        Named("bco: the shift must be a number, but it is NaN", new ClassifierPreferenceLoss { Shift = double.NaN });
        Named("dpo_alpha: α must be above 0, but it is 0", new DivergencePreferenceLoss { Divergence = PreferenceDivergence.Alpha, Alpha = 0 });
        Named("simpo: γ must be a number, but it is NaN", new SimplePreferenceLoss { Gamma = double.NaN });
        Named("orpo: λ must not be negative, but it is -1", new OddsRatioPreferenceLoss { Lambda = -1 });
        Named("kto: a weight must not be negative, but it is -2", new KahnemanTverskyPairLoss { OfAnswers = new() { UndesirableWeight = -2 } });

        static void Named(string problem, PreferenceLoss loss) => Assert.Equal(problem, Assert.Throws<ArgumentException>(loss.Validate).Message);
    }

    // Judged alone, the answers of pairs cost what they do together.
    [Fact]
    public void AnswersJudgedAloneCostWhatTheyDoInPairs()
    {
        using Workers workers = new(2);
        using Tape tape = new(workers);
        float[] chosen = [-3, -9, -4.5f], rejected = [-7, -3, -6], none = [-4, -8, -5];
        Tensor Logs(float[] logs) => tape.Input(new Shape(logs.Length), logs);
        int[] tokens = [3, 3, 3];
        PairLogs pairs = new(Logs(chosen), Logs(rejected), Logs(none), Logs(none), tokens, tokens);
        KahnemanTverskyLoss kto = new() { DesirableWeight = 1.3 };
        double inPairs = tape[new KahnemanTverskyPairLoss { OfAnswers = kto }.Sum(tape, pairs)][0], alone = 0;
        for (int i = 0; i < chosen.Length; i++)
        {
            alone += tape[kto.Sum(tape, new FeedbackLogs(Logs([chosen[i]]), Logs([none[i]]), new[] { true }, FeedbackLoss.ReferencePointOf(rejected, none)))][0];
            alone += tape[kto.Sum(tape, new FeedbackLogs(Logs([rejected[i]]), Logs([none[i]]), new[] { false }, FeedbackLoss.ReferencePointOf(chosen, none)))][0];
        }
        Assert.Equal(alone / 2, inPairs, 1e-6);
        double anchored = tape[new AnchoredFeedbackLoss().Sum(tape, new FeedbackLogs(Logs([-3f]), Logs([-4f]), new[] { true }, 5))][0];
        Assert.Equal(1 - 1 / (1 + Math.Exp(-0.1)), anchored, 1e-6);
    }

    private static IEnumerable<string> Records(Type loss) =>
        loss.Assembly.GetTypes().Where(type => type.IsSubclassOf(loss) && !type.IsAbstract).Select(type => type.Name).Order(StringComparer.Ordinal);
}
