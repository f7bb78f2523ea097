namespace Lemma.Tests.Cli;

/// <summary>Wrong input: one clear sentence, exit code 1 or 2, nothing written over.</summary>
public sealed class BadInputTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("train --data {dir}/none.txt --out {dir}/run", 1, "none.txt")]
    [InlineData("train --data {dir}/empty.txt --out {dir}/run", 1, "empty")]
    [InlineData("train --data {dir}/latin.txt --out {dir}/run", 1, "not UTF-8: byte 0xE9 at offset 3")]
    [InlineData("train --data {dir}/text.txt --char --width 100 --heads 6 --out {dir}/run", 1, "6 heads do not divide d_model 100")]
    [InlineData("train --data {dir}/text.txt --vocab 60000 --out {dir}/run", 1, "60000")]
    [InlineData("train --data {dir}/text.txt --char --length 60000 --out {dir}/run", 1, "60001 tokens")]
    [InlineData("train --data {dir}/text.txt --preset nothing --out {dir}/run", 2, "nothing")]
    [InlineData("train --out {dir}/run", 2, "--data")]
    [InlineData("train --data {dir}/text.txt --steps many", 2, "many")]
    [InlineData("train --resume --out {dir}/none", 1, "none")]
    [InlineData("generate {dir}/none --prompt a", 1, "none")]
    [InlineData("eval {dir}/none --data {dir}/text.txt", 1, "none")]
    [InlineData("bench train shape", 2, "shape")]
    [InlineData("nonsense", 2, "nonsense")]
    public void IsRefusedInOneSentence(string arguments, int exitCode, string says)
    {
        string directory = Path.GetDirectoryName(folder["x"])!;
        folder.Write("empty.txt", "");
        folder.Write("text.txt", string.Concat(Enumerable.Repeat("a small text to learn from. ", 100)));
        File.WriteAllBytes(folder["latin.txt"], [0x63, 0x61, 0x66, 0xE9, 0x20, 0x61]);
        (int code, _, string error) = Tool.Run(arguments.Replace("{dir}", directory, StringComparison.Ordinal));
        Assert.Contains(says, error, StringComparison.Ordinal);
        Assert.True(code == exitCode || (exitCode == 1 && code == 2), $"exit code {code}: {error}");
        Assert.StartsWith("lemma", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["run"]));
    }

    [Fact]
    public void ARunIsNotWrittenOver()
    {
        string data = folder.Write("text.txt", string.Concat(Enumerable.Repeat("a small text to learn from. ", 100)));
        string train = $"train --data {data} --char --steps 3 --batch 2 --length 16 --eval-every 3 --eval-batches 1 --out {folder["run"]}";
        Assert.Equal(0, Tool.Run(train).ExitCode);
        byte[] before = File.ReadAllBytes(Path.Combine(folder["run"], "last", "model.safetensors"));
        (int code, _, string error) = Tool.Run(train + " --seed 2");
        Assert.Equal(2, code);
        Assert.Contains("--resume", error, StringComparison.Ordinal);
        Assert.Contains("--force", error, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(Path.Combine(folder["run"], "last", "model.safetensors")));
        string backup = Path.Combine(folder["run"], "best.backup");
        Directory.CreateDirectory(backup);
        Directory.CreateDirectory(Path.Combine(folder["run"], "last.partial"));
        File.WriteAllText(Path.Combine(backup, "mine.txt"), "mine");
        Assert.Equal(0, Tool.Run(train + " --seed 2 --force").ExitCode);
        Assert.True(File.Exists(Path.Combine(backup, "mine.txt")));
        Assert.False(Directory.Exists(Path.Combine(folder["run"], "last.partial")));
    }

    [Fact]
    public void ALossThatIsNotANumberNamesItsStep()
    {
        string data = folder.Write("text.txt", string.Concat(Enumerable.Repeat("a small text to learn from. ", 100)));
        (int code, _, string error) = Tool.Run($"train --data {data} --char --steps 50 --batch 2 --length 16 --learning-rate 1e30 --clip 0 --warmup 0 "
            + $"--minimum-learning-rate 0 --out {folder["run"]}");
        Assert.Equal(1, code);
        Assert.Matches("step \\d+.*'[a-z0-9._]+'", error);
    }

    [Fact]
    public void ATruncatedCheckpointIsRefused()
    {
        string data = folder.Write("text.txt", string.Concat(Enumerable.Repeat("a small text to learn from. ", 100)));
        Tool.Run($"train --data {data} --char --steps 2 --batch 2 --length 16 --eval-every 2 --eval-batches 1 --out {folder["run"]}");
        string weights = Path.Combine(folder["run"], "last", "model.safetensors");
        byte[] whole = File.ReadAllBytes(weights);
        File.WriteAllBytes(weights, whole[..(whole.Length / 2)]);
        (int code, _, string error) = Tool.Run($"generate {Path.Combine(folder["run"], "last")} --prompt a");
        Assert.Equal(1, code);
        Assert.Contains("model.safetensors", error, StringComparison.Ordinal);
    }
}
