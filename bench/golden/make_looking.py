"""What transformers gives in float64 where `lemma embed`, `fill`, `lens` and `attention` look: pooled rows, guesses at masks, guesses of every layer, maps of heads.

The tokenizer of the tiny BERT is a word-piece vocabulary of 96 pieces that is written here.

usage: python3 bench/golden/make_looking.py [CHECKPOINTS [OUT]]   (default: tests/Lemma.Tests/Golden/checkpoints, tests/Lemma.Tests/Golden/looking.json)
"""
import json, os, string, sys, tempfile
import torch, transformers
from tokenizers import BertWordPieceTokenizer

checkpoints = sys.argv[1] if len(sys.argv) > 1 else "tests/Lemma.Tests/Golden/checkpoints"
out = sys.argv[2] if len(sys.argv) > 2 else "tests/Lemma.Tests/Golden/looking.json"
letters = string.ascii_lowercase + string.digits
vocabulary = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]", *letters, *("##" + letter for letter in letters), *".,!",
              *"the cat sat on mat is of capital france paris dog ran in big red sun".split()]
assert len(vocabulary) == 96
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "vocab.txt")
    open(path, "w").write("".join(piece + "\n" for piece in vocabulary))
    tokenizer = BertWordPieceTokenizer(path, lowercase=True)
    tokenizer.add_special_tokens(["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"])

texts = ["the cat sat on the mat.", "Paris is the [MASK] of France.", "", "a [MASK] red dog ran in the [MASK]!", "x1, y2"]
ids = [tokenizer.encode(text).ids for text in texts]
long = lambda rows: [[round(value, 8) for value in row] for row in rows]


def load(name, kind):
    further = dict(experts_implementation="eager") if name == "deepseek-v3" else {}
    return kind.from_pretrained(os.path.join(checkpoints, name), dtype=torch.float64, attn_implementation="eager", **further).eval()


def likeliest(logits, count):
    probabilities = logits.softmax(-1)
    best = probabilities.topk(count)
    return [dict(id=i, probability=round(p, 9)) for i, p in zip(best.indices.tolist(), best.values.tolist())]


with torch.no_grad():
    bert = load("bert", transformers.BertForPreTraining)
    pooled, fill = {}, []
    rows = [bert.bert(torch.tensor([one])).last_hidden_state[0] for one in ids]
    weights = lambda x: torch.arange(1, len(x) + 1, dtype=x.dtype)
    ways = dict(cls_token=lambda x: x[0], max_tokens=lambda x: x.max(0).values, mean_tokens=lambda x: x.mean(0),
                mean_sqrt_len_tokens=lambda x: x.sum(0) / len(x) ** 0.5,
                weightedmean_tokens=lambda x: (weights(x) @ x) / weights(x).sum(), lasttoken=lambda x: x[-1])
    for name, way in ways.items():
        pooled[name] = long([way(x).tolist() for x in rows])
    for text, one, x in zip(texts, ids, rows):
        places = [i for i, id in enumerate(one) if id == 4]
        if places:
            logits = bert.cls.predictions(x)
            fill.append(dict(text=text, masks=[dict(position=i, guesses=likeliest(logits[i], 5)) for i in places]))

    looks = []
    for name in ("bert", "gpt2", "llama", "mistral-window", "bloom", "gemma2", "gemma3", "t5", "deepseek-v3"):
        model = bert if name == "bert" else load(name, transformers.T5EncoderModel if name == "t5" else transformers.AutoModelForCausalLM)
        one = ids[0] if name == "bert" else [(7 * i + 3) % model.config.vocab_size for i in range(9)]
        given = model(torch.tensor([one]), output_attentions=True, output_hidden_states=True)
        look = dict(name=name, ids=one, attention=[[[[round(p, 6) for p in row] for row in head] for head in layer[0].tolist()] for layer in given.attentions])
        after = [layer[0] for layer in given.hidden_states[1:]]
        if name == "bert":
            look["lens"] = [[likeliest(row, 3) for row in bert.cls.predictions(x)] for x in after]
        elif name != "t5":
            base = model.transformer if name in ("gpt2", "bloom") else model.model
            norm = base.ln_f if name in ("gpt2", "bloom") else base.norm
            cap = getattr(model.config, "final_logit_softcapping", None)
            # The last rows of a decoder have their norm already.
            logits = [model.lm_head(x if i == len(after) - 1 else norm(x)) for i, x in enumerate(after)]
            look["lens"] = [[likeliest(row, 3) for row in (cap * torch.tanh(x / cap) if cap else x)] for x in logits]
            last = torch.tensor([row[0]["probability"] for row in look["lens"][-1]], dtype=torch.float64)
            assert torch.allclose(given.logits[0].softmax(-1).max(-1).values, last, atol=1e-8)
        looks.append(look)
json.dump(dict(vocabulary=vocabulary, texts=texts, ids=ids, pooled=pooled, fill=fill, looks=looks), open(out, "w"), separators=(",", ":"))
print(len(vocabulary), ids, os.path.getsize(out))
