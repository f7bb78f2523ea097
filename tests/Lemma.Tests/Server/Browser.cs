using System.Diagnostics;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lemma.Tests.Server;

/// <summary>A page in a Chromium of this machine, driven by its DevTools protocol (https://chromedevtools.github.io/devtools-protocol).</summary>
internal sealed class Browser : IAsyncDisposable
{
    private static readonly string[] Names = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"];
    private readonly Process process;
    private readonly TemporaryFolder profile;
    private readonly ClientWebSocket socket = new();
    private int number;

    private Browser(Process process, TemporaryFolder profile) => (this.process, this.profile) = (process, profile);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Where a browser is; null where there is none.</summary>
    public static string? Path { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(System.IO.Path.PathSeparator).Where(folder => folder.Length > 0)
        .SelectMany(folder => Names.Select(name => System.IO.Path.Combine(folder, name))).FirstOrDefault(File.Exists);

    /// <summary>Opens a page.</summary>
    public static async Task<Browser> OpenAsync(Uri page)
    {
        TemporaryFolder profile = new();
        ProcessStartInfo start = new(Path!) { RedirectStandardError = true };
        foreach (string argument in (string[])["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-port=0", "--user-data-dir=" + profile["profile"], "about:blank"])
            start.ArgumentList.Add(argument);
        Browser browser = new(Process.Start(start)!, profile);
        string? line;
        while ((line = await browser.process.StandardError.ReadLineAsync(Token)) is not null && !line.StartsWith("DevTools listening on ws://", StringComparison.Ordinal))
        {
        }
        Uri tools = new(line!["DevTools listening on ".Length..]);
        _ = browser.process.StandardError.ReadToEndAsync(CancellationToken.None);
        using HttpClient http = new();
        JsonElement[] targets = [];
        while (targets.Length == 0)
            targets = [.. JsonElement.Parse(await http.GetStringAsync($"http://127.0.0.1:{tools.Port}/json/list", Token)).EnumerateArray().Where(one => one.GetProperty("type").GetString() == "page")];
        await browser.socket.ConnectAsync(new Uri(targets[0].GetProperty("webSocketDebuggerUrl").GetString()!), Token);
        await browser.SendAsync("Page.enable");
        await browser.SendAsync("Page.navigate", new JsonObject { ["url"] = page.ToString() });
        await browser.WaitAsync("document.readyState === 'complete' && location.href !== 'about:blank'");
        return browser;
    }

    /// <summary>What an expression of JavaScript gives.</summary>
    public async Task<JsonElement> RunAsync(string script)
    {
        JsonElement result = await SendAsync("Runtime.evaluate", new JsonObject { ["expression"] = script, ["awaitPromise"] = true, ["returnByValue"] = true });
        Assert.False(result.TryGetProperty("exceptionDetails", out JsonElement error), $"{script}: {error}");
        return result.GetProperty("result").TryGetProperty("value", out JsonElement value) ? value : default;
    }

    /// <summary>Waits until an expression is true.</summary>
    public async Task WaitAsync(string script)
    {
        const int most = 1000;
        for (int i = 0; i < most; i++)
        {
            if ((await RunAsync($"!!({script})")).ValueKind == JsonValueKind.True)
                return;
            await Task.Delay(10, Token);
        }
        Assert.Fail($"never true: {script}\n{await RunAsync("document.body?.innerText")}");
    }

    /// <summary>Types into what has the focus.</summary>
    public Task TypeAsync(string text) => SendAsync("Input.insertText", new JsonObject { ["text"] = text });

    /// <summary>Presses a key.</summary>
    public async Task PressAsync(string key, int code, string? text = null)
    {
        foreach (string type in (string[])["keyDown", "keyUp"])
        {
            JsonObject pressed = new() { ["type"] = type, ["key"] = key, ["code"] = key, ["windowsVirtualKeyCode"] = code };
            if (text is not null && type == "keyDown")
                pressed["text"] = text;
            await SendAsync("Input.dispatchKeyEvent", pressed);
        }
    }

    /// <summary>Sends a command of the protocol.</summary>
    public async Task<JsonElement> SendAsync(string method, JsonObject? parameters = null)
    {
        int id = ++number;
        string command = new JsonObject { ["id"] = id, ["method"] = method, ["params"] = parameters ?? [] }.ToJsonString();
        await socket.SendAsync(Encoding.UTF8.GetBytes(command), WebSocketMessageType.Text, true, Token);
        while (true)
        {
            using MemoryStream message = new();
            byte[] buffer = new byte[65536];
            ValueWebSocketReceiveResult received;
            do
            {
                received = await socket.ReceiveAsync(buffer.AsMemory(), Token);
                message.Write(buffer, 0, received.Count);
            }
            while (!received.EndOfMessage);
            JsonElement answer = JsonElement.Parse(message.ToArray());
            // Events stand between the answers.
            if (answer.TryGetProperty("id", out JsonElement own) && own.GetInt32() == id)
                return answer.TryGetProperty("result", out JsonElement result) ? result : throw new InvalidOperationException($"{method}: {answer}");
        }
    }

    /// <summary>A picture of the page, where LEMMA_SCREENSHOTS names a folder for it.</summary>
    public async Task PictureAsync(string name)
    {
        if (Environment.GetEnvironmentVariable("LEMMA_SCREENSHOTS") is not { Length: > 0 } folder)
            return;
        JsonElement picture = await SendAsync("Page.captureScreenshot");
        await File.WriteAllBytesAsync(System.IO.Path.Combine(folder, name + ".png"), picture.GetProperty("data").GetBytesFromBase64(), Token);
    }

    public async ValueTask DisposeAsync()
    {
        socket.Dispose();
        process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync(CancellationToken.None);
        process.Dispose();
        profile.Dispose();
    }
}
