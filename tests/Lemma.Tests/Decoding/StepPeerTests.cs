using System.Globalization;
using System.Text.Json;
using Lemma.Decoding;

namespace Lemma.Tests.Decoding;

/// <summary>Every step on 1,000 logit vectors beside transformers or its source's arithmetic in float64 (bench/golden/make_steps.py).</summary>
public class StepPeerTests
{
    private const int Vocabulary = 512, Length = 64, Prompt = 20;

    private static readonly Dictionary<string, LogitStep[]> Steps = new()
    {
        ["temperature"] = [new Temperature(0.7)],
        ["top_k"] = [new TopK(40)],
        ["top_p"] = [new TopP(0.9)],
        ["min_p"] = [new MinP(0.05)],
        ["typical"] = [new Typical(0.9)],
        ["typical_little"] = [new Typical(0.2)],
        ["top_n_sigma"] = [new TopNSigma(1)],
        ["repetition"] = [new RepetitionPenalty(1.3)],
        ["repetition_last"] = [new RepetitionPenalty(1.3, last: 5)],
        ["presence"] = [new PresencePenalty(0.8)],
        ["frequency"] = [new FrequencyPenalty(0.5)],
        ["ngrams_1"] = [new NoRepeatNgrams(1)],
        ["ngrams_2"] = [new NoRepeatNgrams(2)],
        ["ngrams_3"] = [new NoRepeatNgrams(3)],
        ["dry"] = [new Dry(0.8, 1.75, 2, [1])],
        ["xtc"] = [new Xtc(0.05)],
        ["mirostat2"] = [new Mirostat2(3)],
        ["bias"] = [new LogitBias(new Dictionary<int, double> { [3] = 2.5, [400] = 9, [17] = -4 })],
        ["banned"] = [new BannedIds([0, 5, 511])],
        ["chain"] = [new RepetitionPenalty(1.3), new TopK(40), new TopP(0.8), new Temperature(0.7)],
        ["chain_of_transformers"] = [new Temperature(1.5), new TopK(40), new TopP(0.8), new MinP(0.1), new Typical(0.95)],
    };

    public static TheoryData<string> Names => [.. Steps.Keys];

    [Theory, MemberData(nameof(Names))]
    public void KeepsTheSameIdsWithTheSameProbabilities(string name)
    {
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", "steps.json")));
        JsonElement one = golden.RootElement.GetProperty("steps").EnumerateArray().Single(step => step.GetProperty("name").GetString() == name);
        string kept = one.GetProperty("kept").GetString()!;
        int[] sums = [.. one.GetProperty("sums").EnumerateArray().Select(sum => sum.GetInt32())];
        Assert.Equal(1000, sums.Length);

        ulong[] hashes = [.. Enumerable.Range(0, Vocabulary).Select(id => Mix(2_000_000_000UL + (ulong)id))];
        Candidates candidates = new(Vocabulary);
        double[] memory = new double[Steps[name].Sum(step => step.MemorySize())];
        foreach (LogitStep step in Steps[name])
            step.Begin(memory);
        for (int vector = 0; vector < sums.Length; vector++)
        {
            candidates.Reset(LogitsOf(vector));
            foreach (LogitStep step in Steps[name])
                step.Apply(candidates, new DrawContext(IdsOf(vector), Prompt, vector, default, memory));
            ReadOnlySpan<double> p = candidates.Probabilities();
            ulong hash = 0;
            double sum = 0, most = 0;
            for (int i = 0; i < candidates.Count; i++)
            {
                ulong one64 = hashes[candidates.Ids[i]];
                hash += float.IsFinite(candidates.Logits[i]) ? one64 : 0;
                sum += p[i] * ((one64 >> 40) / (double)(1 << 24));
                most = Math.Max(most, p[i]);
            }
            Assert.True(kept.Substring(8 * vector, 8) == ((uint)hash).ToString("x8", CultureInfo.InvariantCulture), $"{name} keeps other ids of vector {vector}");
            Assert.True(Math.Abs((sums[vector] * 1e-7) - sum) <= 1e-6, $"{name} has other probabilities of vector {vector}: {sum}, not {sums[vector] * 1e-7}");
            foreach (LogitStep step in Steps[name])
                step.Drawn(most, memory);
        }
    }

    private static float[] LogitsOf(int vector)
    {
        float scale = ((int[])[1, 4, 16, 32])[vector % 4];
        return [.. Enumerable.Range(0, Vocabulary).Select(i =>
        {
            ulong x = Mix((ulong)(i + (vector * Vocabulary)));
            ulong sum = (x & 0x3FFFFF) + ((x >> 22) & 0x3FFFFF) + ((x >> 42) & 0x3FFFFF);
            return (float)(((long)sum - 6291456) / 4194304.0 * scale);
        })];
    }

    private static int[] IdsOf(int vector) =>
        [.. Enumerable.Range(0, Length).Select(i => (int)(Mix(1_000_000_000UL + (ulong)(i + (vector * Length))) % ((ulong[])[3, 6, 24])[vector % 3]))];

    // SplitMix64.
    private static ulong Mix(ulong n)
    {
        ulong x = (n + 1) * 0x9E3779B97F4A7C15;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }
}
