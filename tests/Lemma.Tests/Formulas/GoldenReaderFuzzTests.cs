using System.Globalization;
using System.Text;
using Lemma.Formulas;

namespace Lemma.Tests.Formulas;

/// <summary>Golden files that were changed at random are read or refused in one sentence that names the file.</summary>
public sealed class GoldenReaderFuzzTests
{
    private static readonly int Changes =
        int.Parse(Environment.GetEnvironmentVariable("LEMMA_FUZZ") ?? "3000", CultureInfo.InvariantCulture);

    private const string Good = """
        {"format": "lemma-golden-1", "cases": [{"op": "leaky_relu", "attrs": {"slope": 0.25, "note": "of two"},
         "inputs": {"x": {"shape": [2, 1], "data": [1, -2.5e-1]}}, "output": {"shape": [2, 1], "data": [1, -0.0625]}, "grad_output": {"shape": [2,
             1], "data": [1, 1]},
         "grads": {"x": {"shape": [2, 1], "data": [1, 0.25]}}}]}
        """;

    private static readonly string[] Parts = ["{", "}", "[", "]", "\"", ":", ",", "null", "true", "-1", "1e999", "NaN", "99999999999",
        "65536, 65536", "[1]", "{}", "\"data\"", "\"shape\"", "\\u0000", "\\ud83d", "é", " "];

    [Fact]
    public void A_changed_file_is_read_or_refused()
    {
        using TemporaryFolder folder = new();
        Assert.Single(GoldenFile.Read(folder.Write("golden.json", Good)));
        Random random = new(3);
        int read = 0;
        for (int i = 0; i < Changes; i++)
        {
            StringBuilder text = new(Good);
            for (int k = random.Next(1, 4); k > 0; k--)
            {
                int at = random.Next(text.Length + 1), length = Math.Min(text.Length - at, random.Next(1, 9));
                if (random.Next(2) == 0)
                    text.Remove(at, length);
                if (random.Next(3) > 0)
                    text.Insert(at, Parts[random.Next(Parts.Length)]);
            }
            string path = folder.Write("golden.json", text.ToString());
            try
            {
                GoldenFile.Read(path);
                read++;
            }
            catch (InvalidDataException error)
            {
                Assert.StartsWith($"golden: {path}: ", error.Message);
            }
        }
        Assert.InRange(read, Changes / 100, Changes);
    }
}
