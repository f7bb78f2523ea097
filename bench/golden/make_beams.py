"""Beam searches of reference checkpoints by transformers in float64: every beam that is returned, with its score.

Ids that end a text are taken from what a search without them finds, so that beams do end; each of the three rules of early stopping and three length
penalties, with one id that ends a text and with two.

usage: python3 bench/golden/make_beams.py [CHECKPOINTS [OUT]]   (default: tests/Lemma.Tests/Golden/checkpoints, tests/Lemma.Tests/Golden/beams.json)
"""
import collections, json, os, sys
import torch, transformers

checkpoints = sys.argv[1] if len(sys.argv) > 1 else "tests/Lemma.Tests/Golden/checkpoints"
out = sys.argv[2] if len(sys.argv) > 2 else "tests/Lemma.Tests/Golden/beams.json"
LENGTH, cases = 12, []

for name in ("llama", "gpt2", "gemma3", "qwen3-moe", "t5", "t5-gated", "bart"):
    both = name.startswith("t5") or name == "bart"
    load = transformers.AutoModelForSeq2SeqLM if both else transformers.AutoModelForCausalLM
    further = dict(experts_implementation="eager") if "moe" in name else {}
    model = load.from_pretrained(os.path.join(checkpoints, name), dtype=torch.float64, attn_implementation="eager", **further).eval()
    expected = json.load(open(os.path.join(checkpoints, name, "expected.json")))
    prompt = torch.tensor([expected["prompt"]])
    skipped = 1 if both else prompt.shape[1]

    def search(beams, ends, **options):
        options = dict(dict(do_sample=False, forced_eos_token_id=None, pad_token_id=0, max_new_tokens=LENGTH), **options)
        with torch.no_grad():
            found = model.generate(prompt, num_beams=beams, num_return_sequences=beams, eos_token_id=ends, return_dict_in_generate=True, output_scores=True, **options)
        texts = [row[skipped:] for row in found.sequences.tolist()]
        # Behind the end of a text stands padding, and the end itself is not part of what is returned.
        texts = [text[:next((i for i, id in enumerate(text) if id in (ends or [])), len(text))] for text in texts]
        return texts, [round(score, 6) for score in found.sequences_scores.tolist()]

    # Ids in the middle of free continuations, none of which is padding's.
    free, _ = search(4, None)
    likely = [id for id, _ in collections.Counter(id for text in free for id in text[2:9] if id > 0).most_common(2)]
    for ends in ([likely[0]], likely):
        for beams in (2, 3, 5):
            for early in (False, True, "never"):
                for penalty in (1.0, 0.0, 2.0, -1.0):
                    texts, scores = search(beams, ends, early_stopping=early, length_penalty=penalty)
                    cases.append(dict(name=name, beams=beams, ends=ends, early=str(early).lower(), penalty=penalty, texts=texts, scores=scores))
    print(name, len(cases), "ended before the last:", sum(len(text) < LENGTH for case in cases if case["name"] == name for text in case["texts"]))
json.dump(dict(length=LENGTH, cases=cases), open(out, "w"), separators=(",", ":"))
