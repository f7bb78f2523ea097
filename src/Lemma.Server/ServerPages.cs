using System.Text;
using Lemma.Server.Http;
using Microsoft.AspNetCore.Http;

namespace Lemma.Server;

/// <summary>What watches a server asks for.</summary>
internal static class ServerPages
{
    /// <summary>Whether requests are taken: 200, and 503 while the server ends.</summary>
    public static Task Health(Call call) => call.WriteAsync(json =>
    {
        json.WriteStartObject();
        json.WriteString("status", call.State.IsDraining ? "shutting down" : "ok");
        json.WriteEndObject();
    }, call.State.IsDraining ? ApiException.Unavailable : StatusCodes.Status200OK);

    /// <summary>Whether the process lives.</summary>
    public static Task Alive(Call call) => call.WriteAsync(json =>
    {
        json.WriteStartObject();
        json.WriteString("status", "alive");
        json.WriteEndObject();
    });

    /// <summary>Counters, for Prometheus.</summary>
    public static Task Metrics(Call call) =>
        call.WriteAsync(Encoding.UTF8.GetBytes(call.State.Metrics.Write(call.State.Engines)), "text/plain; version=0.0.4; charset=utf-8");
}
