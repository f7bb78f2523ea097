using static Lemma.Tests.Oracles.Twins.LossTwins;
using static Lemma.Tests.Oracles.Twins.TwinMath;

namespace Lemma.Tests.Oracles.Twins;

/// <summary>Twins of the group Preference.</summary>
internal static class PreferenceTwins
{
    public static IReadOnlyDictionary<string, Twin> All { get; } = new Dictionary<string, Twin>
    {
        ["dpo"] = x => [Mean(Map(Margins(x), m => (1 - x.Number("label_smoothing", 0)) * MinusLogSigmoid(x.Number("beta") * m)
            + x.Number("label_smoothing", 0) * MinusLogSigmoid(-x.Number("beta") * m)))],
        ["f_dpo"] = OtherDivergences,
        ["ipo"] = x => [Mean(Map(Margins(x), m => Math.Pow(m - 1 / (2 * x.Number("beta")), 2)))],
        ["hinge_preference"] = x => [Mean(Map(Margins(x), m => Math.Max(0, 1 - x.Number("beta") * m)))],
        ["robust_dpo"] = x => [Mean(Map(Margins(x), m => Robust(x.Number("beta") * m, x.Number("label_smoothing", 0))))],
        ["exo"] = x => [Mean(Map(Margins(x), m => Exact(x.Number("beta") * m, x.Number("label_smoothing", 0.001))))],
        ["nca"] = x => [Mean(Map(Rewards(x, "chosen"), Rewards(x, "rejected"),
            (w, l) => MinusLogSigmoid(w) + MinusLogSigmoid(-w) / 2 + MinusLogSigmoid(-l) / 2))],
        ["bco"] = x => [Mean(Map(Rewards(x, "chosen"), Rewards(x, "rejected"),
            (w, l) => MinusLogSigmoid(w - x.Number("shift", 0)) + MinusLogSigmoid(x.Number("shift", 0) - l)))],
        ["sppo"] = x => [Mean(Map(Rewards(x, "chosen"), Rewards(x, "rejected"),
            (w, l) => (Math.Pow(w - 0.5, 2) + Math.Pow(l + 0.5, 2)) / Math.Pow(x.Number("beta"), 2)))],
        ["apo_zero"] = x => [Mean(Map(Rewards(x, "chosen"), Rewards(x, "rejected"), (w, l) => 1 - Sigmoid(w) + Sigmoid(l)))],
        ["apo_down"] = x => [Mean(Map(Rewards(x, "chosen"), Margins(x), (w, m) => Sigmoid(w) + 1 - Sigmoid(x.Number("beta") * m)))],
        ["aot"] = x => [Transport(x, Map(x["policy_chosen"], x["policy_rejected"], (w, l) => w - l),
            Map(x["reference_chosen"], x["reference_rejected"], (w, l) => w - l))],
        ["aot_unpaired"] = x => [Transport(x, Map(x["policy_chosen"], x["reference_chosen"], (p, r) => p - r),
            Map(x["policy_rejected"], x["reference_rejected"], (p, r) => p - r))],
        ["discopop"] = x => [Mean(Map(Margins(x), m => Discovered(x.Number("beta") * m, x.Number("temperature", 0.05))))],
        ["kto"] = KahnemanTversky,
        ["orpo"] = x => [Mean(Map(x["policy_chosen"], x["policy_rejected"],
            (chosen, rejected) => -chosen + x.Number("lambda_", 0.1) * MinusLogSigmoid(LogOdds(chosen) - LogOdds(rejected))))],
        ["simpo"] = x => [Mean(Map(x["policy_chosen"], x["policy_rejected"],
            (chosen, rejected) => MinusLogSigmoid(x.Number("beta", 2) * (chosen - rejected) - x.Number("gamma", 1))))],
        ["reward_pairwise"] = x => [Mean(Map(x["chosen"], x["rejected"], (chosen, rejected) => MinusLogSigmoid(chosen - rejected)))],
        ["rlhf_objective"] = x => [Mean(x["rewards"]) - x.Number("beta", 0.1) * Mean(Ratios(x))],
        ["kl_k1"] = x => [Mean(Ratios(x))],
        ["kl_k2"] = x => [Mean(Map(Ratios(x), r => r * r / 2))],
        ["kl_k3"] = x => [Mean(K3(x))],
        ["ppo_clip"] = x => [-Mean(Clipped(x, x["advantages"]))],
        ["ppo_value"] = x => [Mean(Values(x))],
        ["ppo_objective"] = x => [-Mean(Clipped(x, x["advantages"])) + x.Number("value_coefficient", 0.5) * Mean(Values(x))
            - x.Number("entropy_coefficient", 0.01) * Mean(x["entropies"]) + x.Number("beta", 0.05) * Mean(K3(x))],
        ["grpo"] = GroupPolicy,
        ["policy_clip"] = x => TwoSided(x, Map(x["log_probs"], x["old_log_probs"], (log, old) => log - old), 0.2, 0.2),
        ["cispo"] = x => [.. x["log_probs"].Select((log, i) =>
            -Math.Min(Math.Exp(x.Held("log_probs")[i] - x["old_log_probs"][i]), x.Number("largest_weight", 5)) * x["advantages"][i] * log)],
        ["gspo"] = x => [Mean(TwoSided(x, [.. Answers(x, "log_probs", "old_log_probs").Select(logs => logs.Length == 0 ? 0 : Mean(logs))], 3e-4, 4e-4))],
        ["reinforce"] = x => Map(x["log_probs"], x["advantages"], (log, advantage) => -advantage * log),
        ["kl_k3_tokens"] = x => K3(x),
        ["rloo_advantages"] = x => MapRows(x["rewards"], x.Columns("rewards"), row =>
        {
            double[] given = [.. row.Where(r => !double.IsNaN(r))];
            return Map(row, r => given.Length < 2 || double.IsNaN(r) ? 0 : r - (given.Sum() - r) / (given.Length - 1));
        }),
        ["whitened_advantages"] = x => Whitened(x["advantages"], x.Number("epsilon", 1e-8), x.Flag("keep_mean", false)),
        ["reinforce_plus_plus_advantages"] = x => Whitened([.. Answers(x, "log_probs", "reference_log_probs").SelectMany((logs, answer) =>
            logs.Select((_, t) => x["rewards"][answer] - x.Number("beta", 0.01) * logs.Skip(t).Sum()))], x.Number("epsilon", 1e-8), false),
        ["overlong_penalty"] = x => Map(x["lengths"], n => n <= x.Number("longest") - x.Number("margin") ? 0
            : n > x.Number("longest") ? -1 : (x.Number("longest") - x.Number("margin") - n) / x.Number("margin")),
        ["grpo_advantages"] = GroupAdvantages,
        ["gae"] = GeneralizedAdvantage,
    };

    private static double[] Margins(TwinInput x)
    {
        double[] m = new double[x["policy_chosen"].Length];
        for (int i = 0; i < m.Length; i++)
            m[i] = x["policy_chosen"][i] - x["reference_chosen"][i] - (x["policy_rejected"][i] - x["reference_rejected"][i]);
        return m;
    }

    private static double[] OtherDivergences(TwinInput x)
    {
        double alpha = x.Number("alpha", 0.5), beta = x.Number("beta"), smoothing = x.Number("label_smoothing", 0);
        double Slope(double r) => x.Word("divergence", "reverse_kl") switch
        {
            "reverse_kl" => r,
            "forward_kl" => -Math.Exp(-r),
            "jensen_shannon" => -MinusLogSigmoid(r),
            _ => (1 - Math.Exp(-alpha * r)) / alpha,
        };
        return [Mean([.. x["policy_chosen"].Select((_, i) => beta * (Slope(x["policy_chosen"][i] - x["reference_chosen"][i])
            - Slope(x["policy_rejected"][i] - x["reference_rejected"][i])))
            .Select(m => (1 - smoothing) * MinusLogSigmoid(m) + (smoothing == 0 ? 0 : smoothing * MinusLogSigmoid(-m)))])];
    }

    // β·ln(π/π_ref).
    private static double[] Rewards(TwinInput x, string which) =>
        Map(x["policy_" + which], x["reference_" + which], (policy, reference) => x.Number("beta") * (policy - reference));

    private static double Robust(double m, double flipped) =>
        ((1 - flipped) * MinusLogSigmoid(m) - (flipped == 0 ? 0 : flipped * MinusLogSigmoid(-m))) / (1 - 2 * flipped);

    // q·ln(q/p) of both answers; 0·ln 0 = 0.
    private static double Exact(double m, double epsilon) =>
        (Sigmoid(m) == 0 ? 0 : Sigmoid(m) * (-MinusLogSigmoid(m) - Math.Log(1 - epsilon)))
        + (Sigmoid(-m) == 0 ? 0 : Sigmoid(-m) * (-MinusLogSigmoid(-m) - Math.Log(epsilon)));

    private static double Transport(TwinInput x, double[] high, double[] low)
    {
        double beta = x.Number("beta"), epsilon = x.Number("label_smoothing", 0);
        return Mean(Map([.. high.Order()], [.. low.Order()],
            (a, b) => (1 - epsilon) * MinusLogSigmoid(beta * (a - b)) + epsilon * MinusLogSigmoid(-beta * (a - b))));
    }

    // s·e^−m as one power of e: far below 0 the second factor alone is infinite.
    private static double Discovered(double m, double temperature)
    {
        double share = Sigmoid(-m / temperature);
        return (share == 0 ? 0 : share * MinusLogSigmoid(m)) + Math.Exp(-MinusLogSigmoid(m / temperature) - m);
    }

    private static double[] Ratios(TwinInput x) => Map(x["log_probs"], x["reference_log_probs"], (log, reference) => log - reference);

    private static double[] K3(TwinInput x) => Map(Ratios(x), r => Math.Exp(-r) + r - 1);

    // ln(p/(1 − p)) of p = e^a, at most the last before 1 in float32.
    private static double LogOdds(double a) => Math.Min(a, -Math.Pow(2, -24)) - Math.Log(1 - Math.Exp(Math.Min(a, -Math.Pow(2, -24))));

    private static double[] KahnemanTversky(TwinInput x)
    {
        double[] losses = new double[x["policy"].Length];
        for (int i = 0; i < losses.Length; i++)
        {
            double gain = x.Number("beta", 0.1) * (x["policy"][i] - x["reference"][i] - x.Number("reference_point", 0));
            losses[i] = x["desirable"][i] == 1 ? x.Number("desirable_weight", 1) * (1 - Sigmoid(gain))
                : x.Number("undesirable_weight", 1) * (1 - Sigmoid(-gain));
        }
        return [Mean(losses)];
    }

    private static double[] Clipped(TwinInput x, double[] advantages)
    {
        double[] gains = new double[advantages.Length];
        for (int i = 0; i < gains.Length; i++)
        {
            double ratio = Math.Exp(x["log_probs"][i] - x["old_log_probs"][i]), epsilon = x.Number("epsilon", 0.2);
            gains[i] = Math.Min(ratio * advantages[i], Math.Clamp(ratio, 1 - epsilon, 1 + epsilon) * advantages[i]);
        }
        return gains;
    }

    private static double[] Values(TwinInput x)
    {
        double[] losses = new double[x["values"].Length];
        double clip = x.Number("clip", 0.2);
        for (int i = 0; i < losses.Length; i++)
        {
            // The clipped target is a constant of the gradient, and so is its return.
            double old = x.Held("old_values")[i], plain = x["values"][i] - x["returns"][i];
            double clipped = old + Math.Clamp(x["values"][i] - old, -clip, clip) - x.Held("returns")[i];
            losses[i] = Math.Max(plain * plain, clipped * clipped) / 2;
        }
        return losses;
    }

    private static double[] GroupPolicy(TwinInput x)
    {
        int samples = x.Size("log_probs", 0), tokens = x.Size("log_probs", 1);
        double[] advantages = new double[samples * tokens];
        for (int i = 0; i < advantages.Length; i++)
            advantages[i] = x["advantages"][i / tokens];
        double[] gains = Clipped(x, advantages), divergences = K3(x);
        double loss = 0;
        for (int sample = 0; sample < samples; sample++)
        {
            double sum = 0, counted = 0;
            for (int i = sample * tokens; i < (sample + 1) * tokens; i++)
            {
                if (x.Has("mask") && x["mask"][i] == 0)
                    continue;
                sum += gains[i] - x.Number("beta", 0.04) * divergences[i];
                counted++;
            }
            loss -= counted == 0 ? 0 : sum / counted / samples;
        }
        return [loss];
    }

    // −min(min(r, δ)·A, clip(r)·A), r = e^log.
    private static double[] TwoSided(TwinInput x, double[] logs, double low, double high) => Map(logs, x["advantages"], (log, advantage) =>
    {
        double clipped = Math.Clamp(Math.Exp(log), 1 - x.Number("epsilon_low", low), 1 + x.Number("epsilon_high", high));
        return -Math.Min(Math.Min(Math.Exp(log), x.Number("delta", double.PositiveInfinity)) * advantage, clipped * advantage);
    });

    // The differences of two logs, an array an answer.
    private static IEnumerable<double[]> Answers(TwinInput x, string logs, string others)
    {
        double[] differences = Map(x[logs], x[others], (log, other) => log - other);
        int first = 0;
        foreach (double length in x["lengths"])
            yield return differences[first..(first += (int)length)];
    }

    private static double[] Whitened(double[] x, double epsilon, bool keepsMean)
    {
        // Sums of huge numbers lose what tells them apart: the mean by differences.
        double mean = x[0] + Mean(Map(x, value => value - x[0])), variance = x.Sum(value => (value - mean) * (value - mean)) / Math.Max(1, x.Length - 1);
        return Map(x, value => (value - mean) / Math.Sqrt(variance + epsilon) + (keepsMean ? mean : 0));
    }

    private static double[] GroupAdvantages(TwinInput x) => MapRows(x["rewards"], x.Columns("rewards"), row =>
    {
        double[] given = [.. row.Where(r => !double.IsNaN(r))];
        double mean = Mean(given);
        double deviation = Math.Sqrt(Mean(Map(given, r => (r - mean) * (r - mean))) * given.Length / (given.Length - 1));
        return Map(row, r => given.Length < 2 || double.IsNaN(r) ? 0 : (r - mean) / (deviation + x.Number("epsilon", 1e-4)));
    });

    // A_t = Σ_l (γλ)^l·δ_{t+l}.
    private static double[] GeneralizedAdvantage(TwinInput x)
    {
        int rows = x.Size("rewards", 0), steps = x.Size("rewards", 1);
        double gamma = x.Number("gamma", 1), lambda = x.Number("lambda_", 0.95);
        double[] advantages = new double[rows * steps];
        for (int row = 0; row < rows; row++)
        {
            for (int t = 0; t < steps; t++)
            {
                for (int s = t; s < steps; s++)
                {
                    double delta = x["rewards"][row * steps + s] + gamma * x["values"][row * (steps + 1) + s + 1]
                        - x["values"][row * (steps + 1) + s];
                    advantages[row * steps + t] += Math.Pow(gamma * lambda, s - t) * delta;
                }
            }
        }
        return advantages;
    }
}
