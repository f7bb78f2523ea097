using Lemma.Text.Models;
using Lemma.Text.Normalization;
using Lemma.Text.Splitting;
using Lemma.Text.Templates;

namespace Lemma.Text.Files;

/// <summary>What a GGUF file says of a tokenizer: the kinds gpt2, llama, t5 and bert.</summary>
/// <remarks>
/// The format has no pipeline but names of a few. Which one a tokenizer is shows in what it does: the values are read back, and must give the same ids
/// for a text with every kind of character; where none does the tokenizer is refused.
/// </remarks>
internal sealed class GgufVocabularyWriter
{
    private const string Prefix = "tokenizer.ggml.", Mark = "\u2581";
    private const int Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6;

    // Contractions, digits, spaces and line ends in runs, cases, scripts with and without spaces, marks, symbols, what is joined. Composed, since the
    // format knows no forms of Unicode; without special tokens, beside which kinds keep spaces or not.
    private const string Probe = "Hello world! I'll they'Re WE'D don't  stop   here\t\tnow\n\n  next\r\n\r\nline \n 1234567 3.14 12 007 "
        + "a1b2 x_y (z) [q]... -- ==> {\"k\": [1,2]} "
        + "http://a.b/c?d=e&f#g naïve café ÆØÅ ß ſ ǅ ʰ Привет мир, Ελληνικά עברית العربية ١٢٣ हिन्दी ไทย 中文字符，测试。 日本語のテキスト カナ 한국어 텍스트 Ⅷ ½ ² "
        + "👩‍👩‍👧‍👦 🏳️‍🌈 é̂ x̱ €$£¥ ©®™ ∑∫√ ←→ «q» “q” ‘s’ … — \u00a0nbsp\u2003em\u200bzw "
        + "camelCase HTMLParser snake_case ABCdef iPhone15Pro !!!??? ''' \"\"\" 'S 'T'M    ";

    // What spaces at the ends become.
    private const string Spaced = "  one two  ";

    private static readonly (string Name, string Token)[] Named = [("unk_token", "unknown_token_id"), ("pad_token", "padding_token_id"),
        ("sep_token", "seperator_token_id"), ("cls_token", "cls_token_id"), ("mask_token", "mask_token_id")];

    private static readonly (string Piece, string Id)[] PieceIds = [("[CLS]", "cls_token_id"), ("[SEP]", "seperator_token_id"), ("[UNK]", "unknown_token_id"),
        ("[PAD]", "padding_token_id"), ("[MASK]", "mask_token_id")];

    private readonly Tokenizer tokenizer;
    private readonly int count;
    private readonly Dictionary<string, object> values = new(StringComparer.Ordinal);

    private GgufVocabularyWriter(Tokenizer tokenizer, int count) => (this.tokenizer, this.count) = (tokenizer, count);

    /// <summary>The values of a tokenizer.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="count">How many ids the model has.</param>
    /// <param name="begin">The id that begins a text, or null.</param>
    /// <param name="ends">The ids that end a text.</param>
    /// <param name="template">The chat template, or null.</param>
    public static IReadOnlyList<KeyValuePair<string, object>> Of(Tokenizer tokenizer, int count, int? begin, IReadOnlyList<int> ends, ChatTemplate? template)
    {
        if (count < tokenizer.VocabularySize)
            throw new ArgumentException($"gguf: a model with {count} ids has too few for the tokenizer, which has {tokenizer.VocabularySize}");
        GgufVocabularyWriter writer = new(tokenizer, count);
        writer.SetIds(begin, ends, template);
        writer.SetModel();
        if (template is not null)
        {
            writer.values["tokenizer.chat_template"] = template.Text;
            if (template.ForTools is { } forTools)
            {
                writer.values["tokenizer.chat_template.tool_use"] = forTools.Text;
                writer.values["tokenizer.chat_templates"] = new[] { "tool_use" };
            }
        }
        return [.. writer.values];
    }

    private void SetIds(int? begin, IReadOnlyList<int> ends, ChatTemplate? template)
    {
        if (begin is { } first)
            values[Prefix + "bos_token_id"] = (uint)first;
        foreach ((int index, string name) in (ReadOnlySpan<(int, string)>)[(0, "eos_token_id"), (1, "eot_token_id"), (2, "eom_token_id")])
        {
            if (index < ends.Count)
                values[Prefix + name] = (uint)ends[index];
        }
        foreach ((string name, string id) in Named)
        {
            if (template is not null && template.SpecialTokens.TryGetValue(name, out string? token) && tokenizer.IdOf(token) is { } found)
                values[Prefix + id] = (uint)found;
        }
        // What stands around a text without a token; the first may be the last as well.
        int[] around = tokenizer.Encode(""), plain = tokenizer.Encode("", addSpecialTokens: false);
        if (tokenizer.Model is WordPieceModel)
        {
            foreach ((string piece, string id) in PieceIds)
            {
                if (tokenizer.IdOf(piece) is { } found)
                    values[Prefix + id] = (uint)found;
            }
            return;
        }
        bool starts = around.Length > plain.Length && around[0] == begin, ending = around.Length > plain.Length && ends.Count > 0 && around[^1] == ends[0]
            && (around.Length - plain.Length > 1 || !starts);
        values[Prefix + "add_bos_token"] = starts;
        values[Prefix + "add_eos_token"] = ending;
    }

    private void SetModel()
    {
        IEnumerable<Action> ways = tokenizer.Model switch
        {
            BpeModel bpe when IsByteLevel(tokenizer.Splitter) => ByteLevel(bpe),
            BpeModel bpe => Pieces("llama", bpe.Vocabulary.PieceOf, ScoresOf(bpe), bpe.Vocabulary.IdOf(bpe.Options.UnknownPiece ?? "<unk>")),
            UnigramModel unigram => Pieces("t5", id => id < unigram.Pieces.Count ? unigram.Pieces[id].Piece : null,
                [.. unigram.Pieces.Select(piece => (float)piece.Score)], unigram.UnknownId ?? -1),
            WordPieceModel words => WordPieces(words),
            _ => [],
        };
        List<int> ids = [.. tokenizer.Encode(Probe)];
        string difference = "";
        int most = 0;
        foreach (Action way in ways)
        {
            way();
            try
            {
                Tokenizer read = GgufVocabulary.Build(values);
                int[] given = read.Encode(Probe);
                int same = given.AsSpan().CommonPrefixLength(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(ids));
                if (same == ids.Count && same == given.Length && read.Encode(Spaced).SequenceEqual(tokenizer.Encode(Spaced)))
                    return;
                if (same <= most && difference.Length > 0)
                    continue;
                most = same;
                difference = $"; the nearest gives '{(same < given.Length ? read.PieceOrNull(given[same]) : "")}' where it gives "
                    + $"'{(same < ids.Count ? tokenizer.PieceOrNull(ids[same]) : "")}', behind {tokenizer.Decode(ids.Take(same).TakeLast(8).ToArray(), false)}";
            }
            catch (Exception error) when (error is InvalidDataException or ArgumentException)
            {
                // This way the values say no tokenizer at all, so another one may.
            }
        }
        throw new NotSupportedException($"gguf: the format has no kind of tokenizer that gives the ids of this one, a {tokenizer.Model.GetType().Name} with "
            + $"{tokenizer.Splitter?.GetType().Name ?? "no splitter"} and {tokenizer.Normalizer?.GetType().Name ?? "no normalizer"}{difference}");
    }

    private IEnumerable<Action> ByteLevel(BpeModel bpe)
    {
        values[Prefix + "model"] = "gpt2";
        SetTokens(bpe.Vocabulary.PieceOf, _ => Normal);
        values[Prefix + "merges"] = bpe.Merges.Select(merge => $"{merge.Left} {merge.Right}").ToArray();
        string[] words = WordsOf(tokenizer.Splitter!);
        // Ranks of tiktoken take words whole, which their merges give as well; a kind that says so goes first.
        foreach (string name in GgufWords.Names.OrderBy(name => GgufWords.Find(name)!.Value.TakesWhole != bpe.Options.IgnoreMerges))
        {
            GgufWords.Kind kind = GgufWords.Find(name)!.Value;
            if (!kind.IsByteLevel)
                continue;
            IEnumerable<Splitter> cuts = kind.Patterns.Select(static pattern => PatternSplitter.OfRegex(pattern));
            if (words.SequenceEqual(WordsOf(new SequenceSplitter([.. cuts, new ByteLevelSplitter(splitWords: false)]))))
                yield return () => values[Prefix + "pre"] = name;
        }
    }

    // Unigram pieces or merges with a mark for spaces; whether one stands before a text, and whether runs of spaces become one, shows in the ids.
    private IEnumerable<Action> Pieces(string model, Func<int, string?> pieceOf, float[] scores, int unknown)
    {
        values[Prefix + "model"] = model;
        values[Prefix + "pre"] = "default";
        UnigramModel? unigram = tokenizer.Model as UnigramModel;
        if (unknown >= 0)
            values[Prefix + "unknown_token_id"] = (uint)unknown;
        bool hasBytes = tokenizer.Model is BpeModel { Options.ByteFallback: true } || unigram is { ByteFallback: true };
        SetTokens(pieceOf, id => id == unknown ? Unknown : hasBytes && IsByte(pieceOf(id)!) ? Byte : unigram?.Unusable?.Contains(id) == true ? Unused : Normal);
        values[Prefix + "scores"] = Enumerable.Range(0, count).Select(id => id < scores.Length ? scores[id] : -10000f).ToArray();
        if (MapOf(tokenizer.Normalizer) is { Count: > 0 } map)
            values[Prefix + "precompiled_charsmap"] = map.ToArray();
        foreach (bool adds in (bool[])[true, false])
        {
            foreach (bool removes in model == "t5" ? (bool[])[true, false] : [false])
            {
                yield return () =>
                {
                    values[Prefix + "add_space_prefix"] = adds;
                    values[Prefix + "remove_extra_whitespaces"] = removes;
                };
            }
        }
    }

    private IEnumerable<Action> WordPieces(WordPieceModel words)
    {
        values[Prefix + "model"] = "bert";
        values[Prefix + "pre"] = "default";
        SetTokens(id => words.Vocabulary.PieceOf(id) is not { } piece ? null : piece.StartsWith(words.ContinuingPrefix, StringComparison.Ordinal)
            ? piece[words.ContinuingPrefix.Length..] : piece.StartsWith('[') && piece.EndsWith(']') ? piece : Mark + piece, _ => Normal);
        yield return static () => { };
    }

    private void SetTokens(Func<int, string?> pieceOf, Func<int, int> kindOf)
    {
        string[] tokens = new string[count];
        int[] kinds = new int[count];
        for (int id = 0; id < count; id++)
        {
            string? piece = id < tokenizer.VocabularySize ? pieceOf(id) : null;
            (tokens[id], kinds[id]) = piece is null ? ($"[PAD{id}]", Unused) : (piece, kindOf(id));
        }
        foreach (AddedToken token in tokenizer.AddedTokens)
        {
            // Unknown pieces of SentencePiece stay what they are.
            if (kinds[token.Id] != Unknown)
                (tokens[token.Id], kinds[token.Id]) = (token.Content, token.IsSpecial ? Control : UserDefined);
        }
        values[Prefix + "tokens"] = tokens;
        values[Prefix + "token_type"] = kinds;
    }

    // The earlier a merge, the higher the score of what it makes.
    private static float[] ScoresOf(BpeModel bpe)
    {
        float[] scores = new float[bpe.Vocabulary.Size];
        Array.Fill(scores, float.NaN);
        for (int rank = 0; rank < bpe.Merges.Count; rank++)
        {
            int made = bpe.Vocabulary.IdOf(bpe.Merges[rank].Left + bpe.Merges[rank].Right);
            if (made >= 0 && float.IsNaN(scores[made]))
                scores[made] = -rank;
        }
        for (int id = 0; id < scores.Length; id++)
        {
            if (float.IsNaN(scores[id]))
                scores[id] = -bpe.Merges.Count - id;
        }
        return scores;
    }

    private static IReadOnlyList<byte>? MapOf(Normalizer? normalizer) => normalizer switch
    {
        SentencePieceNormalizer sentence => sentence.Map?.Map,
        PrecompiledNormalizer precompiled => precompiled.Map,
        SequenceNormalizer sequence => sequence.Normalizers.Select(MapOf).FirstOrDefault(static map => map is not null),
        _ => null,
    };

    private static bool IsByteLevel(Splitter? splitter) => splitter is ByteLevelSplitter
        || (splitter is SequenceSplitter sequence && sequence.Splitters.Any(IsByteLevel));

    private static bool IsByte(string piece) => piece.Length == 6 && piece.StartsWith("<0x", StringComparison.Ordinal) && piece[5] == '>';

    private static string[] WordsOf(Splitter splitter)
    {
        SplitBuffer buffer = new();
        buffer.Fill(Probe);
        splitter.Split(buffer);
        string[] words = new string[buffer.Count];
        for (int i = 0; i < words.Length; i++)
            words[i] = buffer[i].ToString();
        return words;
    }
}
