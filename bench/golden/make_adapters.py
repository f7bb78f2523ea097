"""Makes small LoRA adapters in PEFT's form for reference checkpoints, and the logits of the adapted models in float64.

usage: python3 bench/golden/make_adapters.py [CHECKPOINTS [OUT]]   (default: tests/Lemma.Tests/Golden/checkpoints, .../Golden/adapters)
The arithmetic is PEFT's: W + scaling * B A with scaling = alpha / r, or alpha / sqrt(r) of rsLoRA; a module's own rank and alpha by pattern.
Of an embedding it is W + scaling * (B A)^T for what is looked up, not for a head that is tied to it. Experts have a module a matrix, as files have them;
transformers joins these into parameters of three dimensions, whose parts are changed here.
Logits of the same A and B do not depend on the processor's vectors; the draws of torch.randn do where there is no AVX2.
"""
import contextlib, json, math, os, re, sys
import torch, transformers
from safetensors.torch import save_file

checkpoints = sys.argv[1] if len(sys.argv) > 1 else "tests/Lemma.Tests/Golden/checkpoints"
out = sys.argv[2] if len(sys.argv) > 2 else "tests/Lemma.Tests/Golden/adapters"

CASES = {
    "gpt2": dict(r=4, lora_alpha=8, target_modules=["c_attn", "c_fc"], fan_in_fan_out=True),
    "llama": dict(r=3, lora_alpha=5, target_modules=["q_proj", "v_proj", "down_proj", "up_proj"], use_rslora=True,
                  rank_pattern={"v_proj": 2}, alpha_pattern={"layers.1.self_attn.v_proj": 7}),
    "mistral-window": dict(r=3, lora_alpha=6, target_modules=["k_proj", "lm_head"]),
    # A tied head: PEFT changes its product and not the embedding, and saves its matrix as well.
    "gemma2": dict(r=3, lora_alpha=4, target_modules=["v_proj", "lm_head"]),
    "gpt-neox": dict(r=2, lora_alpha=2, target_modules=["query_key_value"]),
    # Embeddings: tied to the head, beside a head of its own, and scaled, tied and with an adapter of the head as well.
    "gpt2-embeddings": dict(of="gpt2", r=3, lora_alpha=6, target_modules=["wte", "wpe", "c_fc"], fan_in_fan_out=True),
    "llama-embeddings": dict(of="llama", r=3, lora_alpha=5, target_modules=["embed_tokens", "o_proj"], use_rslora=True, rank_pattern={"embed_tokens": 4}),
    "gemma3-embeddings": dict(of="gemma3", r=2, lora_alpha=3, target_modules=["embed_tokens", "lm_head"]),
    # Experts, a module a matrix.
    "mixtral": dict(r=2, lora_alpha=3, target_modules=["w1", "w2", "q_proj"], rank_pattern={r"experts\.1\.w1": 3}, alpha_pattern={"w2": 4}),
    "qwen2-moe": dict(r=1, lora_alpha=2, target_modules=["gate_proj", "up_proj", "down_proj"]),
}
# The modules of an expert's gate, up and down, and of what holds them.
EXPERTS = {"mixtral": ("block_sparse_moe", "w1", "w3", "w2"), "qwen2-moe": ("mlp", "gate_proj", "up_proj", "down_proj")}


@contextlib.contextmanager
def double():
    """Computes in float64 what transformers computes in float32 whatever the model's type (norms, softmax, rotary angles): the last digits of that
    depend on the processor's vectors."""
    to, single, softmax = torch.Tensor.to, torch.Tensor.float, torch.nn.functional.softmax
    torch.Tensor.to = lambda self, *types, **named: to(self, *[torch.float64 if t is torch.float32 else t for t in types],
                                                       **{key: torch.float64 if t is torch.float32 else t for key, t in named.items()})
    torch.Tensor.float = torch.Tensor.double
    torch.nn.functional.softmax = lambda x, dim=None, dtype=None, **named: softmax(x, dim=dim, **named)
    try:
        yield
    finally:
        torch.Tensor.to, torch.Tensor.float, torch.nn.functional.softmax = to, single, softmax


def modules(name, model):
    """The matrices that take an adapter, by the names of their modules: the matrix as [out, in], whether it is looked up, and the module if it is one."""
    for path, module in model.named_modules():
        if isinstance(module, torch.nn.Embedding):
            yield path, module.weight.data, True, module
        elif getattr(module, "weight", None) is not None and module.weight.dim() == 2:
            yield path, module.weight.data.T if type(module).__name__ == "Conv1D" else module.weight.data, False, module
        elif path.endswith(".experts"):
            parent, gate, up, down = EXPERTS[name]
            layer, hidden = path.rsplit(".", 2)[0], module.down_proj.shape[2]
            for e in range(module.down_proj.shape[0]):
                yield f"{layer}.{parent}.experts.{e}.{gate}", module.gate_up_proj.data[e, :hidden], False, None
                yield f"{layer}.{parent}.experts.{e}.{up}", module.gate_up_proj.data[e, hidden:], False, None
                yield f"{layer}.{parent}.experts.{e}.{down}", module.down_proj.data[e], False, None


def of(pattern, name, otherwise):
    return next((value for key, value in pattern.items() if re.match(rf"(.*\.)?({key})$", name)), otherwise)


for name, changes in CASES.items():
    config = dict(peft_type="LORA", task_type="CAUSAL_LM", base_model_name_or_path=name, inference_mode=True, bias="none", lora_dropout=0.0,
                  fan_in_fan_out=False, use_rslora=False, use_dora=False, init_lora_weights=True, modules_to_save=None, rank_pattern={},
                  alpha_pattern={}, layers_to_transform=None, layers_pattern=None, loftq_config={}, revision=None) | changes
    base = config.pop("of", name)
    config["base_model_name_or_path"] = base
    further = dict(experts_implementation="eager") if base in EXPERTS else {}
    model = transformers.AutoModelForCausalLM.from_pretrained(os.path.join(checkpoints, base), dtype=torch.float64, attn_implementation="eager",
                                                              **further).eval()
    tied = model.get_output_embeddings().weight is model.get_input_embeddings().weight
    torch.manual_seed(11)
    tensors = {}
    for path, weight, is_lookup, module in list(modules(base, model)):
        if path.split(".")[-1] not in config["target_modules"]:
            continue
        rank = of(config["rank_pattern"], path, config["r"])
        alpha = of(config["alpha_pattern"], path, config["lora_alpha"])
        if tied and module in (model.get_input_embeddings(), model.get_output_embeddings()):
            # PEFT saves matrices of these names beside their adapters, and changes one use of what is tied.
            if path.split(".")[-1] in ("embed_tokens", "lm_head"):
                tensors[f"base_model.model.{path}.base_layer.weight"] = weight.float().clone()
            module.weight = torch.nn.Parameter(weight.clone())
            weight = module.weight.data
        outputs, inputs = weight.T.shape if is_lookup else weight.shape
        a, b = torch.randn(rank, inputs) * 0.2, torch.randn(outputs, rank) * 0.2
        kind = "lora_embedding_{}" if is_lookup else "lora_{}.weight"
        for letter, matrix in (("A", a), ("B", b)):
            tensors[f"base_model.model.{path}.{kind.format(letter)}"] = matrix
        scaling = alpha / (math.sqrt(rank) if config["use_rslora"] else rank)
        delta = scaling * b.double() @ a.double()
        weight += delta.T if is_lookup else delta
    ids = [3, 17, 4, 60, 91, 5, 5, 33]
    with torch.no_grad(), double():
        logits = model(torch.tensor([ids])).logits[0]
    folder = os.path.join(out, name)
    os.makedirs(folder, exist_ok=True)
    save_file(tensors, os.path.join(folder, "adapter_model.safetensors"), metadata={"format": "pt"})
    json.dump(config, open(os.path.join(folder, "adapter_config.json"), "w"), indent=2)
    json.dump({"ids": ids, "logits": [[float(f"{value:.9g}") for value in row] for row in logits.tolist()]}, open(os.path.join(folder, "expected.json"), "w"))
    print(name, len(tensors), logits.std().item())
