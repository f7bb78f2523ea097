using Lemma.Decoding.Constraints.Automata;
using Lemma.Decoding.Constraints.Nodes;
using Lemma.Text;

namespace Lemma.Decoding.Constraints;

/// <summary>A grammar over the ids of a tokenizer: which ids may come next, so that the text that is made matches.</summary>
/// <remarks>
/// Made once, used by any number of texts and threads at once; what each text remembers is its own. An id is allowed where its bytes go on in the grammar, a special
/// token where the grammar names it, and an id that ends the text exactly where the grammar may end. The masks of allowed ids are kept by state, up to a bound.
/// Ids are chosen among those that are allowed, by the steps as ever; log-probabilities that are told stay those of the model's own logits.
/// </remarks>
public sealed class Constraint
{
    private readonly TokenTrie trie;
    private readonly Automaton automaton;
    private readonly Dictionary<int, int> symbols = [];
    private TokenMask? firstMask;

    /// <summary>A grammar over the ids of a tokenizer.</summary>
    /// <param name="grammar">What the text matches as a whole.</param>
    /// <param name="tokenizer">Whose ids are drawn.</param>
    /// <exception cref="GrammarException">The grammar is too ambiguous, or no id of the tokenizer begins a text of it.</exception>
    /// <exception cref="NotSupportedException">What an id of the tokenizer adds to a text depends on those behind it.</exception>
    public Constraint(Grammar grammar, Tokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(grammar);
        ArgumentNullException.ThrowIfNull(tokenizer);
        Grammar = grammar;
        trie = TokenTrie.Of(tokenizer);
        List<int> named = [];
        foreach (TokenNode token in grammar.Tokens)
            if (IdOf(token, tokenizer) is int id && !symbols.ContainsKey(id))
            {
                symbols[id] = 256 + named.Count;
                named.Add(id);
            }
        automaton = grammar.Tokens.Count == 0 ? grammar.Automaton : new Automaton(new GrammarProgram(grammar.Rules, grammar.Root, named.Count,
            token => symbols[IdOf(token, tokenizer)!.Value], token => IdOf(token, tokenizer) is null ? TextOf(token, tokenizer) : null), grammar.Rules.Limits);
        AutomatonState start = automaton.Start;
        if (!start.Accepts && MaskOf(start, startsText: false).Count == 0)
            throw new GrammarException("grammar: an id of the tokenizer must begin a text of it, but none does");
    }

    /// <summary>What the text matches.</summary>
    public Grammar Grammar { get; }

    /// <summary>How many ids the tokenizer has.</summary>
    public int Ids => trie.Size;

    /// <summary>Whether a text of these ids is a text of the grammar (<see langword="true"/>), begins one (null) or neither.</summary>
    public bool? Matches(ReadOnlySpan<int> ids)
    {
        AutomatonState state = Start;
        foreach (int id in ids)
            state = Next(state, id, startsText: false);
        return state.IsDead ? false : state.Accepts ? true : null;
    }

    /// <summary>A text that begins behind a prompt.</summary>
    /// <param name="prompt">Its ids: where none has text, decoders drop the space that begins a text.</param>
    public ConstrainedText Begin(ReadOnlySpan<int> prompt) => new(this, Start, AreSilent(prompt));

    /// <summary>Where every text begins.</summary>
    internal AutomatonState Start => automaton.Start;

    // Whether ids add no text, so that what comes behind them begins it.
    private bool AreSilent(ReadOnlySpan<int> ids)
    {
        foreach (int id in ids)
            if (!trie.BytesOf(id).IsEmpty)
                return false;
        return true;
    }

    /// <summary>The state behind an id.</summary>
    internal AutomatonState Next(AutomatonState state, int id, bool startsText)
    {
        ReadOnlySpan<byte> bytes = startsText ? trie.FirstBytesOf(id) : trie.BytesOf(id);
        return automaton.Next(state, bytes) is var next && !bytes.IsEmpty ? next : automaton.Next(state, SymbolOf(id));
    }

    /// <summary>Forgets the candidates that may not follow; false where the text is at its end and no id says so.</summary>
    /// <param name="candidates">All ids, right after a reset.</param>
    /// <param name="logits">Their logits.</param>
    /// <param name="state">Where the text stands.</param>
    /// <param name="startsText">Whether no text stands before.</param>
    /// <param name="ends">The ids that end the text.</param>
    internal bool Apply(Candidates candidates, ReadOnlySpan<float> logits, AutomatonState state, bool startsText, IReadOnlyList<int> ends)
    {
        TokenMask mask = MaskOf(state, startsText);
        mask.Keep(candidates);
        for (int i = 0; i < ends.Count; i++)
        {
            if (state.Accepts)
                candidates.Include(ends[i], logits);
            else if (mask.Contains(ends[i]))
                candidates.Remove(ends[i]);
        }
        if (candidates.Count > 0)
            return true;
        return state.Accepts ? false : throw new InvalidOperationException(
            "constraint: some id of the tokenizer must go on in the grammar, but none does here; the text needs bytes that no id has");
    }

    /// <summary>The ids that may follow.</summary>
    internal TokenMask MaskOf(AutomatonState state, bool startsText)
    {
        if (startsText && ReferenceEquals(state, Start))
            return firstMask ??= MakeFirst(state);
        if (state.Mask is { } known)
            return known;
        AutomatonState clamped = automaton.Clamp(state, trie.Longest);
        if (Volatile.Read(ref clamped.Mask) is not { } mask)
        {
            ulong[] bits = new ulong[(trie.Size + 63) / 64];
            trie.Mark(automaton, clamped, bits);
            MarkSpecials(clamped, bits);
            mask = new TokenMask(bits);
            clamped.Table.AddBytes(mask.Bytes);
            Volatile.Write(ref clamped.Mask, mask);
        }
        return state.Mask = mask;
    }

    // Behind a prompt without text decoders drop a space, so the ids have other bytes; that is one mask, made id by id.
    private TokenMask MakeFirst(AutomatonState start)
    {
        ulong[] bits = new ulong[(trie.Size + 63) / 64];
        for (int id = 0; id < trie.Size; id++)
            if (trie.FirstBytesOf(id) is { Length: > 0 } bytes && !automaton.Next(start, bytes).IsDead)
                bits[id >> 6] |= 1UL << (id & 63);
        MarkSpecials(start, bits);
        return new TokenMask(bits);
    }

    private void MarkSpecials(AutomatonState state, ulong[] bits)
    {
        if (Grammar.Tokens.Count == 0 && !Grammar.TakesOtherTokens)
            return;
        foreach (int id in trie.Specials)
            if (!automaton.Next(state, SymbolOf(id)).IsDead)
                bits[id >> 6] |= 1UL << (id & 63);
    }

    private int SymbolOf(int id) => symbols.TryGetValue(id, out int symbol) ? symbol : automaton.Program.OtherTokens;

    private static int? IdOf(TokenNode token, Tokenizer tokenizer) =>
        (token.Content is null ? token.Id : tokenizer.IdOf(token.Content)) is int id && tokenizer.IsSpecial(id) ? id : null;

    private static GrammarNode TextOf(TokenNode token, Tokenizer tokenizer) => token.Content is { } text ? GrammarNode.Text(text)
        : (uint)token.Id < (uint)tokenizer.VocabularySize && tokenizer.BytesOf(token.Id) is { Length: > 0 } bytes ? new LiteralNode(bytes)
        : throw new GrammarException($"grammar: a token must be one of the {tokenizer.VocabularySize} of the tokenizer with text, but it is <[{token.Id}]>");
}
