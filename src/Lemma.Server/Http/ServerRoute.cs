namespace Lemma.Server.Http;

/// <summary>An endpoint.</summary>
/// <param name="Method">GET, POST or DELETE.</param>
/// <param name="Path">Where.</param>
/// <param name="Style">How errors are told.</param>
/// <param name="Answer">What answers.</param>
/// <param name="Summary">What it is for.</param>
internal sealed record ServerRoute(string Method, string Path, ErrorStyle Style, Func<Call, Task> Answer, string Summary)
{
    /// <summary>Fields that a body must have.</summary>
    public IReadOnlyList<string> Needed { get; init; } = [];

    /// <summary>Whether no key is asked for, and it answers while the server ends.</summary>
    public bool IsOpen { get; init; }

    /// <summary>The path as OpenAPI writes it: a parameter that takes the rest is one like the others.</summary>
    public string PlainPath => Path.Replace("{**", "{", StringComparison.Ordinal);
}
