"""Ids by llama.cpp's llama-tokenize for every kind of words that a GGUF may name, as files that `lemma tokenize` reads beside them.

usage: compare_gguf.py tokenizer.json TEXT OUT     Run among the peers. tokenizer.json is one of byte-level BPE (GPT-2's).
Writes OUT/KIND/a.gguf, a vocabulary without weights, and OUT/KIND/cases.json, the ids of TEXT's parts, for LEMMA_TOKENIZERS=OUT.
"""
import json, os, struct, subprocess, sys
KINDS = """default gpt-2 llama-bpe dbrx minicpm5 jais-2 qwen2 qwen35 ufakzeka laguna seed-coder exaone-moe bailingmoe deepseek-llm deepseek-coder deepseek-v3
spark2_5 afmoe youtu falcon starcoder bloom viking tekken chameleon gpt-4o tiny_aya kimi-k2 superbpe glm4 smollm command-r olmo mpt refact stablelm2 hunyuan grok-2 megrez k2-horizon""".split()
model = json.load(open(sys.argv[1])); parts = [p for p in open(sys.argv[2], encoding="utf8", newline="").read().split("\x1e") if p]
vocabulary = model["model"]["vocab"]; tokens = sorted(vocabulary, key=vocabulary.get)
merges = [m if isinstance(m, str) else " ".join(m) for m in model["model"]["merges"]]
def text(x): b = x.encode(); return struct.pack("<Q", len(b)) + b
def array(name, kind, items): return text(name) + struct.pack("<IIQ", 9, kind, len(items)) + b"".join(items)
for kind in KINDS:
    folder = os.path.join(sys.argv[3], kind); os.makedirs(folder, exist_ok=True); path = folder + "/a.gguf"
    settings = [text(k) + struct.pack("<I", 8) + text(v) for k, v in (("general.architecture", "llama"), ("tokenizer.ggml.model", "gpt2"), ("tokenizer.ggml.pre", kind))]
    settings += [text(k) + struct.pack("<II", 4, v) for k, v in (("tokenizer.ggml.bos_token_id", len(tokens) - 1), ("tokenizer.ggml.eos_token_id", len(tokens) - 1), ("llama.block_count", 1),
        ("llama.context_length", 32), ("llama.embedding_length", 8), ("llama.feed_forward_length", 8), ("llama.attention.head_count", 1), ("llama.vocab_size", len(tokens)))]
    settings += [text("llama.attention.layer_norm_rms_epsilon") + struct.pack("<If", 6, 1e-5), text("tokenizer.ggml.add_bos_token") + struct.pack("<IB", 7, 0)]
    settings += [array("tokenizer.ggml.tokens", 8, [text(t) for t in tokens]), array("tokenizer.ggml.merges", 8, [text(m) for m in merges]),
                 array("tokenizer.ggml.token_type", 5, [struct.pack("<i", 3 if t == "<|endoftext|>" else 1) for t in tokens])]
    with open(path, "wb") as file: file.write(b"GGUF" + struct.pack("<IQQ", 3, 0, len(settings)) + b"".join(settings))
    cases = []
    for part in parts:
        open("/tmp/part", "w", encoding="utf8", newline="").write(part)
        run = subprocess.run(["llama-tokenize", "-m", path, "-f", "/tmp/part", "--ids", "--no-bos", "--no-escape", "--log-disable"], capture_output=True, text=True)
        if run.returncode: print(kind, "refused by the peer:", run.stderr.strip().split("\n")[-1][:200]); break
        cases.append({"text": part, "ids": json.loads(run.stdout.strip().split("\n")[-1])})
    else: json.dump(cases, open(folder + "/cases.json", "w"))
