using Lemma.Decoding;
using Lemma.Formulas;

namespace Lemma.Tests.Decoding;

/// <summary>What is selected without sorting the vocabulary is what sorting gives.</summary>
public class SelectionTests
{
    public static TheoryData<string> Shapes => ["spread", "peaked", "flat", "equal", "few values", "mostly -inf", "one", "tiny", "huge"];

    private static float[] Make(string shape, int size, ulong seed)
    {
        Philox random = new(seed);
        float[] logits = new float[size];
        for (int i = 0; i < size; i++)
        {
            double normal = random.Normal((ulong)i);
            logits[i] = shape switch
            {
                "spread" => (float)(4 * normal),
                "peaked" => (float)((i % 97 == 5 ? 25 : 0) + normal),
                "flat" => (float)(1e-3 * normal),
                "equal" => 1.5f,
                "few values" => (float)Math.Round(normal),
                "mostly -inf" => i % 53 == 0 ? (float)normal : float.NegativeInfinity,
                "one" => i == size / 2 ? 3 : float.NegativeInfinity,
                "tiny" => (float)(1e-42 * normal),
                "huge" => (float)(1e38 * Math.Tanh(normal)),
                _ => throw new ArgumentOutOfRangeException(nameof(shape)),
            };
        }
        return logits;
    }

    private static (int[] Ids, float[] Logits) Sorted(float[] logits)
    {
        int[] ids = [.. Enumerable.Range(0, logits.Length).OrderByDescending(id => logits[id]).ThenBy(id => id)];
        return (ids, [.. ids.Select(id => logits[id])]);
    }

    [Theory, MemberData(nameof(Shapes))]
    public void TheFirstAreThoseOfTheSort(string shape)
    {
        foreach (int size in (int[])[1, 15, 16, 257, 1000, 5003])
        {
            float[] logits = Make(shape, size, 3);
            (int[] ids, float[] ordered) = Sorted(logits);
            Candidates candidates = new(size);
            foreach (int count in (int[])[1, 2, 40, 200, size / 3, size])
            {
                candidates.Reset(logits);
                candidates.Sort(count);
                int some = Math.Min(count, size);
                Assert.Equal(ids[..some], candidates.Ids[..some].ToArray());
                Assert.Equal(ordered[..some], candidates.Logits[..some].ToArray());
                // Going on from there, and what follows is what is left.
                candidates.Sort((2 * count) + 1);
                some = Math.Min((2 * count) + 1, size);
                Assert.Equal(ids[..some], candidates.Ids[..some].ToArray());
                Assert.Equal(ids[some..].Order(), candidates.Ids[some..].ToArray().Order());
                Assert.All(Enumerable.Range(0, size), i => Assert.Equal(logits[candidates.Ids[i]], candidates.Logits[i]));
            }
        }
    }

    [Theory, MemberData(nameof(Shapes))]
    public void StepsKeepWhatTheyKeepOfASortedList(string shape)
    {
        float[] logits = Make(shape, 20011, 5);
        LogitStep[] steps = [new TopK(1), new TopK(700), new TopP(0.1), new TopP(0.9), new TopP(0.999), new Typical(0.1), new Typical(0.6), new Typical(0.99),
            new MinP(0.02), new TopNSigma(1.5), new Xtc(0.01)];
        Candidates some = new(logits.Length), all = new(logits.Length);
        foreach (LogitStep step in steps)
        {
            some.Reset(logits);
            step.Apply(some, default);
            all.Reset(logits);
            all.Sort();
            step.Apply(all, default);
            Assert.True(some.Ids.ToArray().Order().SequenceEqual(all.Ids.ToArray().Order()), $"{step}");
            some.Sort();
            Assert.True(some.Ids.SequenceEqual(all.Ids), $"{step}");
            Assert.True(some.Logits.SequenceEqual(all.Logits), $"{step}");
        }
    }

    [Theory, MemberData(nameof(Shapes))]
    public void StepsKeepWhatTheirDefinitionsSay(string shape)
    {
        float[] logits = Make(shape, 3001, 7);
        double largest = logits.Max();
        double[] p = [.. logits.Select(z => Math.Exp(z - largest))];
        double total = p.Sum();
        p = [.. p.Select(one => one / total)];
        double entropy = -p.Where(one => one > 0).Sum(one => one * Math.Log(one));
        int[] likely = Sorted(logits).Ids;
        Candidates candidates = new(logits.Length);
        foreach (double mass in (double[])[0.15, 0.5, 0.95])
        {
            Check(new TopP(mass), likely, mass);
            Check(new Typical(mass), [.. likely.OrderBy(id => Math.Abs(-Math.Log(p[id]) - entropy))], mass);
        }

        // The fewest of an order that reach the mass; where numbers differ by rounding alone, how many they are and their mass must agree.
        void Check(LogitStep step, int[] order, double mass)
        {
            double sum = 0;
            int count = 0;
            while (count < order.Length && sum < mass)
                sum += p[order[count++]];
            candidates.Reset(logits);
            step.Apply(candidates, default);
            double kept = 0;
            foreach (int id in candidates.Ids)
                kept += p[id];
            Assert.InRange(candidates.Count, count - 1, count + 1);
            Assert.InRange(kept, Math.Min(mass, sum) - 1e-6, sum + 1e-3);
            if (shape is "spread" or "peaked")
                Assert.Equal(order[..count].Order(), candidates.Ids.ToArray().Order());
        }
    }

    [Fact]
    public void LogitsOfMillionsAndEqualOnesAreKeptAsOfASort()
    {
        // Gaps wider than a step, whole groups of equals, and the two together.
        float[][] lists =
        [
            [.. Enumerable.Range(0, 700).Select(id => 16_777_216f - (4 * (id * 7919 % 5)))],
            [.. Enumerable.Range(0, 700).Select(id => (float)(id * 7919 % 3))],
            [.. Enumerable.Range(0, 700).Select(id => id % 2 == 0 ? 0.25f : float.NegativeInfinity)],
        ];
        foreach (float[] logits in lists)
        {
            Candidates candidates = new(logits.Length);
            foreach (double mass in (double[])[0, 1e-3, 0.25, 0.5, 0.75, 0.999])
            {
                candidates.Reset(logits);
                double[] p = [.. candidates.Probabilities()];
                int[] likely = [.. Enumerable.Range(0, logits.Length).OrderByDescending(id => logits[id]).ThenBy(id => id)];
                int count = 0;
                for (double sum = 0; count == 0 || sum < mass; count++)
                    sum += p[likely[count]];
                candidates.KeepLikeliest(mass);
                // Sums of many equal numbers differ in their last digits by the order of adding.
                Assert.InRange(candidates.Count, count - 1, count + 1);
                Assert.Equal(likely[..candidates.Count].Order(), candidates.Ids.ToArray());
            }
        }
    }

    [Fact]
    public void ProbabilitiesAreThoseOfDouble()
    {
        foreach (string shape in (string[])["spread", "peaked", "flat", "mostly -inf"])
        {
            float[] logits = Make(shape, 4099, 11);
            double largest = logits.Max(), total = logits.Sum(z => Math.Exp(z - largest));
            Candidates candidates = new(logits.Length);
            candidates.Reset(logits);
            ReadOnlySpan<double> p = candidates.Probabilities();
            double entropy = 0;
            for (int i = 0; i < logits.Length; i++)
            {
                double exact = Math.Exp(logits[i] - largest) / total;
                Assert.Equal(exact, p[i], 1e-7);
                entropy -= exact > 0 ? exact * Math.Log(exact) : 0;
            }
            Assert.Equal(entropy, candidates.Entropy, 1e-5);
            float[] numbers = [.. logits.Where(float.IsFinite)];
            double mean = numbers.Average(z => (double)z);
            Assert.Equal(Math.Sqrt(numbers.Average(z => (z - mean) * (z - mean))), candidates.Deviation, 1e-9);
        }
    }

    [Fact]
    public void IdsAreFoundWhereverTheyStand()
    {
        float[] logits = Make("spread", 1009, 13);
        Candidates candidates = new(logits.Length);
        candidates.Reset(logits);
        Check();
        candidates.Sort(10);
        Check();
        candidates.KeepAtLeast(1);
        Check();
        candidates.KeepRange(3, 50);
        Check();
        candidates.Reset(logits);
        Check();

        void Check()
        {
            int[] ids = candidates.Ids.ToArray();
            Assert.All(Enumerable.Range(-2, 1015), id => Assert.Equal(Array.IndexOf(ids, id), candidates.PlaceOf(id)));
        }
    }

    [Fact]
    public void EqualLogitsOfEitherZeroAreOrderedById()
    {
        Candidates candidates = new(4);
        candidates.Reset([-0f, 0f, -0f, -1f]);
        candidates.Sort(2);
        Assert.Equal([0, 1], candidates.Ids[..2].ToArray());
        Assert.Equal(0, candidates.Largest());
    }
}
