"""What the peers do in stages that few tokenizers have: a golden file for the tests.

usage: make_stages.py OUT     Run where the Python packages "tokenizers" and "sentencepiece" are. Writes OUT/stages.json: pieces by script,
decoders that replace by a regular expression, the parts of texts that are cut, and SentencePiece's models of words and of characters.
"""
import base64, io, json, os, random, sys
import sentencepiece
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors
r = random.Random(1)
PARTS = ["a", "bc", " ", "  ", "я", "猫", "ひら", "カナ", "ー", "한", "1", "½", ".", "\u0301", "\u200d", "😀", "ไทย", "अ", "ع", "א", "Ω", "ʰ", "𝒜", "𐍈", "𠀀", "\n", "\u00a0", "_", "€", "\ue000", "\U000e0041"]
def mixed(most): return "".join(r.choice(PARTS) for _ in range(r.randrange(most)))
def pieces(text): return [p for p, _ in pre_tokenizers.UnicodeScripts().pre_tokenize_str(text)]
texts = ["", " ", " abc", "Apples are りんご 林檎 ー"] + [mixed(16) for _ in range(300)]
scripts = [{"text": t, "pieces": pieces(t)} for t in texts]
# One character of every 37: between two letters it shows whether its script is theirs, another, or none.
codes = [c for c in range(1, 0x32000, 37) if not 0xD800 <= c < 0xE000]
scripts += [{"text": t, "pieces": pieces(t)} for t in ("".join("a" + chr(c) + "a" + chr(c + 1) for c in codes[i:i + 100] if c != 0xD7FF) for i in range(0, len(codes), 100))]

replaced = []
for pattern in ("a+", "a*", "(?<=b)a", "[ab]|c", "^a", "a$", r"\s+", "▁"):
    for content in ("", "-", "$0"):
        given = ["", "a", "caaat", "baab", " a  b ", "▁a▁", "aaaa"]
        replaced.append({"pattern": pattern, "content": content, "pieces": given, "texts": [decoders.Replace(Regex(pattern), content).decode([g]) for g in given]})

words = Tokenizer(models.WordLevel({"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, **{f"w{i}": i + 3 for i in range(20)}}, unk_token="[UNK]"))
words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
words.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", [("[CLS]", 1), ("[SEP]", 2)])
plain = words.to_str()
parts = []
for _ in range(360):
    text, pair = (" ".join(f"w{r.randrange(20)}" for _ in range(r.randrange(14))) for _ in range(2))
    pair = pair if r.random() < 0.5 else None
    # Below the number of special tokens the peer's subtraction wraps around.
    setting = {"max_length": r.randrange(3 if pair else 2, 14), "stride": r.randrange(5), "direction": r.choice(["left", "right"]), "strategy": r.choice(["longest_first", "only_first", "only_second"])}
    padded = r.random() < 0.3
    tokenizer = Tokenizer.from_str(plain)
    # encode() itself drops all tokens behind the first max_length before it makes parts, so the texts are encoded whole and cut then.
    # Settings that the peer refuses before it sees a text are not asked for.
    try: tokenizer.enable_truncation(**setting)
    except BaseException: continue
    try:
        if padded: tokenizer.enable_padding(length=None, pad_id=0, direction="left", pad_token="[UNK]")
        encoded = tokenizer.post_process(*(None if t is None else words.encode(t, add_special_tokens=False) for t in (text, pair))); result = {"parts": [{"ids": e.ids, "offsets": e.offsets, "mask": e.attention_mask} for e in [encoded] + encoded.overflowing], "types": encoded.type_ids}
    except BaseException as error: result = {"error": str(error)[:80]}
    parts.append({"text": text, "pair": pair, **setting, "padded": padded, **result})

lines = [" ".join(r.choice(["the", "cat", "sat", "on", "a", "mat", "größer", "猫", "dog's"]) for _ in range(8)) for _ in range(200)]
trained = []
for kind in ("word", "char"):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(lines), model_writer=model, model_type=kind, vocab_size=18 if kind == "char" else 12, normalization_rule_name="identity", hard_vocab_limit=False, use_all_vocab=True, minloglevel=2)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    given = lines[:5] + ["", " ", "the  cat", "unknown words here the end", "the xyz\tmat", "cat▁sat", "größer 猫猫 ß", " the", "a" * 50, "xx yy the zz"] + [mixed(12) for _ in range(60)]
    trained.append({"kind": kind, "model": base64.b64encode(model.getvalue()).decode(), "cases": [{"text": t, "ids": processor.encode(t), "decoded": processor.decode(processor.encode(t))} for t in given]})
with open(os.path.join(sys.argv[1], "stages.json"), "w", encoding="utf8") as file:
    json.dump({"scripts": scripts, "replaced": replaced, "tokenizer": plain, "parts": parts, "sentencepiece": trained}, file, ensure_ascii=False); file.write("\n")
print(len(scripts), "texts by script,", len(replaced), "patterns,", len(parts), "texts in parts,", sum("error" in p for p in parts), "of them refused,", len(trained), "models")
