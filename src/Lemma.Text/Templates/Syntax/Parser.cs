using Lemma.Text.Templates.Statements;

namespace Lemma.Text.Templates.Syntax;

/// <summary>Reads statements from tokens; every kind of statement reads itself.</summary>
internal sealed class Parser
{
    /// <summary>How deep a template may nest.</summary>
    public const int Deepest = 100;

    private readonly TemplateSource source;
    private readonly List<Token> tokens;
    private readonly List<(string Rule, int Position)> unknown = [];
    private readonly HashSet<string> blocks = new(StringComparer.Ordinal);
    private Signature signature = new([]);
    private int at, depth;

    private Parser(TemplateSource source)
    {
        (this.source, tokens) = (source, Lexer.Read(source));
        Expressions = new ExpressionParser(this);
    }

    /// <summary>What reads expressions.</summary>
    public ExpressionParser Expressions { get; }

    /// <summary>How many loops stand around this place.</summary>
    public int LoopDepth { get; set; }

    /// <summary>Whether this place stands inside an 'if': there an unknown filter or test is an error only when it is reached.</summary>
    public bool IsConditional { get; set; }

    /// <summary>How many unknown filters and tests have been met.</summary>
    public int UnknownCount => unknown.Count;

    public Token Current => tokens[at];

    public Token Following => tokens[Math.Min(at + 1, tokens.Count - 1)];

    /// <summary>Whether a generation block has been met.</summary>
    public bool MarksAnswers { get; set; }

    /// <summary>A whole template, and whether it has generation blocks.</summary>
    public static (Block Block, bool MarksAnswers) Read(TemplateSource source)
    {
        Parser parser = new(source);
        Block block = parser.ReadStatements([], out _);
        return parser.unknown.Count == 0 ? (block, parser.MarksAnswers) : throw source.Error(parser.unknown[0].Rule, parser.unknown[0].Position);
    }

    /// <summary>Notes a filter or test that does not exist.</summary>
    public void NoteUnknown(string rule, int position)
    {
        if (!IsConditional)
            unknown.Add((rule, position));
    }

    /// <summary>Forgets those met since there were so many: what they belong to may never be reached.</summary>
    public void ForgetUnknown(int count) => unknown.RemoveRange(count, unknown.Count - count);

    /// <summary>The statements up to a tag of one of these names, which is read too, up to its end unless more of it follows.</summary>
    public Block ReadBlock(out string end, params ReadOnlySpan<string> ends)
    {
        SkipOperator(":");
        Expect(TokenKind.TagEnd, "the end of the tag");
        Nest();
        (bool outer, IsConditional) = (IsConditional, ends.Contains("endif"));
        Block block = ReadStatements(ends, out end);
        IsConditional = outer;
        Unnest();
        return block;
    }

    /// <summary>The body of a macro: loops around it do not count, and the names it uses are noted in its signature.</summary>
    public Block ReadBody(Signature own, string end)
    {
        (Signature outer, int loops) = (signature, LoopDepth);
        (signature, LoopDepth) = (own, 0);
        Block body = ReadBlock(out _, end);
        (signature, LoopDepth) = (outer, loops);
        return body;
    }

    /// <summary>Notes a block; its name must be the only one.</summary>
    public void NoteBlock(string name, int position)
    {
        if (!blocks.Add(name))
            throw Error($"the block '{name}' must be the only one of its name, but is not", position);
    }

    /// <summary>Notes that a name is used.</summary>
    public void Note(string name)
    {
        signature.UsesCaller |= name == "caller";
        signature.UsesRest |= name == "varargs";
        signature.UsesNamedRest |= name == "kwargs";
    }

    public Token Next() => tokens[Math.Min(at++, tokens.Count - 1)];

    public bool SkipName(string name) => Skip(Current.IsName(name));

    public bool SkipOperator(string symbol) => Skip(Current.IsOperator(symbol));

    public void ExpectName(string name)
    {
        if (!SkipName(name))
            throw Unexpected($"'{name}'");
    }

    public void ExpectOperator(string symbol)
    {
        if (!SkipOperator(symbol))
            throw Unexpected($"'{symbol}'");
    }

    public Token Expect(TokenKind kind, string shown) => Current.Kind == kind ? Next() : throw Unexpected(shown);

    public TemplateException Unexpected(string expected) => Error($"{expected} is needed, but here is {Current.Shown}", Current.Position);

    public TemplateException Error(string rule, int position) => source.Error(rule, position);

    public void Nest()
    {
        if (++depth > Deepest)
            throw Error($"a template may nest at most {Deepest} levels deep, but nests deeper", Current.Position);
    }

    public void Unnest() => depth--;

    private bool Skip(bool isThere)
    {
        at += isThere ? 1 : 0;
        return isThere;
    }

    private Block ReadStatements(ReadOnlySpan<string> ends, out string end)
    {
        List<Statement> statements = [];
        while (true)
        {
            Token token = Next();
            switch (token.Kind)
            {
                case TokenKind.Data:
                    statements.Add(new TextStatement(token.Text, token.Position));
                    break;
                case TokenKind.OutputBegin:
                    statements.Add(new OutputStatement(Expressions.ReadTuple(), token.Position));
                    Expect(TokenKind.OutputEnd, "'}}'");
                    break;
                case TokenKind.TagBegin:
                    if (Current.Kind == TokenKind.Name && ends.Contains(Current.Text))
                    {
                        end = Next().Text;
                        // "elif" goes on with a condition, "else" with a block, "endblock" with a name.
                        if (end is not ("elif" or "else" or "endblock"))
                            Expect(TokenKind.TagEnd, "the end of the tag");
                        return new Block(statements);
                    }
                    ReadStatement(statements, token.Position);
                    break;
                default:
                    if (ends.Length > 0)
                        throw Error($"'{{% {string.Join(" %}' or '{% ", ends.ToArray())} %}}' is needed, but the template ends",
                            token.Position);
                    end = "";
                    return new Block(statements);
            }
        }
    }

    private void ReadStatement(List<Statement> statements, int position)
    {
        string name = Expect(TokenKind.Name, "the name of a tag").Text;
        if (name == "print")
        {
            ReadPrint(statements, position);
            return;
        }
        Statement statement = name switch
        {
            "if" => IfStatement.Parse(this, position),
            "for" => ForStatement.Parse(this, position),
            "set" => SetStatement.Parse(this, position),
            "macro" => MacroStatement.Parse(this, position),
            "call" => CallStatement.Parse(this, position),
            "filter" => FilterStatement.Parse(this, position),
            "with" => WithStatement.Parse(this, position),
            "generation" => GenerationStatement.Parse(this, position),
            "block" => BlockStatement.Parse(this, position),
            "autoescape" => AutoescapeStatement.Parse(this, position),
            "break" => LoopControlStatement.Parse(this, Flow.Break, position),
            "continue" => LoopControlStatement.Parse(this, Flow.Continue, position),
            "include" or "import" or "from" or "extends" =>
                throw Error($"a chat template is one file without others, but has the tag '{name}'", position),
            _ => throw Error($"there is no tag '{name}' here", position),
        };
        if (statement is SetStatement { HasBody: false } or LoopControlStatement)
            Expect(TokenKind.TagEnd, "the end of the tag");
        statements.Add(statement);
    }

    private void ReadPrint(List<Statement> statements, int position)
    {
        for (bool isFirst = true; Current.Kind != TokenKind.TagEnd; isFirst = false)
        {
            if (!isFirst)
                ExpectOperator(",");
            statements.Add(new OutputStatement(Expressions.Read(), position));
        }
        Expect(TokenKind.TagEnd, "the end of the tag");
    }
}
