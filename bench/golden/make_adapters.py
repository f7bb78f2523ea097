"""Makes small LoRA adapters in PEFT's form for reference checkpoints, and the logits of the adapted models in float64.

usage: python3 bench/golden/make_adapters.py [CHECKPOINTS [OUT]]   (default: tests/Lemma.Tests/Golden/checkpoints, .../Golden/adapters)
The arithmetic is PEFT's: W + scaling * B A with scaling = alpha / r, or alpha / sqrt(r) of rsLoRA; a module's own rank and alpha by pattern.
"""
import json, math, os, re, sys
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
}


def of(pattern, name, otherwise):
    return next((value for key, value in pattern.items() if re.match(rf"(.*\.)?({key})$", name)), otherwise)


for name, changes in CASES.items():
    config = dict(peft_type="LORA", task_type="CAUSAL_LM", base_model_name_or_path=name, inference_mode=True, bias="none", lora_dropout=0.0,
                  fan_in_fan_out=False, use_rslora=False, use_dora=False, init_lora_weights=True, modules_to_save=None, rank_pattern={},
                  alpha_pattern={}, layers_to_transform=None, layers_pattern=None, loftq_config={}, revision=None) | changes
    model = transformers.AutoModelForCausalLM.from_pretrained(os.path.join(checkpoints, name), dtype=torch.float64, attn_implementation="eager").eval()
    torch.manual_seed(11)
    tensors = {}
    for path, module in model.named_modules():
        if path.split(".")[-1] not in config["target_modules"]:
            continue
        rank = of(config["rank_pattern"], path, config["r"])
        alpha = of(config["alpha_pattern"], path, config["lora_alpha"])
        if path == "lm_head" and module.weight is model.get_input_embeddings().weight:
            tensors[f"base_model.model.{path}.base_layer.weight"] = module.weight.detach().float().clone()
            module.weight = torch.nn.Parameter(module.weight.detach().clone())
        weight = module.weight
        outputs, inputs = reversed(weight.shape) if config["fan_in_fan_out"] else weight.shape
        a, b = torch.randn(rank, inputs) * 0.2, torch.randn(outputs, rank) * 0.2
        tensors[f"base_model.model.{path}.lora_A.weight"], tensors[f"base_model.model.{path}.lora_B.weight"] = a, b
        scaling = alpha / (math.sqrt(rank) if config["use_rslora"] else rank)
        delta = scaling * b.double() @ a.double()
        weight.data += delta.T if config["fan_in_fan_out"] else delta
    ids = [3, 17, 4, 60, 91, 5, 5, 33]
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0]
    folder = os.path.join(out, name)
    os.makedirs(folder, exist_ok=True)
    save_file(tensors, os.path.join(folder, "adapter_model.safetensors"), metadata={"format": "pt"})
    json.dump(config, open(os.path.join(folder, "adapter_config.json"), "w"), indent=2)
    json.dump({"ids": ids, "logits": [[float(f"{value:.9g}") for value in row] for row in logits.tolist()]}, open(os.path.join(folder, "expected.json"), "w"))
    print(name, len(tensors), logits.std().item())
