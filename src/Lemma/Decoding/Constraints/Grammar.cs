using System.Text;
using System.Text.Json;
using Lemma.Decoding.Constraints.Automata;
using Lemma.Decoding.Constraints.Gbnf;
using Lemma.Decoding.Constraints.Json;
using Lemma.Decoding.Constraints.Nodes;
using Lemma.Decoding.Constraints.Regex;

namespace Lemma.Decoding.Constraints;

/// <summary>Which texts there may be: a context-free grammar over UTF-8 bytes, from a list, a regular expression, GBNF or a JSON schema.</summary>
/// <remarks>
/// Immutable and thread-safe. Whatever the source, it is refused or taken within <see cref="GrammarLimits"/>; one that no text matches is refused here, before
/// anything is drawn.
/// </remarks>
public sealed class Grammar
{
    private readonly GrammarRules source;
    private Automaton? automaton;

    internal Grammar(GrammarRules rules, GrammarNode root)
    {
        source = rules;
        SourceRoot = rules.Add("root", root);
        (Rules, Root) = (Normalization.Of(rules, SourceRoot), SourceRoot);
        for (int rule = 0; rule < Rules.Count; rule++)
            FindTokens(Rules[rule]);
        if (Tokens.Count == 0)
            _ = Automaton;
    }

    /// <summary>One of some texts.</summary>
    /// <exception cref="GrammarException">There is none, or too much.</exception>
    public static Grammar Choices(IEnumerable<string> texts, GrammarLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(texts);
        limits ??= GrammarLimits.Default;
        List<byte[]> all = [];
        long length = 0;
        foreach (string text in texts)
        {
            CheckLength("choices", length += text.Length, limits);
            all.Add(Encoding.UTF8.GetBytes(text));
        }
        if (all.Count == 0)
            throw new GrammarException("choices: there must be at least one text, but there is none");
        return new Grammar(new GrammarRules(limits), Literals.Of(all));
    }

    /// <summary>The texts that a regular expression matches as a whole (docs/constraints.md has the subset).</summary>
    /// <exception cref="GrammarException">It is malformed, has what no automaton knows (back-references, look-around), or explodes.</exception>
    public static Grammar Regex(string pattern, GrammarLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        limits ??= GrammarLimits.Default;
        CheckLength("regex", pattern.Length, limits);
        return new Grammar(new GrammarRules(limits), RegexParser.Parse(pattern, limits).Lower(CodePoints.Lower));
    }

    /// <summary>The texts of a grammar in llama.cpp's language GBNF.</summary>
    /// <param name="text">The grammar.</param>
    /// <param name="root">The rule that a text matches as a whole.</param>
    /// <param name="limits">What it may take; null for the default.</param>
    /// <exception cref="GrammarException">It is malformed, a rule begins with itself, or no text matches; the message has the line or the rule.</exception>
    public static Grammar Gbnf(string text, string root = "root", GrammarLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        limits ??= GrammarLimits.Default;
        CheckLength("gbnf", text.Length, limits);
        GrammarRules rules = new(limits);
        return new Grammar(rules, GbnfReader.Read(text, root, rules));
    }

    /// <summary>The JSON values of a schema, strictly: what is made always validates (docs/constraints.md has the keywords).</summary>
    /// <exception cref="GrammarException">A keyword is not supported, or nothing can match; the message names the JSON pointer.</exception>
    public static Grammar JsonSchema(JsonElement schema, JsonGrammarOptions? options = null)
    {
        options ??= new JsonGrammarOptions();
        GrammarRules rules = new(options.Limits);
        GrammarNode root;
        try
        {
            root = new SchemaCompiler(schema, new JsonRules(rules, options)).Root();
        }
        catch (InvalidOperationException)
        {
            // A document that was read before may have names that are no text.
            throw new GrammarException("schema: a name or a text must not have half of a surrogate pair, but one has");
        }
        return new Grammar(rules, root);
    }

    /// <summary>The JSON values of a schema in text.</summary>
    /// <exception cref="GrammarException">As <see cref="JsonSchema(JsonElement, JsonGrammarOptions?)"/>, or it is not JSON.</exception>
    public static Grammar JsonSchema(string schema, JsonGrammarOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(schema);
        options ??= new JsonGrammarOptions();
        CheckLength("schema", schema.Length, options.Limits);
        JsonElement element;
        try
        {
            using JsonDocument document = JsonDocument.Parse(schema,
                new JsonDocumentOptions { MaxDepth = options.Limits.MaximumNesting, AllowDuplicateProperties = false });
            element = document.RootElement.Clone();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            throw new GrammarException($"schema: it must be JSON of at most {options.Limits.MaximumNesting} levels whose names occur once, but {e.Message}");
        }
        return JsonSchema(element, options);
    }

    /// <summary>Any JSON object.</summary>
    public static Grammar JsonObject(JsonGrammarOptions? options = null)
    {
        options ??= new JsonGrammarOptions();
        GrammarRules rules = new(options.Limits);
        return new Grammar(rules, new JsonRules(rules, options).AnyObject);
    }

    /// <summary>Free text, in which a trigger begins what must match; the text may end behind what matches.</summary>
    /// <param name="triggers">Texts or special tokens; the first that comes counts.</param>
    /// <param name="grammar">What must follow a trigger.</param>
    /// <param name="repeats">Whether free text, and another trigger, may follow what matched.</param>
    /// <param name="mayEnd">Whether the text may end before a trigger came.</param>
    /// <exception cref="GrammarException">There is no trigger, or one is empty.</exception>
    public static Grammar AfterTrigger(IReadOnlyList<string> triggers, Grammar grammar, bool repeats = false, bool mayEnd = true)
    {
        ArgumentNullException.ThrowIfNull(triggers);
        ArgumentNullException.ThrowIfNull(grammar);
        GrammarRules rules = new(grammar.Rules.Limits);
        GrammarNode body = grammar.In(rules);
        return new Grammar(rules, FreeText.Until([.. triggers.Select(trigger => (trigger, body))], repeats, rules, mayEnd));
    }

    /// <summary>The same behind some white space, or none.</summary>
    internal Grammar Spaced()
    {
        const int Most = 4;
        GrammarRules rules = new(Rules.Limits);
        return new Grammar(rules, GrammarNode.Sequence(new RepeatNode(JsonRules.Bytes(" \n"), 0, Most), In(rules)));
    }

    /// <summary>Whether a text matches as a whole.</summary>
    public bool Accepts(string text) => Reaches(text) is { Accepts: true };

    /// <summary>Whether a text is the beginning of one that matches, or all of it.</summary>
    public bool AcceptsBeginning(string text) => !Reaches(text).IsDead;

    /// <summary>The rules as they are run.</summary>
    internal GrammarRules Rules { get; }

    /// <summary>The rule that a text matches.</summary>
    internal int Root { get; }

    /// <summary>The special tokens that it names.</summary>
    internal List<TokenNode> Tokens { get; } = [];

    /// <summary>Whether special tokens without a name are in its texts.</summary>
    internal bool TakesOtherTokens { get; private set; }

    /// <summary>Its automaton, where named tokens stand for their texts.</summary>
    internal Automaton Automaton => automaton ??= new Automaton(new GrammarProgram(Rules, Root), Rules.Limits);

    private int SourceRoot { get; }

    /// <summary>The grammar as a part of another.</summary>
    internal GrammarNode In(GrammarRules other)
    {
        int first = other.Count;
        for (int rule = 0; rule < source.Count; rule++)
            other.Add(source.NameOf(rule));
        for (int rule = 0; rule < source.Count; rule++)
            other[first + rule] = Moved(source[rule], first);
        return new RuleNode(first + SourceRoot);
    }

    private static GrammarNode Moved(GrammarNode node, int by) => node switch
    {
        RuleNode rule => new RuleNode(rule.Rule + by),
        SequenceNode sequence => GrammarNode.Sequence([.. sequence.Parts.Select(part => Moved(part, by))]),
        ChoiceNode { Choices.Count: > 0 } choice => GrammarNode.Choice([.. choice.Choices.Select(part => Moved(part, by))]),
        RepeatNode repeat => new RepeatNode(Moved(repeat.Body, by), repeat.Least, repeat.Most),
        _ => node,
    };

    private AutomatonState Reaches(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Automaton.Next(Automaton.Start, Encoding.UTF8.GetBytes(text));
    }

    private void FindTokens(GrammarNode node)
    {
        switch (node)
        {
            case TokenNode token:
                Tokens.Add(token);
                break;
            case OtherTokenNode:
                TakesOtherTokens = true;
                break;
            case SequenceNode sequence:
                foreach (GrammarNode part in sequence.Parts)
                    FindTokens(part);
                break;
            case ChoiceNode choice:
                foreach (GrammarNode part in choice.Choices)
                    FindTokens(part);
                break;
            case RepeatNode repeat:
                FindTokens(repeat.Body);
                break;
            default:
                break;
        }
    }

    internal static void CheckLength(string what, long length, GrammarLimits limits)
    {
        if (length > limits.MaximumSource)
            throw new GrammarException($"{what}: the source may have at most {limits.MaximumSource} characters, but it has {length}");
    }
}
