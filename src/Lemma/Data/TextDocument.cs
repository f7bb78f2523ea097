namespace Lemma.Data;

/// <summary>One document of text.</summary>
/// <param name="Source">Where it comes from, for messages: a file, or a file and its line.</param>
/// <param name="Text">The text, never empty.</param>
public sealed record TextDocument(string Source, string Text) : DataExample(Source)
{
    internal override IEnumerable<string> Texts => [Text];
}
