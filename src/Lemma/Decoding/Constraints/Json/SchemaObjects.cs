using System.Text;
using System.Text.Json;
using Lemma.Decoding.Constraints.Nodes;

namespace Lemma.Decoding.Constraints.Json;

/// <summary>Objects with their properties in the order of the schema, and arrays.</summary>
internal sealed class SchemaObjects(JsonRules json, Func<IReadOnlyList<SchemaPart>, GrammarNode> value)
{
    // What an additional property's name is written with, so that no escape can hide a name that is said.
    private static readonly CodePointSet Plain = CodePointSet.Of([(0x20, 0x21), (0x23, 0x5B), (0x5D, 0xD7FF), (0xE000, 0x10FFFF)]);

    /// <summary>What all rules say of one property; null where one forbids it.</summary>
    public static IReadOnlyList<SchemaPart>? PartsOf(Schema schema, string name)
    {
        List<SchemaPart> parts = [];
        foreach (PropertyRules rules in schema.Properties)
            if (rules.Of(name) is { } part)
                parts.Add(part);
        return parts.Exists(static part => part.Element.ValueKind == JsonValueKind.False) ? null : parts;
    }

    /// <summary>The objects that a schema allows.</summary>
    public GrammarNode Object(Schema schema)
    {
        HashSet<string> seen = new(StringComparer.Ordinal);
        List<string> names = [];
        foreach (string name in schema.Properties.SelectMany(static rules => rules.Named).Select(static one => one.Key).Concat(schema.Required))
            if (seen.Add(name))
                names.Add(name);
        HashSet<string> required = new(schema.Required, StringComparer.Ordinal);
        SchemaPart[] others = [.. schema.Properties.Where(static rules => rules.Others is not null).Select(static rules => rules.Others!.Value)];
        bool isClosed = others.Any(static part => part.Element.ValueKind == JsonValueKind.False);
        // Where properties are said, others are made only where that is said too.
        bool isOpen = !isClosed && (names.Count == 0 || others.Length > 0);
        (int least, int? most) = schema.PropertyCount;
        if (names.Count == 0 && isOpen)
            return most < least ? GrammarNode.Never : json.Braced("{", "}", json.List(Member(json.AnyString, others), least, most));
        List<(GrammarNode Member, bool IsRequired)> members = [];
        foreach (string name in names)
        {
            if (PartsOf(schema, name) is { } parts)
                members.Add((Member(GrammarNode.Text($"\"{JsonRules.Escaped(name)}\""), parts), required.Contains(name)));
            else if (required.Contains(name))
                return GrammarNode.Never;
        }
        if (least > members.Count(static one => one.IsRequired) || most < members.Count || (most is not null && isOpen))
            throw SchemaReader.Error(schema.Pointer, $"a number of properties from {least} to {most?.ToString() ?? "any number"} can be held beside properties that "
                + "are all required, or in an object without any, but not here");
        return json.Braced("{", "}", Members(members, isOpen ? Member(OtherName(names), others) : null, schema.Pointer));
    }

    private GrammarNode Member(GrammarNode name, IReadOnlyList<SchemaPart> parts) =>
        GrammarNode.Sequence(name, GrammarNode.Text(":"), json.Space, value(parts));

    // From the last member to the first: what follows where something, and where nothing was written before.
    private GrammarNode Members(List<(GrammarNode Member, bool IsRequired)> members, GrammarNode? other, string pointer)
    {
        GrammarNode head = other is null ? GrammarNode.Nothing : json.List(other, 0, null);
        GrammarNode tail = other is null ? json.Space : GrammarNode.Sequence(new RepeatNode(GrammarNode.Sequence(json.Comma, other), 0, null), json.Space);
        for (int i = members.Count - 1; i >= 0; i--)
        {
            (GrammarNode member, bool isRequired) = members[i];
            GrammarNode first = GrammarNode.Sequence(member, tail), next = GrammarNode.Sequence(json.Comma, member, tail);
            head = json.Rule(pointer, isRequired ? first : GrammarNode.Choice(first, head));
            tail = json.Rule(pointer, isRequired ? next : GrammarNode.Choice(next, tail));
        }
        return head;
    }

    // A name that is none of those that are said, character by character.
    private GrammarNode OtherName(IReadOnlyList<string> names)
    {
        List<SortedDictionary<int, int>> nodes = [[]];
        HashSet<int> ends = [];
        foreach (string name in names)
        {
            int at = 0;
            bool isWhole = true;
            foreach (Rune rune in name.EnumerateRunes())
            {
                isWhole = Plain.Contains(rune.Value);
                if (!isWhole)
                    break;
                if (!nodes[at].TryGetValue(rune.Value, out int next))
                {
                    nodes[at][rune.Value] = next = nodes.Count;
                    nodes.Add([]);
                }
                at = next;
            }
            if (isWhole)
                ends.Add(at);
        }
        GrammarNode free = json.Rule("name", GrammarNode.Sequence(new RepeatNode(CodePoints.Lower(Plain), 0, null), GrammarNode.Text("\"")));
        int first = json.Rules.Count;
        foreach (SortedDictionary<int, int> _ in nodes)
            json.Rules.Add("name");
        for (int i = 0; i < nodes.Count; i++)
        {
            CodePointSet known = CodePointSet.Of(nodes[i].Keys.Select(static scalar => (scalar, scalar)));
            List<GrammarNode> choices = [.. nodes[i].Select(one =>
                    GrammarNode.Sequence(CodePoints.Lower(CodePointSet.Of(one.Key)), new RuleNode(first + one.Value))),
                GrammarNode.Sequence(CodePoints.Lower(Plain.Intersect(known.Complement())), free)];
            if (!ends.Contains(i))
                choices.Add(GrammarNode.Text("\""));
            json.Rules[first + i] = GrammarNode.Choice(choices);
        }
        return GrammarNode.Sequence(GrammarNode.Text("\""), new RuleNode(first));
    }

    /// <summary>The arrays that a schema allows.</summary>
    public GrammarNode Array(Schema schema)
    {
        (int least, int? most) = schema.ItemCount;
        int described = schema.Items.Count == 0 ? 0 : schema.Items.Max(static rules => rules.First.Count);
        for (int i = 0; i < described && !(most <= i); i++)
            if (PartsAt(schema, i) is null)
                most = i;
        List<SchemaPart>? others = PartsAt(schema, described);
        // Behind first items others are made only where they are said, or needed.
        if (others is null || (described > 0 && others.Count == 0 && least <= described))
            most = Math.Min(most ?? described, described);
        if (most < least)
            return GrammarNode.Never;
        if (least > json.Rules.Limits.MaximumRepeat)
            throw SchemaReader.Error(schema.Pointer, $"at least {least} items are more than {json.Rules.Limits.MaximumRepeat}, which is the most");
        most = most is null ? null : Math.Min(most.Value, json.Rules.Limits.MaximumRepeat);
        int count = Math.Min(described, most ?? described);
        if (count == 0)
            return json.Braced("[", "]", most == 0 ? GrammarNode.Nothing : json.List(value(others!), least, most));
        GrammarNode tail = most == count ? json.Space : GrammarNode.Sequence(
            new RepeatNode(GrammarNode.Sequence(json.Comma, value(others!)), Math.Max(0, least - count), most - count), json.Space);
        for (int i = count - 1; i >= 1; i--)
        {
            GrammarNode next = GrammarNode.Sequence(json.Comma, value(PartsAt(schema, i)!), tail);
            tail = json.Rule(schema.Pointer, i < least ? next : GrammarNode.Choice(next, json.Space));
        }
        GrammarNode all = GrammarNode.Sequence(value(PartsAt(schema, 0)!), tail);
        return json.Braced("[", "]", least == 0 ? GrammarNode.Optional(all) : all);
    }

    // What all rules say of an item; null where one forbids it.
    private static List<SchemaPart>? PartsAt(Schema schema, int index)
    {
        List<SchemaPart> parts = [];
        foreach (ItemRules rules in schema.Items)
            if (index < rules.First.Count)
                parts.Add(rules.First[index]);
            else if (rules.Others is { } others)
                parts.Add(others);
        return parts.Exists(static part => part.Element.ValueKind == JsonValueKind.False) ? null : parts;
    }
}
