using System.Buffers.Binary;
using System.Text.Json;
using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Decoding;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Text;
using Lemma.Weights;

namespace Lemma.Tests.Checkpoints;

/// <summary>Files that other projects made: real ones where they are there, small ones in their forms else.</summary>
public class OtherProjectsFileTests
{
    private static string Golden(params string[] path) => Path.Combine([AppContext.BaseDirectory, "Golden", .. path]);

    [Fact]
    public void Llama2CsFileTellsTheRecordedStory()
    {
        string folder = SharedData.FindOrSkip("data/weights/stories260K");
        JsonElement golden = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "golden-greedy.json"))).RootElement;
        Tokenizer tokenizer = Tokenizer.Load(Path.Combine(folder, "tok512.bin"));
        using Decoder model = ModelFolder.ReadDecoder(folder);
        using Workers workers = new(2);
        using Generator generator = new(model, workers);
        IReadOnlyList<int> made = generator.Generate(new[] { 1 }, GenerationOptions.Greedy with { MaximumTokens = 200, StopIds = [1] });
        int[] ids = [.. golden.GetProperty("token_ids").EnumerateArray().Select(id => id.GetInt32())];
        Assert.Equal(ids.Skip(1), made.Take(ids.Length - 1));
        Assert.Equal(golden.GetProperty("expected_stdout_200_steps").GetString()!.Trim(), tokenizer.Decode([.. made]).Trim());

        using Tape tape = new(workers, model.Parameters) { Recording = false };
        float[] logits = tape[model.Logits(tape, Rows.One(ids.AsMemory(0, 8)))].ToArray();
        float[] expected = [.. golden.GetProperty("logits_first_8_positions_float64").EnumerateArray().SelectMany(row =>
            row.EnumerateArray().Select(value => value.GetSingle()))];
        Assert.Equal(expected.Length, logits.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], logits[i], 2e-4f);
    }

    [Fact]
    public void Llama2CsFileHasTheWeightsOfTheFolderMadeOfIt()
    {
        string folder = SharedData.FindOrSkip("data/weights/stories260K");
        using Decoder file = ModelFolder.ReadDecoder(Path.Combine(folder, "stories260K.bin"));
        using Decoder other = ModelFolder.ReadDecoder(Path.Combine(folder, "derived-hf"));
        Assert.Equal(other.Config.Stack, file.Config.Stack);
        SameWeights(other, file);
    }

    [Fact]
    public void Llama2CsTokenizerGivesTheRecordedIds()
    {
        string folder = SharedData.FindOrSkip("data/weights/stories260K");
        Tokenizer tokenizer = Tokenizer.Load(Path.Combine(folder, "tok512.bin"));
        foreach (JsonElement row in JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "golden-tokenization.json"))).RootElement.EnumerateArray())
        {
            int[] ids = [.. row.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
            Assert.Equal(ids, tokenizer.Encode(row.GetProperty("text").GetString()!));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AFileInLlama2CsFormIsRead(bool tied)
    {
        using TemporaryFolder folder = new();
        using Decoder llama = Llama2CFile.Model(tied);
        string path = folder.Write("model.bin", Llama2CFile.Bytes(llama));
        folder.Write("tokenizer.bin", new byte[20]);
        using Decoder read = ModelFolder.ReadDecoder(folder[""]);
        Assert.Equal(llama.Config with { BeginId = 1, EndId = 2, FurtherEndIds = [1] }, read.Config);
        Assert.Equal(read.Config, ModelFolder.ReadConfig(path));
        SameWeights(llama, read);
        ModelFolder.Write(folder["written"], read);
        using Decoder again = ModelFolder.ReadDecoder(folder["written"]);
        SameWeights(llama, again);
        folder.Write("second.bin", Llama2CFile.Bytes(llama));
        Assert.Contains("2 checkpoints of llama2.c, model.bin and second.bin", Assert.Throws<InvalidDataException>(() =>
            ModelFolder.Read(folder[""])).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 1 << 24, "width must be from 1 to 1048576, but the header says 16777216")]
    [InlineData(0, 0x616b3432, "version 24 is not supported")]
    [InlineData(1, -5, "feed-forward width must be from 1 to 1048576, but the header says -5")]
    [InlineData(2, 4000, "its header asks for")]
    [InlineData(2, 5000, "layers must be from 1 to 4096, but the header says 5000")]
    [InlineData(3, 3, "3 heads and 2 key/value heads do not divide")]
    [InlineData(4, 8, "key/value heads must be from 1 to 4, but the header says 8")]
    [InlineData(5, int.MinValue, "ids must be from 1 to 16777216, but the header says 0")]
    [InlineData(5, 0, "ids must be from 1 to 16777216, but the header says 0")]
    [InlineData(6, int.MaxValue, "longest sequence must be from 1 to 16777216")]
    public void HeadersOfLlama2CThatCannotBeAreRefused(int index, int value, string reason)
    {
        using TemporaryFolder folder = new();
        using Decoder llama = Llama2CFile.Model(tied: true);
        byte[] bytes = Llama2CFile.Bytes(llama);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4 * index), value);
        string path = folder.Write("model.bin", bytes);
        long before = GC.GetAllocatedBytesForCurrentThread();
        string message = Assert.Throws<InvalidDataException>(() => ModelFolder.Read(path)).Message;
        Assert.StartsWith(path, message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1_000_000);
    }

    [Fact]
    public void ChangedFilesOfLlama2CAreReadOrRefused()
    {
        using TemporaryFolder folder = new();
        using Decoder llama = Llama2CFile.Model(tied: false);
        byte[] good = Llama2CFile.Bytes(llama);
        string path = folder["model.bin"];
        Random random = new(3);
        int read = 0, refused = 0;
        for (int trial = 0; trial < 1000; trial++)
        {
            byte[] bytes = [.. good];
            // Most changes are of the header, since any bytes are weights.
            int at = random.Next(random.Next(4) == 0 ? bytes.Length : 28);
            bytes[at] = (byte)random.Next(256);
            File.WriteAllBytes(path, trial % 3 == 0 ? bytes[..random.Next(bytes.Length)] : bytes);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                ModelFolder.Read(path).Dispose();
                read++;
            }
            catch (InvalidDataException error)
            {
                Assert.StartsWith(path, error.Message, StringComparison.Ordinal);
                refused++;
            }
            Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 4_000_000, $"trial {trial} took too much memory");
        }
        Assert.True(read > 100 && refused > 400, $"{read} read, {refused} refused");
    }

    [Fact]
    public void ASmallGpt2GivesTheRecordedLosses()
    {
        string folder = SharedData.FindOrSkip("data/weights/tiny-gpt2-hf");
        JsonElement golden = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "golden-forward.json"))).RootElement;
        int[] ids = [.. golden.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
        Assert.Equal(ids, Tokenizer.Load(folder).Encode(golden.GetProperty("text").GetString()!));
        JsonElement expected = golden.GetProperty("results_float64").GetProperty("model.safetensors");
        using Decoder model = ModelFolder.ReadDecoder(folder);
        using Workers workers = new(2);
        using Tape tape = new(workers, model.Parameters) { Recording = false };
        float[] logits = tape[model.Logits(tape, Rows.One(ids))].ToArray();
        int[] largest = [.. logits.Chunk(model.VocabularySize).Select(row => Array.IndexOf(row, row.Max()))];
        Assert.Equal(expected.GetProperty("argmax").EnumerateArray().Select(id => id.GetInt32()), largest);
        Assert.Equal(expected.GetProperty("mean_nll").GetDouble(), model.Loss(tape, Rows.One(ids), (int[])[.. ids.Skip(1), -100]).Mean(tape), 1e-5);
    }

    [Fact]
    public void AFileCutOffInTheMiddleIsRefused()
    {
        string folder = SharedData.FindOrSkip("data/weights/truncated-minilm");
        string message = Assert.Throws<InvalidDataException>(() => ModelFolder.Read(folder)).Message;
        Assert.StartsWith(Path.Combine(folder, "model.safetensors"), message, StringComparison.Ordinal);
        Assert.Contains("truncated", message, StringComparison.Ordinal);
        Assert.Contains("851968 bytes", message, StringComparison.Ordinal);
    }

    [Fact]
    public void AFolderOfPyTorchsFileHasTheWeightsOfSafetensors()
    {
        using TemporaryFolder folder = new();
        File.Copy(Golden("checkpoints", "gpt2", "config.json"), folder["config.json"]);
        File.Copy(Golden("pytorch", "gpt2.bin"), folder["pytorch_model.bin"]);
        using Decoder expected = ModelFolder.ReadDecoder(Golden("checkpoints", "gpt2")), read = ModelFolder.ReadDecoder(folder[""]);
        Assert.Equal(expected.Config, read.Config);
        SameWeights(expected, read);
    }

    private static void SameWeights(Model expected, Model actual)
    {
        Assert.Equal(expected.Parameters.All.Select(parameter => parameter.Name), actual.Parameters.All.Select(parameter => parameter.Name));
        foreach (Parameter parameter in expected.Parameters.All)
            Assert.True(expected.Parameters.Weights(parameter).SequenceEqual(actual.Parameters.Weights(actual.Parameters[parameter.Name])), parameter.Name);
    }
}
