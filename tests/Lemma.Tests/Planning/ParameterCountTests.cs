using Lemma.Checkpoints;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Planning;
using Lemma.Tensors;
using Lemma.Tests.Models;

namespace Lemma.Tests.Planning;

/// <summary>Parameters are counted as built, and as published.</summary>
public class ParameterCountTests
{
    public static TheoryData<string> Names => [.. Presets.Names];

    [Theory, MemberData(nameof(Names))]
    public void APresetHasThePlannedParameters(string name)
    {
        DecoderConfig config = Presets.Find(name)!;
        ParameterCount count = ParameterCount.Of(config);
        using Decoder built = new(config);
        Assert.Equal(built.Parameters.Count, count.Total);
        Assert.Equal(built.Parameters.Count, count.Activated);
        Assert.Equal(4 * built.Parameters.BlockLength, count.AllocatedBytes);
        Assert.Equal(count.Total, SheetCount.Of(config).Exact);
    }

    [Theory, MemberData(nameof(ReferenceCheckpointTests.All), MemberType = typeof(ReferenceCheckpointTests))]
    public void AFamilyHasThePlannedParameters(string folder)
    {
        string path = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, folder));
        using Model built = ModelFolder.Read(path);
        // The file may have a head of its own that its config does not tell of.
        ModelConfig config = built switch { Decoder one => one.Config, Encoder one => one.Config, EncoderDecoder one => one.Config, _ => throw new InvalidOperationException() };
        ParameterCount count = ParameterCount.Of(config);
        Assert.Equal(built.Parameters.Count, count.Total);
        Assert.Equal(built.Parameters.Count, SheetCount.Of(config).Exact);
        Assert.InRange(count.Activated, 1, count.Total);
        Assert.Equal(config is DecoderConfig { Stack.Blocks: var blocks } && blocks.Any(block => block.FeedForward is ExpertsFeedForward), count.Activated < count.Total);
    }

    [Fact]
    public void FilesBesideTheRepositoryHaveThePlannedElements()
    {
        string[] folders = [.. Directory.EnumerateDirectories(SharedData.FindOrSkip("checkpoints"))
            .Concat(Directory.EnumerateDirectories(SharedData.FindOrSkip("checkpoints-more"))).Order(StringComparer.Ordinal)];
        int counted = 0;
        foreach (string folder in folders)
        {
            ModelContents contents;
            try
            {
                contents = ModelContents.Read(folder);
            }
            catch (InvalidDataException error) when (error.Message.Contains("is not supported", StringComparison.Ordinal)
                || error.Message.Contains("not known", StringComparison.Ordinal))
            {
                continue;
            }
            counted++;
            Assert.Equal(contents.Parameters.Sum(parameter => parameter.Count), ParameterCount.Of(contents.Config!).Total);
            // What a file holds once for two names, or besides the model, is not counted twice.
            Assert.Equal(contents.Places.Sum(place => place.Rows * (long)Width(contents, place)), ParameterCount.Of(contents.Config!).Total);
        }
        Assert.Equal(folders.Length, counted);
    }

    private static int Width(ModelContents contents, TensorPlace place)
    {
        Shape shape = contents.Parameters.First(parameter => parameter.Name == place.Parameter).Shape;
        return shape.Rank == 1 ? 1 : shape.Columns;
    }

    // Brown et al. 2020, table 2.1: 96 layers, d 12,288, 96 heads, 2,048 positions, and GPT-2's vocabulary.
    [Fact]
    public void Gpt3HasThePublishedParameters()
    {
        DecoderConfig config = Presets.Gpt2(50257, width: 12288, layers: 96, heads: 96, length: 2048);
        const long d = 12288, layers = 96;
        SheetCount sheet = SheetCount.Of(config);
        Assert.Equal(50257 * d + layers * 12 * d * d, sheet.Formula);
        Assert.Equal(174_563_733_504, sheet.Formula);
        ParameterCount count = ParameterCount.Of(config);
        Assert.Equal(sheet.Formula + 2048 * d + layers * 13 * d + 2 * d, count.Total);
        Assert.Equal(175, Math.Round(count.Total / 1e9));
        Assert.Equal(count.Total, sheet.Exact);
        Assert.Equal(["biases", "norms: two a block or more, and the last", "learned positions and biases by distance"], sheet.Differences.Select(one => one.Reason));
    }

    // The files of meta-llama/Meta-Llama-3-8B hold 8,030,261,248 numbers.
    [Fact]
    public void Llama3HasThePublishedParameters()
    {
        DecoderConfig config = Llama3(32, 4096, 32, 14336);
        Assert.Equal(8_030_261_248, ParameterCount.Of(config).Total);
        SheetCount sheet = SheetCount.Of(config);
        Assert.Equal(8_030_261_248, sheet.Exact);
        Assert.Contains(sheet.Differences, one => one.Reason.Contains("third matrix", StringComparison.Ordinal) && one.Parameters == 32L * 4096 * 14336);
        Assert.Equal(70_553_706_496, ParameterCount.Of(Llama3(80, 8192, 64, 28672)).Total);
    }

    // DeepSeek-AI 2024, DeepSeek-V3, section 4.2 and README_WEIGHTS.md: 671B, of which a token meets 37B, the embedding's 0.9B and the head's among them.
    [Fact]
    public void DeepSeekV3HasThePublishedParameters()
    {
        ParameterCount count = ParameterCount.Of(DeepSeekV3());
        Assert.Equal(671_026_419_200, count.Total);
        Assert.Equal(37, count.Activated / 1e9, 0.6);
        Assert.Equal(0.927, count.Parts.Single(part => part.Part == ModelPart.Head).Total / 1e9, 0.001);
        Assert.Equal(count.Total, SheetCount.Of(DeepSeekV3()).Exact);
    }

    internal static DecoderConfig Llama3(int layers, int width, int heads, int hidden) =>
        Presets.Llama(128256, width, layers, heads, hidden, length: 8192, keyValueHeads: 8);

    internal static DecoderConfig DeepSeekV3()
    {
        RmsNormConfig norm = new(1e-6f);
        BlockConfig dense = new()
        {
            Mixer = new LatentAttentionConfig
            {
                Heads = 128,
                QueryRank = 1536,
                KeyValueRank = 512,
                PlainWidth = 128,
                RotaryWidth = 64,
                ValueWidth = 128,
                Rotary = new RotaryConfig(),
                Norm = norm,
            },
            FeedForward = new GatedFeedForward(18432),
            Before = norm,
        };
        BlockConfig sparse = dense with
        {
            FeedForward = new ExpertsFeedForward(2048, new ExpertRouting { Experts = 256, Chosen = 8, Score = RouterScore.Sigmoid })
            {
                Shared = new GatedFeedForward(2048),
                ChoiceBias = true,
            },
        };
        return new DecoderConfig
        {
            MaximumLength = 163840,
            Stack = new StackConfig
            {
                Embedding = new EmbeddingConfig { VocabularySize = 129280, Width = 7168 },
                Blocks = [.. Enumerable.Repeat(dense, 3), .. Enumerable.Repeat(sparse, 58)],
                Norm = norm,
            },
            Head = new HeadConfig(Tied: false),
        };
    }
}
