namespace Lemma.Text.Files;

/// <summary>How the kinds of tokenizer.ggml.pre cut words: llama.cpp's list.</summary>
/// <remarks>Where llama.cpp has an approximation of a pattern, since its engine lacks classes, the pattern of the original tokenizer stands
/// here.</remarks>
internal static class GgufWords
{
    private const string Folded = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
    private const string Lines = @"\s*[\r\n]+|\s+(?!\S)|\s+", Symbols = @" ?[^\s\p{L}\p{N}]+[\r\n]*|", Words = @"[^\r\n\p{L}\p{N}]?\p{L}+|";
    private const string Llama3 = Folded + "|" + Words + @"\p{N}{1,3}|" + Symbols + Lines;
    private const string Qwen2 = Folded + "|" + Words + @"\p{N}|" + Symbols + Lines;
    private const string Upper = @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]";
    private const string Lower = @"[\p{Ll}\p{Lm}\p{Lo}\p{M}]";
    private const string Cased = $"{Upper}*{Lower}+|{Upper}+{Lower}*";
    private const string CasedFolded = $"{Upper}*{Lower}+{Folded}?|{Upper}+{Lower}*{Folded}?";
    private const string SymbolsOrSlash = @" ?[^\s\p{L}\p{N}]+[\r\n/]*|";
    private const string Gpt4o = CasedFolded + @"|\p{N}{1,3}|" + SymbolsOrSlash + Lines;
    private const string Chinese = "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+";
    private const string Bloom = " ?[^(\\s|.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c)]+";
    private const string DeepSeekCjk = "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+", ThreeDigits = "[0-9][0-9][0-9]";

    private const string DeepSeek3 = @"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+";
    private const string Han = @"\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]", HanLower = @"\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]";
    private const string Prefix = @"[^\r\n\p{L}\p{N}]?";

    /// <summary>The words of Kimi-K2.</summary>
    public const string Kimi = $@"[\p{{Han}}]+|{Prefix}[{Han}]*[{HanLower}]+{Folded}?|{Prefix}[{Han}]+[{HanLower}]*{Folded}?|"
        + $@"\p{{N}}{{1,3}}|{Symbols}{Lines}";

    // The letters that DeepSeek's first models take for words: those with case, of Unicode 11.
    private const string CasedLetters = @"\s?[A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u01c4-\u0293\u0295-\u02af\u0370-\u0373"
        + @"\u0376\u0377\u037b-\u037d\u037f\u0386\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u03f5\u03f7-\u0481\u048a-\u052f\u0531-\u0556\u10a0-\u10c5"
        + @"\u13a0-\u13f5\u13f8-\u13fd\u1c90-\u1cba\u1cbd-\u1cbf\u1d00-\u1d2b\u1d6b-\u1d77\u1d79-\u1d9a\u1e00-\u1f15\u1f18-\u1f1d\u1f20-\u1f45"
        + @"\u1f48-\u1f4d\u1f50-\u1f57\u1f59\u1f5b\u1f5d\u1f5f-\u1f7d\u1f80-\u1fb4\u1fb6-\u1fbc\u1fbe\u1fc2-\u1fc4\u1fc6-\u1fcc\u1fd0-\u1fd3"
        + @"\u1fd6-\u1fdb\u1fe0-\u1fec\u1ff2-\u1ff4\u1ff6-\u1ffc\u2102\u2107\u210a-\u2113\u2115\u2119-\u211d\u2124\u2126\u2128\u212a-\u212d"
        + @"\u212f-\u2134\u2139\u213c-\u213f\u2145-\u2149\u214e\u2183\u2184\u2c00-\u2c7b\u2c7e-\u2ce4\u2ceb-\u2cee\u2cf2\u2cf3\ua640-\ua66d"
        + @"\ua680-\ua69b\ua722-\ua76f\ua771-\ua787\ua78b-\ua78e\uab70-\uabbf\ufb00-\ufb06\ufb13-\ufb17\uff21-\uff3a\uff41-\uff5a"
        + @"\x{10400}-\x{1044f}\x{104b0}-\x{104d3}\x{104d8}-\x{104fb}\x{10c80}-\x{10cb2}\x{10cc0}-\x{10cf2}\x{118a0}-\x{118df}\x{1e900}-\x{1e943}]+";

    private static readonly string[] Gpt2Words = [Gpt2], Qwen2Words = [Qwen2], Llama3Words = [Llama3], Gpt4oWords = [Gpt4o],
        LinesOnly = [@"[^\n]+|[\n]+"], StarCoder = [@"\p{N}", Gpt2], BloomWords = [Bloom],
        BailingMoe = [@"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"],
        DeepSeek3Words = [@"\p{N}{1,3}", Chinese, DeepSeek3 + @"[\r\n]*|" + Lines];

    /// <summary>How a kind cuts and merges.</summary>
    /// <param name="Patterns">Patterns, one after another: what matches is a word, and what stands between.</param>
    /// <param name="TakesWhole">Whether a word that is a piece is taken without merging.</param>
    /// <param name="StartsUsually">Whether the start stands before a text where the file says nothing.</param>
    /// <param name="IsByteLevel">Whether text is spelled in bytes; otherwise pieces are characters.</param>
    /// <param name="MarksSpaces">Whether spaces are U+2581.</param>
    public readonly record struct Kind(
        string[] Patterns, bool TakesWhole = false, bool StartsUsually = false, bool IsByteLevel = true, bool MarksSpaces = false);

    /// <summary>A name of every kind, the most common ones first.</summary>
    public static IReadOnlyList<string> Names { get; } = ["gpt-2", "llama-bpe", "qwen2", "gpt-4o", "tekken", "deepseek-v3", "deepseek-llm",
        "deepseek-coder", "smollm", "falcon", "dbrx", "bloom", "qwen35", "kimi-k2", "default", "viking", "chameleon", "tiny_aya", "superbpe", "youtu", "afmoe",
        "seed-coder", "bailingmoe", "k2-horizon",
        "exaone-moe", "minicpm5", "jais-2", "laguna", "ufakzeka", "spark2_5", "granite-embed-multi-97m"];

    /// <summary>The kind of a name, or null.</summary>
    public static Kind? Find(string name) => name switch
    {
        "default" => new Kind([@"[\p{P}\$\+<=>\^~\|]+", Gpt2, @"\p{N}+", ThreeDigits]),
        "gpt-2" or "phi-2" or "jina-es" or "jina-de" or "gigachat" or "jina-v2-es" or "jina-v2-de" or "a.x-4.0"
            or "mellum" or "modern-bert" or "jina-v1-en" or "jina-v2-code" or "roberta-bpe" or "mpt" or "olmo" or "jais" or "trillion" or "granite-docling"
            or "exaone4" => new Kind(Gpt2Words),
        "llama3" or "llama-v3" or "llama-bpe" or "falcon3" or "falcon-h1" or "pixtral" or "midm-2.0" or "lfm2"
            or "jina-v5-nano" => new Kind(Llama3Words, true, true),
        "dbrx" or "smaug-bpe" or "glm4" or "chatglm-bpe" => new Kind(Llama3Words),
        "minicpm5" => new Kind([@"\p{N}{1,3}", Folded + "|" + Words + @"\p{N}+|" + Symbols + Lines], true),
        "jais-2" => new Kind([Folded + "|" + Words + @"\p{N}{1,3}|" + Symbols
            + @"\s*[\r\n]+|\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S)"
            + @"|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1}"]),
        "qwen2" or "deepseek-r1-qwen" or "kormo" or "f2llmv2" or "stablelm2" or "megrez" or "hunyuan"
            or "solar-open" or "grok-2" => new Kind(Qwen2Words),
        "qwen35" => new Kind([Folded + @"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|" + Lines]),
        "k2-horizon" => new Kind([Folded + @"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}\u200c\u200d]+|\p{N}{1,3}|" + Symbols + Lines]),
        "ufakzeka" => new Kind([Words + @"\p{N}|" + Symbols + Lines]),
        "laguna" => new Kind([@"[^\n]+|[\n]+", Qwen2]),
        "seed-coder" => new Kind([Folded + "|" + Words + @"\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|" + Lines]),
        "exaone-moe" => new Kind([Folded
            + @"|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+"]),
        "bailingmoe" or "bailingmoe2" or "llada-moe" => new Kind(BailingMoe),
        "deepseek-llm" => new Kind([@"[\r\n]", CasedLetters,
            @"\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+", @"\s+$", DeepSeekCjk, @"\p{N}+"]),
        "deepseek-coder" => new Kind([@"[\r\n]", @"\s?\p{L}+", @"\s?\p{P}+", DeepSeekCjk, @"\p{N}"]),
        "deepseek-v3" or "hunyuan-dense" or "joyai-llm" or "hy_v4" => new Kind(DeepSeek3Words),
        "spark2_5" => new Kind([@"\p{N}{1,3}", Chinese, DeepSeek3 + @"|[\r\n]|\s+(?!\S)|\s+", @"\p{N}"]),
        "afmoe" => new Kind([@"\p{N}{1,3}(?=(?:\p{N}{3})*(?:\P{N}|\z))",
            "[\u4e00-\u9fff\u3400-\u4dbf\uf900-\ufaff\u3040-\u309f\u30a0-\u30ff\uff65-\uff9f\u2f00-\u2fdf"
            + "\u0e40-\u0e7f\u0e80-\u0eff\u1780-\u17ff\u1000-\u109f\uaa60-\uaa7f\ua9e0-\ua9ff\uac00-\ud7af\u1100-\u11ff]+", DeepSeek3 + @"[\r\n]*|" + Lines]),
        "youtu" => new Kind(["[\uac00-\ud7a3\u3131-\u318e]+|"
            + "[\uff01\u2026\u201c\u201d\u2018\u2019\u2014\uff1a\uff1b\uff0c\u3001-\u303f\ufe30-\ufe4f]+"
            + "|[\u3105-\u312f]+|" + Chinese,
            CasedFolded + @"|\p{N}|" + SymbolsOrSlash + Lines], true),
        "falcon" => new Kind([@"[\p{P}\$\+<=>\^~\|`]+", Gpt2, ThreeDigits]),
        "starcoder" or "refact" or "command-r" or "smollm" or "codeshell" or "exaone" or "minerva-7b" or "mellum2" => new Kind(StarCoder),
        "poro-chat" or "bloom" or "gpt3-finnish" => new Kind(BloomWords),
        "viking" => new Kind([Bloom, @"\p{N}"]),
        "tekken" => new Kind([Cased + @"|\p{N}|" + SymbolsOrSlash + Lines], true, true),
        "chameleon" => new Kind(["<sentinel:[0-9]+>", "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z",
            @"([\t\n]|    |  )", @"\p{N}", @"[\p{P}!-/:-@\[-`{-~]", Gpt2], false, true),
        "gpt-4o" or "llama4" or "kanana2" or "talkie" or "minimax-m2" => new Kind(Gpt4oWords),
        "granite-embed-multi-97m" => new Kind(Gpt4oWords, true),
        "tiny_aya" or "cohere2moe" => new Kind([@"\d{1,3}(?=(?:\d{3})*\b)", Gpt4o]),
        "kimi-k2" => new Kind([Kimi]),
        "superbpe" => new Kind([@"\p{N}+", @"(?=(\d{3})+(?!\d))"]),
        "gemma4" or "granite-embed-multi-311m" or "sarvam-moe" or "mmbert" => new Kind(LinesOnly, IsByteLevel: false, MarksSpaces: true),
        "whitespace" => new Kind([@"\S+"], IsByteLevel: false),
        _ => null,
    };
}
