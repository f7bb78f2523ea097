using Lemma.Compute;
using Lemma.Evaluation;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Training;

namespace Lemma.Tests.Evaluation;

/// <summary>What rounded keys and values cost a model that has learned to look back.</summary>
public class CacheLossTests
{
    private const int Vocabulary = 19, Length = 64;

    // Each id is a function of the one four before it and chance: a model without attention is left with ln 19.
    private static int[] Text(int count, ulong seed)
    {
        Philox random = new(seed, 3);
        int[] ids = new int[count];
        for (int i = 0; i < count; i++)
            ids[i] = (i < 4 ? 0 : ids[i - 4] * 7 % Vocabulary) + (int)(random.Uniform((ulong)i) * 3);
        return [.. ids.Select(id => id % Vocabulary)];
    }

    [Fact]
    public void TheLossHardlyChanges()
    {
        using Workers workers = new(2);
        using Decoder model = new(Presets.Llama(Vocabulary, width: 64, layers: 2, heads: 2, hidden: 128, length: Length));
        model.Initialize(3);
        using (Tape tape = new(workers, model.Parameters))
        {
            AdamWOptimizer optimizer = new(model.Parameters, workers, new AdamWOptions());
            for (int step = 0; step < 150; step++)
            {
                int[] ids = Text(8 * Length + 1, (ulong)step);
                tape.Backward(model.Loss(tape, Rows.Windows(ids.AsMemory(0, 8 * Length), 8), ids.AsMemory(1)));
                tape.Rewind();
                optimizer.Step(5e-3f);
            }
        }
        int[] held = Text(4 * Length + 1, 999);
        double exact = Loss(CacheFormat.Float32);
        // ln 3 is the least that can be.
        Assert.InRange(exact, 1.0, 1.4);
        Dictionary<string, double> changes = CacheFormat.All.ToDictionary(format => format.Name, format => Loss(format) - exact);
        string all = string.Join(", ", changes.Select(change => $"{change.Key} {change.Value:0.00000}"));
        Assert.True(changes["f32"] == 0 && changes["f16"] != 0 && changes["q8_0"] != 0 && changes["q4_0"] != 0, all);
        Assert.True(Math.Abs(changes["f16"]) < 1e-4 && Math.Abs(changes["bf16"]) < 5e-4 && Math.Abs(changes["q8_0"]) < 5e-4 && Math.Abs(changes["q4_0"]) < 0.02, all);

        double Loss(CacheFormat format)
        {
            model.CacheFormat = format;
            return PerplexityEvaluator.Evaluate(model, workers, held, Length, Length / 2).Loss;
        }
    }
}
