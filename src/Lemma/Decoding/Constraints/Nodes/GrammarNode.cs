namespace Lemma.Decoding.Constraints.Nodes;

/// <summary>A part of a grammar over bytes. Immutable; compared by reference, so that parts may be shared.</summary>
internal abstract class GrammarNode
{
    /// <summary>The empty text.</summary>
    public static readonly GrammarNode Nothing = new SequenceNode([]);

    /// <summary>No text at all.</summary>
    public static readonly GrammarNode Never = new ChoiceNode([]);

    /// <summary>Parts one after another.</summary>
    public static GrammarNode Sequence(params IReadOnlyList<GrammarNode> parts) => parts.Count == 1 ? parts[0] : new SequenceNode(parts);

    /// <summary>One of several parts.</summary>
    public static GrammarNode Choice(params IReadOnlyList<GrammarNode> choices) => choices.Count == 1 ? choices[0] : new ChoiceNode(choices);

    /// <summary>A part or nothing.</summary>
    public static GrammarNode Optional(GrammarNode body) => new RepeatNode(body, 0, 1);

    /// <summary>The UTF-8 bytes of a text.</summary>
    public static GrammarNode Text(string text) => text.Length == 0 ? Nothing : new LiteralNode(System.Text.Encoding.UTF8.GetBytes(text));
}

/// <summary>One byte of a set.</summary>
internal sealed class ByteNode(ByteSet bytes) : GrammarNode
{
    public ByteSet Bytes { get; } = bytes;
}

/// <summary>Fixed bytes, at least one.</summary>
internal sealed class LiteralNode(byte[] bytes) : GrammarNode
{
    public byte[] Bytes { get; } = bytes;
}

/// <summary>A special token by its text, or by its id; a tokenizer without such a special token takes the text for it.</summary>
/// <param name="text">Its text; null where the id is given.</param>
/// <param name="id">Its id; −1 where the text is given.</param>
internal sealed class TokenNode(string? text, int id = -1) : GrammarNode
{
    public string? Content { get; } = text;

    public int Id { get; } = id;
}

/// <summary>Any special token that the grammar does not name.</summary>
internal sealed class OtherTokenNode : GrammarNode;

/// <summary>Parts one after another.</summary>
internal sealed class SequenceNode(IReadOnlyList<GrammarNode> parts) : GrammarNode
{
    public IReadOnlyList<GrammarNode> Parts { get; } = parts;
}

/// <summary>One of several parts.</summary>
internal sealed class ChoiceNode(IReadOnlyList<GrammarNode> choices) : GrammarNode
{
    public IReadOnlyList<GrammarNode> Choices { get; } = choices;
}

/// <summary>A part several times.</summary>
/// <param name="body">The part.</param>
/// <param name="least">How often at least.</param>
/// <param name="most">How often at most; null for any number.</param>
internal sealed class RepeatNode(GrammarNode body, int least, int? most) : GrammarNode
{
    public GrammarNode Body { get; } = body;

    public int Least { get; } = least;

    public int? Most { get; } = most;
}

/// <summary>What a rule says.</summary>
/// <param name="rule">Its number.</param>
internal sealed class RuleNode(int rule) : GrammarNode
{
    public int Rule { get; } = rule;
}
