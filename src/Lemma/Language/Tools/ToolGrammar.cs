using System.Text.Json;
using Lemma.Decoding.Constraints;
using Lemma.Decoding.Constraints.Json;
using Lemma.Decoding.Constraints.Nodes;
using Lemma.Text;
using Lemma.Text.Templates;

namespace Lemma.Language.Tools;

/// <summary>The constraint of answers that call tools: free text until a call begins, or a call at once; arguments are of the tool's schema.</summary>
public sealed class ToolGrammar
{
    private const int MostSpace = 4;
    private readonly AnswerFormat format;
    private readonly ToolCallFormat calls;
    private readonly Tokenizer tokenizer;
    private readonly GrammarRules rules;
    private readonly JsonRules json;

    private ToolGrammar(AnswerFormat format, Tokenizer tokenizer)
    {
        (this.format, calls, this.tokenizer) = (format, format.Calls!, tokenizer);
        rules = new GrammarRules(GrammarLimits.Default);
        json = new JsonRules(rules, new JsonGrammarOptions());
    }

    /// <summary>The constraint of an answer; null where there may be no calls, so that any text will do.</summary>
    /// <param name="format">How the model's answers look.</param>
    /// <param name="tools">The tools.</param>
    /// <param name="choice">Whether they are called.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="said">What is said in place of calls; null for any text.</param>
    /// <exception cref="GrammarException">A tool's schema is not supported; the message names the tool.</exception>
    /// <exception cref="ArgumentException">There is no tool of the chosen name, or a call is required where the template writes none.</exception>
    public static Constraint? Of(AnswerFormat format, IReadOnlyList<Tool> tools, ToolChoice choice, Tokenizer tokenizer, Grammar? said = null)
    {
        ArgumentNullException.ThrowIfNull(format);
        ArgumentNullException.ThrowIfNull(tools);
        ArgumentNullException.ThrowIfNull(choice);
        Tool[] taken = [.. tools.Where(tool => choice.Name is null || tool.Name == choice.Name)];
        Require.That(!choice.IsRequired || taken.Length > 0, $"tools: a call is required of '{choice.Name ?? "a tool"}', but there is none among {tools.Count}");
        Require.That(!choice.IsRequired || format.Calls is not null, $"tools: a call is required, but the chat template writes none");
        if (!choice.IsAllowed || taken.Length == 0 || format.Calls is null)
            return null;
        ToolGrammar grammar = new(format, tokenizer);
        GrammarNode root = choice.IsRequired ? grammar.AtOnce(taken, choice, null)
            : said is null ? grammar.Free(taken, choice) : grammar.AtOnce(taken, choice, said.Spaced().In(grammar.rules));
        return new Constraint(new Grammar(grammar.rules, root), tokenizer);
    }

    /// <summary>The text that begins calls.</summary>
    internal static string TriggerOf(ToolCallFormat calls) => calls.Before.Length > 0 ? calls.Before.TrimEnd() : calls.Call[0].Text;

    /// <summary>Whether a schema is that of a text.</summary>
    internal static bool IsText(JsonElement schema) => schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty("type", out JsonElement type)
        && type.ValueKind == JsonValueKind.String && type.ValueEquals("string");

    // Calls, or what is said in place of them; a thought may come before.
    private GrammarNode AtOnce(Tool[] tools, ToolChoice choice, GrammarNode? said)
    {
        // As templates write it: a line may end before the calls begin.
        GrammarNode space = new RepeatNode(JsonRules.Bytes(" \n"), 0, MostSpace);
        GrammarNode all = GrammarNode.Sequence(space, Marked(calls.Before), Calls(tools, choice, isBegun: false));
        if (said is not null)
            all = GrammarNode.Choice(all, said);
        if (format.Reasoning is not { } reasoning)
            return all;
        GrammarNode thought = FreeText.Until([(reasoning.End, all)], repeats: false, rules, mayEnd: false);
        return reasoning.IsOpen ? thought : GrammarNode.Choice(all, GrammarNode.Sequence(Marked(reasoning.Start), thought));
    }

    private GrammarNode Free(Tool[] tools, ToolChoice choice)
    {
        string full = calls.Before.Length > 0 ? calls.Before : calls.Call[0].Text, trigger = TriggerOf(calls);
        // A mark may begin with a special token and go on in text: the token alone is the trigger then.
        string first = tokenizer.SpecialTokens.Select(static token => token.Content).Where(content => trigger.StartsWith(content, StringComparison.Ordinal))
            .MaxBy(static content => content.Length) ?? trigger;
        GrammarNode body = GrammarNode.Sequence(Marked(full[first.Length..]), Calls(tools, choice, isBegun: calls.Before.Length == 0));
        GrammarNode free = FreeText.Until([(first, body)], repeats: false, rules);
        if (format.Reasoning is not { } reasoning)
            return free;
        GrammarNode thought = FreeText.Until([(reasoning.End, free)], repeats: false, rules);
        return reasoning.IsOpen ? thought : GrammarNode.Choice(free, GrammarNode.Sequence(Marked(reasoning.Start), thought));
    }

    private GrammarNode Calls(Tool[] tools, ToolChoice choice, bool isBegun)
    {
        GrammarNode one = json.Rule("call", GrammarNode.Choice([.. tools.Select(tool => Call(tool, isBegun: false))]));
        GrammarNode first = isBegun ? GrammarNode.Choice([.. tools.Select(tool => Call(tool, isBegun: true))]) : one;
        GrammarNode more = calls.Between is not { } between || !choice.IsParallel ? GrammarNode.Nothing
            : new RepeatNode(GrammarNode.Sequence(Marked(between), one), 0, null);
        return GrammarNode.Sequence(first, more, Marked(calls.After));
    }

    private GrammarNode Call(Tool tool, bool isBegun)
    {
        List<GrammarNode> parts = [];
        for (int i = 0; i < calls.Call.Count; i++)
        {
            if (i > 0 || !isBegun)
                parts.Add(Marked(calls.Call[i].Text));
            parts.Add(calls.Call[i].Hole switch
            {
                CallHole.Name => GrammarNode.Text(tool.Name),
                CallHole.Id => new RepeatNode(JsonRules.Bytes("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"), 9, 9),
                CallHole.Arguments => Arguments(tool),
                _ => GrammarNode.Nothing,
            });
        }
        return GrammarNode.Sequence(parts);
    }

    private GrammarNode Arguments(Tool tool)
    {
        try
        {
            if (calls.Parameters is { } parameters)
                return Parameters(tool, parameters);
            return tool.Parameters.ValueKind == JsonValueKind.Undefined ? json.AnyObject : new SchemaCompiler(tool.Parameters, json).Root();
        }
        catch (GrammarException error)
        {
            throw new GrammarException($"tool '{tool.Name}': {error.Message}");
        }
    }

    // In the order of the schema; a text is written as it is, up to what stands behind a value.
    private GrammarNode Parameters(Tool tool, ParameterFormat parameters)
    {
        if (tool.Parameters.ValueKind != JsonValueKind.Object || !tool.Parameters.TryGetProperty("properties", out JsonElement properties)
            || properties.ValueKind != JsonValueKind.Object)
            return GrammarNode.Nothing;
        HashSet<string> required = tool.Parameters.TryGetProperty("required", out JsonElement list) && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray().Where(static one => one.ValueKind == JsonValueKind.String).Select(static one => one.GetString()!)] : [];
        List<GrammarNode> all = [];
        foreach (JsonProperty property in properties.EnumerateObject())
        {
            bool isFree = IsText(property.Value) && !property.Value.TryGetProperty("enum", out _) && !property.Value.TryGetProperty("const", out _);
            GrammarNode value = isFree ? FreeText.Until([(parameters.After, GrammarNode.Nothing)], repeats: false, rules, mayEnd: false)
                : GrammarNode.Sequence(Value(property, tool), Marked(parameters.After));
            GrammarNode one = GrammarNode.Sequence(Marked(parameters.Before), GrammarNode.Text(property.Name), Marked(parameters.Middle), value);
            all.Add(required.Contains(property.Name) ? one : GrammarNode.Optional(one));
        }
        return GrammarNode.Sequence(all);
    }

    private GrammarNode Value(JsonProperty property, Tool tool)
    {
        JsonElement schema = property.Value;
        if (IsText(schema) && schema.TryGetProperty("enum", out JsonElement values) && values.ValueKind == JsonValueKind.Array)
            return GrammarNode.Choice([.. values.EnumerateArray().Where(static one => one.ValueKind == JsonValueKind.String)
                .Select(static one => GrammarNode.Text(one.GetString()!))]);
        return IsText(schema) && schema.TryGetProperty("const", out JsonElement only) ? GrammarNode.Text(only.ToString())
            : new SchemaCompiler(tool.Parameters, json).Value([new SchemaPart(schema, $"#/properties/{SchemaReader.Escaped(property.Name)}")]);
    }

    // A fixed text, in which special tokens are such.
    private GrammarNode Marked(string text)
    {
        List<GrammarNode> parts = [];
        string[] special = [.. tokenizer.SpecialTokens.Select(static token => token.Content).Where(content => text.Contains(content, StringComparison.Ordinal))];
        for (int at = 0; at < text.Length;)
        {
            (int next, string? mark) = (text.Length, null);
            foreach (string one in special)
                if (text.IndexOf(one, at, StringComparison.Ordinal) is var place and >= 0 && (place < next || (place == next && one.Length > mark!.Length)))
                    (next, mark) = (place, one);
            parts.Add(GrammarNode.Text(text[at..next]));
            if (mark is not null)
                parts.Add(new TokenNode(mark));
            at = next + (mark?.Length ?? 0);
        }
        return GrammarNode.Sequence(parts);
    }
}
