r"""Where Hugging Face's tokenizers cuts texts by patterns: 254 patterns, real and generated, on 500 texts, as a golden file of the tests.

usage: make_patterns.py OUT [--full] [--seed 1] [--generated 110]
Parts are lengths in UTF-16 code units, joined by commas; a line feed behind each text. The golden file has a CRC-32 of every ten texts of a
pattern; --full writes the parts themselves, which tell where a difference is. LEMMA_PATTERNS=OUT makes the test read another file.
"""
import argparse, json, random, zlib
from tokenizers import Regex, pre_tokenizers
parser = argparse.ArgumentParser()
parser.add_argument("out"); parser.add_argument("--full", action="store_true"); parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--generated", type=int, default=110)
options = parser.parse_args(); r = random.Random(options.seed)
SPACES = r"\s*[\r\n]+|\s+(?!\S)|\s+"; O = r"[^\r\n\p{L}\p{N}]?"; U = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"; L = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"; F = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
REAL = [
    r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+""",
    r"[一-龥぀-ゟ゠-ヿ]+", r"\p{N}{1,3}", r"\p{N}", r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", r"[一-龥ࠀ-一가-퟿]+", r"\s?[!-/:-~！-／：-～‘-‟　-。]+",
    r"\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-Ֆ]+",
    r"""<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+""", r"\s+", r" ?[^(\s|[.,!?…。，、।۔،])]+", r"[0-9][0-9][0-9]",
    r"""[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|""" + SPACES,
    f"{O}{U}*{L}+{F}?|{O}{U}+{L}*{F}?" + r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + SPACES, f"{O}{U}*{L}+|{O}{U}+{L}*" + r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + SPACES,
    F + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,2}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + SPACES, r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
    r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", r"[^\S\r\n]+|\w+|\R", r" ?\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]+|\s+$|\s+", r"(?=(\d{3})+(?!\d))", r"\p{N}{1,3}(?=(?:\p{N}{3})*(?:\P{N}|$))",
    r"\w+|[^\w\s]+", r"[\p{P}\$\+<=>\^~\|`]+", r"'[A-Za-z]+| ?\p{Alphabetic}+", r"\s*\p{L}+\s*", r"(?<=\d)(?=\d)", r"(?<!\S)\S+", r"(?<=[a-z])(?=[A-Z])", r"\b\w", r"\B", r"\b",
    r"[[:alpha:]]+", r"[a-z[0-9]]+", r"(?i)ſ", r"(?i:ss)", r"(?i)ß", r"(?i)straße", r"(?i)K+", r"(?i)[ß]", r"(?i)[^s]+", r"(?i)[a-z]+", r"(?i)ǆ", r"(?i)ﬁ", r"(?i)fi|st", r"(?i)σ+", r"(?i)İ", r"(?i)i", r"a(?i)b|c", r"(?i)a(?-i)b",
    r"$", r"^", r"\s+$", r"^\s+", r"\A.", r".\z", r".\Z", r".+", r"(?m).+", r"(?m:.)+?a", r"\N+", r"\O", r"\h+", r"\H+", r"\R", r"\x{4e00}", r"[\x{3040}-\x{30ff}]+", r"\x41+", r"\u4e00+", r"[\p{Han}&&[^日]]+",
    r"\p{Hiragana}+|\p{Katakana}+", r"\p{^Han}+", r"\P{^Han}+", r"\p{Emoji}+", r"\p{Extended_Pictographic}\x{200d}?", r"[^\p{M}]\p{M}*", r"\p{In_Hiragana}+", r"\p{greek}+", r"\p{script_extensions}" if False else r"\p{cyrillic}+",
    r"a{2}", r"a{,2}b", r"a{2,}", r"a{2,1}", r"a{1,2}+", r"a{2}?", r"a{1,3}?", r"a{", r"{a", r"a**", r"a+?", r"a*?b", r"a??b", r"a++a", r"a*+b|a", r"(?>a+|b)c?", r"(?>a*)a", r"(a|ab)(c|bcd)", r"(?:a|b)*", r"(?:a*)*", r"(?:a|)*b",
    r"(?:|a)*", r"(?:a*?)*?b", r"(?:(?:a|b)*c?)*", r"(?:\s|\w)+?\s", r"(?x) a  b # c", r"(?#x)a", r"(?<n>a)b", r"[]a]+", r"[a\]]+", r"[a-]+", r"[-a]+", r"[a-z--b]+", r"[&&a]", r"[a&&]", r"[a-z&&[^e-h]&&[^x]]+", r"[^a-z&&[^e]]+",
    r"[[:^alpha:]]+", r"[^[:space:]]+", r"[[:punct:]]+", r"[[:upper:]][[:lower:]]*", r"[[:word:]]+", r"[[:cntrl:]]", r"[[:graph:]]+", r"[[:print:]]+", r"[[:blank:]]+", r"[[:xdigit:]]+", r"[[:alnum:]]+", r"\d+", r"\D+", r"\S+", r"\W+", r"[\D]", r"[\S\n]",
    r"(?!a)\w", r"(?=ab)a", r"(?<=a|bc)d?", r"(?<!a|bc).", r"\Qa", r"\pL", r"[\b]", r"\e|\a|\cA|\0|\012", r".(?<=\n)", r"(?=\s*\n)\s", r"\s+(?=\s)", r"(?:\p{L}\p{M}*)+", r"x?|a", r""" ?[^\s\p{L}\p{N}\r\n]+|\s""", r"\p{Sc}|\p{Sm}|\p{So}", r"[^\x00-\x7F]+",
]
PARTS = (" ", "  ", "   ", "\n", "\r\n", "\t", "\u00a0", "\u3000", "\u2028", "\u200b", "\u200d", "a", "b", "ab", "abc", "aaa", "bcd", "the", " The", "HELLO", "camelCase", "don't", "I'LL", "'s", "ss", "é", "e\u0301", "ﬁ", "st", "ﬆ", "ǅ", "ß", "ẞ", "STRASSE",
         "İ", "ı", "ſ", "K", "k", "ς", "Σ", "Ω", "ж", "猫", "日本語", "ひらがな", "カタカナ", "한국어", "ไทย", "हिन्दी", "العربية", "עברית", "0", "12345", "½", "Ⅷ", "٣", "_", "-", "--", "...", "!?", "$1,000.00", "https://a.b/c?d=e", "#", "▁", "<", "</s>", "\u0000",
         "\u0001", "\u0007", "\u001b", "\u007f", "\u0085", "\u00ad", "€", "™", "😀", "👩\u200d👩\u200d👧", "🏳\ufe0f\u200d🌈", "🇩🇪", "𝒜𝓑", "𐍈", "𠀀", "𐐀𐐨", "𝟙", "\U000e0041", "\ue000", "\ufffd", "x", "{a", "]", "&", "c", "d")
def text(): return "".join(r.choice(PARTS) for _ in range(r.randrange(0, 14)))
ATOMS = ["a", "b", "c", ".", r"\s", r"\w", r"\p{L}", r"\p{N}", "[ab]", "[^a]", "[^\\s]", r"\p{Lu}", r"\p{M}", "'", " ", r"\n", r"[\p{L}&&[^a-c]]", r"[[:alpha:]0-9]", "ss", r"\p{Han}", r"[𐀀-\x{1ffff}]", "ab", r"\S"]
QUANTIFIERS = ["", "", "", "", "*", "+", "?", "*?", "+?", "??", "*+", "++", "?+", "{2}", "{1,2}", "{0,2}?", "{,3}", "{2,}"]
def pattern(depth):
    def atom():
        kind = r.random()
        if depth == 0 or kind < 0.6: return r.choice(ATOMS)
        if kind < 0.75: return "(?:" + pattern(depth - 1) + ")"
        if kind < 0.8: return "(?>" + pattern(depth - 1) + ")"
        if kind < 0.85: return "(?i:" + pattern(depth - 1) + ")"
        if kind < 0.9: return r.choice(("(?=", "(?!")) + pattern(depth - 1) + ")"
        if kind < 0.95: return r.choice(("(?<=", "(?<!")) + r.choice(("a", "ab|c", r"\s", r"\p{L}", "[^b]")) + ")"
        return r.choice(("^", "$", r"\b", r"\B", r"\z"))
    def sequence():
        parts = []
        for _ in range(r.randrange(1, 4)):
            a = atom(); parts.append(a if a[:3] in ("(?=", "(?!", "(?<") or a in ("^", "$", r"\b", r"\B", r"\z") else a + r.choice(QUANTIFIERS))
        return "".join(parts)
    return "|".join(sequence() for _ in range(r.choice((1, 1, 2, 3))))
texts = [text() for _ in range(500)]
patterns = list(dict.fromkeys(REAL)) + [pattern(2) for _ in range(options.generated)]
def cut(split, t): return ",".join(str(len(part.encode("utf-16-le", "surrogatepass")) // 2) for part, _ in split.pre_tokenize_str(t))
result = []
for p in patterns:
    try: split = pre_tokenizers.Split(Regex(p), "isolated")
    except Exception as error: print("refused by the peer:", p, error); continue
    try: lines = [cut(split, t) + "\n" for t in texts]
    except BaseException as error: print("the peer gave up:", p, error); continue
    result.append({"pattern": p, "parts": lines} if options.full else
                  {"pattern": p, "crc": "".join("%08x" % zlib.crc32("".join(lines[i:i + 10]).encode()) for i in range(0, len(lines), 10))})
json.dump({"texts": texts, "patterns": result}, open(options.out, "w"), ensure_ascii=True, separators=(",", ":"))
print(len(result), "patterns")
