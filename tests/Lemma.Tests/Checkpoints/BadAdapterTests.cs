using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Lemma.Checkpoints;
using Lemma.Models;
using Lemma.Weights;
using static Lemma.Tests.Checkpoints.AdapterCases;

namespace Lemma.Tests.Checkpoints;

/// <summary>Adapters that are broken: one sentence that names the file and the reason, within seconds and little memory.</summary>
public class BadAdapterTests
{
    private const int MostBytes = 50_000_000;
    private const string Letters = "0123456789,[]{}\":AB_.";

    private static readonly int Trials = int.Parse(Environment.GetEnvironmentVariable("LEMMA_FUZZ") ?? "200", CultureInfo.InvariantCulture);

    private static readonly string[] Values =
    [
        "null", "true", "false", "-1", "0", "1", "2", "3", "4", "65536", "65537", "2147483648", "1e300", "1e999", "-0.5", "0.3", "1e-30", "\"\"", "\"x\"",
        "\"LORA\"", "\"none\"", "\"all\"", "\"all-linear\"", "\"q_proj\"", "\".*\"", "\"(\"", "\"(?=a)\"", "\"(a|b\"", "\"(x+x+)+y\"", "\"((a{1000}){1000}){1000}\"",
        "[]", "{}", "[1]", "[\"\"]", "[\"lm_head\", \"c_attn\", \"q_proj\"]", "{\"a\": 1}", "{\"q_proj\": 2}", "{\"(\": 2}", "{\".*\": 1e999}", "{\".*\": 0}",
        "{\"(a{1000}){1000}\": 2}", "\"HALF\"", "{\"HALF\": 1}",
    ];

    public static TheoryData<string> Cases => ["gpt2", "llama", "gpt-neox", "mistral-window", "gemma2", "llama-embeddings", "mixtral"];

    [Theory, MemberData(nameof(Cases))]
    public void AConfigWithOtherValuesIsAnAdapterOrRefused(string name)
    {
        JsonObject valid = JsonNode.Parse(File.ReadAllText(Path.Combine(Golden("adapters", name), "adapter_config.json")))!.AsObject();
        Fuzz(name, random =>
        {
            JsonObject config = valid.DeepClone().AsObject();
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                string field = config.Select(pair => pair.Key).ElementAt(random.Next(config.Count));
                if (random.Next(8) == 0)
                    config.Remove(field);
                else
                    config[field] = JsonNode.Parse(Values[random.Next(Values.Length)]);
            }
            // Half of a surrogate pair is valid JSON, but no text.
            string text = config.ToJsonString().Replace("HALF", "\\ud800", StringComparison.Ordinal);
            return ("adapter_config.json", System.Text.Encoding.UTF8.GetBytes(random.Next(10) == 0 ? text[..random.Next(text.Length)] : text));
        });
    }

    [Theory, MemberData(nameof(Cases))]
    public void ChangedTensorsAreAnAdapterOrRefused(string name)
    {
        byte[] valid = File.ReadAllBytes(Path.Combine(Golden("adapters", name), "adapter_model.safetensors"));
        int header = BitConverter.ToInt32(valid) + 8;
        Fuzz(name, random =>
        {
            byte[] bytes = [.. valid];
            // Any bytes behind the header are weights.
            bool inHeader = random.Next(4) != 0;
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                int place = inHeader ? random.Next(header) : random.Next(header, bytes.Length);
                bytes[place] = (byte)(random.Next(2) == 0 ? random.Next(256) : Letters[random.Next(Letters.Length)]);
            }
            return ("adapter_model.safetensors", random.Next(6) == 0 ? bytes[..random.Next(bytes.Length)] : bytes);
        });
    }

    private static void Fuzz(string name, Func<Random, (string File, byte[] Bytes)> change)
    {
        using TemporaryFolder folder = new();
        using Decoder model = ModelFolder.ReadDecoder(Golden("checkpoints", name.Replace("-embeddings", "", StringComparison.Ordinal)));
        string[] files = ["adapter_config.json", "adapter_model.safetensors"];
        Random random = new(name.Length);
        int read = 0, refused = 0;
        for (int trial = 0; trial < Trials; trial++)
        {
            foreach (string file in files)
                folder.Write(file, File.ReadAllBytes(Path.Combine(Golden("adapters", name), file)));
            (string changed, byte[] bytes) = change(random);
            folder.Write(changed, bytes);
            long before = GC.GetAllocatedBytesForCurrentThread();
            Stopwatch watch = Stopwatch.StartNew();
            try
            {
                using Adapter adapter = AdapterFolder.Read(folder[""], model);
                Assert.All(adapter.Parameters.All, parameter => Assert.True(parameter.Count < 1_000_000));
                read++;
            }
            catch (InvalidDataException error)
            {
                Assert.StartsWith(folder[""], error.Message, StringComparison.Ordinal);
                refused++;
            }
            catch (Exception error)
            {
                string path = Path.Combine(Path.GetTempPath(), $"lemma-{name}-{trial}-{changed}");
                File.WriteAllBytes(path, bytes);
                Assert.Fail($"{path}: {error.GetType().Name}: {error.Message}\n{error.StackTrace}");
            }
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(5), $"{watch.Elapsed} for trial {trial} of {changed}");
            long taken = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(taken < MostBytes, $"{taken} bytes for trial {trial} of {changed}");
        }
        Assert.True(read > Trials / 100 && refused > Trials / 10, $"{read} read, {refused} refused");
    }
}
