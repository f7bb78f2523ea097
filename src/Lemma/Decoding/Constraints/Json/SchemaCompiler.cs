using System.Numerics;
using System.Text;
using System.Text.Json;
using Lemma.Decoding.Constraints.Nodes;

namespace Lemma.Decoding.Constraints.Json;

/// <summary>Makes a grammar of a JSON schema: what it matches validates.</summary>
internal sealed class SchemaCompiler
{
    private readonly JsonRules json;
    private readonly SchemaReader reader;
    private readonly SchemaStrings strings;
    private readonly SchemaObjects objects;
    private readonly Dictionary<string, GrammarNode> known = new(StringComparer.Ordinal);
    private readonly SchemaPart root;
    private int depth;

    /// <summary>A compiler of a schema, whose rules are added to those of JSON.</summary>
    public SchemaCompiler(JsonElement schema, JsonRules json)
    {
        (this.json, root) = (json, new SchemaPart(schema, "#"));
        reader = new SchemaReader(schema);
        strings = new SchemaStrings(json);
        objects = new SchemaObjects(json, Value);
    }

    /// <summary>The values of the whole schema.</summary>
    public GrammarNode Root() => Value([root]);

    /// <summary>The values that all parts allow; parts that say the same are one rule.</summary>
    public GrammarNode Value(IReadOnlyList<SchemaPart> parts)
    {
        if (parts.Count == 0)
            return json.AnyValue;
        string key = string.Join('\n', parts.Select(static part => part.Pointer).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));
        if (known.TryGetValue(key, out GrammarNode? node))
            return node;
        if (++depth > json.Rules.Limits.MaximumNesting)
            throw SchemaReader.Error(parts[0].Pointer, $"at most {json.Rules.Limits.MaximumNesting} schemas may stand in each other");
        node = json.Named(parts[0].Pointer, one => known[key] = one, () =>
        {
            List<Schema> all = [];
            Expand(reader.Read(parts), all);
            return GrammarNode.Choice([.. all.Select(Emit)]);
        });
        depth--;
        return node;
    }

    // One schema an alternative, or a combination of those of several lists.
    private void Expand(Schema schema, List<Schema> all)
    {
        if (schema.Alternatives.Count == 0)
        {
            if (all.Count >= json.Rules.Limits.MaximumAlternatives)
                throw SchemaReader.Error(schema.Pointer,
                    $"at most {json.Rules.Limits.MaximumAlternatives} combinations of alternatives are known, but there are more");
            all.Add(schema);
            return;
        }
        AlternativeRules first = schema.Alternatives[0];
        Schema rest = schema with { Alternatives = [.. schema.Alternatives.Skip(1)] };
        if (++depth > json.Rules.Limits.MaximumNesting)
            throw SchemaReader.Error(first.Pointer, $"at most {json.Rules.Limits.MaximumNesting} schemas may stand in each other");
        List<List<Schema>> branches = [];
        foreach (SchemaPart branch in first.Branches)
        {
            List<Schema> own = [];
            Expand(rest.And(reader.Read([branch])), own);
            branches.Add(own);
        }
        if (first.IsExclusive)
            RequireApart(branches, first);
        foreach (Schema one in branches.SelectMany(static branch => branch))
            Expand(one, all);
        depth--;
    }

    private void RequireApart(List<List<Schema>> branches, AlternativeRules rules)
    {
        SchemaDistance distance = new(reader);
        for (int i = 0; i < branches.Count; i++)
            for (int j = i + 1; j < branches.Count; j++)
                if (branches[i].Any(one => branches[j].Any(other => !distance.AreApart(one, other, 0))))
                    throw SchemaReader.Error(rules.Pointer, $"exactly one schema must hold, but {i} and {j} may hold at once: "
                        + "tell them apart by types, values or a required property, or use anyOf");
    }

    private GrammarNode Emit(Schema schema)
    {
        if (schema.Values is not null)
            return Values(schema);
        JsonTypes types = TypesOf(schema);
        JsonElement? denied = schema.Excluded.Select(static value => (JsonElement?)value)
            .FirstOrDefault(value => (types & TypeOf(value!.Value) & ~(JsonTypes.Null | JsonTypes.Boolean | JsonTypes.String)) != 0);
        if (denied is not null)
            throw SchemaReader.Error(schema.Pointer, $"texts, true, false and null can be left out, but not {denied.Value.GetRawText()}");
        List<GrammarNode> choices = [];
        if (types.HasFlag(JsonTypes.Object))
            choices.Add(objects.Object(schema));
        if (types.HasFlag(JsonTypes.Array))
            choices.Add(objects.Array(schema));
        if (types.HasFlag(JsonTypes.String))
            choices.Add(strings.String(schema));
        if (types.HasFlag(JsonTypes.Number))
            choices.Add(Number(schema));
        if (types.HasFlag(JsonTypes.Boolean))
            choices.AddRange(Word(JsonValueKind.True, "true").Concat(Word(JsonValueKind.False, "false")));
        if (types.HasFlag(JsonTypes.Null))
            choices.AddRange(Word(JsonValueKind.Null, "null"));
        return GrammarNode.Choice(choices);

        IEnumerable<GrammarNode> Word(JsonValueKind kind, string word) =>
            schema.Excluded.Any(value => value.ValueKind == kind) ? [] : [GrammarNode.Text(word)];
    }

    /// <summary>The kinds of values that are made: where none is said, those that something is said of.</summary>
    private static JsonTypes TypesOf(Schema schema) => schema.SaysTypes || schema.Described == JsonTypes.None ? schema.Types : schema.Types & schema.Described;

    private static GrammarNode Number(Schema schema)
    {
        bool isWhole = schema.IsInteger || schema.Places == 0;
        if (schema.Least is null && schema.Most is null && (isWhole || schema.Places is null))
            return isWhole ? JsonRules.Integer : JsonRules.Number;
        if (!isWhole)
            return NumberRange.Numbers(schema.Least, schema.Most, schema.Places ?? 17);
        BigInteger? least = schema.Least is { } low ? (low.IsExclusive && low.Value.IsWhole ? low.Value.Ceiling + 1 : low.Value.Ceiling) : null;
        BigInteger? most = schema.Most is { } high ? (high.IsExclusive && high.Value.IsWhole ? high.Value.Floor - 1 : high.Value.Floor) : null;
        return NumberRange.Integers(least, most);
    }

    // The listed values that the rest of the schema takes as well.
    private GrammarNode Values(Schema schema)
    {
        List<byte[]> texts = [];
        Grammar? rest = null;
        foreach (JsonElement value in schema.Values!)
        {
            JsonTypes type = TypeOf(value);
            if ((schema.Types & type) == 0 || Schema.Meets(value, schema.Excluded))
                continue;
            if (type == JsonTypes.Number && (schema.IsInteger || schema.Least is not null || schema.Most is not null || schema.Places is not null)
                && !IsWithin(schema, value))
                continue;
            string text = Compact(value, schema.Pointer);
            if (type == JsonTypes.String && !strings.Allows(schema, value.GetString()!))
                continue;
            if (type is JsonTypes.Array or JsonTypes.Object && (schema.Described & type) != 0)
            {
                GrammarRules rules = new(json.Rules.Limits);
                rest ??= new Grammar(rules, RestOf(schema, rules));
                if (!rest.Accepts(text))
                    continue;
            }
            texts.Add(Encoding.UTF8.GetBytes(text));
        }
        return Literals.Of(texts);
    }

    private GrammarNode RestOf(Schema schema, GrammarRules rules)
    {
        // The rest names rules of its own, so it is made by a compiler of its own.
        SchemaCompiler other = new(root.Element, new JsonRules(rules, new JsonGrammarOptions { AllowsWhitespace = false, Limits = json.Rules.Limits }));
        return other.Emit(schema with { Values = null, SaysTypes = true, Types = JsonTypes.All });
    }

    private static bool IsWithin(Schema schema, JsonElement value)
    {
        if (ExactNumber.Read(value.GetRawText()) is not { } number)
            return false;
        int low = schema.Least is { } least ? number.CompareTo(least.Value) : 1, high = schema.Most is { } most ? most.Value.CompareTo(number) : 1;
        return (low > 0 || (low == 0 && !schema.Least!.Value.IsExclusive)) && (high > 0 || (high == 0 && !schema.Most!.Value.IsExclusive))
            && (!schema.IsInteger || number.IsWhole) && (schema.Places is null || number.Places <= schema.Places);
    }

    /// <summary>The kind of a value.</summary>
    public static JsonTypes TypeOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => JsonTypes.Null,
        JsonValueKind.True or JsonValueKind.False => JsonTypes.Boolean,
        JsonValueKind.Number => JsonTypes.Number,
        JsonValueKind.String => JsonTypes.String,
        JsonValueKind.Array => JsonTypes.Array,
        _ => JsonTypes.Object,
    };

    // A value without white space, with no more escapes than it needs; numbers as they stand.
    private static string Compact(JsonElement value, string pointer)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                try
                {
                    return $"\"{JsonRules.Escaped(value.GetString()!)}\"";
                }
                catch (InvalidOperationException)
                {
                    throw SchemaReader.Error(pointer, "a text must not have half of a surrogate pair");
                }
            case JsonValueKind.Array:
                return $"[{string.Join(',', value.EnumerateArray().Select(one => Compact(one, pointer)))}]";
            case JsonValueKind.Object:
                return $"{{{string.Join(',', value.EnumerateObject().Select(one => $"\"{JsonRules.Escaped(one.Name)}\":{Compact(one.Value, pointer)}"))}}}";
            default:
                return value.GetRawText();
        }
    }
}
