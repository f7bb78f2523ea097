"""Losses of preference tuning and of policies, with their gradients, of a tiny Llama in float64 by PyTorch and transformers.

The losses are written here from the papers; where TRL has another form under the same name the note says so. The weights are those of the folder, in
float32, so that both sides start from the same numbers.

usage: python3 bench/golden/preferences.py [OUT]   (default: tests/Lemma.Tests/Golden/preferences)
"""
import copy, json, os, sys
import torch, transformers
import torch.nn.functional as F

out = sys.argv[1] if len(sys.argv) > 1 else "tests/Lemma.Tests/Golden/preferences"
torch.manual_seed(13)
VOCABULARY, PAIRS, MATRIX = 61, 7, "model.layers.1.self_attn.v_proj.weight"
config = transformers.LlamaConfig(vocab_size=VOCABULARY, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
                                  num_key_value_heads=1, max_position_embeddings=64, initializer_range=0.25, tie_word_embeddings=True,
                                  attn_implementation="eager")
policy = transformers.LlamaForCausalLM(config).float()
reference = copy.deepcopy(policy)
with torch.no_grad():
    for weight in reference.parameters():
        weight += 0.12 * torch.randn_like(weight)
for name, model in (("policy", policy), ("reference", reference)):
    model.save_pretrained(os.path.join(out, name))
    path = os.path.join(out, name, "generation_config.json")
    if os.path.exists(path):
        os.remove(path)
policy, reference = policy.double(), reference.double()

integers = lambda low, high: int(torch.randint(low, high, ()))
ids = lambda count: torch.randint(VOCABULARY, (count,)).tolist()
pairs = []
for _ in range(PAIRS):
    prompt = ids(integers(2, 7))
    pairs.append(dict(prompt=prompt, chosen=ids(integers(3, 12)), rejected=ids(integers(3, 12))))


def answer_logs(model, prompt, answer):
    """ln π of each token of an answer."""
    logits = model(torch.tensor([prompt + answer])).logits[0, len(prompt) - 1:-1]
    return logits.log_softmax(-1).gather(1, torch.tensor(answer)[:, None])[:, 0]


def measure(loss, model=policy, further=()):
    """The loss, and its gradient by the weights of a model and by further ones."""
    model.zero_grad()
    loss.backward()
    gradients = [weight.grad for weight in (*model.parameters(), *further) if weight.grad is not None]
    norm = torch.sqrt(sum((gradient ** 2).sum() for gradient in gradients)).item()
    return dict(loss=loss.item(), norm=norm, gradient=[float(f"{x:.9g}") for x in dict(model.named_parameters())[MATRIX].grad.flatten().tolist()])


lengths = {side: torch.tensor([len(pair[side]) for pair in pairs]).double() for side in ("chosen", "rejected")}
softplus = lambda x: -F.logsigmoid(x)


def preference(name):
    (pw, pl), (rw, rl) = ([torch.stack([answer_logs(model, pair["prompt"], pair[side]).sum() for pair in pairs]) for side in ("chosen", "rejected")]
                          for model in (policy, reference))
    rw, rl = rw.detach(), rl.detach()
    beta, w, l = 0.1, pw - rw, pl - rl
    m, nw, nl = w - l, lengths["chosen"], lengths["rejected"]
    cross = lambda delta, e: ((1 - e) * softplus(beta * delta) + e * softplus(-beta * delta)).mean()
    if name == "dpo":
        return softplus(beta * m).mean()
    if name == "cdpo":  # with label smoothing
        return cross(m, 0.2)
    if name == "dpo_forward_kl":  # f'(u) = -1/u, u = pi/pi_ref
        return softplus(beta * (-(-w).exp() + (-l).exp())).mean()
    if name == "dpo_js":  # f'(u) = ln(2u/(1 + u))
        return softplus(beta * ((2 * w.exp() / (1 + w.exp())).log() - (2 * l.exp() / (1 + l.exp())).log())).mean()
    if name in ("dpo_alpha", "dpo_alpha_smoothed"):  # f'(u) = (1 - u^-alpha)/alpha
        f = lambda ratio, alpha=0.5 if name == "dpo_alpha" else 0.8: (1 - (-alpha * ratio).exp()) / alpha
        return cross(f(w) - f(l), 0 if name == "dpo_alpha" else 0.1)
    if name == "dpo_norm":
        return softplus(beta * (w / nw - l / nl)).mean()
    if name == "ipo":  # means over tokens, as TRL
        return ((w / nw - l / nl - 1 / (2 * beta)) ** 2).mean()
    if name == "ipo_sums":  # as the paper
        return ((m - 1 / (2 * beta)) ** 2).mean()
    if name == "hinge":
        return F.relu(1 - beta * m).mean()
    if name == "robust":
        return ((0.9 * softplus(beta * m) - 0.1 * softplus(-beta * m)) / 0.8).mean()
    if name == "exo":
        p = torch.stack([beta * w, beta * l]).log_softmax(0)
        labels = torch.tensor([[0.999], [0.001]]).double()
        return (p.exp() * (p - labels.log())).sum(0).mean()
    if name == "nca":
        return (softplus(beta * w) + 0.5 * softplus(-beta * w) + 0.5 * softplus(-beta * l)).mean()
    if name == "bco":
        return (softplus(beta * w) + softplus(-beta * l)).mean()
    if name == "sppo":
        return ((w - 0.5 / beta) ** 2 + (l + 0.5 / beta) ** 2).mean()
    if name == "apo_zero":
        return (1 - torch.sigmoid(beta * w) + torch.sigmoid(beta * l)).mean()
    if name == "apo_down":
        return (torch.sigmoid(beta * w) + 1 - torch.sigmoid(beta * m)).mean()
    if name == "aot":
        return cross((pw - pl).sort().values - (rw - rl).sort().values, 0)
    if name == "aot_unpaired":
        return cross(w.sort().values - l.sort().values, 0)
    if name == "discopop":
        s = torch.sigmoid(beta * m / 0.05)
        return ((1 - s) * softplus(beta * m) + s * torch.exp(-beta * m)).mean()
    if name == "kto":  # the divergence of one half by the other, a constant
        ofw, ofl = l.mean().clamp(min=0).detach(), w.mean().clamp(min=0).detach()
        return torch.cat([1 - torch.sigmoid(beta * (w - ofw)), 1 - torch.sigmoid(beta * (ofl - l))]).mean()
    if name == "simpo":
        return softplus(2 * (pw / nw - pl / nl) - 1).mean()
    if name == "orpo":  # the supervised part by answers, as the paper; TRL's counts all tokens of a batch
        aw, al = pw / nw, pl / nl
        odds = lambda a: a - torch.log1p(-a.exp())
        return (-aw + 0.1 * softplus(odds(aw) - odds(al))).mean()
    raise ValueError(name)


# Answers of a policy before its last steps, and how good they were: logs and advantages as float32, as they would be kept.
with torch.no_grad():
    old = copy.deepcopy(policy)
    for weight in old.parameters():
        weight += 0.02 * torch.randn_like(weight)
    answers = [dict(prompt=pair["prompt"], answer=pair[side]) for pair in pairs[:4] for side in ("chosen", "rejected")]
    single = lambda x: [float(value) for value in x.float().tolist()]
    for answer in answers:
        answer["old"], answer["reference"] = (single(answer_logs(model, answer["prompt"], answer["answer"])) for model in (old, reference))
        answer["advantage"] = single(torch.randn(()).expand(len(answer["answer"])))
        answer["token_advantages"] = single(torch.randn(len(answer["answer"])))


def policy_loss(name):
    """Losses of tokens by name, and the mean over them: tokens, answers, sums of answers."""
    logs = [answer_logs(policy, answer["prompt"], answer["answer"]) for answer in answers]
    advantages = [torch.tensor(answer["token_advantages" if name == "ppo" else "advantage"]).double() for answer in answers]
    olds, references = ([torch.tensor(answer[which]).double() for answer in answers] for which in ("old", "reference"))
    ratios = [(log - before).exp() for log, before in zip(logs, olds)]
    k3 = [(with_ - log).exp() - (with_ - log) - 1 for log, with_ in zip(logs, references)]
    over_tokens = lambda x: torch.cat(x).mean()
    over_answers = lambda x: torch.stack([one.mean() for one in x]).mean()

    def clipped(low=0.2, high=0.2, delta=None, ratios=ratios):
        return [-torch.minimum((ratio if delta is None else ratio.clamp(max=delta)) * advantage, ratio.clamp(1 - low, 1 + high) * advantage)
                for ratio, advantage in zip(ratios, advantages)]

    whole = [ratio.log().mean().exp().expand(len(ratio)) for ratio in ratios]
    beta = lambda b, losses: [loss + b * k for loss, k in zip(losses, k3)]
    cispo = lambda most: [-ratio.detach().clamp(max=most) * advantage * log for ratio, advantage, log in zip(ratios, advantages, logs)]
    plain = [-advantage * log for advantage, log in zip(advantages, logs)]
    return {
        "dapo": lambda: over_tokens(clipped(high=0.28)),
        "dapo_delta": lambda: over_tokens(beta(0.1, clipped(high=0.28, delta=1.5))),
        "grpo": lambda: over_answers(clipped()),
        "grpo_beta": lambda: over_answers(beta(0.04, clipped())),
        "dr_grpo": lambda: torch.cat(clipped()).sum() / (len(answers) * 256),
        "bnpo": lambda: over_tokens(clipped()),
        "ppo": lambda: over_tokens(clipped()),
        "cispo": lambda: over_tokens(cispo(5)),
        "cispo_low": lambda: over_tokens(cispo(1.1)),
        "gspo": lambda: over_answers(clipped(3e-4, 4e-4, ratios=whole)),
        "gspo_wide": lambda: over_answers(beta(0.04, clipped(0.05, 0.1, ratios=whole))),
        "reinforce": lambda: over_tokens(plain),
        "reinforce_answers": lambda: torch.cat(plain).sum() / len(answers),
    }[name]()


def whole_ppo():
    """What the policy and its critic cost in PPO: the clipped loss less the entropy, and the clipped value loss of scores beside the reference's rows."""
    score = (0.3 * torch.randn(32)).float().double().requires_grad_()
    entropies, values = [], []
    for answer in answers:
        ids, first = torch.tensor([answer["prompt"] + answer["answer"]]), len(answer["prompt"]) - 1
        logs = policy(ids).logits[0, first:-1].log_softmax(-1)
        entropies.append(-(logs.exp() * logs).sum(-1))
        values.append(reference.model(ids).last_hidden_state[0, first:-1] @ score)
    value = torch.cat(values)
    old = (value.detach() + 0.3 * torch.randn(len(value))).float().double()
    returns = (value.detach() + torch.randn(len(value))).float().double()
    clipped = old + (value - old).clamp(-0.2, 0.2)
    lengths = [len(answer["answer"]) for answer in answers]
    for answer, before, came in zip(answers, old.split(lengths), returns.split(lengths)):
        answer["old_values"], answer["returns"] = single(before), single(came)
    return dict(score=[float(f"{x:.9g}") for x in score.tolist()], policy=measure(policy_loss("ppo") - 0.03 * torch.cat(entropies).mean()),
                critic=measure(0.5 * torch.maximum((value - returns) ** 2, (clipped - returns) ** 2).mean(), reference, (score,)))


PREFERENCES = ("dpo cdpo dpo_forward_kl dpo_js dpo_alpha dpo_alpha_smoothed dpo_norm ipo ipo_sums hinge robust exo nca bco sppo apo_zero apo_down "
               "aot aot_unpaired discopop kto simpo orpo").split()
POLICIES = "dapo dapo_delta grpo grpo_beta dr_grpo bnpo ppo cispo cispo_low gspo gspo_wide reinforce reinforce_answers".split()
expected = dict(pairs=pairs, answers=answers, preferences={name: measure(preference(name)) for name in PREFERENCES},
                policies={name: measure(policy_loss(name)) for name in POLICIES})
expected["whole_ppo"] = whole_ppo()
cases = expected["preferences"] | expected["policies"] | {"ppo " + part: expected["whole_ppo"][part] for part in ("policy", "critic")}
for name, case in cases.items():
    print(f"{name:18} loss {case['loss']:10.6f} gradient norm {case['norm']:10.6f}")
json.dump(expected, open(os.path.join(out, "expected.json"), "w"), separators=(",", ":"))
