using System.Globalization;
using System.Text;
using System.Text.Json;
using Lemma.Decoding.Constraints.Nodes;
using Lemma.Decoding.Constraints.Regex;

namespace Lemma.Decoding.Constraints.Json;

/// <summary>Strings of a schema: length, one pattern, one format, or texts that are left out.</summary>
internal sealed class SchemaStrings(JsonRules json)
{
    private const string Any = @"[\s\S]";

    /// <summary>The strings that a schema allows, in quotation marks.</summary>
    public GrammarNode String(Schema schema)
    {
        (int least, int? most) = schema.Length;
        if (most < least)
            return GrammarNode.Never;
        string[] denied = [.. schema.Excluded.Where(static value => value.ValueKind == JsonValueKind.String).Select(value => Text(value, schema))];
        (string Pattern, string Pointer)[] all = [.. schema.Formats, .. schema.Patterns, .. denied.Length > 0 ? [(AllBut(denied), schema.Pointer)]
            : Array.Empty<(string, string)>()];
        if (all.Length == 0)
            return least == 0 && most is null ? json.AnyString : JsonRules.Quoted(new RepeatNode(json.AnyCharacter, Bounded(least, schema), most is null ? null
                : Math.Min(most.Value, json.Rules.Limits.MaximumRepeat)));
        (string pattern, string pointer) = all[0];
        if (all.Length > 1)
            throw SchemaReader.Error(all[1].Pointer, $"one pattern or format may be asked of a string, but {all.Length} are, texts that are left out among them");
        bool isWhole = schema.Patterns.Count == 0;
        RegexPattern regex = Parse(pattern, pointer);
        (long shortest, long? longest) = isWhole ? regex.Length : regex.FoundLength;
        if (shortest >= least && (most is null || longest <= most))
            return JsonRules.Quoted(isWhole ? regex.Lower(json.Character) : regex.LowerFound(json.Character));
        if (most < shortest || least > longest)
            return GrammarNode.Never;
        if (regex.AsRun() is not var (set, fewest, largest))
            throw SchemaReader.Error(pointer, $"a length of {least} to {most?.ToString() ?? "any number of"} characters can be held beside a pattern of one "
                + "repeated set, such as ^[a-z]*$, or one that is never longer or shorter, but not beside this one; say it in the pattern");
        (least, most) = (Math.Max(least, fewest), largest is null ? most : most is null ? largest : Math.Min(most.Value, largest.Value));
        return JsonRules.Quoted(new RepeatNode(json.Character(set), Bounded(least, schema), most));
    }

    // A regular expression of all texts but some: along the tree of their beginnings it ends where none of them does, or leaves it.
    private static string AllBut(IEnumerable<string> texts)
    {
        StringBuilder pattern = new();
        Append([.. texts.Select(static text => text.EnumerateRunes().Select(static rune => rune.Value).ToArray())], 0);
        return pattern.ToString();

        void Append(int[][] some, int at)
        {
            IGrouping<int, int[]>[] next = [.. some.Where(text => text.Length > at).GroupBy(text => text[at]).OrderBy(static group => group.Key)];
            if (next.Length == 0)
            {
                pattern.Append(Any).Append('+');
                return;
            }
            pattern.Append("(?:");
            foreach (IGrouping<int, int[]> group in next)
            {
                pattern.Append(CultureInfo.InvariantCulture, $"\\u{{{group.Key:X}}}");
                Append([.. group], at + 1);
                pattern.Append('|');
            }
            pattern.Append("[^");
            foreach (IGrouping<int, int[]> group in next)
                pattern.Append(CultureInfo.InvariantCulture, $"\\u{{{group.Key:X}}}");
            pattern.Append(']').Append(Any).Append("*)");
            if (some.All(text => text.Length > at))
                pattern.Append('?');
        }
    }

    private static string Text(JsonElement value, Schema schema)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw SchemaReader.Error(schema.Pointer, "a text must not have half of a surrogate pair");
        }
    }

    /// <summary>Whether a text has the length, the patterns and the formats that a schema asks for.</summary>
    public bool Allows(Schema schema, string text)
    {
        int length = text.EnumerateRunes().Count();
        return length >= schema.Length.Least && !(length > schema.Length.Most)
            && schema.Formats.All(one => Matches(Parse(one.Pattern, one.Pointer).Lower(CodePoints.Lower), text))
            && schema.Patterns.All(one => Matches(Parse(one.Pattern, one.Pointer).LowerFound(CodePoints.Lower), text));
    }

    private bool Matches(GrammarNode node, string text) => new Grammar(new GrammarRules(json.Rules.Limits), node).Accepts(text);

    private int Bounded(int least, Schema schema) => least <= json.Rules.Limits.MaximumRepeat ? least
        : throw SchemaReader.Error(schema.Pointer, $"at least {least} characters are more than {json.Rules.Limits.MaximumRepeat}, which is the most");

    private RegexPattern Parse(string pattern, string pointer)
    {
        Grammar.CheckLength("schema", pattern.Length, json.Rules.Limits);
        try
        {
            return RegexParser.Parse(pattern, json.Rules.Limits);
        }
        catch (GrammarException error)
        {
            throw SchemaReader.Error(pointer, error.Message);
        }
    }
}
