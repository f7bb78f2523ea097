using System.Text.Json;
using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Tensors;
using Lemma.Tests.Oracles;

namespace Lemma.Tests.Tensors;

/// <summary>Angles of every kind of scaling as transformers computes them, and turns of heads that lie anywhere in a row.</summary>
public class RopeTableTests
{
    private static readonly JsonElement[] Cases =
        [.. JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden", "rotary.json"))).RootElement.EnumerateArray()];

    [Fact]
    public void FrequenciesAreThoseOfTransformers()
    {
        Assert.Equal(40, Cases.Length);
        foreach (JsonElement item in Cases)
        {
            (RopeOptions options, int length) = Read(item);
            double[] expected = [.. item.GetProperty("inverse_frequencies").EnumerateArray().Select(value => value.GetDouble())];
            double[] frequencies = options.Scaling.Frequencies(options.Width, options.Theta, length);
            Assert.Equal(expected.Length, frequencies.Length);
            // They are computed in float32 there.
            for (int i = 0; i < expected.Length; i++)
                Assert.True(Math.Abs(expected[i] - frequencies[i]) <= 2e-6 * expected[i], $"{item}: pair {i} is {frequencies[i]}");
            Assert.Equal(item.GetProperty("attention_factor").GetDouble(), options.Scaling.Magnitude, 1e-12);
        }
    }

    [Fact]
    public void TablesHoldTheAnglesOfALength()
    {
        foreach (JsonElement item in Cases)
        {
            (RopeOptions options, int length) = Read(item);
            RopeTable table = new RopeTable(options).For(length);
            double[] frequencies = options.Scaling.Frequencies(options.Width, options.Theta, length);
            foreach (int position in new[] { 0, 63, 64, length - 1 })
            {
                for (int i = 0; i < frequencies.Length; i++)
                {
                    Assert.Equal((float)(Math.Cos(position * frequencies[i]) * options.Scaling.Magnitude), table.Cosines(position)[i]);
                    Assert.Equal((float)(Math.Sin(position * frequencies[i]) * options.Scaling.Magnitude), table.Sines(position)[i]);
                }
            }
        }
    }

    [Theory]
    [InlineData(false), InlineData(true)]
    public void HeadsTurnWhereTheyLie(bool interleaved)
    {
        // Two heads of 24 whose last 8 columns turn, as in latent attention, by angles of the length of each row's sequence.
        DynamicNtkRopeScaling scaling = new(2, 4);
        RopeTable table = new(new RopeOptions(64, 8, 10000, interleaved) { Scaling = scaling });
        int[] positions = [0, 5, 9, 3], lengths = [4, 10, 10, 4];
        OperationCheck.Run((tape, t) =>
        {
            Tensor copy = tape.Add(t[0], t[1]);
            tape.RopeInPlace(copy, 16, 2, 24, positions, table, lengths);
            return copy;
        }, x =>
        {
            double[] y = [.. x[0].Zip(x[1], (a, b) => a + b)];
            for (int row = 0; row < 4; row++)
            {
                double[] frequencies = scaling.Frequencies(8, 10000, lengths[row]);
                foreach (int at in new[] { row * 50 + 16, row * 50 + 40 })
                    Oracles.Twins.PositionTwins.Turn(y[at..(at + 8)], [.. frequencies.Select(f => f * positions[row])], interleaved).CopyTo(y, at);
            }
            return y;
        }, new Shape(4, 50), new Shape(4, 50));
    }

    [Fact]
    public void BadPlacesAreNamed()
    {
        using Workers workers = new(1);
        using Tape tape = new(workers);
        Tensor x = tape.New(new Shape(2, 24));
        int[] positions = [0, 1];
        RopeTable table = new(8, 8, 10000, false), dynamic = new(new RopeOptions(8, 8, 10000) { Scaling = new DynamicNtkRopeScaling(2, 4) });
        Assert.Contains("do not fit rows of 24", Assert.Throws<ArgumentException>(() => tape.RopeInPlace(x, 17, 1, 8, positions, table)).Message,
            StringComparison.Ordinal);
        Assert.Contains("do not fit", Assert.Throws<ArgumentException>(() => tape.RopeInPlace(x, 0, 3, 9, positions, table)).Message, StringComparison.Ordinal);
        Assert.Contains("2 lengths are needed", Assert.Throws<ArgumentException>(() => tape.RopeInPlace(x, 1, positions, dynamic)).Message,
            StringComparison.Ordinal);
        Assert.Contains("10 columns cannot turn in a head of 8",
            Assert.Throws<ArgumentException>(() => new RopeTable(new RopeOptions(8, 8, 10000) { Width = 10 })).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new LongRopeScaling([1], [1], 2, 4).Frequencies(4, 10000, 2));
    }

    private static (RopeOptions Options, int Length) Read(JsonElement item)
    {
        JsonElement settings = item.GetProperty("settings");
        double? Find(string name) => settings.TryGetProperty(name, out JsonElement found) ? found.GetDouble() : null;
        double[] Numbers(string name) => [.. settings.GetProperty(name).EnumerateArray().Select(value => value.GetDouble())];
        string type = settings.GetProperty("rope_type").GetString()!;
        double factor = Find("factor") ?? (type == "longrope" ? 4 : 1), share = Find("partial_rotary_factor") ?? 1;
        int longest = item.GetProperty("max_position_embeddings").GetInt32(), trained = (int)(Find("original_max_position_embeddings") ?? longest);
        RopeScaling scaling = type switch
        {
            "linear" => new LinearRopeScaling(factor),
            "dynamic" => new DynamicNtkRopeScaling(factor, longest),
            "yarn" => new YarnRopeScaling(factor, trained, Find("beta_fast") ?? 32, Find("beta_slow") ?? 1)
            {
                WholePairs = !settings.TryGetProperty("truncate", out _),
                AttentionFactor = Find("attention_factor") ?? (Find("mscale") is { } weight
                    ? YarnRopeScaling.MagnitudeOf(factor, weight) / YarnRopeScaling.MagnitudeOf(factor, Find("mscale_all_dim")!.Value) : null),
            },
            "llama3" => new Llama3RopeScaling(factor, Find("low_freq_factor")!.Value, Find("high_freq_factor")!.Value, trained),
            "longrope" => new LongRopeScaling([.. Numbers("short_factor")], [.. Numbers("long_factor")], factor,
                trained)
            { AttentionFactor = Find("attention_factor") },
            _ => new ProportionalRopeScaling(share, factor),
        };
        int head = item.GetProperty("head_dim").GetInt32();
        RopeOptions options = new(4096, head, settings.GetProperty("rope_theta").GetDouble())
        {
            Width = type == "proportional" ? head : (int)(head * share),
            Scaling = scaling,
        };
        return (options, item.GetProperty("length").GetInt32());
    }
}
