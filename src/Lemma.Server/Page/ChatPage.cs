using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Lemma.Server;

/// <summary>The page to chat with at <c>/</c>: one file, and no key is asked for it, since it has none of the models' words.</summary>
internal static class ChatPage
{
    private static readonly byte[] Body = Read();
    private static readonly string Policy = "default-src 'none'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        + $"script-src '{HashOf("script")}'; style-src-elem '{HashOf("style")}'; style-src-attr 'none'";

    /// <summary>Writes the page; the browser runs its own script and no other.</summary>
    public static async Task Write(HttpContext context)
    {
        HttpResponse response = context.Response;
        response.ContentType = "text/html; charset=utf-8";
        response.ContentLength = Body.Length;
        response.Headers.ContentSecurityPolicy = Policy;
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers["Referrer-Policy"] = "no-referrer";
        response.Headers.CacheControl = "no-cache";
        await response.Body.WriteAsync(Body, context.RequestAborted).ConfigureAwait(false);
    }

    private static byte[] Read()
    {
        using Stream stream = typeof(ChatPage).Assembly.GetManifestResourceStream("chat.html")!;
        using MemoryStream bytes = new();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }

    // Of what stands between the tags, to the byte (https://www.w3.org/TR/CSP3/#match-element-to-source-list).
    private static string HashOf(string tag)
    {
        string text = Encoding.UTF8.GetString(Body);
        int start = text.IndexOf($"<{tag}>", StringComparison.Ordinal) + tag.Length + 2, end = text.IndexOf($"</{tag}>", StringComparison.Ordinal);
        return "sha256-" + Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text[start..end])));
    }
}
