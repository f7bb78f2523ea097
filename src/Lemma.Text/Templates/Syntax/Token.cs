namespace Lemma.Text.Templates.Syntax;

/// <summary>A token and its position in the template.</summary>
internal readonly record struct Token(TokenKind Kind, string Text, int Position)
{
    public bool IsName(string name) => Kind == TokenKind.Name && Text == name;

    public bool IsOperator(string symbol) => Kind == TokenKind.Operator && Text == symbol;

    /// <summary>How errors call it.</summary>
    public string Shown => Kind switch
    {
        TokenKind.End => "the end of the template",
        TokenKind.TagEnd => "'%}'",
        TokenKind.OutputEnd => "'}}'",
        TokenKind.Text => "a text in quotes",
        _ => $"'{(Text.Length <= 40 ? Text : Text[..40] + "...")}'",
    };
}
