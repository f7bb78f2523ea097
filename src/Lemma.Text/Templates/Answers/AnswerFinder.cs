using System.Text;
using System.Text.Json;

namespace Lemma.Text.Templates;

/// <summary>Renders conversations that differ in one thing, and finds in the texts what makes the difference.</summary>
internal sealed class AnswerFinder(ChatTemplate template, DateTime now)
{
    // Words that no template has; ids have the nine letters that some templates insist on.
    private const string Question = "qzAsked", Said = "qzSaid", Thought = "qzThought", CallId = "qzCallId1", OtherId = "qzCallId2";
    private const string Name = "qzToolOne", OtherName = "qzToolTwo", Key = "qzKeyOne", OtherKey = "qzKeyTwo", Value = "qzValueOne", OtherValue = "qzValueTwo";
    private const string ThinkStart = "<think>", ThinkEnd = "</think>";

    private static readonly string Tools = $"[{OneTool(Name, Key)},{OneTool(OtherName, OtherKey)}]";

    /// <summary>The format of calls, or null.</summary>
    public ToolCallFormat? FindCalls()
    {
        foreach ((bool takesText, bool takesNoContent) in (ReadOnlySpan<(bool, bool)>)[(false, false), (false, true), (true, true), (true, false)])
        {
            string? Body(params string[] calls) => AnswerWith(takesNoContent ? null : "", $"\"tool_calls\":[{string.Join(',', calls)}]");
            string Call(string id, string name, params string[] arguments) => OneCall(id, name, takesText, arguments);
            string first = Pair(Key, Value);
            if (Body(Call(CallId, Name, first)) is not { } one || Parts(one) is not { } found)
                continue;
            ToolCallFormat format = found with { TakesText = takesText, TakesNoContent = takesNoContent };
            string? two = Body(Call(CallId, Name, first), Call(OtherId, OtherName, Pair(OtherKey, OtherValue)));
            format = format.Parameters is null ? format : WithParameters(format, one, Body(Call(CallId, Name, first, Pair(OtherKey, OtherValue))));
            return two is null ? Trimmed(format) : Trimmed(WithSecond(format, two));
        }
        return null;
    }

    /// <summary>The marks of thoughts, or null.</summary>
    public ReasoningFormat? FindReasoning()
    {
        string? prompt = Render($"[{Asked}]", withTools: false, isAnswered: false), header = Header(withTools: false);
        string opened = prompt is not null && header is not null && prompt.StartsWith(header, StringComparison.Ordinal) ? prompt[header.Length..].Trim() : "";
        foreach (string field in (ReadOnlySpan<string>)["reasoning_content", "reasoning", "thinking"])
            if (header is not null && AnswerWith(Said, $"\"{field}\":\"{Thought}\"", withTools: false) is { } text
                && text.IndexOf(Thought, StringComparison.Ordinal) is var at and >= 0 && text.IndexOf(Said, StringComparison.Ordinal) is var said && said > at)
            {
                string start = text[..at].Trim(), end = text[(at + Thought.Length)..said].Trim();
                if (start.Length > 0 && end.Length > 0)
                    return new ReasoningFormat(start, end, opened.EndsWith(start, StringComparison.Ordinal));
            }
        return !template.Text.Contains(ThinkEnd, StringComparison.Ordinal) ? null
            : new ReasoningFormat(ThinkStart, ThinkEnd, opened.EndsWith(ThinkStart, StringComparison.Ordinal));
    }

    private static string Asked => $$"""{"role":"user","content":"{{Question}}"}""";

    private static string Pair(string key, string value) => $"\"{key}\":\"{value}\"";

    private static string OneTool(string name, string key) => """
        {"type":"function","function":{"name":"NAME","description":"d",
        "parameters":{"type":"object","properties":{"KEY":{"type":"string","description":"d"}},"required":[]}}}
        """.Replace("NAME", name, StringComparison.Ordinal).Replace("KEY", key, StringComparison.Ordinal);

    private static string OneCall(string id, string name, bool takesText, string[] arguments)
    {
        string text = $"{{{string.Join(',', arguments)}}}";
        string written = takesText ? $"\"{JsonEncodedText.Encode(text)}\"" : text;
        return $$$"""{"id":"{{{id}}}","type":"function","function":{"name":"{{{name}}}","arguments":{{{written}}}}}""";
    }

    // A text, or null where the template refuses the conversation.
    private string? Render(string messages, bool withTools, bool isAnswered)
    {
        using JsonDocument document = JsonDocument.Parse(messages), tools = JsonDocument.Parse(Tools);
        try
        {
            return template.Render(document.RootElement,
                new ChatOptions { AddGenerationPrompt = !isAnswered, Now = now, Tools = withTools ? tools.RootElement : null });
        }
        catch (TemplateException)
        {
            return null;
        }
    }

    // What stands before an answer, or null.
    private string? Header(bool withTools) =>
        Render($$"""[{{Asked}},{"role":"assistant","content":"{{Said}}"}]""", withTools, isAnswered: true) is { } text
            && text.LastIndexOf(Said, StringComparison.Ordinal) is var at and >= 0 ? text[..at] : null;

    // What an answer of some fields writes, its turn's end included; null where it is refused.
    private string? AnswerWith(string? content, string fields, bool withTools = true)
    {
        string said = content is null ? "null" : $"\"{content}\"";
        string? text = Render($$"""[{{Asked}},{"role":"assistant","content":{{said}},{{fields}}}]""", withTools, isAnswered: true);
        if (text is null || Header(withTools) is not { } header)
            return null;
        // A header that ends in white space may lack it before a call.
        string start = header.TrimEnd();
        return text.StartsWith(header, StringComparison.Ordinal) ? text[header.Length..]
            : text.StartsWith(start, StringComparison.Ordinal) ? text[start.Length..] : null;
    }

    // The end of a turn, which the model writes as an id.
    private string TurnEnd() => Render($$"""[{{Asked}},{"role":"assistant","content":"{{Said}}"}]""", withTools: true, isAnswered: true) is { } text
        ? text[(text.LastIndexOf(Said, StringComparison.Ordinal) + Said.Length)..] : "";

    // The parts of a call in a text that has one.
    private static ToolCallFormat? Parts(string text)
    {
        int name = text.IndexOf(Name, StringComparison.Ordinal), key = text.IndexOf(Key, StringComparison.Ordinal);
        int value = text.IndexOf(Value, StringComparison.Ordinal);
        if (name < 0 || key < name || value < key)
            return null;
        (int Start, int End)? json = ObjectAround(text, key, name + Name.Length);
        List<(int Start, int End, CallHole Hole)> holes = [(name, name + Name.Length, CallHole.Name),
            json is { } found ? (found.Start, found.End, CallHole.Arguments) : (key, value + Value.Length, CallHole.Arguments)];
        if (text.IndexOf(CallId, StringComparison.Ordinal) is var id and >= 0)
            holes.Add((id, id + CallId.Length, CallHole.Id));
        holes.Sort();
        // Behind the last of these a call goes on as far as its object does.
        int begin = ObjectStart(text, holes[0].Start, holes[^1].End), end = begin < holes[0].Start ? ObjectEnd(text, begin) : holes[^1].End;
        List<CallPart> parts = [];
        int at = begin;
        foreach ((int start, int stop, CallHole hole) in holes)
        {
            parts.Add(new CallPart(text[at..start], hole));
            at = stop;
        }
        parts.Add(new CallPart(text[at..end], null));
        return new ToolCallFormat
        {
            Before = text[..begin],
            Call = parts,
            After = text[end..],
            Parameters = json is null ? new ParameterFormat("", text[(key + Key.Length)..value], "") : null,
        };
    }

    // The object whose first key stands at a place.
    private static (int Start, int End)? ObjectAround(string text, int key, int least)
    {
        int start = key >= 2 ? text.LastIndexOf('{', key - 1) : -1;
        return start >= least && text[(start + 1)..key].Trim() == "\"" && ObjectEnd(text, start) is var end && end > start ? (start, end) : null;
    }

    // The innermost object that holds all of a range, or the start of the range.
    private static int ObjectStart(string text, int first, int last)
    {
        for (int at = text.LastIndexOf('{', first); at >= 0; at = at == 0 ? -1 : text.LastIndexOf('{', at - 1))
            if (ObjectEnd(text, at) >= last)
                return at;
        return first;
    }

    // Where the object that begins at a place ends; −1 where none does.
    private static int ObjectEnd(string text, int start)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text[start..]);
        Utf8JsonReader reader = new(bytes, isFinalBlock: false, default);
        try
        {
            while (reader.Read())
                if (reader.CurrentDepth == 0 && reader.TokenType == JsonTokenType.EndObject)
                    return start + Encoding.UTF8.GetCharCount(bytes.AsSpan(0, (int)reader.BytesConsumed));
        }
        catch (JsonException)
        {
        }
        return -1;
    }

    // Two parameters tell what stands around one: what both have before them belongs to each.
    private static ToolCallFormat WithParameters(ToolCallFormat format, string one, string? two)
    {
        int other = two?.IndexOf(OtherKey, StringComparison.Ordinal) ?? -1;
        if (two is null || other < 0)
            return format;
        int name = one.IndexOf(Name, StringComparison.Ordinal) + Name.Length, key = one.IndexOf(Key, StringComparison.Ordinal);
        string opening = one[name..key], joint = two[(two.IndexOf(Value, StringComparison.Ordinal) + Value.Length)..other];
        int common = 0;
        while (common < Math.Min(opening.Length, joint.Length) && opening[^(common + 1)] == joint[^(common + 1)])
            common++;
        string before = joint[(joint.Length - common)..], after = joint[..(joint.Length - common)];
        List<CallPart> parts = [.. format.Call];
        int at = parts.FindIndex(static part => part.Hole == CallHole.Arguments);
        parts[at] = parts[at] with { Text = parts[at].Text[..Math.Max(0, parts[at].Text.Length - common)] };
        string tail = parts[at + 1].Text + format.After;
        return format with
        {
            Call = [.. parts[..(at + 1)], new CallPart("", null)],
            After = tail.StartsWith(after, StringComparison.Ordinal) ? tail[after.Length..] : tail,
            Parameters = format.Parameters! with { Before = before, After = after },
        };
    }

    private static ToolCallFormat WithSecond(ToolCallFormat format, string two)
    {
        int name = two.IndexOf(OtherName, StringComparison.Ordinal), value = two.IndexOf(OtherValue, StringComparison.Ordinal);
        if (name < 0 || value < name || !two.StartsWith(format.Before, StringComparison.Ordinal))
            return format;
        // The first call as it is written, then what is between, then the second one from its first fixed text on.
        string lead = format.Call[0].Hole == CallHole.Name ? format.Call[0].Text : "";
        int first = two.IndexOf(Value, StringComparison.Ordinal) + Value.Length, firstEnd = EndBehind(format, two, first), begin = name - lead.Length;
        if (firstEnd < 0 || begin < firstEnd || !two[begin..name].Equals(lead, StringComparison.Ordinal))
            return format;
        int end = EndBehind(format, two, value + OtherValue.Length);
        string after = end < 0 ? format.After : two[end..];
        return format with
        {
            Between = two[firstEnd..begin],
            // Some templates close the list of calls only behind a second one.
            After = after.StartsWith(format.After.TrimEnd(), StringComparison.Ordinal) ? after : format.After,
        };
    }

    // Where a call whose last value ends at a place is over: behind the fixed texts that follow.
    private static int EndBehind(ToolCallFormat format, string text, int valueEnd)
    {
        int at = valueEnd, hole = 0;
        while (format.Call[hole].Hole != CallHole.Arguments)
            hole++;
        string close = format.Parameters?.After ?? "\"}";
        if (!text.AsSpan(at).StartsWith(close, StringComparison.Ordinal))
            return -1;
        at += close.Length;
        for (hole++; hole < format.Call.Count; hole++)
        {
            if (!text.AsSpan(at).StartsWith(format.Call[hole].Text, StringComparison.Ordinal))
                return -1;
            at += format.Call[hole].Text.Length + (format.Call[hole].Hole == CallHole.Id ? CallId.Length : 0);
        }
        return at;
    }

    private ToolCallFormat Trimmed(ToolCallFormat format)
    {
        string end = TurnEnd(), after = format.After;
        // The turn ends as it does without calls, or with another special token of the template.
        after = end.Length > 0 && after.EndsWith(end, StringComparison.Ordinal) ? after[..^end.Length]
            : end.Trim() is { Length: > 0 } mark && after.IndexOf(mark, StringComparison.Ordinal) is var at and >= 0 ? after[..at] : after;
        return format with { Before = format.Before.TrimStart(), After = after.TrimEnd() };
    }
}
