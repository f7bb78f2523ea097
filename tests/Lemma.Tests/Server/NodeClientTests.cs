using System.Diagnostics;
using Lemma.Tests.Architecture;
using Lemma.Tests.Language.Tools;

namespace Lemma.Tests.Server;

/// <summary>The clients of JavaScript, by <c>tests/clients/clients.mjs</c>: `npm install` there first.</summary>
public class NodeClientTests
{
    [Fact]
    public async Task TheClientsOfNodeAreAnswered()
    {
        string folder = Path.Combine(Repository.Root, "tests/clients");
        Assert.SkipUnless(Directory.Exists(Path.Combine(folder, "node_modules")), "there is no tests/clients/node_modules: run npm install in tests/clients");
        await using TestServer server = await TestServer.StartAsync(4000, MadeTemplates.Tagged);
        Process? started = null;
        try
        {
            started = Process.Start(new ProcessStartInfo("node") { ArgumentList = { "clients.mjs", server.Address.ToString() }, WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true });
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("there is no Node.js on this machine");
        }
        using Process process = started!;
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string told = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, $"{told}\n{await errors}");
        Assert.Equal(7, told.Split('\n', StringSplitOptions.RemoveEmptyEntries).Count(line => line.StartsWith("passed ", StringComparison.Ordinal)));
        await server.QuietAsync();
    }
}
