using System.Buffers.Binary;
using System.IO.Compression;
using System.Text.Json;
using Lemma.Cli.Display;
using Lemma.Language;
using Lemma.Language.Views;
using Lemma.Tests.Language;
using Spectre.Console;
using static Lemma.Tests.Cli.InProcess;

namespace Lemma.Tests.Cli;

/// <summary><c>lemma embed</c>, <c>fill</c>, <c>lens</c> and <c>attention</c> as a shell sees them.</summary>
[Collection("console")]
public sealed class LookingCommandTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string bert;

    public LookingCommandTests() => bert = LookingGolden.WriteBert(folder, LookingGolden.Pooling("mean_tokens"), lengths: """{"max_seq_length": 40}""");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void AThousandLinesBecomeVectorsInTheirOrder()
    {
        string[] lines = [.. Enumerable.Range(0, 1000).Select(i => i == 500 ? "" : string.Concat(Enumerable.Repeat($"the cat {i} ", i * 31 % 7 + 1)))];
        string file = folder.Write("lines.txt", string.Join("\r\n", lines) + "\n");
        (int code, string output, string error) = Run("embed", bert, "--file", file, "--json");
        Assert.Equal((0, ""), (code, error));
        JsonElement[] written = [.. output.TrimEnd('\n').Split('\n').Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal(lines, written.Select(one => one.GetProperty("text").GetString()!));
        using EmbeddingModel model = EmbeddingModel.Load(bert, threads: 1);
        for (int i = 0; i < lines.Length; i += 97)
            Assert.Equal(model.Embed([lines[i]])[0], written[i].GetProperty("vector").EnumerateArray().Select(value => value.GetSingle()));
        Assert.Equal(output, RunWith(string.Join('\n', lines), "embed", bert, "--json", "--threads", "1").Output);
    }

    [Fact]
    public void AFewTextsAreATableOfCosines()
    {
        (int code, string output, string error) = Run("embed", bert, "the cat", "the cat", "paris is\nin france");
        Assert.Equal((0, ""), (code, error));
        string[] lines = output.Split('\n');
        Assert.Equal("      1     2     3", lines[0]);
        Assert.Matches(@"^1  1\.00  1\.00 +-?\d\.\d\d  the cat$", lines[1]);
        Assert.EndsWith("1.00  paris is␊in france", lines[3], StringComparison.Ordinal);
        Assert.Equal(13, Run(["embed", bert, "--table", .. Enumerable.Range(0, 11).Select(i => $"{i}")]).Output.Split('\n').Length);
    }

    [Fact]
    public void LongTextsAreRefusedOrCutAndCounted()
    {
        string text = string.Concat(Enumerable.Repeat("the ", 50));
        (int code, string output, string error) = Run("embed", bert, text, "a", text);
        Assert.Equal((1, ""), (code, output));
        Assert.Equal("lemma embed: the model reads at most 40 tokens, but text 1 of 3 has 52\n", error);
        (code, output, error) = Run("embed", bert, text, "a", text, "--cut");
        Assert.Equal((0, "embed: 2 of 3 texts were cut to 40 tokens\n"), (code, error));
        Assert.Contains("…", output, StringComparison.Ordinal);
        Assert.Equal((2, "lemma embed: there is no text\n"), From(RunWith("", "embed", bert)));

        static (int, string) From((int Code, string Output, string Error) run) => (run.Code, run.Error);
    }

    [Fact]
    public void MasksAreFilled()
    {
        (int code, string output, string error) = Run("fill", bert, "Paris is the [MASK] of France.", "--top", "2");
        Assert.Equal((0, ""), (code, error));
        JsonElement golden = LookingGolden.Root.GetProperty("fill")[0].GetProperty("masks")[0].GetProperty("guesses");
        string[] lines = output.Split('\n');
        Assert.Equal(("token 4", 5), (lines[0], lines.Length));
        Assert.EndsWith(golden[1].GetProperty("probability").GetDouble().ToString("0.0000", System.Globalization.CultureInfo.InvariantCulture), lines[2],
            StringComparison.Ordinal);
        JsonElement json = JsonDocument.Parse(RunWith("a [MASK] red dog ran in the [MASK]!\n", "fill", bert, "--json").Output).RootElement;
        Assert.Equal([2, 8], json.GetProperty("masks").EnumerateArray().Select(mask => mask.GetProperty("position").GetInt32()));
        Assert.Equal(5, json.GetProperty("masks")[1].GetProperty("guesses").GetArrayLength());
        Assert.Equal(lines[3], JsonDocument.Parse(Run("fill", bert, "Paris is the [MASK] of France.", "--json").Output).RootElement.GetProperty("text").GetString());
        Assert.Equal("lemma fill: the text needs the mask token [MASK] where something is to be filled in, but has none\n", Run("fill", bert, "a").Error);
        Assert.Equal("lemma fill: the text is empty\n", Run("fill", bert, "").Error);
    }

    [Fact]
    public void TheLensShowsALineATokenAndAColumnALayer()
    {
        (int code, string output, string error) = Run("lens", bert, "the cat sat on the mat.");
        Assert.Equal((0, ""), (code, error));
        string[] lines = output.TrimEnd('\n').Split('\n');
        Assert.Equal("token         layer 0          layer 1", lines[0]);
        Assert.Equal(10, lines.Length);
        Assert.StartsWith("[CLS]         ", lines[1], StringComparison.Ordinal);
        JsonElement json = JsonDocument.Parse(Run("lens", bert, "the cat sat on the mat.", "--json", "--top", "3").Output).RootElement;
        Assert.Equal("cat", json.GetProperty("tokens")[2].GetString());
        Assert.Equal((2, 9, 3), (json.GetProperty("layers").GetArrayLength(), json.GetProperty("layers")[1].GetArrayLength(),
            json.GetProperty("layers")[1][8].GetArrayLength()));
        Assert.Contains(json.GetProperty("layers")[1][0][0].GetProperty("token").GetString()!, lines[1], StringComparison.Ordinal);
        Assert.Equal("lemma lens: the text is empty\n", Run("lens", bert, "").Error);
    }

    [Fact]
    public void ATerminalGetsTheLayersThatFit()
    {
        Assert.Equal([0, 1], LensTable.LayersThatFit(2, 100));
        Assert.Equal([2, 5, 8, 11], LensTable.LayersThatFit(12, 100));
        Assert.Equal([11], LensTable.LayersThatFit(12, 10));
        using ModelView model = ModelView.Load(bert);
        LensView lens = model.Lens("the cat sat on the mat.");
        foreach (int width in (int[])[40, 80])
        {
            using StringWriter text = new();
            IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(text) });
            console.Profile.Width = width;
            LensTable.Draw(console, lens, width);
            string[] lines = text.ToString().TrimEnd('\n').Split('\n');
            Assert.All(lines, line => Assert.True(line.Length <= width, line));
            Assert.Equal(width == 40, text.ToString().Contains("1 of 2 layers fit here", StringComparison.Ordinal));
            Assert.Contains(lines, line => line.Contains("cat", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void MapsAreDrawnByBlocks()
    {
        (int code, string output, string error) = Run("attention", bert, "the cat sat on the mat.", "--layer", "1");
        Assert.Equal((0, ""), (code, error));
        Assert.All((int[])[0, 1, 2, 3], head => Assert.Contains($"head {head}: ", output, StringComparison.Ordinal));
        string[] lines = output.Split('\n');
        string cat = lines.First(line => line.StartsWith("cat ", StringComparison.Ordinal));
        Assert.True(cat.Count("░▒▓█".Contains) > 9, cat);
        (_, output, _) = Run("attention", bert, "the cat sat on the mat.", "--layer", "1", "--head", "2");
        Assert.Contains("head 2: ", output, StringComparison.Ordinal);
        Assert.DoesNotContain("head 1: ", output, StringComparison.Ordinal);
        Assert.Contains("██", output, StringComparison.Ordinal);
        Assert.StartsWith("lemma attention: layer 2 is not among the model's 2", Run("attention", bert, "a", "--layer", "2").Error,
            StringComparison.Ordinal);
        Assert.StartsWith("lemma attention: head 4 is not among the 4 of layer 0", Run("attention", bert, "a", "--head", "4").Error,
            StringComparison.Ordinal);
        using ModelView model = ModelView.Load(bert);
        using StringWriter narrow = new();
        Assert.Equal("attention: a picture of 9 tokens takes 18 columns, but there are 17; --png FILE and --json show any number",
            Assert.Throws<ArgumentException>(() => AttentionPicture.Write(narrow, model.Attention("the cat sat on the mat.", 0), [0], 17)).Message);
        Assert.Equal("", narrow.ToString());
    }

    [Fact]
    public void MapsAreJson()
    {
        JsonElement json = JsonDocument.Parse(Run("attention", bert, "the cat sat on the mat.", "--layer", "1", "--json").Output).RootElement;
        JsonElement golden = LookingGolden.Root.GetProperty("looks")[0].GetProperty("attention")[1];
        Assert.Equal((1, 4, 9), (json.GetProperty("layer").GetInt32(), json.GetProperty("heads").GetArrayLength(), json.GetProperty("tokens").GetArrayLength()));
        for (int head = 0; head < 4; head++)
        {
            for (int row = 0; row < 9; row++)
            {
                Assert.All(LookingGolden.Numbers(golden[head][row]).Zip(LookingGolden.Numbers(json.GetProperty("heads")[head].GetProperty("weights")[row])),
                    pair => Assert.Equal(pair.First, pair.Second, 1e-5));
            }
        }
        json = JsonDocument.Parse(Run("attention", bert, "the cat", "--head", "3", "--json").Output).RootElement;
        Assert.Equal((1, 3), (json.GetProperty("heads").GetArrayLength(), json.GetProperty("heads")[0].GetProperty("head").GetInt32()));
    }

    [Fact]
    public void APictureIsAPngOfTheMaps()
    {
        string file = folder["heads.png"];
        (int code, string output, string error) = Run("attention", bert, "the cat sat on the mat.", "--png", file);
        Assert.Equal((0, "", $"{file}: layer 0, 4 heads, 2 beside each other, 9 tokens of 21 pixels; rows look at columns\n"), (code, error, output));
        (int width, int height, byte[] pixels, byte[] palette) = ReadPng(File.ReadAllBytes(file));
        Assert.Equal((2 * (9 * 21 + 6) + 6, 2 * (9 * 21 + 6) + 6), (width, height));
        Assert.Equal(3 * 256, palette.Length);
        using ModelView model = ModelView.Load(bert);
        AttentionView view = model.Attention("the cat sat on the mat.", 0);
        float largest = view[3].ToArray().Max();
        for (int place = 0; place < 81; place++)
        {
            // The middle of the place of the last head.
            int x = 6 + 195 + place % 9 * 21 + 10, y = 6 + 195 + place / 9 * 21 + 10;
            Assert.Equal((byte)(Math.Sqrt(view[3][place] / largest) * 254), pixels[y * width + x]);
        }
        Assert.All((int[])[0, 200, width - 1], x => Assert.Equal(255, pixels[3 * width + x]));
        Assert.Equal(1, Run("attention", bert, "a", "--png", folder["none/heads.png"]).Code);
    }

    [Theory]
    [InlineData("cat", 5, "cat  ")]
    [InlineData("category", 5, "cate…")]
    [InlineData(" the", 4, "␣the")]
    [InlineData("a\u001b[31mb\n", 9, "a␛[31mb␊ ")]
    [InlineData("日本語", 4, "日… ")]
    [InlineData("日本語", 6, "日本語")]
    [InlineData("\u0085\u200b", 3, "·· ")]
    public void LabelsFitAndSteerNoTerminal(string token, int cells, string label) => Assert.Equal(label, TokenLabel.Of(token, cells));

    // Chunks by their lengths and names, each with the remainder of its own division, bit by bit.
    private static (int Width, int Height, byte[] Pixels, byte[] Palette) ReadPng(byte[] file)
    {
        Assert.Equal([137, 80, 78, 71, 13, 10, 26, 10], file[..8]);
        Dictionary<string, byte[]> chunks = [];
        for (int at = 8; at < file.Length;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(at));
            uint sum = uint.MaxValue;
            foreach (byte value in file.AsSpan(at + 4, length + 4))
            {
                sum ^= value;
                for (int bit = 0; bit < 8; bit++)
                    sum = (sum & 1) == 0 ? sum >> 1 : sum >> 1 ^ 0xEDB88320;
            }
            Assert.Equal(~sum, BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(at + 8 + length)));
            chunks.Add(System.Text.Encoding.ASCII.GetString(file, at + 4, 4), file[(at + 8)..(at + 8 + length)]);
            at += 12 + length;
        }
        Assert.Equal(["IHDR", "PLTE", "IDAT", "IEND"], chunks.Keys);
        int width = BinaryPrimitives.ReadInt32BigEndian(chunks["IHDR"]), height = BinaryPrimitives.ReadInt32BigEndian(chunks["IHDR"].AsSpan(4));
        Assert.Equal([8, 3, 0, 0, 0], chunks["IHDR"][8..]);
        using ZLibStream deflated = new(new MemoryStream(chunks["IDAT"]), CompressionMode.Decompress);
        using MemoryStream lines = new();
        deflated.CopyTo(lines);
        byte[] all = lines.ToArray();
        Assert.Equal((width + 1) * height, all.Length);
        return (width, height, [.. Enumerable.Range(0, height).SelectMany(y => all.Skip(y * (width + 1) + 1).Take(width))], chunks["PLTE"]);
    }

    private static (int Code, string Output, string Error) Run(params string[] arguments) => RunWith("", arguments);
}
