"""Where the peers cut texts by the patterns of p50k_base, o200k_base, Llama 3 and Qwen: a golden file for the tests.

usage: make_splits.py OUT     Run where the Python packages "tokenizers" and "regex" are. Writes OUT/splits.json. Both cut every text alike, or
the text is left out and counted: they have different versions of Unicode.
"""
import json, os, random, sys
import regex
from tokenizers import Regex, pre_tokenizers
FOLDED = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"; SPACES = r"\s*[\r\n]+|\s+(?!\S)|\s+"
U = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"; L = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"; P = r"[^\r\n\p{L}\p{N}]?"
PATTERNS = {"p50k_base": r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
            "o200k_base": f"{P}{U}*{L}+{FOLDED}?|{P}{U}+{L}*{FOLDED}?" + r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + SPACES,
            "llama3": FOLDED + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + SPACES,
            "qwen": FOLDED + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + SPACES}
PARTS = (" ", "  ", "\n", "\r\n", "\t", "\u00a0", "\u3000", "\u2028", "\u0085", "\u200b", "a", "the", "HELLO", "camelCase", "XMLHttp", "'s", "'LL", "'Ve", "'", "'\u017f", "é", "e\u0301", "ǅ", "ß", "ʰ", "Ж",
         "ж", "猫", "한국", "ไทย", "हिन्दी", "عرب", "0", "12345", "½", "Ⅷ", "٣", "_", "-", "...", "!?", "/", "//\n", "$1,000.00", "#", "\u0000", "€", "😀", "👩\u200d👧", "𝒜", "𐐀", "𐐨", "𠀀", "𝟙", "\ue000", "\ufffd")
r = random.Random(1)
texts = ["", "Hello world, it's 2024!\n\n  The   end.  ", "I'LL we'Ve don't'S", " 1234567 x1y22z333"] + ["".join(r.choice(PARTS) for _ in range(r.randrange(1, 14))) for _ in range(400)]
texts += ["".join(r.choice(PARTS) + chr(r.choice([c for c in (r.randrange(0x3000), r.randrange(0xd800)) if not 0xd800 <= c < 0xe000])) for _ in range(6)) for _ in range(100)]
golden, left = [], 0
for name, pattern in PATTERNS.items():
    split = pre_tokenizers.Split(Regex(pattern), "isolated"); cases = []
    for text in texts:
        pieces = [p for p, _ in split.pre_tokenize_str(text)]
        if pieces == regex.findall(pattern, text): cases.append({"text": text, "pieces": pieces})
        else: left += 1
    golden.append({"name": name, "pattern": pattern, "cases": cases})
with open(os.path.join(sys.argv[1], "splits.json"), "w", encoding="utf8") as file: json.dump(golden, file, ensure_ascii=False); file.write("\n")
print(len(texts), "texts by", len(PATTERNS), "patterns,", left, "left out")
