using System.Collections.Frozen;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Builtins;

/// <summary>The methods of texts, as Python has them.</summary>
internal static class StringMethods
{
    private delegate Value Method(RenderContext context, string text, Arguments arguments);

    private static readonly FrozenDictionary<string, Method> Methods = new Dictionary<string, Method>
    {
        ["strip"] = static (context, text, arguments) => context.Text(TextParts.Strip(text, Characters(arguments), true, true)),
        ["lstrip"] = static (context, text, arguments) => context.Text(TextParts.Strip(text, Characters(arguments), true, false)),
        ["rstrip"] = static (context, text, arguments) => context.Text(TextParts.Strip(text, Characters(arguments), false, true)),
        ["split"] = static (context, text, arguments) => Split(context, text, arguments, fromRight: false),
        ["rsplit"] = static (context, text, arguments) => Split(context, text, arguments, fromRight: true),
        ["splitlines"] = static (context, text, arguments) =>
            List(context, TextParts.Lines(text, arguments.Bind("splitlines", 0, "keepends")[0]?.IsTrue ?? false)),
        ["partition"] = static (context, text, arguments) => Partition(context, text, arguments, fromRight: false),
        ["rpartition"] = static (context, text, arguments) => Partition(context, text, arguments, fromRight: true),
        ["join"] = Join,
        ["replace"] = static (context, text, arguments) =>
        {
            Value?[] given = arguments.Bind("replace", 2, "old", "new", "count");
            return TextFilters.Replace(context, text, Arguments.Text("replace", given[0]), Arguments.Text("replace", given[1]), given[2]);
        },
        ["startswith"] = static (context, text, arguments) => Test(text, arguments, isEnd: false),
        ["endswith"] = static (context, text, arguments) => Test(text, arguments, isEnd: true),
        ["removeprefix"] = static (context, text, arguments) => One("removeprefix", arguments) is var part
            && text.StartsWith(part, StringComparison.Ordinal) ? context.Text(text[part.Length..]) : context.Text(text),
        ["removesuffix"] = static (context, text, arguments) => One("removesuffix", arguments) is var part
            && text.EndsWith(part, StringComparison.Ordinal) ? context.Text(text[..^part.Length]) : context.Text(text),
        ["find"] = static (context, text, arguments) => Find("find", text, arguments, fromRight: false, mustExist: false),
        ["rfind"] = static (context, text, arguments) => Find("rfind", text, arguments, fromRight: true, mustExist: false),
        ["index"] = static (context, text, arguments) => Find("index", text, arguments, fromRight: false, mustExist: true),
        ["rindex"] = static (context, text, arguments) => Find("rindex", text, arguments, fromRight: true, mustExist: true),
        ["count"] = static (context, text, arguments) =>
        {
            context.Budget.Use(text.Length);
            string part = One("count", arguments);
            return new IntegerValue(part.Length == 0 ? CodePoints.Count(text) + 1 : TextParts.Count(text, part));
        },
        ["upper"] = static (context, text, arguments) => context.Text(LetterCase.Upper(text)),
        ["lower"] = static (context, text, arguments) => context.Text(LetterCase.Lower(text)),
        ["casefold"] = static (context, text, arguments) => context.Text(LetterCase.Fold(text)),
        ["capitalize"] = static (context, text, arguments) => context.Text(LetterCase.Capitalize(text)),
        ["title"] = static (context, text, arguments) => context.Text(LetterCase.Title(text)),
        ["swapcase"] = static (context, text, arguments) => context.Text(LetterCase.Swap(text)),
        ["center"] = static (context, text, arguments) => Pad("center", context, text, arguments),
        ["ljust"] = static (context, text, arguments) => Pad("ljust", context, text, arguments),
        ["rjust"] = static (context, text, arguments) => Pad("rjust", context, text, arguments),
        ["zfill"] = ZeroFill,
        ["format"] = static (context, text, arguments) => context.Text(BraceFormat.Apply(text, arguments, context.Budget)),
        ["isalpha"] = static (context, text, arguments) => All(text, LetterCase.IsLetter),
        ["isdigit"] = static (context, text, arguments) => All(text, LetterCase.IsDigit),
        ["isdecimal"] = static (context, text, arguments) => All(text, LetterCase.IsDecimal),
        ["isnumeric"] = static (context, text, arguments) => All(text, LetterCase.IsNumeric),
        ["isalnum"] = static (context, text, arguments) =>
            All(text, static rune => LetterCase.IsLetter(rune) || LetterCase.IsNumeric(rune)),
        ["isspace"] = static (context, text, arguments) => BooleanValue.Of(text.Length > 0 && text.All(Letters.IsSpace)),
        ["isascii"] = static (context, text, arguments) => BooleanValue.Of(text.All(char.IsAscii)),
        ["islower"] = static (context, text, arguments) => BooleanValue.Of(LetterCase.IsLower(text)),
        ["isupper"] = static (context, text, arguments) => BooleanValue.Of(LetterCase.IsUpper(text)),
        ["istitle"] = static (context, text, arguments) => BooleanValue.Of(LetterCase.IsTitle(text)),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    public static Value? Find(StringValue value, string name) => Methods.TryGetValue(name, out Method? method)
        ? new FunctionValue(name, (context, arguments) =>
        {
            context.Budget.UseText(value.Text.Length);
            return method(context, value.Text, arguments);
        }) : null;

    /// <summary>Texts as a list, which the budget pays for.</summary>
    public static SequenceValue List(RenderContext context, IEnumerable<string> parts) => new(context.Collect(parts.Select(context.Text)));

    private static string One(string method, Arguments arguments) => Arguments.Text(method, arguments.Bind(method, 1, "text")[0]);

    private static string? Characters(Arguments arguments) => Arguments.TextOrNull("strip", arguments.Bind("strip", 0, "chars")[0]);

    private static SequenceValue Split(RenderContext context, string text, Arguments arguments, bool fromRight)
    {
        Value?[] given = arguments.Bind("split", 0, "sep", "maxsplit");
        string? separator = Arguments.TextOrNull("split", given[0]);
        if (separator == "")
            throw new TemplateFault("split: the separator must not be empty, but is");
        long most = Arguments.Integer("split", given[1], -1);
        return List(context, TextParts.Split(text, separator, most < 0 ? int.MaxValue : (int)Math.Min(most, int.MaxValue), fromRight));
    }

    private static SequenceValue Partition(RenderContext context, string text, Arguments arguments, bool fromRight)
    {
        string separator = One("partition", arguments);
        if (separator.Length == 0)
            throw new TemplateFault("partition: the separator must not be empty, but is");
        int at = fromRight ? text.LastIndexOf(separator, StringComparison.Ordinal) : text.IndexOf(separator, StringComparison.Ordinal);
        string[] parts = at >= 0 ? [text[..at], separator, text[(at + separator.Length)..]] : fromRight ? ["", "", text] : [text, "", ""];
        return new SequenceValue([.. parts.Select(context.Text)], isTuple: true);
    }

    private static StringValue Join(RenderContext context, string text, Arguments arguments)
    {
        TextBuffer buffer = new(context.Budget);
        bool isFirst = true;
        foreach (Value item in arguments.Bind("join", 1, "iterable")[0]!.Iterate())
        {
            if (!isFirst)
                buffer.Append(text);
            buffer.Append(Arguments.Text("join", item));
            isFirst = false;
        }
        return new StringValue(buffer.ToString());
    }

    private static BooleanValue Test(string text, Arguments arguments, bool isEnd)
    {
        string method = isEnd ? "endswith" : "startswith";
        Value?[] given = arguments.Bind(method, 1, "text", "start", "end");
        if (given[1] is not null || given[2] is not null)
            text = TextParts.Cut(text, Arguments.Integer(method, given[1], 0), Arguments.Integer(method, given[2], long.MaxValue));
        IEnumerable<Value> parts = given[0] is SequenceValue { IsTuple: true } tuple ? tuple.Items : [given[0]!];
        return BooleanValue.Of(parts.Any(part => isEnd ? text.EndsWith(Arguments.Text(method, part), StringComparison.Ordinal)
            : text.StartsWith(Arguments.Text(method, part), StringComparison.Ordinal)));
    }

    private static IntegerValue Find(string method, string text, Arguments arguments, bool fromRight, bool mustExist)
    {
        Value?[] given = arguments.Bind(method, 1, "text", "start", "end");
        string part = Arguments.Text(method, given[0]);
        long start = Arguments.Integer(method, given[1], 0), length = CodePoints.Count(text);
        start = Math.Max(0, start < 0 ? start + length : start);
        string cut = TextParts.Cut(text, start, Arguments.Integer(method, given[2], long.MaxValue));
        int at = start > length ? -1 : fromRight ? cut.LastIndexOf(part, StringComparison.Ordinal)
            : cut.IndexOf(part, StringComparison.Ordinal);
        if (at < 0 && mustExist)
            throw new TemplateFault($"{method}: the text must hold the other, but does not");
        return new IntegerValue(at < 0 ? -1 : start + CodePoints.Count(cut[..at]));
    }

    private static StringValue Pad(string method, RenderContext context, string text, Arguments arguments)
    {
        Value?[] given = arguments.Bind(method, 1, "width", "fillchar");
        string fill = given[1] is null ? " " : Arguments.Text(method, given[1]);
        if (CodePoints.Count(fill) != 1)
            throw new TemplateFault($"{method}: the filling must be one character, but has {CodePoints.Count(fill)}");
        return TextParts.Pad(context, text, Arguments.Integer(method, given[0], 0), method, fill);
    }

    private static StringValue ZeroFill(RenderContext context, string text, Arguments arguments)
    {
        long width = Arguments.Integer("zfill", arguments.Bind("zfill", 1, "width")[0], 0);
        int sign = text.Length > 0 && text[0] is '+' or '-' ? 1 : 0;
        return context.Text(text[..sign] + TextParts.Pad(context, text[sign..], width - sign, "rjust", "0").Text);
    }

    private static BooleanValue All(string text, Func<System.Text.Rune, bool> test) =>
        BooleanValue.Of(text.Length > 0 && text.EnumerateRunes().All(test));
}
