namespace Lemma.Cli.Chat;

/// <summary>Who answers in a chat: a model by its template, or one that writes a text on.</summary>
internal interface IChatPartner : IDisposable
{
    /// <summary>How to talk to it, before the commands that all have.</summary>
    string Help { get; }

    /// <summary>All that was said, as it is shown.</summary>
    string Text { get; }

    /// <summary>All that was said, as it is saved.</summary>
    string Saved { get; }

    /// <summary>A remark on the last answer; null for none.</summary>
    string? Remark { get; }

    /// <summary>Tokens of the last answer, and of what the model saw with it.</summary>
    (int Made, int Seen) Tokens { get; }

    /// <summary>The answer to a line.</summary>
    IEnumerable<string> Say(string line, CancellationToken cancellation);

    /// <summary>Another answer in the place of the last one.</summary>
    IEnumerable<string> Again(CancellationToken cancellation);

    /// <summary>Begins anew, with a message of the system.</summary>
    void Begin(string system);

    /// <summary>Begins anew.</summary>
    void Clear();
}
