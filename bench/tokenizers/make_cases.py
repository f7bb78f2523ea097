"""Ids that the peers give for corpora and for generated strings of hard Unicode, as folders that the tests read.

usage: make_cases.py DATA OUT [--strings 100000] [--mixtures 0] [--only NAME] [--seed 1]
Strings are short; mixtures are texts of up to 10,000 characters: fifteen languages cut at random places, inside of clusters too, controls, and
added tokens with and without spaces beside them.
DATA has tokenizers/ and corpora/. Every folder of OUT has a tokenizer file and cases.json, a list of {"text", "ids", "decoded"}.
Then:  LEMMA_TOKENIZERS=OUT dotnet test --project tests/Lemma.Tests -c Release -- --filter-class "*TokenizerFolderTests"
"""
import argparse, glob, json, os, random, shutil
parser = argparse.ArgumentParser()
parser.add_argument("data"); parser.add_argument("out"); parser.add_argument("--strings", type=int, default=100000)
parser.add_argument("--mixtures", type=int, default=0); parser.add_argument("--only"); parser.add_argument("--seed", type=int, default=1)
options = parser.parse_args()

PARTS = (" ", "  ", "   ", "\n", "\r\n", "\t", "\u00a0", "\u3000", "\u2028", "\u200b", "\u200d", "\ufeff", "a", "the", " The", "HELLO", "camelCase",
         "don't", "I'LL", "'s", "''", "é", "e\u0301", "ﬁ", "Å", "ǅ", "ß", "İ", "ı", "ſ", "Ω", "ж", "猫", "日本語", "ひらがな", "カタカナ", "한국어", "\u1112\u1161\u11ab", "ไทย", "हिन्दी",
         "العربية", "עברית", "\u202e", "0", "12345", "½", "Ⅷ", "٣", "۱۲", "_", "-", "--", "...", "!?", "$1,000.00", "https://a.b/c?d=e", "#", "##", "▁", "▁▁", "<", "</s>",
         "[MASK]", "<|endoftext|>", "\u0000", "\u0007", "\u007f", "\u0085", "\u00ad", "€", "™", "😀", "👩\u200d👩\u200d👧", "🏳\ufe0f\u200d🌈", "🇩🇪", "𝒜𝓑", "𐍈", "𠀀", "\U000e0041", "\ue000", "\ufffd")
def scalar(r):
    while True:
        c = r.choice((r.randrange(0x80), r.randrange(0x800), r.randrange(0x10000), r.randrange(0x20000), r.randrange(0x110000)))
        if not 0xD800 <= c < 0xE000: return chr(c)
def generated(r):
    kind = r.random()
    if kind < 0.02: return r.choice(PARTS) * r.randrange(1, 200)
    if kind < 0.05: return "".join(r.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(r.randrange(1, 300)))
    return "".join(r.choice(PARTS) if r.random() < 0.8 else scalar(r) for _ in range(r.randrange(0, 24)))
ADDED = ("<|endoftext|>", "<s>", "</s>", "<unk>", "<pad>", "<mask>", "[CLS]", "[SEP]", "[MASK]", "[UNK]", "[PAD]", "<extra_id_0>", "<extra_id_99>", "[INST]", "[/INST]",
         "<0x0A>", "<|im_start|>", "<|endofprompt|>", "<|endoftext", "endoftext|>", "<s", "[MASK", "<mask><mask>")
LANGUAGES = [open(path, encoding="utf8", newline="").read() for path in sorted(glob.glob(options.data + "/corpora/udhr/*.txt"))]
def mixture(r):
    languages, parts, length, most = r.sample(LANGUAGES, min(15, len(LANGUAGES))), [], 0, r.choice((200, 2000, 10000))
    while length < most:
        kind, text = r.random(), r.choice(languages)
        if kind < 0.6: at = r.randrange(len(text)); part = text[at:at + r.choice((1, 2, 3, 5, 20, 100))]
        elif kind < 0.7: part = r.choice(("", " ", "  ", "\n")) + r.choice(ADDED) + r.choice(("", " ", "  ", "\n", "a"))
        elif kind < 0.8: part = chr(r.randrange(0x20)) if r.random() < 0.7 else chr(r.randrange(0x7f, 0xa1))
        elif kind < 0.9: part = generated(r)
        elif kind < 0.95: part = "".join(chr(r.randrange(0x300, 0x370)) for _ in range(r.randrange(1, 6)))
        else: part = scalar(r)
        parts.append(part); length += len(part)
    return "".join(parts)[:most]
random_source = random.Random(options.seed)
texts = [generated(random_source) for _ in range(options.strings)] + [mixture(random_source) for _ in range(options.mixtures)]
for path in sorted(glob.glob(options.data + "/corpora/udhr/*.txt")) + [options.data + "/corpora/tinyshakespeare.txt"]:
    texts.append(open(path, encoding="utf8", newline="").read())
for path in sorted(glob.glob(options.data + "/corpora/*.json")):
    texts.append(open(path, encoding="utf8", newline="").read()[:400000])
texts.append(open(options.data + "/corpora/tinystories-sample.txt", encoding="utf8", newline="").read()[:1000000])

def write(name, source, target, encode, decode):
    if options.only and options.only not in name: return
    folder = os.path.join(options.out, name); os.makedirs(folder, exist_ok=True)
    shutil.copyfile(source, os.path.join(folder, target))
    with open(os.path.join(folder, "cases.json"), "w", encoding="utf8") as file:
        cases = [{"text": t, "ids": encode(t)} for t in texts]
        json.dump([case | {"decoded": decode(case["ids"])} for case in cases], file)
    print(name, len(texts), flush=True)

from tokenizers import Tokenizer
for path in sorted(glob.glob(options.data + "/tokenizers/*/tokenizer.json")):
    try: tokenizer = Tokenizer.from_file(path)
    except Exception as error: print("the peer cannot read", path, error, flush=True); continue
    write(os.path.basename(os.path.dirname(path)), path, "tokenizer.json", lambda t: tokenizer.encode(t).ids, lambda i: tokenizer.decode(i, skip_special_tokens=False))
import tiktoken
from tiktoken.load import load_tiktoken_bpe
FOLDED = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"; SPACES = r"\s*[\r\n]+|\s+(?!\S)|\s+"
U = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"; L = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"; P = r"[^\r\n\p{L}\p{N}]?"
PATTERNS = {"r50k": r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
            "cl100k": FOLDED + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + SPACES,
            "qwen": FOLDED + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + SPACES,
            "o200k": f"{P}{U}*{L}+{FOLDED}?|{P}{U}+{L}*{FOLDED}?" + r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + SPACES}
SPECIAL = {"r50k": {"<|endoftext|>": 50256}, "qwen": {"<|endoftext|>": 151643, "<|im_start|>": 151644, "<|im_end|>": 151645},
           "cl100k": {"<|endoftext|>": 100257, "<|fim_prefix|>": 100258, "<|fim_middle|>": 100259, "<|fim_suffix|>": 100260, "<|endofprompt|>": 100276},
           "o200k": {"<|endoftext|>": 199999, "<|endofprompt|>": 200018}}
for path in sorted(glob.glob(options.data + "/tokenizers/*/*.tiktoken")):
    name = next(n for n in PATTERNS if n in os.path.basename(path))
    ranks = load_tiktoken_bpe(path)
    encoding = tiktoken.Encoding(name, pat_str=PATTERNS[name], mergeable_ranks=ranks, special_tokens=SPECIAL[name])
    write("tiktoken-" + name, path, os.path.basename(path), lambda t: encoding.encode(t, allowed_special="all"), encoding.decode)
import sentencepiece
for path in sorted(glob.glob(options.data + "/tokenizers/*/*.model*")):
    model = sentencepiece.SentencePieceProcessor(model_file=path)
    name = os.path.basename(os.path.dirname(path)) + "-" + os.path.basename(path).rsplit(".", 1)[-1]
    write("sentencepiece-" + name, path, "tokenizer.model", lambda t: model.encode(t), model.decode)

# RWKV's way, with its own rules in Python: the longest piece of bytes at each place. The vocabulary is made: all bytes, parts of the corpora cut
# anywhere, and hard characters, as every kind of literal.
def literal(b):
    kind = random_source.random()
    try: s = b.decode()
    except UnicodeDecodeError: s = None
    if s is None or kind < 0.2: return random_source.choice((repr(b), 'b"' + "".join("\\x%02X" % c for c in b) + '"', "b'" + "".join("\\%03o" % c for c in b) + "'"))
    if kind < 0.4: return ascii(s)
    if kind < 0.5: return '"' + "".join("\\U%08x" % ord(c) for c in s) + '"'
    return repr(s)
pieces = dict.fromkeys(bytes([value]) for value in range(256)); bodies = [text.encode() for text in texts[options.strings:]]
while len(pieces) < 2000:
    body = random_source.choice(bodies); at = random_source.randrange(len(body))
    pieces[body[at:at + random_source.choice((2, 3, 4, 6, 9, 14, 30))] if random_source.random() < 0.8 else "".join(random_source.choice(PARTS) for _ in range(random_source.randrange(1, 4))).encode()] = None
lines = [f"{id} {literal(piece)} {len(piece)}\n" for id, piece in enumerate(pieces, 1)]; random_source.shuffle(lines)
with open(os.path.join(options.out, "made.txt"), "w", encoding="utf8", newline="") as file: file.writelines(lines)
root, spelled = {}, {}
for line in lines:
    piece = eval(line[line.index(" "):line.rindex(" ")]); piece = piece.encode() if isinstance(piece, str) else piece
    assert len(piece) == int(line[line.rindex(" "):]); node = root
    for value in piece: node = node.setdefault(value, {})
    node[-1] = int(line[:line.index(" ")]); spelled[node[-1]] = piece
def longest(text):
    data, at, ids = text.encode(), 0, []
    while at < len(data):
        node, end = root, at
        while end < len(data) and data[end] in node:
            node = node[data[end]]; end += 1
            if -1 in node: found, after = node[-1], end
        ids.append(found); at = after
    return ids
write("rwkv", os.path.join(options.out, "made.txt"), "rwkv_vocab_made.txt", longest, lambda ids: b"".join(spelled[i] for i in ids).decode("utf8", "replace"))
