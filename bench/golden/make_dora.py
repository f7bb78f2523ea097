"""DoRA adapters as PEFT itself writes them for reference checkpoints, with logits, loss and gradients of the adapted models in float64.

usage: python3 bench/golden/make_dora.py [CHECKPOINTS [OUT]]   (default: tests/Lemma.Tests/Golden/checkpoints, .../Golden/dora); needs peft
"""
import json, os, sys
import peft, torch, transformers

checkpoints = sys.argv[1] if len(sys.argv) > 1 else "tests/Lemma.Tests/Golden/checkpoints"
out = sys.argv[2] if len(sys.argv) > 2 else "tests/Lemma.Tests/Golden/dora"
CASES = {
    # Matrices that lie turned, with biases, three of them in one.
    "gpt2": dict(r=3, lora_alpha=4, target_modules=["c_attn", "c_fc"], fan_in_fan_out=True),
    "llama": dict(r=3, lora_alpha=5, target_modules=["q_proj", "v_proj", "down_proj", "up_proj"], use_rslora=True, rank_pattern={"v_proj": 2}),
}
digits = lambda values: [float(f"{value:.9g}") for value in values]

for name, changes in CASES.items():
    torch.manual_seed(5)
    model = transformers.AutoModelForCausalLM.from_pretrained(os.path.join(checkpoints, name), dtype=torch.float32, attn_implementation="eager")
    adapted = peft.get_peft_model(model, peft.LoraConfig(use_dora=True, lora_dropout=0.0, task_type="CAUSAL_LM", **changes)).eval()
    learned = {key: weight for key, weight in adapted.named_parameters() if "lora_" in key}
    with torch.no_grad():
        for key, weight in learned.items():
            # A and B of their own, and magnitudes that are not the lengths of the rows.
            weight.mul_(0.7 + 0.6 * torch.rand_like(weight)) if "magnitude" in key else weight.copy_(0.2 * torch.randn_like(weight))
    folder = os.path.join(out, name)
    adapted.peft_config["default"].base_model_name_or_path = name
    adapted.save_pretrained(folder)
    os.remove(os.path.join(folder, "README.md"))
    adapted.double()
    ids = torch.tensor([3, 17, 4, 60, 91, 5, 5, 33])
    logits = adapted(ids[None]).logits[0]
    loss = torch.nn.functional.cross_entropy(logits[:-1], ids[1:])
    loss.backward()
    plain = lambda key: key.replace("base_model.model.", "").replace(".default", "").replace("vector.weight", "vector")
    json.dump(dict(ids=ids.tolist(), logits=[digits(row) for row in logits.tolist()], loss=loss.item(),
                   gradients={plain(key): digits(weight.grad.flatten().tolist()) for key, weight in learned.items()}),
              open(os.path.join(folder, "expected.json"), "w"))
    print(name, peft.__version__, len(learned), loss.item())
