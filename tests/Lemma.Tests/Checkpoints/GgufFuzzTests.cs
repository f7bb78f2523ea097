using System.Globalization;
using Lemma.Checkpoints;
using Lemma.Formats;
using Lemma.Models;

namespace Lemma.Tests.Checkpoints;

/// <summary>Models whose values or tensors were changed, and files that were changed anywhere: read, or refused in one sentence that names the file.</summary>
public sealed class GgufFuzzTests : IDisposable
{
    private const long MostBytes = 16_000_000;
    private static readonly int Changes = int.Parse(Environment.GetEnvironmentVariable("LEMMA_FUZZ") ?? "300", CultureInfo.InvariantCulture);
    private static readonly object[] Hostile = [0u, 1u, 2u, 3u, 7u, 1u << 12, 1u << 24, uint.MaxValue, int.MinValue, -1, ulong.MaxValue, 1L << 40, float.NaN, 0f, -1f,
        float.PositiveInfinity, 1e30f, 1e-30f, true, false, "", "yarn", "longrope", "linear", new[] { 1u, 2u }, Array.Empty<int>(), new[] { "a" }, new[] { 0f, float.NaN }];

    private readonly TemporaryFolder folder = new();

    public static TheoryData<string> Names => ["llama", "llama-yarn", "llama3-rope", "qwen3-moe", "qwen2-moe", "deepseek-v3", "gemma3", "phi3", "gpt2", "gpt-neox", "bert", "t5", "bloom", "qwen3-next", "qwen3-5", "gemma4", "modernbert-mlm", "distilbert-mlm"];

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(Names))]
    public void ChangedValuesAndTensorsAreReadOrRefused(string name)
    {
        using TensorFile good = TensorFile.Open(Golden(name));
        Dictionary<string, GgufTensor> tensors = good.Tensors.ToDictionary(entry => entry.Name, entry =>
        {
            float[] numbers = new float[entry.Count];
            good.Read(entry, numbers);
            return new GgufTensor(entry.Name, [.. entry.Sizes.Select(size => (int)size)], () => numbers, "F32");
        });
        string[] names = [.. good.Metadata.Keys.Where(key => !key.Contains("tokens", StringComparison.Ordinal))];
        Random random = new(11);
        (int read, int refused) = (0, 0);
        for (int trial = 0; trial < Changes; trial++)
        {
            Dictionary<string, object> values = new(good.Metadata);
            List<GgufTensor> some = [.. tensors.Values];
            for (int change = random.Next(1, 3); change > 0; change--)
            {
                string key = names[random.Next(names.Length)];
                switch (random.Next(6))
                {
                    case 0:
                        values.Remove(key);
                        break;
                    case 1:
                        GgufTensor one = some[random.Next(some.Count)];
                        some.Remove(one);
                        some.Add(one with { Sizes = [.. one.Sizes.Reverse()], Name = random.Next(2) == 0 ? one.Name : "rope_freqs.weight" });
                        break;
                    default:
                        values[key] = Hostile[random.Next(Hostile.Length)];
                        break;
                }
            }
            if (some.Select(tensor => tensor.Name).Distinct().Count() < some.Count)
                continue;
            GgufWriter.Write(folder["x.gguf"], values, some);
            Count(Try(folder["x.gguf"], trial), ref read, ref refused);
        }
        Assert.True(read > 0 && refused > Changes / 10, $"{read} read, {refused} refused");
    }

    [Theory]
    [InlineData("qwen3-moe")]
    [InlineData("deepseek-v3")]
    public void FilesThatAreChangedAnywhereAreReadOrRefused(string name)
    {
        byte[] good = File.ReadAllBytes(Golden(name));
        int head = good.AsSpan().IndexOf("blk.1.ffn"u8) + 2000;
        Random random = new(3);
        (int read, int refused) = (0, 0);
        for (int trial = 0; trial < Changes; trial++)
        {
            byte[] changed = [.. good];
            for (int i = random.Next(1, 4); i > 0; i--)
                changed[random.Next(head)] = (byte)random.Next(256);
            Count(Try(folder.Write("x.gguf", random.Next(10) == 0 ? changed[..random.Next(changed.Length)] : changed), trial), ref read, ref refused);
        }
        Assert.True(read > 0 && refused > 0, $"{read} read, {refused} refused");
    }

    private static string Golden(string name) => Path.Combine(AppContext.BaseDirectory, "Golden", "gguf", "models", name + ".gguf");

    private static void Count(bool isRead, ref int read, ref int refused)
    {
        if (isRead)
            read++;
        else
            refused++;
    }

    private static bool Try(string path, int trial)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            ModelContents.Read(path);
            using Model model = ModelFolder.Read(path);
            return true;
        }
        catch (InvalidDataException error)
        {
            Assert.Contains(path, error.Message, StringComparison.Ordinal);
            return false;
        }
        finally
        {
            long taken = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(taken < MostBytes, $"trial {trial} took {taken} bytes");
        }
    }
}
