using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Tensors;
using Lemma.Weights;

namespace Lemma.Tests.Oracles;

/// <summary>
/// Checks an operation in one line: its forward against a naive twin in double, its backward against central differences of the twin,
/// with results on poisoned memory, for 1, 2 and 3 threads, whose bits must agree; and in each of three states of the inputs' gradients:
/// one was there, none was, and the input is a parameter.
/// </summary>
internal static class OperationCheck
{
    /// <summary>An operation on inputs of given shapes, and its twin.</summary>
    public static void Run(Func<Tape, Tensor[], Tensor> operation, Func<double[][], double[]> twin, params Shape[] shapes) =>
        Run(operation, twin, 1, shapes);

    /// <summary>The same with inputs of a given magnitude.</summary>
    public static void Run(Func<Tape, Tensor[], Tensor> operation, Func<double[][], double[]> twin, double magnitude, params Shape[] shapes)
    {
        float[][] inputs = [.. shapes.Select((shape, index) => Random(shape.Count, (ulong)index + 1, magnitude))];
        double[][] exact = [.. inputs.Select(input => input.Select(value => (double)value).ToArray())];
        double[] expected = twin(exact);
        // The differences are the same for every start, and cost most of the time.
        List<double>?[] differences = new List<double>?[inputs.Length];
        foreach (Start start in Enum.GetValues<Start>())
        {
            (float[] y, float[][] gradients, float[] seed) = Evaluate(operation, inputs, shapes, 1, start);
            foreach (int threads in new[] { 2, 3 })
            {
                (float[] again, float[][] gradientsAgain, _) = Evaluate(operation, inputs, shapes, threads, start);
                Assert.Equal(y, again);
                for (int i = 0; i < inputs.Length; i++)
                    Assert.Equal(gradients[i], gradientsAgain[i]);
            }
            Close($"forward, {start}", expected, y, 1e-5);
            CompareGradients(twin, exact, gradients, seed, start, differences);
        }
    }

    private enum Start
    {
        AGradientWasThere,
        NoneWas,
        TheInputIsAParameter,
    }

    private static void CompareGradients(Func<double[][], double[]> twin, double[][] inputs, float[][] gradients, float[] seed, Start start,
        List<double>?[] known)
    {
        for (int input = 0; input < inputs.Length; input++)
        {
            double[] expectedGradient = new double[inputs[input].Length];
            // Central differences at a sample of places: all of a small input, sixty-odd of a larger one, twenty of one whose twin is slow.
            int stride = Math.Max(1, expectedGradient.Length / (expectedGradient.Length > 1000 ? 19 : 61));
            float[] sampled = [.. gradients[input].Where((_, i) => i % stride == 0)];
            List<double> differences = known[input] ?? [];
            for (int i = 0; i < expectedGradient.Length && known[input] is null; i += stride)
                differences.Add(CentralDifference(twin, inputs, input, i, seed));
            known[input] = differences;
            Close($"gradient of input {input}, {start}", [.. differences], sampled, 2e-5, gradients[input].Max(Math.Abs));
        }
    }

    /// <summary>The largest error relative to the largest magnitude of what was expected.</summary>
    public static void Close(string what, double[] expected, ReadOnlySpan<float> actual, double tolerance, double magnitude = 0)
    {
        Assert.Equal(expected.Length, actual.Length);
        double largest = Math.Max(magnitude, Math.Max(1e-30, expected.Max(Math.Abs)));
        for (int i = 0; i < expected.Length; i++)
        {
            double error = Math.Abs(expected[i] - actual[i]) / largest;
            Assert.True(error <= tolerance, $"{what}: element {i} is {actual[i]:R}, expected {expected[i]:R}, error {error:E2} of {largest:E2}");
        }
    }

    /// <summary>Numbers from a normal distribution.</summary>
    public static float[] Random(long count, ulong seed, double magnitude = 1)
    {
        Philox generator = new(seed, 77);
        return [.. Enumerable.Range(0, checked((int)count)).Select(i => (float)(magnitude * generator.Normal((ulong)i)))];
    }

    private static (float[] Y, float[][] Gradients, float[] Seed) Evaluate(Func<Tape, Tensor[], Tensor> operation, float[][] inputs, Shape[] shapes,
        int threads, Start start)
    {
        using Workers workers = new(threads);
        using Parameters parameters = new();
        Parameter[] declared = [.. shapes.Select((shape, i) => parameters.Add($"x{i}", shape, decays: false))];
        parameters.Allocate();
        parameters.AllocateTrainingState();
        using Tape tape = new(workers, parameters) { Poison = true };
        Tensor[] tensors = new Tensor[inputs.Length];
        for (int i = 0; i < inputs.Length; i++)
        {
            inputs[i].CopyTo(parameters.Weights(declared[i]));
            parameters.Gradients(declared[i]).Fill(float.NaN);
            tensors[i] = start == Start.TheInputIsAParameter ? tape.Parameter(declared[i]) : tape.Input(shapes[i], inputs[i]);
        }
        parameters.ForgetGradients();
        Tensor y = operation(tape, tensors);
        float[] seed = y.Shape.Count == 1 ? [1] : Random(y.Shape.Count, 99);
        float[] result = tape[y].ToArray();
        // What is there before the backward must be added to, not written over; where nothing is, the memory holds NaN.
        float there = start == Start.AGradientWasThere ? 1 : 0;
        for (int i = 0; i < tensors.Length && there != 0; i++)
            tape.Gradient(tensors[i]).Fill(there);
        seed.CopyTo(tape.Gradient(y));
        tape.RunBackward();
        return (result, [.. tensors.Select(tensor => tape.Gradient(tensor).ToArray().Select(value => value - there).ToArray())], seed);
    }

    private static double CentralDifference(Func<double[][], double[]> twin, double[][] inputs, int input, int index, float[] seed)
    {
        double center = inputs[input][index], step = 1e-5 * Math.Max(1, Math.Abs(center));
        double Along(double value)
        {
            inputs[input][index] = value;
            return twin(inputs).Select((y, i) => y * seed[i]).Sum();
        }
        double difference = (Along(center + step) - Along(center - step)) / (2 * step);
        inputs[input][index] = center;
        return difference;
    }
}
