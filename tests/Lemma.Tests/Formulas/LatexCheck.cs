using System.Collections.Frozen;
using System.Globalization;

namespace Lemma.Tests.Formulas;

/// <summary>Reads LaTeX as KaTeX does as far as the index uses it, and says what is wrong.</summary>
internal sealed class LatexCheck
{
    private static readonly FrozenSet<string> Symbols = FrozenSet.ToFrozenSet([
        "Phi", "Sigma", "alpha", "beta", "gamma", "delta", "varepsilon", "eta", "theta", "lambda", "mu", "pi", "sigma", "tau", "varphi",
        "nabla", "infty", "top", "cdot", "odot", "pm", "le", "ge", "lt", "gt", "ne", "in", "mid", "parallel", "leftarrow", "mapsto",
        "ldots", "sum", "prod", "max", "min", "ln", "log", "exp", "sin", "cos", "tanh", "bmod", "lvert", "rvert", "lVert", "rVert",
        "lceil", "rceil", "quad", "qquad"]);

    private static readonly FrozenDictionary<string, int> Functions = new Dictionary<string, int>
    {
        ["frac"] = 2,
        ["sqrt"] = 1,
        ["hat"] = 1,
        ["bar"] = 1,
        ["tilde"] = 1,
    }.ToFrozenDictionary();

    private readonly string text;
    private int at;

    private LatexCheck(string text) => this.text = text;

    /// <summary>What is wrong with a display, or null.</summary>
    public static string? Problem(string text)
    {
        try
        {
            LatexCheck check = new(text);
            check.Row("");
            return null;
        }
        catch (FormatException e)
        {
            return e.Message;
        }
    }

    // Terms up to a closing: "" for the end, "}", "right" or "end".
    private void Row(string closing)
    {
        bool hasBase = false, raised = false, lowered = false;
        while (true)
        {
            SkipSpaces();
            if (at == text.Length)
            {
                Expect(closing.Length == 0, $"'{closing}' is missing");
                return;
            }
            char c = text[at];
            if (c is '^' or '_')
            {
                Expect(hasBase && !(c == '^' ? raised : lowered), $"'{c}' has nothing before it, or is there twice");
                Expect(c == '^' || char.IsAsciiLetterOrDigit(text[at - 1]), "'_' must stand behind a letter or digit, for Markdown's sake");
                (raised, lowered) = (raised || c == '^', lowered || c == '_');
                at++;
                Argument();
                continue;
            }
            (raised, lowered) = (false, false);
            if (c == '}')
            {
                Expect(closing == "}", "'}' closes nothing");
                at++;
                return;
            }
            if (c == '\\')
            {
                string name = Command();
                if (name is "right" or "end")
                {
                    Expect(name == closing, $"\\{name} closes nothing");
                    return;
                }
                hasBase = Known(name, closing);
                continue;
            }
            if (c == '{')
            {
                at++;
                Row("}");
                hasBase = true;
                continue;
            }
            Expect(c != '&' || closing == "end", "'&' stands outside of cases");
            Expect(char.IsAsciiLetterOrDigit(c) || "+-=/()[]|,;.&".Contains(c, StringComparison.Ordinal),
                $"'{c}' must not be written as it is");
            hasBase = c != '&';
            at++;
        }
    }

    private bool Known(string name, string closing)
    {
        switch (name)
        {
            case "left":
                Delimiter();
                Row("right");
                Delimiter();
                return true;
            case "begin":
                Expect(Take("{cases}"), "\\begin must open cases");
                Row("end");
                Expect(Take("{cases}"), "\\end must close cases");
                return true;
            case "cr":
                Expect(closing == "end", "\\cr stands outside of cases");
                return false;
            case "text" or "mathrm" or "mathbb":
                Words(name);
                return true;
            default:
                if (Functions.TryGetValue(name, out int count))
                {
                    for (int i = 0; i < count; i++)
                        Argument();
                    return true;
                }
                Expect(Symbols.Contains(name), $"\\{name} is not a known command");
                return true;
        }
    }

    // One letter, digit, command or group.
    private void Argument()
    {
        SkipSpaces();
        Expect(at < text.Length, "an argument is missing");
        if (text[at] == '{')
        {
            at++;
            SkipSpaces();
            Expect(at < text.Length && text[at] != '}', "an argument is empty");
            Row("}");
        }
        else if (text[at] == '\\')
            Known(Command(), "");
        else
        {
            Expect(char.IsAsciiLetterOrDigit(text[at]), $"'{text[at]}' cannot be an argument");
            at++;
        }
    }

    private void Words(string name)
    {
        Expect(Take("{"), $"\\{name} needs braces");
        int end = text.IndexOf('}', at);
        Expect(end > at && text[at..end].All(c => char.IsAsciiLetterOrDigit(c) || (c == ' ' && name == "text")),
            $"\\{name} holds more than words");
        at = end + 1;
    }

    private void Delimiter()
    {
        if (at < text.Length && "()[]|.".Contains(text[at], StringComparison.Ordinal))
            at++;
        else
            Expect(at < text.Length && text[at] == '\\' && Command() is "lceil" or "rceil" or "lvert" or "rvert", "a delimiter is missing");
    }

    private string Command()
    {
        int start = ++at;
        while (at < text.Length && char.IsAsciiLetter(text[at]))
            at++;
        Expect(at > start, "a backslash must stand before a letter, for Markdown's sake");
        return text[start..at];
    }

    private bool Take(string word)
    {
        if (string.CompareOrdinal(text, at, word, 0, word.Length) != 0)
            return false;
        at += word.Length;
        return true;
    }

    private void SkipSpaces()
    {
        while (at < text.Length && text[at] == ' ')
            at++;
    }

    private void Expect(bool condition, string problem)
    {
        if (!condition)
            throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"{problem}, at {at} of {text}"));
    }
}
