namespace Lemma.Text.Templates.Syntax;

/// <summary>Cuts a template into tokens and settles its white space: a tag's own line leaves none (trim_blocks, lstrip_blocks).</summary>
/// <remarks><c>-</c> beside a tag removes all white space there, <c>+</c> keeps it.</remarks>
internal sealed class Lexer
{
    private readonly TemplateSource source;
    private readonly string text;
    private readonly List<Token> tokens = [];
    private int position;

    private Lexer(TemplateSource source) => (this.source, text) = (source, source.Text);

    /// <summary>All tokens, the last one <see cref="TokenKind.End"/>.</summary>
    public static List<Token> Read(TemplateSource source)
    {
        Lexer lexer = new(source);
        while (lexer.position < lexer.text.Length)
            lexer.ReadData();
        lexer.tokens.Add(new Token(TokenKind.End, "", lexer.text.Length));
        return lexer.tokens;
    }

    private void ReadData()
    {
        int begin = position, open = begin;
        while ((open = text.IndexOf('{', open)) >= 0 && !(open + 1 < text.Length && text[open + 1] is '%' or '{' or '#'))
            open++;
        if (open < 0)
        {
            AddData(begin, text.Length);
            position = text.Length;
            return;
        }
        char kind = text[open + 1];
        int end = EndBeforeTag(begin, open, open + 2, keepsLine: kind == '{');
        AddData(begin, end);
        position = open + 2;
        char sign = At(position);
        if (sign is '-' or '+')
            position++;
        if (kind == '#')
            SkipComment(open);
        else if (kind == '%' && TrySkipWord("raw", out int rawEnd))
            ReadRaw(open, rawEnd);
        else
            ReadTag(kind, open);
    }

    // What is left of the text before a tag.
    private int EndBeforeTag(int begin, int end, int sign, bool keepsLine)
    {
        if (At(sign) == '-')
        {
            while (end > begin && Letters.IsSpace(text[end - 1]))
                end--;
            return end;
        }
        if (At(sign) == '+' || keepsLine)
            return end;
        int line = end;
        while (line > begin && text[line - 1] != '\n')
        {
            if (!Letters.IsSpace(text[line - 1]))
                return end;
            line--;
        }
        return line > begin || begin == 0 || text[begin - 1] == '\n' ? line : end;
    }

    private void SkipComment(int open)
    {
        int end = text.IndexOf("#}", position, StringComparison.Ordinal);
        if (end < 0 && position < text.Length)
            throw source.Error("a comment must end with '#}', but does not", open);
        // Jinja lets a comment that begins at the very end pass, and so it does with 'raw'.
        if (end < 0)
            return;
        AfterTag(end, end > position ? text[end - 1] : '\0', trimsLine: true);
    }

    // Moves behind a closing tag and the white space that goes with it.
    private void AfterTag(int end, char sign, bool trimsLine)
    {
        position = end + 2;
        if (sign == '-')
            while (position < text.Length && Letters.IsSpace(text[position]))
                position++;
        else if (sign != '+' && trimsLine && At(position) == '\n')
            position++;
    }

    // "raw" or "endraw" between here and a closing tag: the place of that tag's sign.
    private bool TrySkipWord(string word, out int end)
    {
        end = position;
        SkipSpace(ref end);
        if (!text.AsSpan(end).StartsWith(word))
            return false;
        end += word.Length;
        SkipSpace(ref end);
        int close = At(end) == '-' || (At(end) == '+' && word == "endraw") ? end + 1 : end;
        return At(close) == '%' && At(close + 1) == '}';
    }

    private void ReadRaw(int open, int end)
    {
        AfterTag(At(end) == '-' ? end + 1 : end, At(end), trimsLine: false);
        int begin = position;
        for (int tag = begin; (tag = text.IndexOf("{%", tag, StringComparison.Ordinal)) >= 0; tag++)
        {
            position = tag + 2;
            if (At(position) is '-' or '+')
                position++;
            if (!TrySkipWord("endraw", out int close))
                continue;
            AddData(begin, EndBeforeTag(begin, tag, tag + 2, keepsLine: false));
            char sign = At(close);
            AfterTag(sign is '-' or '+' ? close + 1 : close, sign, trimsLine: true);
            return;
        }
        position = begin;
        if (begin < text.Length)
            throw source.Error("'raw' must end with '{% endraw %}', but does not", open);
    }

    private void ReadTag(char kind, int open)
    {
        tokens.Add(new Token(kind == '%' ? TokenKind.TagBegin : TokenKind.OutputBegin, "", open));
        char closing = kind == '%' ? '%' : '}';
        Stack<char> brackets = [];
        while (true)
        {
            SkipSpace(ref position);
            if (position >= text.Length)
                throw source.Error($"'{{{kind}' must end with '{closing}}}', but does not", open);
            char sign = At(position);
            int end = sign == '-' || (sign == '+' && kind == '%') ? position + 1 : position;
            if (brackets.Count == 0 && At(end) == closing && At(end + 1) == '}')
            {
                tokens.Add(new Token(kind == '%' ? TokenKind.TagEnd : TokenKind.OutputEnd, "", position));
                AfterTag(end, sign, trimsLine: kind == '%');
                return;
            }
            if (sign is '\'' or '"')
                tokens.Add(TextLiteral.Read(source, ref position));
            else if (char.IsAsciiDigit(sign))
                tokens.Add(NumberLiteral.Read(source, ref position));
            else if (Letters.IsName(text, position, isFirst: true))
                ReadName();
            else
                ReadOperator(brackets);
        }
    }

    private void ReadName()
    {
        int begin = position;
        while (position < text.Length && Letters.IsName(text, position, isFirst: false))
            position++;
        tokens.Add(new Token(TokenKind.Name, text[begin..position], begin));
    }

    private void ReadOperator(Stack<char> brackets)
    {
        char first = text[position];
        if ("+-*/%~[](){}=!<>.:|,;".IndexOf(first, StringComparison.Ordinal) < 0)
            throw source.Error($"a tag must hold names, numbers, texts and operators, but here is U+{(int)first:X4}", position);
        int length = text.AsSpan(position) is ['/', '/', ..] or ['*', '*', ..] or ['=' or '!' or '<' or '>', '=', ..] ? 2 : 1;
        if (first == '!' && length == 1)
            throw source.Error("'!' must be followed by '=', but is not", position);
        if (first is '(' or '[' or '{')
            brackets.Push(first == '(' ? ')' : first == '[' ? ']' : '}');
        else if (first is ')' or ']' or '}' && (brackets.Count == 0 || brackets.Pop() != first))
            throw source.Error($"'{first}' must close a bracket of its kind, but does not", position);
        tokens.Add(new Token(TokenKind.Operator, text.Substring(position, length), position));
        position += length;
    }

    private void AddData(int begin, int end)
    {
        if (end > begin)
            tokens.Add(new Token(TokenKind.Data, text[begin..end], begin));
    }

    private void SkipSpace(ref int at)
    {
        while (at < text.Length && Letters.IsSpace(text[at]))
            at++;
    }

    private char At(int at) => at < text.Length ? text[at] : '\0';
}
