using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace Lemma.Decoding.Constraints.Json;

/// <summary>Reads the keywords of schemas; every keyword is honoured, changes nothing by its meaning, or is refused with its place.</summary>
internal sealed class SchemaReader(JsonElement root)
{
    // Longer references follow one another in no schema that people write.
    private const int MostReferences = 64;

    private static readonly HashSet<string> Notes = new(StringComparer.Ordinal)
    {
        "$schema", "$id", "id", "$comment", "$defs", "definitions", "title", "description", "default", "examples", "example", "deprecated", "readOnly",
        "writeOnly", "$anchor", "contentMediaType", "contentEncoding", "discriminator", "externalDocs", "xml", "strict", "name",
    };

    // So large a bound is beyond any number that is made; so many places are beyond its digits.
    private static readonly BigInteger Far = BigInteger.Pow(10, 40);
    private const int MostPlaces = 40;

    /// <summary>What parts say together.</summary>
    /// <exception cref="GrammarException">A keyword is malformed or not supported, or a reference leads nowhere or back to itself.</exception>
    public Schema Read(IReadOnlyList<SchemaPart> parts)
    {
        Schema all = new() { Pointer = parts.Count > 0 ? parts[0].Pointer : "#" };
        HashSet<string> done = new(StringComparer.Ordinal);
        foreach (SchemaPart part in parts)
            all = Add(all, part, done, []);
        return all;
    }

    private Schema Add(Schema all, SchemaPart part, HashSet<string> done, List<string> open)
    {
        if (open.Contains(part.Pointer))
            throw Error(part.Pointer, "a schema must not refer to itself without a value between");
        if (!done.Add(part.Pointer))
            return all;
        if (open.Count > MostReferences)
            throw Error(part.Pointer, $"at most {MostReferences} references and parts may follow one another");
        if (part.Element.ValueKind == JsonValueKind.True)
            return all;
        if (part.Element.ValueKind == JsonValueKind.False)
            return all with { Types = JsonTypes.None, SaysTypes = true };
        if (part.Element.ValueKind != JsonValueKind.Object)
            throw Error(part.Pointer, $"a schema must be an object, true or false, but it is {Kind(part.Element)}");
        open.Add(part.Pointer);
        all = all.And(ReadOwn(part));
        if (part.Element.TryGetProperty("$ref", out JsonElement reference))
            all = Add(all, Find(reference, part.Pointer + "/$ref"), done, open);
        if (part.Element.TryGetProperty("allOf", out JsonElement list))
            foreach (SchemaPart one in Parts(list, part.Pointer + "/allOf"))
                all = Add(all, one, done, open);
        open.RemoveAt(open.Count - 1);
        return all;
    }

    /// <summary>The error that a place of the schema breaks a rule.</summary>
    public static GrammarException Error(string pointer, string rule) => new($"schema: {(pointer.Length > 200 ? pointer[..200] + "..." : pointer)}: {rule}");

    private SchemaPart Find(JsonElement reference, string pointer)
    {
        string target = Text(reference, pointer);
        if (target is not "#" && !target.StartsWith("#/", StringComparison.Ordinal))
            throw Error(pointer, $"a reference must lead to this schema, such as #/$defs/name, but it is '{target}'");
        JsonElement at = root;
        string unescaped = Uri.UnescapeDataString(target);
        foreach (string step in unescaped.Length == 1 ? [] : unescaped[2..].Split('/'))
        {
            string name = step.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            bool isThere = at.ValueKind == JsonValueKind.Object ? at.TryGetProperty(name, out at)
                : at.ValueKind == JsonValueKind.Array && int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int index)
                    && index < at.GetArrayLength() && (at = at[index]).ValueKind != JsonValueKind.Undefined;
            if (!isThere)
                throw Error(pointer, $"a reference must lead to a schema, but '{target}' leads nowhere");
        }
        return new SchemaPart(at, unescaped);
    }

    private static Schema ReadOwn(SchemaPart part)
    {
        Schema own = new() { Pointer = part.Pointer };
        bool hasProperties = false, hasItems = false, isNullable = false;
        foreach (JsonProperty keyword in part.Element.EnumerateObject())
        {
            JsonElement value = keyword.Value;
            string pointer = $"{part.Pointer}/{Escaped(keyword.Name)}";
            switch (keyword.Name)
            {
                case "type":
                    own = ReadTypes(own, value, pointer);
                    break;
                case "nullable":
                    isNullable = Flag(value, pointer);
                    break;
                case "enum":
                    own = own.And(new Schema { Pointer = pointer, Values = [.. Items(value, pointer)] });
                    break;
                case "const":
                    own = own.And(new Schema { Pointer = pointer, Values = [value] });
                    break;
                case "not":
                    own = own.And(ReadNot(new SchemaPart(value, pointer)));
                    break;
                case "minimum" or "maximum" or "exclusiveMinimum" or "exclusiveMaximum" or "multipleOf":
                    own = ReadNumber(own, keyword.Name, value, pointer, part.Element);
                    break;
                case "minLength":
                    own = Describe(own with { Length = (Count(value, pointer), own.Length.Most) }, JsonTypes.String);
                    break;
                case "maxLength":
                    own = Describe(own with { Length = (own.Length.Least, Count(value, pointer)) }, JsonTypes.String);
                    break;
                case "pattern":
                    own = Describe(own with { Patterns = [(Text(value, pointer), pointer)] }, JsonTypes.String);
                    break;
                case "format":
                    own = ReadFormat(own, Text(value, pointer), pointer);
                    break;
                case "minItems":
                    own = Describe(own with { ItemCount = (Count(value, pointer), own.ItemCount.Most) }, JsonTypes.Array);
                    break;
                case "maxItems":
                    own = Describe(own with { ItemCount = (own.ItemCount.Least, Count(value, pointer)) }, JsonTypes.Array);
                    break;
                case "items" or "prefixItems" or "additionalItems":
                    hasItems = true;
                    break;
                case "minProperties":
                    own = Describe(own with { PropertyCount = (Count(value, pointer), own.PropertyCount.Most) }, JsonTypes.Object);
                    break;
                case "maxProperties":
                    own = Describe(own with { PropertyCount = (own.PropertyCount.Least, Count(value, pointer)) }, JsonTypes.Object);
                    break;
                case "required":
                    own = Describe(own with { Required = [.. Items(value, pointer).Select(one => Text(one, pointer)).Distinct()] }, JsonTypes.Object);
                    break;
                case "properties" or "additionalProperties":
                    hasProperties = true;
                    break;
                case "anyOf" or "oneOf":
                    own = own with { Alternatives = [.. own.Alternatives, new AlternativeRules(Parts(value, pointer), keyword.Name == "oneOf", pointer)] };
                    break;
                case "uniqueItems" when value.ValueKind == JsonValueKind.False:
                case "patternProperties" or "dependentRequired" or "dependentSchemas" or "dependencies" when IsEmpty(value):
                case "$ref" or "allOf":
                    break;
                default:
                    if (!Notes.Contains(keyword.Name) && !keyword.Name.StartsWith("x-", StringComparison.Ordinal))
                        throw Error(pointer, $"the keyword '{keyword.Name}' is not supported");
                    break;
            }
        }
        if (isNullable && own.SaysTypes)
            own = own with { Types = own.Types | JsonTypes.Null };
        if (hasItems)
            own = Describe(own with { Items = [ReadItems(part)] }, JsonTypes.Array);
        if (hasProperties)
            own = Describe(own with { Properties = [ReadProperties(part)] }, JsonTypes.Object);
        return own;
    }

    // What is no value of a list, or not of some types.
    private static Schema ReadNot(SchemaPart part)
    {
        if (part.Element.ValueKind != JsonValueKind.Object)
            throw Error(part.Pointer, $"an object with enum, const or type is needed, but it is {Kind(part.Element)}");
        string? other = part.Element.EnumerateObject().Select(static keyword => keyword.Name)
            .FirstOrDefault(static name => name is not ("enum" or "const" or "type") && !Notes.Contains(name));
        if (other is not null)
            throw Error(part.Pointer, $"values of a list and types can be left out, but not those of the keyword '{other}'");
        Schema denied = ReadOwn(part);
        if (denied.Values is { } values)
            return new Schema { Pointer = part.Pointer, Excluded = [.. values.Where(value => (denied.Types & SchemaCompiler.TypeOf(value)) != 0)] };
        return !denied.IsInteger ? new Schema { Pointer = part.Pointer, Types = JsonTypes.All & ~denied.Types }
            : throw Error(part.Pointer, "whole numbers cannot be left out among numbers");
    }

    private static Schema Describe(Schema schema, JsonTypes types) => schema with { Described = schema.Described | types };

    private static Schema ReadTypes(Schema own, JsonElement value, string pointer)
    {
        JsonTypes types = JsonTypes.None;
        bool whole = false, any = false;
        foreach (JsonElement one in value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : (IEnumerable<JsonElement>)[value])
        {
            string name = Text(one, pointer);
            types |= name switch
            {
                "null" => JsonTypes.Null,
                "boolean" => JsonTypes.Boolean,
                "number" or "integer" => JsonTypes.Number,
                "string" => JsonTypes.String,
                "array" => JsonTypes.Array,
                "object" => JsonTypes.Object,
                _ => throw Error(pointer, $"a type must be null, boolean, number, integer, string, array or object, but it is '{name}'"),
            };
            (whole, any) = (whole || name == "integer", any || name == "number");
        }
        return own with { Types = own.Types & types, SaysTypes = true, IsInteger = own.IsInteger || (whole && !any) };
    }

    private static Schema ReadNumber(Schema own, string keyword, JsonElement value, string pointer, JsonElement schema)
    {
        // Draft 4 says with true or false whether the bound beside it is exclusive.
        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False && keyword is "exclusiveMinimum" or "exclusiveMaximum")
            return own;
        if (value.ValueKind != JsonValueKind.Number || ExactNumber.Read(value.GetRawText()) is not { } number)
            throw Error(pointer, $"a number of an exponent of at most 400 is needed, but it is {Shown(value)}");
        own = Describe(own, JsonTypes.Number);
        if (keyword == "multipleOf")
            return number.Digits == 1 ? own with { Places = number.Places }
                : throw Error(pointer, $"a multiple must be of 1, 0.1, 0.01 and so on, but it is of {Shown(value)}");
        bool isLeast = keyword is "minimum" or "exclusiveMinimum";
        bool isExclusive = keyword.StartsWith("exclusive", StringComparison.Ordinal)
            || (schema.TryGetProperty(isLeast ? "exclusiveMinimum" : "exclusiveMaximum", out JsonElement flag) && flag.ValueKind == JsonValueKind.True);
        Bound? bound = new Bound(number, isExclusive);
        if (number.Places > MostPlaces)
        {
            // Rounded inwards, so that what is between is between.
            BigInteger unit = BigInteger.Pow(10, number.Places - MostPlaces);
            ExactNumber scaled = new(number.Digits, number.Places - MostPlaces);
            bound = unit.IsOne ? bound : new Bound(new ExactNumber(isLeast ? scaled.Ceiling : scaled.Floor, MostPlaces), IsExclusive: false);
        }
        else if (BigInteger.Abs(number.Digits) >= Far * BigInteger.Pow(10, number.Places))
            bound = number.Digits.Sign > 0 != isLeast ? null : throw Error(pointer, $"a bound must leave numbers below 10^40, but it is {Shown(value)}");
        return own.And(isLeast ? new Schema { Pointer = pointer, Least = bound } : new Schema { Pointer = pointer, Most = bound });
    }

    private static Schema ReadFormat(Schema own, string format, string pointer)
    {
        if (StringFormats.Notes.Contains(format))
            return own;
        if (StringFormats.Integers.TryGetValue(format, out (BigInteger Least, BigInteger Most) range))
        {
            own = Describe(own, JsonTypes.Number);
            return own.And(new Schema
            {
                Pointer = pointer,
                Least = new Bound(new ExactNumber(range.Least, 0), false),
                Most = new Bound(new ExactNumber(range.Most, 0), false),
            });
        }
        return StringFormats.Find(format) is { } pattern ? Describe(own with { Formats = [(pattern, pointer)] }, JsonTypes.String)
            : throw Error(pointer, $"the format '{format}' is not supported; known are {string.Join(", ", StringFormats.Names)}");
    }

    private static ItemRules ReadItems(SchemaPart part)
    {
        IReadOnlyList<SchemaPart> first = [];
        SchemaPart? others = null;
        JsonElement schema = part.Element;
        if (schema.TryGetProperty("prefixItems", out JsonElement prefix))
            first = Parts(prefix, part.Pointer + "/prefixItems");
        if (schema.TryGetProperty("items", out JsonElement items))
        {
            if (items.ValueKind != JsonValueKind.Array)
                return new ItemRules(first, new SchemaPart(items, part.Pointer + "/items"));
            // Before draft 2020-12 a list of items was what prefixItems is, and additionalItems what items is.
            first = Parts(items, part.Pointer + "/items");
        }
        if (schema.TryGetProperty("additionalItems", out JsonElement more))
            others = new SchemaPart(more, part.Pointer + "/additionalItems");
        return new ItemRules(first, others);
    }

    private static PropertyRules ReadProperties(SchemaPart part)
    {
        List<KeyValuePair<string, SchemaPart>> named = [];
        if (part.Element.TryGetProperty("properties", out JsonElement properties))
        {
            if (properties.ValueKind != JsonValueKind.Object)
                throw Error(part.Pointer + "/properties", $"an object of schemas is needed, but it is {Kind(properties)}");
            foreach (JsonProperty property in properties.EnumerateObject())
                named.Add(new(property.Name, new SchemaPart(property.Value, $"{part.Pointer}/properties/{Escaped(property.Name)}")));
        }
        return new PropertyRules(named, part.Element.TryGetProperty("additionalProperties", out JsonElement others)
            ? new SchemaPart(others, part.Pointer + "/additionalProperties") : null);
    }

    private static List<SchemaPart> Parts(JsonElement list, string pointer)
    {
        List<SchemaPart> parts = [];
        foreach (JsonElement one in Items(list, pointer))
            parts.Add(new SchemaPart(one, string.Create(CultureInfo.InvariantCulture, $"{pointer}/{parts.Count}")));
        return parts;
    }

    private static JsonElement.ArrayEnumerator Items(JsonElement list, string pointer) => list.ValueKind == JsonValueKind.Array ? list.EnumerateArray()
        : throw Error(pointer, $"a list is needed, but it is {Kind(list)}");

    private static string Text(JsonElement value, string pointer)
    {
        if (value.ValueKind != JsonValueKind.String)
            throw Error(pointer, $"a text is needed, but it is {Kind(value)}");
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw Error(pointer, "a text must not have half of a surrogate pair");
        }
    }

    private static bool Flag(JsonElement value, string pointer) => value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean()
        : throw Error(pointer, $"true or false is needed, but it is {Kind(value)}");

    private static int Count(JsonElement value, string pointer) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number >= 0 && number == Math.Floor(number)
            ? (int)Math.Min(number, int.MaxValue) : throw Error(pointer, $"a whole number of at least 0 is needed, but it is {Shown(value)}");

    private static bool IsEmpty(JsonElement value) => value.ValueKind == JsonValueKind.Object && !value.EnumerateObject().MoveNext();

    private static string Kind(JsonElement value) => $"a JSON {value.ValueKind}";

    private static string Shown(JsonElement value) => value.GetRawText() is { Length: > 40 } text ? text[..40] + "..." : value.GetRawText();

    /// <summary>A name as a JSON pointer has it.</summary>
    public static string Escaped(string name) => name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);
}
