using System.Diagnostics;
using System.Globalization;
using Lemma.Tests.Language;

namespace Lemma.Tests.Cli;

/// <summary>A process that is told to end in the middle: what was said stays, and the exit code says so.</summary>
public sealed class InterruptionTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    // Ctrl-C goes the same way; a process that a shell starts in the background ignores it, so the tests cannot send that.
    [Fact]
    public void ATextThatIsInterruptedEndsItsLine()
    {
        if (OperatingSystem.IsWindows())
            Assert.Skip("Windows cannot ask a process in the background to end");
        string model = ChatModel.Write(folder, 60_000);
        using Process process = Tool.Start($"generate {model} --prompt ab --tokens 59000 --logit-bias 260=1000 --logit-bias 261=1000");
        char[] said = new char[64];
        Assert.Equal(said.Length, process.StandardOutput.ReadBlock(said));
        using (Process kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]))
            kill.WaitForExit();
        string rest = process.StandardOutput.ReadToEnd(), error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.Equal((130, "lemma generate: interrupted\n"), (process.ExitCode, error));
        string text = new string(said) + rest;
        Assert.Matches("^[ab]{64,}\n$", text);
        Assert.InRange(text.Length, 65, 80_000);
    }
}
