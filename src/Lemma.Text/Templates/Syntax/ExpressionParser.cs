using System.Globalization;
using System.Numerics;
using Lemma.Text.Templates.Builtins;
using Lemma.Text.Templates.Expressions;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Syntax;

/// <summary>Reads expressions, from the loosest binding to the tightest: if, or, and, not, comparisons, + -, ~, * /, **, signs,
/// filters.</summary>
internal sealed class ExpressionParser(Parser parser)
{
    public Expression Read()
    {
        parser.Nest();
        Expression expression = ReadConditional();
        parser.Unnest();
        return expression;
    }

    /// <summary>One expression, or several with commas: a tuple.</summary>
    public Expression ReadTuple(bool withConditional = true, string? end = null, bool mayBeEmpty = false)
    {
        int position = parser.Current.Position;
        List<Expression> items = [];
        bool isTuple = false;
        while (!IsTupleEnd(end))
        {
            parser.Nest();
            items.Add(withConditional ? ReadConditional() : ReadOr());
            parser.Unnest();
            if (!parser.SkipOperator(","))
                break;
            isTuple = true;
        }
        if (items.Count == 1 && !isTuple)
            return items[0];
        return items.Count > 0 || mayBeEmpty ? new SequenceExpression(items, isTuple: true, position)
            : throw parser.Unexpected("an expression");
    }

    /// <summary>name(arguments) behind a |.</summary>
    public (string Name, ArgumentList Arguments) ReadFilter()
    {
        int position = parser.Current.Position;
        string name = ReadDottedName("the name of a filter");
        if (!Filters.Exists(name))
            parser.NoteUnknown($"there is no filter '{name}'", position);
        return (name, parser.Current.IsOperator("(") ? ReadArguments() : ArgumentList.None);
    }

    private bool IsTupleEnd(string? end) => parser.Current.Kind is TokenKind.OutputEnd or TokenKind.TagEnd
        || parser.Current.IsOperator(")") || (end is not null && parser.Current.IsName(end));

    private Expression ReadConditional()
    {
        int unknown = parser.UnknownCount;
        Expression then = ReadOr();
        while (parser.Current.IsName("if"))
        {
            int position = parser.Next().Position;
            Expression condition = ReadOr();
            then = new ConditionalExpression(then, condition, parser.SkipName("else") ? Read() : null, position);
            parser.ForgetUnknown(unknown);
        }
        return then;
    }

    private Expression ReadOr()
    {
        Expression left = ReadAnd();
        while (parser.Current.IsName("or"))
            left = BehindOperator(position => new LogicExpression(left, ReadAnd(), isAnd: false, position));
        return left;
    }

    private Expression ReadAnd()
    {
        Expression left = ReadNot();
        while (parser.Current.IsName("and"))
            left = BehindOperator(position => new LogicExpression(left, ReadNot(), isAnd: true, position));
        return left;
    }

    private Expression ReadNot()
    {
        if (!parser.Current.IsName("not"))
            return ReadComparison();
        int position = parser.Next().Position;
        parser.Nest();
        Expression of = ReadNot();
        parser.Unnest();
        return new NotExpression(of, position);
    }

    private Expression ReadComparison()
    {
        Expression first = ReadSum();
        int position = parser.Current.Position;
        List<(string, Expression)> rest = [];
        while (ReadComparisonSymbol() is string symbol)
            rest.Add((symbol, ReadSum()));
        return rest.Count == 0 ? first : new ComparisonExpression(first, rest, position);
    }

    private string? ReadComparisonSymbol()
    {
        if (parser.Current is { Kind: TokenKind.Operator, Text: "==" or "!=" or "<" or "<=" or ">" or ">=" })
            return parser.Next().Text;
        if (parser.SkipName("in"))
            return "in";
        if (!parser.Current.IsName("not") || !parser.Following.IsName("in"))
            return null;
        parser.Next();
        parser.Next();
        return "not in";
    }

    private Expression ReadSum()
    {
        Expression left = ReadConcatenation();
        while (parser.Current is { Kind: TokenKind.Operator, Text: "+" or "-" } token)
            left = BehindOperator(position => new ArithmeticExpression(token.Text, left, ReadConcatenation(), position));
        return left;
    }

    private Expression ReadConcatenation()
    {
        int position = parser.Current.Position;
        List<Expression> parts = [ReadProduct()];
        while (parser.SkipOperator("~"))
            parts.Add(ReadProduct());
        return parts.Count == 1 ? parts[0] : new ConcatenationExpression(parts, position);
    }

    private Expression ReadProduct()
    {
        Expression left = ReadPower();
        while (parser.Current is { Kind: TokenKind.Operator, Text: "*" or "/" or "//" or "%" } token)
            left = BehindOperator(position => new ArithmeticExpression(token.Text, left, ReadPower(), position));
        return left;
    }

    private Expression ReadPower()
    {
        Expression left = ReadSigned(withFilters: true);
        while (parser.Current.IsOperator("**"))
            left = BehindOperator(position => new ArithmeticExpression("**", left, ReadSigned(withFilters: true), position));
        return left;
    }

    private Expression ReadSigned(bool withFilters)
    {
        Expression expression;
        if (parser.Current is { Kind: TokenKind.Operator, Text: "-" or "+" } token)
        {
            parser.Next();
            parser.Nest();
            expression = new SignExpression(ReadSigned(withFilters: false), token.Text == "-", token.Position);
            parser.Unnest();
        }
        else
            expression = ReadPrimary();
        expression = ReadPostfix(expression);
        return withFilters ? ReadFilters(expression) : expression;
    }

    private Expression ReadPrimary()
    {
        Token token = parser.Next();
        switch (token.Kind)
        {
            case TokenKind.Name:
                parser.Note(token.Text);
                return token.Text switch
                {
                    "true" or "True" => new LiteralExpression(BooleanValue.True, token.Position),
                    "false" or "False" => new LiteralExpression(BooleanValue.False, token.Position),
                    "none" or "None" => new LiteralExpression(NoneValue.Instance, token.Position),
                    _ => new NameExpression(token.Text, token.Position),
                };
            case TokenKind.Text:
                string text = token.Text;
                while (parser.Current.Kind == TokenKind.Text)
                    text += parser.Next().Text;
                return new LiteralExpression(new StringValue(text), token.Position);
            case TokenKind.Integer:
                return new LiteralExpression(new IntegerValue(ParseInteger(token)), token.Position);
            case TokenKind.Float:
                return new LiteralExpression(new FloatValue(double.Parse(token.Text, CultureInfo.InvariantCulture)), token.Position);
            case TokenKind.Operator when token.Text == "(":
                Expression inner = ReadTuple(mayBeEmpty: true);
                parser.ExpectOperator(")");
                return inner;
            case TokenKind.Operator when token.Text == "[":
                return new SequenceExpression(ReadItems("]", Read), isTuple: false, token.Position);
            case TokenKind.Operator when token.Text == "{":
                return new DictionaryExpression(ReadItems("}", ReadPair), token.Position);
            default:
                throw parser.Error($"an expression is needed, but here is {token.Shown}", token.Position);
        }
    }

    private List<T> ReadItems<T>(string end, Func<T> read)
    {
        List<T> items = [];
        while (!parser.SkipOperator(end))
        {
            if (items.Count > 0)
                parser.ExpectOperator(",");
            if (parser.SkipOperator(end))
                break;
            items.Add(read());
        }
        return items;
    }

    private (Expression, Expression) ReadPair()
    {
        Expression key = Read();
        parser.ExpectOperator(":");
        return (key, Read());
    }

    private Expression ReadPostfix(Expression expression)
    {
        while (parser.Current is { Kind: TokenKind.Operator, Text: "." or "[" or "(" } token)
        {
            Expression of = expression;
            expression = BehindOperator(_ => token.Text switch
            {
                "." => ReadAttribute(of, token.Position),
                "[" => ReadSubscript(of, token.Position),
                _ => new CallExpression(of, ReadArguments(isOpen: true), of.Position),
            });
        }
        return expression;
    }

    private Expression ReadAttribute(Expression of, int position) => parser.Current.Kind switch
    {
        TokenKind.Name => new AttributeExpression(of, parser.Next().Text, position),
        TokenKind.Integer => new ElementExpression(of, ReadPrimary(), position),
        _ => throw parser.Unexpected("an attribute"),
    };

    private Expression ReadSubscript(Expression of, int position)
    {
        Expression? from = parser.Current.IsOperator(":") ? null : Read();
        if (from is not null && !parser.Current.IsOperator(":"))
        {
            if (parser.Current.IsOperator(","))
                from = new SequenceExpression([from, .. ReadMoreKeys()], isTuple: true, position);
            parser.ExpectOperator("]");
            return new ElementExpression(of, from, position);
        }
        parser.ExpectOperator(":");
        Expression? to = parser.Current.IsOperator(":") || parser.Current.IsOperator("]") ? null : Read();
        Expression? step = parser.SkipOperator(":") && !parser.Current.IsOperator("]") ? Read() : null;
        parser.ExpectOperator("]");
        return new SliceExpression(of, from, to, step, position);
    }

    private List<Expression> ReadMoreKeys()
    {
        List<Expression> keys = [];
        while (parser.SkipOperator(","))
            keys.Add(Read());
        return keys;
    }

    private Expression ReadFilters(Expression expression)
    {
        while (true)
        {
            Expression of = expression;
            if (parser.Current.IsOperator("|"))
                expression = BehindOperator(position => ReadFilter(of, position));
            else if (parser.Current.IsName("is"))
                expression = BehindOperator(position => ReadTest(of, position));
            else if (parser.Current.IsOperator("("))
                expression = BehindOperator(_ => new CallExpression(of, ReadArguments(isOpen: true), of.Position));
            else
                return expression;
        }
    }

    private FilterExpression ReadFilter(Expression of, int position)
    {
        (string name, ArgumentList arguments) = ReadFilter();
        return new FilterExpression(of, name, arguments, position);
    }

    private Expression ReadTest(Expression of, int position)
    {
        bool isNegated = parser.SkipName("not");
        int place = parser.Current.Position;
        string name = ReadDottedName("the name of a test");
        if (!Tests.Exists(name))
            parser.NoteUnknown($"there is no test '{name}'", place);
        ArgumentList arguments = ArgumentList.None;
        if (parser.Current.IsOperator("("))
            arguments = ReadArguments();
        else if (parser.Current.IsName("is"))
            throw parser.Error("a test may not follow a test without brackets, but does", parser.Current.Position);
        else if (parser.Current is { Kind: TokenKind.Name, Text: not ("else" or "or" or "and") }
            or { Kind: TokenKind.Text or TokenKind.Integer or TokenKind.Float } or { Kind: TokenKind.Operator, Text: "[" or "{" })
            arguments = new ArgumentList([ReadPostfix(ReadPrimary())], [], null, null);
        Expression test = new TestExpression(of, name, arguments, position);
        return isNegated ? new NotExpression(test, position) : test;
    }

    private string ReadDottedName(string shown)
    {
        string name = parser.Expect(TokenKind.Name, shown).Text;
        while (parser.SkipOperator("."))
            name += "." + parser.Expect(TokenKind.Name, shown).Text;
        return name;
    }

    private ArgumentList ReadArguments(bool isOpen = false)
    {
        if (!isOpen)
            parser.ExpectOperator("(");
        List<Expression> positional = [];
        List<(string, Expression)> named = [];
        Expression? rest = null, namedRest = null;
        bool isFirst = true;
        for (; !parser.Current.IsOperator(")"); isFirst = false)
        {
            if (!isFirst)
                parser.ExpectOperator(",");
            if (parser.Current.IsOperator(")"))
                break;
            int position = parser.Current.Position;
            bool isRest = parser.SkipOperator("*"), isNamedRest = !isRest && parser.SkipOperator("**");
            bool isNamed = !isRest && !isNamedRest && parser.Current.Kind == TokenKind.Name && parser.Following.IsOperator("=");
            if (namedRest is not null || (isRest && rest is not null)
                || (!isNamedRest && !isNamed && !isRest && (rest is not null || named.Count > 0)))
                throw parser.Error("arguments must come in the order: by place, *list, by name, **dictionary", position);
            if (isRest)
                rest = Read();
            else if (isNamedRest)
                namedRest = Read();
            else if (isNamed)
            {
                string name = parser.Next().Text;
                parser.Next();
                named.Add((name, Read()));
            }
            else
                positional.Add(Read());
        }
        parser.ExpectOperator(")");
        return new ArgumentList(positional, named, rest, namedRest);
    }

    // What stands right of an operator, which is read first, together with what stands left.
    private Expression BehindOperator(Func<int, Expression> read)
    {
        int position = parser.Next().Position;
        return read(position);
    }

    private BigInteger ParseInteger(Token token)
    {
        string text = token.Text;
        int radix = text.Length < 2 ? 10 : char.ToLowerInvariant(text[1]) switch { 'x' => 16, 'o' => 8, 'b' => 2, _ => 10 };
        if (text.Length > IntegerValue.Digits)
            throw parser.Error(IntegerValue.TooLong().Message, token.Position);
        BigInteger number = 0;
        foreach (char digit in radix == 10 ? text : text[2..])
            number = (number * radix) + (char.IsAsciiDigit(digit) ? digit - '0' : (digit | 32) - 'a' + 10);
        return number;
    }
}
