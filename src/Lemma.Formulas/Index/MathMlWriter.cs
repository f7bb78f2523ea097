using System.Globalization;
using System.Text;

namespace Lemma.Formulas;

/// <summary>A formula in Unicode's linear notation as presentation MathML.</summary>
/// <remarks>
/// Understands <c>a/b</c> (parentheses around either part go away), <c>a^b</c>, <c>a_b</c> with groups in parentheses or braces, raised
/// and lowered characters (x², aᵢ), roots (√x, √(…)), and takes runs of letters for names.
/// </remarks>
public static class MathMlWriter
{
    private const string Raised = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ᵀⁿᵗᵝᵅⁱᵏ", RaisedPlain = "0123456789+−Tntβαik";
    private const string Lowered = "₀₁₂₃₄₅₆₇₈₉₊₋ᵢⱼₖₜₙₘₚₕ", LoweredPlain = "0123456789+−ijktnmph";

    /// <summary>The formula as a <c>math</c> element.</summary>
    public static string Write(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int at = 0;
        StringBuilder output = new("<math xmlns=\"http://www.w3.org/1998/Math/MathML\" display=\"block\">");
        while (at < text.Length)
            output.Append(Sequence(text, ref at, "")).Append(at < text.Length ? Operator(text[at++]) : "");
        return output.Append("</math>").ToString();
    }

    // Fractions, until a closing character or the end.
    private static string Sequence(string text, ref int at, string closing)
    {
        StringBuilder row = new();
        while (at < text.Length && !(closing.Length == 0 ? ")]}" : closing).Contains(text[at], StringComparison.Ordinal))
        {
            if (text[at] == ' ')
            {
                at++;
                continue;
            }
            string term = Scripted(text, ref at, out string bare);
            while (at < text.Length && text[at] == '/')
            {
                at++;
                Scripted(text, ref at, out string under);
                term = bare = $"<mfrac>{bare}{under}</mfrac>";
            }
            row.Append(term);
        }
        return row.ToString();
    }

    private static string Scripted(string text, ref int at, out string bare)
    {
        string start = Atom(text, ref at, out bare);
        string term = start;
        while (at < text.Length)
        {
            char c = text[at];
            if (c is '^' or '_')
            {
                at++;
                Atom(text, ref at, out string script);
                term = $"<{(c == '^' ? "msup" : "msub")}>{term}{script}</{(c == '^' ? "msup" : "msub")}>";
            }
            else if (Raised.Contains(c, StringComparison.Ordinal))
                term = $"<msup>{term}{Run(text, ref at, Raised, RaisedPlain)}</msup>";
            else if (Lowered.Contains(c, StringComparison.Ordinal))
                term = $"<msub>{term}{Run(text, ref at, Lowered, LoweredPlain)}</msub>";
            else
                break;
        }
        if (!ReferenceEquals(term, start))
            bare = term;
        return term;
    }

    private static string Run(string text, ref int at, string from, string to)
    {
        StringBuilder plain = new();
        for (; at < text.Length && from.Contains(text[at], StringComparison.Ordinal); at++)
            plain.Append(to[from.IndexOf(text[at], StringComparison.Ordinal)]);
        return $"<mrow><mi>{plain}</mi></mrow>";
    }

    // One number, name, operator or group; bare is the group without its parentheses.
    private static string Atom(string text, ref int at, out string bare)
    {
        if (at == text.Length)
            return bare = "<mrow></mrow>";
        char c = text[at];
        int start = at;
        if (c == '√')
        {
            at++;
            Atom(text, ref at, out string inside);
            return bare = $"<msqrt>{inside}</msqrt>";
        }
        if (c is '(' or '[' or '{')
        {
            at++;
            char close = c == '(' ? ')' : c == '[' ? ']' : '}';
            string inside = Sequence(text, ref at, close.ToString());
            if (at < text.Length)
                at++;
            bare = $"<mrow>{inside}</mrow>";
            return c == '{' ? bare : $"<mrow><mo>{c}</mo>{inside}<mo>{close}</mo></mrow>";
        }
        if (char.IsDigit(c))
        {
            while (at < text.Length && (char.IsDigit(text[at]) || (text[at] == '.' && at + 1 < text.Length && char.IsDigit(text[at + 1]))))
                at++;
            return bare = $"<mn>{text[start..at]}</mn>";
        }
        if (IsLetter(c))
        {
            while (at < text.Length && (IsLetter(text[at])
                || CharUnicodeInfo.GetUnicodeCategory(text[at]) == UnicodeCategory.NonSpacingMark))
                at++;
            return bare = $"<mi>{text[start..at]}</mi>";
        }
        at++;
        return bare = Operator(c);
    }

    private static bool IsLetter(char c) => char.IsLetter(c) && !Raised.Contains(c, StringComparison.Ordinal) && !Lowered.Contains(c,
        StringComparison.Ordinal);

    private static string Operator(char c) => c switch
    {
        '<' => "<mo>&lt;</mo>",
        '>' => "<mo>&gt;</mo>",
        '&' => "<mo>&amp;</mo>",
        _ => $"<mo>{c}</mo>",
    };
}
