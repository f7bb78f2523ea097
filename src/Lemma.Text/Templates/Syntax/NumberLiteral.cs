using System.Text.RegularExpressions;

namespace Lemma.Text.Templates.Syntax;

/// <summary>Numbers: decimal, hexadecimal (0x), octal (0o), binary (0b), with a point or an exponent, and _ between digits.</summary>
internal static partial class NumberLiteral
{
    public static Token Read(TemplateSource source, ref int position)
    {
        int begin = position;
        Match match = Float().Match(source.Text, begin);
        TokenKind kind = TokenKind.Float;
        // In a.0.1 the digits are two indices.
        if (!match.Success || (begin > 0 && source.Text[begin - 1] == '.'))
            (match, kind) = (Integer().Match(source.Text, begin), TokenKind.Integer);
        position += match.Length;
        return new Token(kind, match.Value.Replace("_", "", StringComparison.Ordinal), begin);
    }

    [GeneratedRegex(@"\G(?:[0-9]+_)*[0-9]+(?:(?:\.(?:[0-9]+_)*[0-9]+)?[eE][+\-]?(?:[0-9]+_)*[0-9]+|\.(?:[0-9]+_)*[0-9]+)")]
    private static partial Regex Float();

    [GeneratedRegex(@"\G(?:0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[0-9a-fA-F])+|[1-9](?:_?[0-9])*|0(?:_?0)*)")]
    private static partial Regex Integer();
}
