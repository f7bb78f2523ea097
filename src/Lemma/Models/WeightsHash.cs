using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Lemma.Weights;

namespace Lemma.Models;

/// <summary>The weights of a model as a hash has them: by name and shape, in rows wherever they lie.</summary>
internal static class WeightsHash
{
    public static void Append(IncrementalHash hash, Parameters parameters)
    {
        foreach (Parameter parameter in parameters.All)
        {
            hash.AppendData(System.Text.Encoding.UTF8.GetBytes(FormattableString.Invariant($"{parameter.Name} {parameter.Shape}\n")));
            int columns = parameter.Shape.Columns, rows = Math.Max(1, (1 << 20) / columns);
            float[] some = new float[rows * columns];
            for (long first = 0; first * columns < parameter.Count; first += rows)
            {
                Span<float> part = some.AsSpan(0, (int)Math.Min(some.Length, parameter.Count - first * columns));
                parameters.CopyRows(parameter, (int)first, part);
                hash.AppendData(MemoryMarshal.AsBytes(part));
            }
        }
    }
}
