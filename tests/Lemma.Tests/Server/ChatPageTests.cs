using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lemma.Tests.Server;

/// <summary>The page to chat with, in a browser.</summary>
public class ChatPageTests
{
    private const string Last = "document.querySelector('#log').lastElementChild";

    [Fact]
    public async Task AConversationInABrowser()
    {
        Assert.SkipWhen(Browser.Path is null, "there is no Chromium on this machine");
        await using TestServer server = await TestServer.StartAsync(length: 2000, configure: options => options.HasPage = true);
        await using Browser page = await Browser.OpenAsync(server.Address);
        await page.WaitAsync("document.querySelector('#model').value === 'tiny'");
        Assert.Equal(1, (await page.RunAsync("document.querySelectorAll('#model option').length")).GetInt32());
        await page.RunAsync("document.querySelector('#most').value = '30'; document.querySelector('#most').dispatchEvent(new Event('change'))");
        await page.RunAsync("document.querySelector('#system').value = 'be brief'; document.querySelector('#system').dispatchEvent(new Event('change'))");
        // Pictures come late, so that one of the first answer is still to come when the next is asked for.
        await page.RunAsync("window.requestAnimationFrame = paint => setTimeout(() => { paint(); window.painted = true; }, 1500)");
        await page.RunAsync("document.querySelector('#text').focus()");
        await page.TypeAsync("ab <b>x</b><img src=x onerror='window.hit=1'>");
        await page.PressAsync("Enter", 13, "\r");
        await page.WaitAsync($"{Last}.querySelector('.took')?.textContent.includes(' written')");
        Assert.Equal("ab <b>x</b><img src=x onerror='window.hit=1'>", (await page.RunAsync("document.querySelector('article.user .said').textContent")).GetString());
        Assert.True((await page.RunAsync($"{Last}.querySelector('.said').textContent.length > 0")).GetBoolean());
        // The system prompt, the message and nothing more are read.
        int read = server.ChatPrompt("system: be brief\nuser: ab <b>x</b><img src=x onerror='window.hit=1'>\nassistant: ").Length;
        Assert.StartsWith($"{read} tokens read, ", (await page.RunAsync($"{Last}.querySelector('.took').textContent")).GetString(), StringComparison.Ordinal);
        Assert.Equal(0, (await page.RunAsync("document.querySelectorAll('#log b, #log img').length")).GetInt32());
        await page.PictureAsync("wide");

        // Stop, by the button and by the key.
        await page.RunAsync("document.querySelector('#text').value = 'again'; document.querySelector('#form').requestSubmit(); document.querySelector('#stop').click()");
        await page.WaitAsync($"{Last}.textContent.includes('Stopped.') && document.querySelector('#stop').hidden && !document.querySelector('#send').hidden");
        await page.WaitAsync("window.painted");
        Assert.Contains("Stopped.", (await page.RunAsync($"{Last}.textContent")).GetString(), StringComparison.Ordinal);
        Assert.Equal("text", (await page.RunAsync("document.activeElement.id")).GetString());
        await server.QuietAsync();

        // What is wrong is told, and what was said stays.
        await page.RunAsync("document.querySelector('#most').value = '1e9'; document.querySelector('#most').dispatchEvent(new Event('change'))");
        await page.RunAsync("document.querySelector('#text').value = 'nothing'; document.querySelector('#form').requestSubmit()");
        await page.WaitAsync($"{Last}.querySelector('[role=alert]')?.textContent.includes('there must be something')");

        // Several conversations, kept.
        await page.RunAsync("document.querySelector('#fresh').click()");
        Assert.Equal(2, (await page.RunAsync("document.querySelectorAll('#list li').length")).GetInt32());
        Assert.Equal(0, (await page.RunAsync("document.querySelectorAll('#log article').length")).GetInt32());
        await page.RunAsync("document.querySelectorAll('#list .open')[1].click()");
        // The page of before would answer as well until it is gone.
        await page.RunAsync("window.isOld = true; location.reload()");
        await page.WaitAsync("window.isOld === undefined && document.readyState === 'complete' && document.querySelectorAll('#list li').length === 2 && document.querySelector('#model').value === 'tiny'");
        await page.RunAsync("document.querySelectorAll('#list .open')[1].click()");
        Assert.Equal(6, (await page.RunAsync("document.querySelectorAll('#log article').length")).GetInt32());
        await page.RunAsync("document.querySelectorAll('#list .drop')[1].click()");
        Assert.Equal(1, (await page.RunAsync("JSON.parse(localStorage.getItem('lemma.conversations')).length")).GetInt32());

        // The browser runs nothing but the page's own script.
        await page.RunAsync("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hit=1\"><div style=\"color:red\"></div>')");
        await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.Equal("undefined", (await page.RunAsync("typeof window.hit")).GetString());
    }

    [Fact]
    public async Task DrawsAreTheModelsOwnUnlessTheUserSaysOtherwise()
    {
        Assert.SkipWhen(Browser.Path is null, "there is no Chromium on this machine");
        await using TestServer server = await TestServer.StartAsync(length: 2000, configure: options => options.HasPage = true);
        await using Browser page = await Browser.OpenAsync(server.Address);
        await page.WaitAsync("document.querySelector('#model').value === 'tiny'");
        await page.RunAsync("document.querySelector('details').open = true");
        Assert.Equal("||the model's own|the model's own", (await page.RunAsync("['value', 'placeholder'].flatMap(part => ['#temperature', '#topP'].map(id => document.querySelector(id)[part])).join('|')")).GetString());
        await page.PictureAsync("settings");
        Assert.Equal("[\"model\",\"messages\",\"stream\",\"stream_options\"]", await Sent());
        await Set("temperature", "0.3");
        Assert.Equal("[\"model\",\"messages\",\"stream\",\"stream_options\",\"temperature\"]", await Sent());
        await Set("topP", "0.5");
        await Set("temperature", "");
        // What was set is kept, and what was taken away is gone.
        await page.RunAsync("window.isOld = true; location.reload()");
        await page.WaitAsync("window.isOld === undefined && document.readyState === 'complete' && document.querySelector('#model').value === 'tiny'");
        Assert.Equal("|0.5", (await page.RunAsync("document.querySelector('#temperature').value + '|' + document.querySelector('#topP').value")).GetString());
        Assert.Equal("[\"model\",\"messages\",\"stream\",\"stream_options\",\"top_p\"]", await Sent());

        Task Set(string field, string value) => page.RunAsync($"document.querySelector('#{field}').value = '{value}'; document.querySelector('#{field}').dispatchEvent(new Event('change'))");

        // The fields of what the page would send.
        async Task<string?> Sent() => (await page.RunAsync("JSON.stringify(Object.keys(request({ messages: [{ role: 'user', content: 'a' }] })))")).GetString();
    }

    [Fact]
    public async Task AKeyIsAskedFor()
    {
        Assert.SkipWhen(Browser.Path is null, "there is no Chromium on this machine");
        await using TestServer server = await TestServer.StartAsync(configure: options =>
        {
            options.HasPage = true;
            options.ApiKeys.Add("secret");
        });
        await using Browser page = await Browser.OpenAsync(server.Address);
        await page.WaitAsync("document.querySelector('#problem')?.textContent.includes('API key')");
        Assert.True((await page.RunAsync("document.querySelector('details').open && document.querySelector('#problem').getBoundingClientRect().height > 0")).GetBoolean());
        await page.RunAsync("document.querySelector('#key').value = 'secret'; document.querySelector('#key').dispatchEvent(new Event('change'))");
        await page.WaitAsync("document.querySelector('#model').value === 'tiny' && !document.querySelector('#problem')");
        await page.RunAsync("document.querySelector('#text').value = 'ab'; document.querySelector('#form').requestSubmit()");
        await page.WaitAsync($"{Last}.querySelector('.took')?.textContent.includes(' written')");
        Assert.False((await page.RunAsync("JSON.stringify(localStorage).includes('secret')")).GetBoolean());
    }

    [Fact]
    public async Task EveryoneCanUseIt()
    {
        Assert.SkipWhen(Browser.Path is null, "there is no Chromium on this machine");
        await using TestServer server = await TestServer.StartAsync(configure: options => options.HasPage = true);
        await using Browser page = await Browser.OpenAsync(server.Address);
        await page.WaitAsync("document.querySelector('#model').value === 'tiny'");
        await page.RunAsync("document.querySelector('details').open = true");
        await page.SendAsync("Accessibility.enable");
        JsonElement tree = await page.SendAsync("Accessibility.getFullAXTree");
        JsonElement[] used = [.. tree.GetProperty("nodes").EnumerateArray().Where(node => !node.GetProperty("ignored").GetBoolean()
            && node.GetProperty("role").GetProperty("value").GetString() is "button" or "textbox" or "combobox" or "spinbutton" or "log" or "navigation")];
        Assert.True(used.Length >= 9, $"{used.Length}");
        Assert.All(used, node => Assert.True(node.GetProperty("name").GetProperty("value").GetString()!.Length > 2, node.ToString()));
        foreach ((int width, string scheme) in (IEnumerable<(int, string)>)[(360, "light"), (360, "dark"), (1200, "dark")])
        {
            await page.SendAsync("Emulation.setDeviceMetricsOverride", new JsonObject { ["width"] = width, ["height"] = 740, ["deviceScaleFactor"] = 1, ["mobile"] = width < 500 });
            await page.SendAsync("Emulation.setEmulatedMedia", new JsonObject { ["features"] = new JsonArray(new JsonObject { ["name"] = "prefers-color-scheme", ["value"] = scheme }) });
            Assert.InRange((await page.RunAsync("document.documentElement.scrollWidth")).GetInt32(), 1, width);
            Assert.True((await page.RunAsync("document.querySelector('#text').getBoundingClientRect().bottom <= innerHeight")).GetBoolean());
            // At least 4.5 to 1 for all text (WCAG 2.2, 1.4.3).
            double least = (await page.RunAsync("""
                (() => {
                  const light = color => { const [r, g, b] = color.match(/[\d.]+/g).map(Number).map(c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
                  const behind = one => { for (; one; one = one.parentElement) { const c = getComputedStyle(one).backgroundColor; if (!/, 0\)$/.test(c)) return c; } return 'rgb(255, 255, 255)'; };
                  return Math.min(...[...document.querySelectorAll('button, input, select, textarea, h1, summary, label, #empty')].map(one => {
                    const [a, b] = [light(getComputedStyle(one).color), light(behind(one))].sort((x, y) => y - x);
                    return (a + 0.05) / (b + 0.05);
                  }));
                })()
                """)).GetDouble();
            Assert.True(least >= 4.5, $"{scheme} {width}: {least}");
            await page.PictureAsync($"{scheme}-{width}");
        }
    }
}
