"""GGUF files that llama.cpp's converter makes of the reference checkpoints, with the tokens that llama-server then writes.

usage: run.sh python3 bench/golden/gguf_models.py CHECKPOINTS OUT [--type f32|f16] [NAME ...]

CHECKPOINTS: a folder of folders with config.json and model.safetensors (tests/Lemma.Tests/Golden/checkpoints). They have no tokenizer, so each file gets
a vocabulary of letters. OUT/NAME.gguf, and OUT/expected.json: of each the ids that the prompt goes on with, greedily, and the log-probabilities of the
likeliest first ids; of encoders the last row of each id of the prompt. Models that the server does not run have the file alone.
"""
import argparse, json, os, subprocess, sys, tempfile, time, urllib.request
from pathlib import Path
sys.path.insert(1, "/usr/share/llama.cpp/llama.cpp-tools")
import gguf
from conversion import ModelBase, ModelType, get_model_architecture, get_model_class
import torch, safetensors.torch

parser = argparse.ArgumentParser()
parser.add_argument("checkpoints"); parser.add_argument("out"); parser.add_argument("names", nargs="*"); parser.add_argument("--type", default="f16")
parser.add_argument("--prompt", default="5,17,42,8,77,3,91,30,12,64,29"); parser.add_argument("--no-run", action="store_true")
options = parser.parse_args()
os.makedirs(options.out, exist_ok=True)
prompt = [int(id) for id in options.prompt.split(",")]

# Without their heads, which the format has no place for.
ENCODERS = {"bert": "BertModel", "roberta": "RobertaModel", "distilbert": "DistilBertModel", "modernbert": "ModernBertModel"}


def vocabulary(self):
    """Letters, in the kind of vocabulary that the architecture's files have."""
    count = self.hparams.get("vocab_size", 96)
    pieces = ["<unk>", "<s>", "</s>"] + [chr(0x4E00 + i) for i in range(count - 3)]
    kinds = [2, 3, 3] + [1] * (count - 3)
    writer = self.gguf_writer
    model = {"t5": "t5", "bert": "bert"}.get(gguf.MODEL_ARCH_NAMES[self.model_arch], "llama")
    if model == "bert":
        writer.add_token_type_count(self.hparams.get("type_vocab_size", 1))
        pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + ["\u2581" + piece for piece in pieces[5:]]
        kinds = [3] * 5 + [1] * (count - 5)
    writer.add_tokenizer_model(model); writer.add_tokenizer_pre("default"); writer.add_token_list(pieces)
    writer.add_token_scores([-float(i) for i in range(count)]); writer.add_token_types(kinds)
    writer.add_bos_token_id(2 if model == "bert" else 1); writer.add_eos_token_id(3 if model == "bert" else 2)
    writer.add_add_bos_token(False)


def changed(name, config):
    """What the checkpoints leave to transformers' defaults, or what an architecture of GGUF cannot say."""
    if config["model_type"] == "deepseek_v3":
        config["scoring_func"] = "sigmoid"
    if config["model_type"] == "gemma3_text":
        config["layer_types"] = ["full_attention" if (i + 1) % 6 == 0 else "sliding_attention" for i in range(config["num_hidden_layers"])]
    if config["model_type"] == "gpt2":
        config["n_ctx"] = config["n_positions"]; config["n_inner"] = config.get("n_inner") or 4 * config["n_embd"]
    if config["model_type"] == "smollm3":
        config["no_rope_layers"] = [1 if (i + 1) % 4 else 0 for i in range(config["num_hidden_layers"])]
    if config["model_type"] == "phi3" and "rope_parameters" in config:
        config["rope_parameters"].setdefault("original_max_position_embeddings", config.get("original_max_position_embeddings", config["max_position_embeddings"]))
    if config["model_type"] == "gpt_neox":
        config["rotary_pct"] = config["rope_parameters"]["partial_rotary_factor"]
    if config["model_type"] == "granite":
        config.pop("head_dim", None)
    if config["model_type"] == "cohere2":
        config["rotary_pct"] = 1.0; config["layer_types"] = ["sliding_attention" if (i + 1) % 4 else "full_attention" for i in range(config["num_hidden_layers"])]
    if config["model_type"] == "gpt_oss":
        config["rope_parameters"]["truncate"] = True  # llama.cpp 0.7.0 takes whole pairs, whatever the file says
    if config["model_type"] == "falcon":
        config["num_kv_heads"] = 1 if config["multi_query"] else config["num_attention_heads"]
    if config["model_type"] == "deepseek_v2":
        config["n_group"] = config["topk_group"] = 1
    if config["model_type"] == "gemma4_text":
        config["final_logit_softcapping"] = config["final_logit_softcapping"] or 30.0  # which llama.cpp 0.7.0 takes where a file has none
    if config["model_type"] == "modernbert":
        config["layer_norm_eps"] = config["norm_eps"]
    if config["model_type"] == "t5":
        config["relative_attention_max_distance"] = 128
    return config


def convert(name):
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(options.checkpoints, name)
        config = changed(name, json.load(open(source + "/config.json")))
        tensors = safetensors.torch.load_file(source + "/model.safetensors")
        heads = ("cls.", "lm_head.", "decoder.", "head.", "vocab_", "classifier.") if config["model_type"] in ENCODERS else ()
        safetensors.torch.save_file({key: value for key, value in tensors.items() if not key.startswith(heads)}, folder + "/model.safetensors")
        bare = {**config, "architectures": [ENCODERS.get(config["model_type"], *config["architectures"])]}
        json.dump(bare, open(folder + "/config.json", "w"))
        # Gemma 3's converter asks a tokenizer how many rows of the embedding are real.
        json.dump({"model": {"vocab": {str(i): i for i in range(config["vocab_size"])}}, "added_tokens": []}, open(folder + "/tokenizer.json", "w"))
        hparams = ModelBase.load_hparams(Path(folder), False)
        kind = get_model_class(get_model_architecture(hparams, ModelType.TEXT))
        kind.set_vocab = vocabulary
        # Sections of positions that fit the narrow heads; positions of a text are the same in all of them.
        kind._QWEN35_DEFAULT_MROPE_SECTION = [config.get("head_dim", 0) // 8 - 1, 1, 0, 0]
        kind.no_mtp = True  # Qwen3-Next and Qwen3.5: the checkpoints have no layers that predict further tokens
        path = f"{options.out}/{name}.gguf"
        with torch.inference_mode():
            kind(Path(folder), hparams={**hparams, **bare}, ftype={"f32": gguf.LlamaFileType.ALL_F32, "f16": gguf.LlamaFileType.MOSTLY_F16}[options.type], fname_out=Path(path), eager=True).write()
        return path, config


def ask(path, port, is_encoder):
    server = subprocess.Popen(["llama-server", "-m", path, "--port", str(port), "-t", "1", "--no-warmup", "-c", "128", "-ctk", "f32", "-ctv", "f32", "-fa", "off"]
                              + (["--embeddings", "--pooling", "none"] if is_encoder else []),
                              stdout=subprocess.DEVNULL, stderr=open("/tmp/server.log", "w"))
    try:
        for _ in range(100):
            time.sleep(0.1)
            if server.poll() is not None:
                raise RuntimeError(open("/tmp/server.log").read()[-600:])
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health")
                break
            except Exception:
                pass
        if is_encoder:
            request = urllib.request.Request(f"http://127.0.0.1:{port}/embeddings", json.dumps({"input": prompt, "embd_normalize": -1}).encode(), {"Content-Type": "application/json"})
            return {"rows": [[round(number, 5) for number in row] for row in json.load(urllib.request.urlopen(request))[0]["embedding"]]}
        body = {"prompt": prompt, "n_predict": 24, "temperature": 0, "return_tokens": True, "n_probs": 96, "ignore_eos": True, "cache_prompt": False}
        request = urllib.request.Request(f"http://127.0.0.1:{port}/completion", json.dumps(body).encode(), {"Content-Type": "application/json"})
        answer = json.load(urllib.request.urlopen(request))
        first = answer["completion_probabilities"][0]
        return {"tokens": answer["tokens"], "first": {str(one["id"]): one["logprob"] for one in first["top_logprobs"][:16]}}
    finally:
        server.kill(); server.wait()


if __name__ == "__main__":
    expected = {"prompt": prompt, "models": {}}
    for index, name in enumerate(options.names or sorted(os.listdir(options.checkpoints))):
        try:
            path, config = convert(name)
        except Exception as error:
            print(name, "not converted:", repr(error)[:300]); continue
        expected["models"][name] = {"config": config}
        if not options.no_run:
            try:
                expected["models"][name].update(ask(path, 18100 + index, config["model_type"] in ENCODERS))
            except Exception as error:
                print(name, "not run:", str(error)[-400:])
        print(name, os.path.getsize(path), expected["models"][name].get("tokens"), "rows" in expected["models"][name])
    json.dump(expected, open(options.out + "/expected.json", "w"))
