using System.Text.Json;
using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Text;

namespace Lemma.Tests.Models;

/// <summary>Trained sentence encoders (the folders below the one that LEMMA_ENCODERS names) against vectors that transformers gives in float64.</summary>
public class SentenceEncoderTests
{
    [Fact]
    public void VectorsAgree()
    {
        string? folder = Environment.GetEnvironmentVariable("LEMMA_ENCODERS");
        if (string.IsNullOrEmpty(folder))
            Assert.Skip("LEMMA_ENCODERS names no folder with trained sentence encoders (23 million parameters each, of other owners)");
        string[] files = Directory.GetFiles(folder, "*embeddings.json", SearchOption.AllDirectories);
        Assert.NotEmpty(files);
        using Workers workers = new(2);
        foreach (string file in files)
        {
            using Model model = ModelFolder.Read(Path.GetDirectoryName(file)!);
            Encoder encoder = Assert.IsType<Encoder>(model);
            Tokenizer tokenizer = Tokenizer.Load(Path.Combine(Path.GetDirectoryName(file)!, "tokenizer.json"));
            JsonElement expected = JsonDocument.Parse(File.ReadAllBytes(file)).RootElement;
            string[] sentences = [.. expected.GetProperty("sentences").EnumerateArray().Select(text => text.GetString()!)];
            int[][] ids = [.. sentences.Select(text => tokenizer.Encode(text)).Select(all => all.Length <= 512 ? all : [.. all[..511], all[^1]])];
            using Tape tape = new(workers, model.Parameters) { Recording = false };
            Rows rows = new(ids.SelectMany(all => all).ToArray(), ids.Select(all => all.Length).ToArray());
            Tensor hidden = encoder.Hidden(tape, rows);
            Tensor pooled = expected.GetProperty("pooling").GetString() == "mean" ? tape.MeanOfRows(hidden, rows.Lengths)
                : Encoder.FirstRows(tape, hidden, rows.Lengths);
            double worst = 0;
            for (int i = 0; i < sentences.Length; i++)
            {
                float[] vector = tape[pooled].Slice(i * pooled.Shape.Columns, pooled.Shape.Columns).ToArray();
                double norm = Math.Sqrt(vector.Sum(value => (double)value * value));
                double[] wanted = [.. expected.GetProperty("vectors")[i].EnumerateArray().Select(value => value.GetDouble())];
                worst = Math.Max(worst, vector.Zip(wanted, (a, b) => Math.Abs(a / norm - b)).Max());
            }
            Assert.True(worst < 1e-5, $"{file}: vectors differ by {worst:E2}");
            TestContext.Current.SendDiagnosticMessage($"{file}: {sentences.Length} sentences, vectors differ by {worst:E2} at most");
        }
    }
}
