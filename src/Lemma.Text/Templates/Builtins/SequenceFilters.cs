using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Builtins;

/// <summary>Filters of lists, dictionaries and other values with elements.</summary>
internal static class SequenceFilters
{
    public static IReadOnlyDictionary<string, Filter> All { get; } = new Dictionary<string, Filter>
    {
        ["length"] = Length,
        ["count"] = Length,
        ["list"] = static (context, value, arguments) => new SequenceValue(context.Collect(value.Iterate())),
        ["first"] = static (context, value, arguments) =>
            value.Iterate().FirstOrDefault(new UndefinedValue("no first item, the sequence was empty")),
        ["last"] = static (context, value, arguments) =>
            Reversible(context, value).LastOrDefault(new UndefinedValue("no last item, the sequence was empty")),
        ["join"] = Join,
        ["reverse"] = Reverse,
        ["items"] = static (context, value, arguments) => value switch
        {
            DictionaryValue dictionary => new GeneratorValue(DictionaryMethods.Pairs(context, dictionary)),
            UndefinedValue => new GeneratorValue([]),
            _ => throw new TemplateFault($"items: a dictionary is needed, but {value.Shown} is given"),
        },
        ["dictsort"] = DictionarySort,
        ["sort"] = Sort,
        ["unique"] = Unique,
        ["min"] = static (context, value, arguments) => Extreme("min", context, value, arguments),
        ["max"] = static (context, value, arguments) => Extreme("max", context, value, arguments),
        ["sum"] = Sum,
        ["batch"] = Batch,
        ["slice"] = Slice,
        ["groupby"] = GroupBy,
    };

    private static IntegerValue Length(RenderContext context, Value value, Arguments arguments) =>
        new(value.Length ?? throw new TemplateFault($"length: a value with elements is needed, but {value.Shown} is given"));

    private static IReadOnlyList<Value> Reversible(RenderContext context, Value value) => value is GeneratorValue or UndefinedValue
        ? throw new TemplateFault(value is UndefinedValue undefined ? undefined.Reason
            : "last: a sequence that can be reversed is needed, but a generator is given")
        : value is SequenceValue sequence ? sequence.Items : context.Collect(value.Iterate());

    private static StringValue Join(RenderContext context, Value value, Arguments arguments)
    {
        Value?[] given = arguments.Bind("join", 0, "d", "attribute");
        string separator = given[0]?.ToText(context.Budget) ?? "";
        Func<Value, Value> part = Paths.Getter(given[1], null, context.Budget);
        TextBuffer result = new(context.Budget);
        bool isFirst = true;
        foreach (Value item in value.Iterate())
        {
            if (!isFirst)
                result.Append(separator);
            result.Append(part(item).ToText(context.Budget));
            isFirst = false;
        }
        return new StringValue(result.ToString());
    }

    private static Value Reverse(RenderContext context, Value value, Arguments arguments)
    {
        if (value is StringValue text)
            return context.Text(string.Concat(CodePoints.Split(text.Text).Reverse()));
        List<Value> items = context.Collect(value.Iterate());
        items.Reverse();
        return value is GeneratorValue or UndefinedValue ? new SequenceValue(items) : new GeneratorValue(items);
    }

    private static SequenceValue DictionarySort(RenderContext context, Value value, Arguments arguments)
    {
        Value?[] given = arguments.Bind("dictsort", 0, "case_sensitive", "by", "reverse");
        string by = given[1] is null ? "key" : Arguments.Text("dictsort", given[1]);
        if (by is not ("key" or "value"))
            throw new TemplateFault($"dictsort: 'by' must be key or value, but is '{by}'");
        DictionaryValue dictionary = value as DictionaryValue
            ?? throw new TemplateFault($"dictsort: a dictionary is needed, but {value.Shown} is given");
        bool keepsCase = given[0]?.IsTrue ?? false;
        return new SequenceValue(Ordering.Sort(DictionaryMethods.Pairs(context, dictionary),
            pair => Paths.Folded(((SequenceValue)pair).Items[by == "key" ? 0 : 1], keepsCase), given[2]?.IsTrue ?? false, context.Budget));
    }

    private static SequenceValue Sort(RenderContext context, Value value, Arguments arguments)
    {
        Value?[] given = arguments.Bind("sort", 0, "reverse", "case_sensitive", "attribute");
        Func<Value, Value> key = Paths.KeyGetter(given[2], given[1]?.IsTrue ?? false, context.Budget);
        return new SequenceValue(Ordering.Sort(context.Collect(value.Iterate()), key, given[0]?.IsTrue ?? false, context.Budget));
    }

    private static GeneratorValue Unique(RenderContext context, Value value, Arguments arguments)
    {
        Value?[] given = arguments.Bind("unique", 0, "case_sensitive", "attribute");
        bool keepsCase = given[0]?.IsTrue ?? false;
        Func<Value, Value> key = Paths.Getter(given[1], null, context.Budget);
        IEnumerable<Value> Run()
        {
            DictionaryValue seen = new();
            foreach (Value item in value.Iterate())
            {
                context.Budget.Use(1);
                Value folded = Paths.Folded(key(item), keepsCase);
                if (seen.Find(folded) is not null)
                    continue;
                seen.Add(folded, item);
                yield return item;
            }
        }
        return new GeneratorValue(Run());
    }

    private static Value Extreme(string name, RenderContext context, Value value, Arguments arguments)
    {
        Value?[] given = arguments.Bind(name, 0, "case_sensitive", "attribute");
        bool keepsCase = given[0]?.IsTrue ?? false;
        Func<Value, Value> key = Paths.Getter(given[1], null, context.Budget);
        Value? best = null, bestKey = null;
        foreach (Value item in value.Iterate())
        {
            Value folded = Paths.Folded(key(item), keepsCase);
            if (bestKey is null || Ordering.Holds(name == "min" ? "<" : ">", folded, bestKey, context.Budget))
                (best, bestKey) = (item, folded);
        }
        return best ?? new UndefinedValue("no aggregated item, the sequence was empty");
    }

    private static Value Sum(RenderContext context, Value value, Arguments arguments)
    {
        Value?[] given = arguments.Bind("sum", 0, "attribute", "start");
        Func<Value, Value> part = Paths.Getter(given[0], null, context.Budget);
        Value sum = given[1] ?? new IntegerValue(0);
        if (sum is StringValue)
            throw new TemplateFault("sum: numbers or lists are needed, but a text is given");
        foreach (Value item in value.Iterate())
            sum = Arithmetic.Compute("+", sum, part(item), context);
        return sum;
    }

    private static GeneratorValue Batch(RenderContext context, Value value, Arguments arguments)
    {
        Value?[] given = arguments.Bind("batch", 1, "linecount", "fill_with");
        long size = Arguments.Integer("batch", given[0], 0);
        IEnumerable<Value> Run()
        {
            List<Value> part = [];
            foreach (Value item in value.Iterate())
            {
                context.Budget.Use(1);
                if (part.Count == size)
                {
                    yield return new SequenceValue(part);
                    part = [];
                }
                part.Add(item);
            }
            if (part.Count == 0)
                yield break;
            if (given[1] is not null and not NoneValue)
                for (; part.Count < size; context.Budget.Use(1))
                    part.Add(given[1]!);
            yield return new SequenceValue(part);
        }
        return new GeneratorValue(Run());
    }

    private static GeneratorValue Slice(RenderContext context, Value value, Arguments arguments)
    {
        Value?[] given = arguments.Bind("slice", 1, "slices", "fill_with");
        long slices = Arguments.Integer("slice", given[0], 0);
        if (slices == 0)
            throw new TemplateFault("slice: the number of slices must not be 0, but is");
        IEnumerable<Value> Run()
        {
            List<Value> items = context.Collect(value.Iterate());
            long each = items.Count / slices, longer = items.Count % slices;
            int at = 0;
            for (long i = 0; i < slices; i++)
            {
                context.Budget.Use(1);
                int length = (int)(each + (i < longer ? 1 : 0));
                List<Value> part = items.GetRange(at, length);
                at += length;
                if (given[1] is not null and not NoneValue && i >= longer)
                    part.Add(given[1]!);
                yield return new SequenceValue(part);
            }
        }
        return new GeneratorValue(Run());
    }

    private static SequenceValue GroupBy(RenderContext context, Value value, Arguments arguments)
    {
        Value?[] given = arguments.Bind("groupby", 1, "attribute", "default", "case_sensitive");
        bool keepsCase = given[2]?.IsTrue ?? false;
        Func<Value, Value> plain = Paths.Getter(given[0], given[1], context.Budget);
        Value Key(Value item) => Paths.Folded(plain(item), keepsCase);
        List<Value> groups = [];
        List<Value> members = [];
        foreach (Value item in Ordering.Sort(context.Collect(value.Iterate()), Key, false, context.Budget))
        {
            if (members.Count == 0 || !Key(item).IsEqual(Key(members[0]), context.Budget))
                groups.Add(new SequenceValue([plain(item), new SequenceValue(members = [])], isTuple: true, ["grouper", "list"]));
            members.Add(item);
        }
        return new SequenceValue(groups);
    }
}
