"""Losses of reference checkpoints with experts trained with the balance loss, by transformers in float64.

usage: python3 bench/golden/make_balance.py [CHECKPOINTS [OUT]]   (default: tests/Lemma.Tests/Golden/checkpoints, tests/Lemma.Tests/Golden/balance.json)
"""
import json, os, sys
import torch, transformers

checkpoints = sys.argv[1] if len(sys.argv) > 1 else "tests/Lemma.Tests/Golden/checkpoints"
out = sys.argv[2] if len(sys.argv) > 2 else "tests/Lemma.Tests/Golden/balance.json"
COEFFICIENT, cases = 0.05, []

for name in ("mixtral", "qwen2-moe", "qwen3-moe"):
    model = transformers.AutoModelForCausalLM.from_pretrained(os.path.join(checkpoints, name), dtype=torch.float64, attn_implementation="eager",
                                                              experts_implementation="eager", output_router_logits=True, router_aux_loss_coef=COEFFICIENT).train()
    expected = json.load(open(os.path.join(checkpoints, name, "expected.json")))
    ids, mask, labels = (torch.tensor(values) for values in (expected["input_ids"], expected["attention_mask"], expected["training"]["labels"]))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1)
    losses, balance = [], []
    for step in range(5):
        optimizer.zero_grad()
        output = model(input_ids=ids, attention_mask=mask, labels=labels)
        output.loss.backward()
        if step == 0:
            norm = torch.sqrt(sum((parameter.grad.double() ** 2).sum() for parameter in model.parameters() if parameter.grad is not None)).item()
        losses.append(output.loss.item())
        balance.append(output.aux_loss.item())
        optimizer.step()
    cases.append(dict(name=name, router_aux_loss_coef=COEFFICIENT, losses=losses, balance_losses=balance, first_gradient_norm=norm))
    print(cases[-1])
json.dump(cases, open(out, "w"), indent=1)
