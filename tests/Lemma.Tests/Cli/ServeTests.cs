using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using Lemma.Tests.Language;

namespace Lemma.Tests.Cli;

/// <summary><c>lemma serve</c> in a process of its own.</summary>
public sealed partial class ServeTests : IDisposable
{
    private const int Terminate = 15;
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);

    [Fact]
    public async Task ItListensAndEndsInOrderAtASignal()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "a signal is sent");
        string model = ChatModel.Write(folder, 4000);
        folder.Write("keys.txt", "secret\n");
        using Process process = Tool.Start($"serve tiny={model} --port 0 --threads 1 --key-file {folder["keys.txt"]}");
        try
        {
            string line = await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) ?? await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            Assert.StartsWith("serve: listening at http://127.0.0.1:", line, StringComparison.Ordinal);
            using HttpClient client = new() { BaseAddress = new Uri(line["serve: listening at ".Length..]) };
            Assert.Equal(401, (int)(await client.GetAsync("/v1/models", TestContext.Current.CancellationToken)).StatusCode);
            client.DefaultRequestHeaders.Add("Authorization", "Bearer secret");
            using HttpRequestMessage request = new(HttpMethod.Post, "/v1/completions")
            {
                Content = new StringContent("""{"model":"tiny","prompt":"ab","max_tokens":1500,"stream":true,"ignore_eos":true}""", Encoding.UTF8, "application/json"),
            };
            using HttpResponseMessage open = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
            Assert.Equal(0, Kill(process.Id, Terminate));
            // What runs goes on to its end.
            string text = await open.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            Assert.EndsWith("data: [DONE]\n\n", text, StringComparison.Ordinal);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.Equal(0, process.ExitCode);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
        }
    }

    [Fact]
    public void WrongUseIsSaid()
    {
        Assert.Contains("there is no model", InProcess.Bad(2, "serve"), StringComparison.Ordinal);
        Assert.Contains("no address", InProcess.Bad(2, "serve x --host nowhere"), StringComparison.Ordinal);
        folder.Write("empty.txt", "\n");
        Assert.Contains("there is no key", InProcess.Bad(2, $"serve x --key-file {folder["empty.txt"]}"), StringComparison.Ordinal);
    }
}
