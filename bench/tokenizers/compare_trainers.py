"""What compare_trainers.sh asks of the peers: their vocabularies beside Lemma's, and Lemma's files read by them."""
import collections, io, json, math, os, sys, time, unicodedata
action, folder = sys.argv[1:3]
text = open(folder + "/text.txt", encoding="utf8", newline="").read()
lines = [line for line in text.split("\n") if line.strip()]
if action == "lines":
    with open(folder + "/lines.jsonl", "w", encoding="utf8") as file:
        for line in lines: file.write(json.dumps({"text": line}) + "\n")
    sys.exit()
size = int(sys.argv[3])
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers, normalizers
seconds = dict(line.split() for line in open(folder + "/seconds"))
def ours(name): return json.load(open(f"{folder}/{name}/tokenizer.json", encoding="utf8"))
def pairs(model): return [tuple(m.split(" ")) if isinstance(m, str) else tuple(m) for m in model["merges"]]
def row(name, what, theirs=None): print(f"{name:22} {float(seconds[name]):8.2f} s {'' if theirs is None else f'{theirs:8.2f} s':>11}   {what}", flush=True)
def train(model, splitter, trainer, normalizer=None):
    tokenizer = Tokenizer(model); tokenizer.pre_tokenizer = splitter
    if normalizer: tokenizer.normalizer = normalizer
    start = time.perf_counter(); tokenizer.train_from_iterator([text], trainer)
    return json.loads(tokenizer.to_str())["model"], time.perf_counter() - start
def agreement(a, b):
    equal = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    common = len(set(a) & set(b))
    return f"{equal} of {len(a)} and {len(b)} merges equal in order" + ("" if equal == len(a) == len(b) else f", {common} in both")

print(f"{'':22} {'Lemma':>10} {'peer':>11}   ({len(text.encode()) / 1e6:.1f} MB, {size} pieces; Lemma's time has the reading of the file and the compilation of its code)")
marked = pre_tokenizers.Sequence([pre_tokenizers.Metaspace(prepend_scheme="never"), pre_tokenizers.Split("\n", "contiguous")])
common = dict(min_frequency=2, special_tokens=["<|endoftext|>"], show_progress=False)
theirs, took = train(models.BPE(), pre_tokenizers.ByteLevel(add_prefix_space=False), trainers.BpeTrainer(vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), **common))
row("byte-bpe", "tokenizers: " + agreement(pairs(ours("byte-bpe")["model"]), pairs(theirs)), took)
known = [part["pattern"]["Regex"] for part in ours("byte-bpe-cl100k")["pre_tokenizer"]["pretokenizers"] if part["type"] == "Split"]
words = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(known[0]), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
theirs, took = train(models.BPE(), words, trainers.BpeTrainer(vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), **common), normalizers.NFC())
row("byte-bpe-cl100k", "tokenizers: " + agreement(pairs(ours("byte-bpe-cl100k")["model"]), pairs(theirs)), took)
common["special_tokens"] = ["<unk>", "<|endoftext|>"]
theirs, took = train(models.BPE(unk_token="<unk>"), marked, trainers.BpeTrainer(vocab_size=size, **common))
mine = ours("bpe")["model"]
row("bpe", "tokenizers: " + agreement(pairs(mine), pairs(theirs)) + ("" if mine["vocab"] != theirs["vocab"] else ", the same ids"), took)
# The peer counts new pairs that are shorter than its longest piece, so 6 there is 5 here.
theirs, took = train(models.BPE(unk_token="<unk>"), marked, trainers.BpeTrainer(vocab_size=size, max_token_length=6, **common))
row("bpe-short", "tokenizers: " + agreement(pairs(ours("bpe-short")["model"]), pairs(theirs)), took)
row("bpe-bytes", "(tokenizers does not train byte fallback)")

def joins(vocabulary): return [p for p, _ in sorted(vocabulary.items(), key=lambda e: e[1]) if p[0] != "[" and len(p.removeprefix("##")) > 1]
common["special_tokens"] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
normalizer = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=True, lowercase=True)
def wordpiece(): return train(models.WordPiece(unk_token="[UNK]"), pre_tokenizers.BertPreTokenizer(), trainers.WordPieceTrainer(vocab_size=size, **common), normalizer)
(theirs, took), (again, _) = wordpiece(), wordpiece()
a, b, c = joins(ours("wordpiece")["model"]["vocab"]), joins(theirs["vocab"]), joins(again["vocab"]); n = min(len(a), len(b))
row("wordpiece", f"tokenizers: of the first {n} joined pieces {len(set(a[:n]) & set(b[:n]))} in both, {len(set(b[:n]) & set(c[:n]))} in two runs of the peer", took)
row("wordpiece-likelihood", f"{len(set(joins(ours('wordpiece-likelihood')['model']['vocab'])) & set(a))} of {len(a)} pieces in both scores")

def likelihood(pieces):
    """Nats a character of the text's words by all of their cuts, with the probabilities made to sum to 1."""
    total = math.log(sum(math.exp(s) for s in pieces.values())); scores = {p: s - total for p, s in pieces.items()}; longest = max(map(len, scores))
    nats = characters = 0
    for word, count in words.items():
        forward = [0.0] + [-math.inf] * len(word)
        for end in range(1, len(word) + 1):
            ways = [forward[start] + scores[word[start:end]] for start in range(max(0, end - longest), end) if word[start:end] in scores]
            if ways: top = max(ways); forward[end] = top + math.log(sum(math.exp(w - top) for w in ways)) if top > -math.inf else top
        nats += count * forward[-1]; characters += count * len(word)
    return nats / characters
words = collections.Counter()
for line in lines:
    for word in unicodedata.normalize("NFKC", line).split(" "):
        if word: words["▁" + word] += 1
mine = {p: s for p, s in ours("unigram")["model"]["vocab"] if p != "<unk>"}; own = likelihood(mine)
learner = trainers.UnigramTrainer(vocab_size=size, special_tokens=["<unk>"], unk_token="<unk>", show_progress=False)
tokenizer = Tokenizer(models.Unigram()); tokenizer.normalizer = normalizers.NFKC(); tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
start = time.perf_counter(); tokenizer.train_from_iterator(lines, learner); took = time.perf_counter() - start
theirs = {p: s for p, s in json.loads(tokenizer.to_str())["model"]["vocab"] if p != "<unk>"}; other = likelihood(theirs)
row("unigram", f"tokenizers: {own:.5f} and {other:.5f} nats a character, Lemma's is {100 * (own - other) / abs(other):+.2f} % of it; {len(mine)} and {len(theirs)} pieces", took)
import sentencepiece
for name, setting in (("as it is", {}), ("pieces over scripts and numbers", dict(split_by_unicode_script=False, split_by_number=False))):
    model = io.BytesIO(); start = time.perf_counter()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(lines), model_writer=model, model_type="unigram", vocab_size=size, bos_id=-1, eos_id=-1, character_coverage=1.0, max_sentence_length=1 << 20, minloglevel=2, num_threads=os.cpu_count(), **setting)
    took = time.perf_counter() - start; peer = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    theirs = {peer.id_to_piece(i): peer.get_score(i) for i in range(peer.get_piece_size()) if not peer.is_unknown(i)}
    other = likelihood(theirs)
    row("unigram", f"sentencepiece, {name}: {own:.5f} and {other:.5f} nats a character, Lemma's is {100 * (own - other) / abs(other):+.2f} % of it; {len(mine)} and {len(theirs)} pieces", took)

print("\nLemma's files read by tokenizers: ids of the text")
for name in sorted(seconds):
    ids = json.load(open(f"{folder}/{name}/ids.json"))["ids"]
    peer = Tokenizer.from_file(f"{folder}/{name}/tokenizer.json").encode(text, add_special_tokens=False).ids
    print(f"{name:22} {len(ids)} ids, " + ("equal" if ids == peer else f"different from {next((i for i, (x, y) in enumerate(zip(ids, peer)) if x != y), -1)} on, the peer has {len(peer)}"))
