namespace Lemma.Server.Http;

/// <summary>An endpoint.</summary>
/// <param name="Method">GET, POST or DELETE, or <see cref="Turn"/>.</param>
/// <param name="Path">Where.</param>
/// <param name="Style">How errors are told.</param>
/// <param name="Answer">What answers.</param>
/// <param name="Summary">What it is for.</param>
internal sealed record ServerRoute(string Method, string Path, ErrorStyle Style, Func<Call, Task> Answer, string Summary)
{
    /// <summary>The method, in the log, of a message that asks over a connection.</summary>
    public const string Turn = "TURN";

    /// <summary>Whether it is one of the requests that a key has a minute.</summary>
    public bool IsCounted => Method is "POST" or Turn;

    /// <summary>Whether it is opened as a WebSocket.</summary>
    public bool IsSocket { get; init; }

    /// <summary>Fields that a body must have.</summary>
    public IReadOnlyList<string> Needed { get; init; } = [];

    /// <summary>Whether no key is asked for, and it answers while the server ends.</summary>
    public bool IsOpen { get; init; }

    /// <summary>The path as OpenAPI writes it: a parameter that takes the rest is one like the others.</summary>
    public string PlainPath => Path.Replace("{**", "{", StringComparison.Ordinal);
}
