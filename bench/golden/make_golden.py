"""Golden cases by PyTorch in float64: outputs and gradients of formulas, for tests/Lemma.Tests/Golden/more.json.

    python3 make_golden.py more.json [--seed 7]

Form (lemma-golden-1): cases of {op, attrs, inputs, output, grad_output, grads}; a tensor is {shape, data}. Where PyTorch has the function,
it is called; the rest is its arithmetic with autograd. Inputs are float32 numbers, so that nothing is lost on the way.
"""

import argparse
import json
import math

import torch
import torch.nn.functional as F

parser = argparse.ArgumentParser()
parser.add_argument("out")
parser.add_argument("--seed", type=int, default=7)
options = parser.parse_args()
torch.manual_seed(options.seed)
torch.set_default_dtype(torch.float64)
cases = []


def randn(*shape):
    return torch.randn(*shape).float().double()


def uniform(low, high, *shape):
    return (torch.rand(*shape) * (high - low) + low).float().double()


def distribution(*shape):
    return F.softmax(torch.randn(*shape), -1).float().double()


def tensor(x):
    return dict(shape=list(x.shape), data=x.detach().flatten().tolist())


def expected(x):
    """Twelve digits: far more than are compared."""
    return dict(shape=list(x.shape), data=[float(f"{value:.12g}") for value in x.detach().flatten().tolist()])


def case(op, inputs, function, grad=True, constants=(), **attrs):
    """One case; gradients of all inputs in floating point but the constants."""
    values = {name: x.clone().requires_grad_(grad and x.is_floating_point() and name not in constants) for name, x in inputs.items()}
    y = function(*values.values())
    entry = dict(op=op, attrs=attrs, inputs={name: tensor(x) for name, x in values.items()}, output=expected(y))
    if grad:
        upstream = torch.ones_like(y) if y.dim() == 0 else torch.randn_like(y).float().double()
        y.backward(upstream)
        entry["grad_output"] = tensor(upstream)
        entry["grads"] = {name: expected(x.grad) for name, x in values.items() if x.grad is not None}
    cases.append(entry)


# activations
for magnitude in (1.0, 30.0):
    case("swish", dict(x=randn(3, 37) * magnitude, beta=torch.tensor(0.75)), lambda x, beta: x * torch.sigmoid(beta * x))
    case("log_softmax", dict(x=randn(3, 37) * magnitude), lambda x: F.log_softmax(x / 0.5, -1), temperature=0.5)
    case("softmax", dict(x=randn(3, 37) * magnitude), lambda x: F.softmax(x / 3, -1), temperature=3.0)

# losses
logits, target, weights = randn(9, 13) * 3, torch.randint(13, (9,)), uniform(0.2, 2, 13)
case("mse", dict(prediction=randn(5, 7), target=randn(5, 7)), F.mse_loss)
case("binary_cross_entropy", dict(prediction=uniform(0.01, 0.99, 5, 7), target=uniform(0, 1, 5, 7)),
     lambda prediction, target: F.binary_cross_entropy(prediction, target), constants=("target",))
case("binary_cross_entropy_with_logits", dict(logits=randn(5, 7) * 40, target=uniform(0, 1, 5, 7)),
     lambda logits, target: F.binary_cross_entropy_with_logits(logits, target))
case("categorical_cross_entropy", dict(probabilities=distribution(5, 9), target=distribution(5, 9)),
     lambda probabilities, target: -(target * probabilities.log()).sum(-1).mean())
case("cross_entropy", dict(logits=logits, target=target, class_weights=weights),
     lambda logits, target, class_weights: F.cross_entropy(logits, target, class_weights), constants=("class_weights",))
case("cross_entropy", dict(logits=logits, target=target, class_weights=weights),
     lambda logits, target, class_weights: F.cross_entropy(logits, target, class_weights, label_smoothing=0.2),
     constants=("class_weights",), label_smoothing=0.2)
case("cross_entropy", dict(logits=logits, target=target), lambda logits, target: F.cross_entropy(logits, target, reduction="sum"),
     reduction="sum")
case("cross_entropy", dict(logits=logits * 100, target=target),
     lambda logits, target: F.cross_entropy(logits, target, label_smoothing=0.1), label_smoothing=0.1)
case("cross_entropy", dict(logits=logits, target=target),
     lambda logits, target: F.cross_entropy(logits, target, ignore_index=int(target[0]), label_smoothing=0.1),
     label_smoothing=0.1, ignore_index=int(target[0]))
masked = torch.where(torch.arange(9) % 3 == 0, target, -100)
case("masked_lm", dict(logits=logits, target=masked), lambda logits, target: F.cross_entropy(logits, target))
case("linear_cross_entropy", dict(x=randn(9, 5), weight=randn(5, 13), target=masked),
     lambda x, weight, target: F.cross_entropy(x @ weight, target))
case("next_sentence", dict(logits=randn(9, 2), target=torch.randint(2, (9,))), lambda logits, target: F.cross_entropy(logits, target))
case("causal_lm_nll", dict(logits=randn(2, 5, 11), ids=torch.randint(11, (2, 5))),
     lambda logits, ids: F.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten(), reduction="sum"), reduction="sum")
case("perplexity", dict(logits=logits, target=masked), lambda logits, target: F.cross_entropy(logits, target).exp())

# preference
pairs = dict(policy_chosen=randn(9), policy_rejected=randn(9), reference_chosen=randn(9), reference_rejected=randn(9))


def dpo(policy_chosen, policy_rejected, reference_chosen, reference_rejected, beta=0.3, smoothing=0.2):
    margin = policy_chosen - policy_rejected - (reference_chosen - reference_rejected)
    return -((1 - smoothing) * F.logsigmoid(beta * margin) + smoothing * F.logsigmoid(-beta * margin)).mean()


case("dpo", pairs, dpo, beta=0.3, label_smoothing=0.2)
case("kto", dict(policy=randn(9), reference=randn(9), desirable=torch.arange(9) % 2),
     lambda policy, reference, desirable: torch.where(desirable == 1, 1.5 * (1 - torch.sigmoid(0.4 * (policy - reference - 0.1))),
                                                      0.7 * (1 - torch.sigmoid(-0.4 * (policy - reference - 0.1)))).mean(),
     beta=0.4, reference_point=0.1, desirable_weight=1.5, undesirable_weight=0.7)
log_odds = lambda a: a - torch.log1p(-a.exp())
case("orpo", dict(policy_chosen=-uniform(0.05, 3, 9), policy_rejected=-uniform(0.05, 3, 9)),
     lambda policy_chosen, policy_rejected: (-policy_chosen - 0.3 * F.logsigmoid(log_odds(policy_chosen) - log_odds(policy_rejected))).mean(),
     lambda_=0.3)
case("simpo", dict(policy_chosen=randn(9), policy_rejected=randn(9)),
     lambda policy_chosen, policy_rejected: -F.logsigmoid(2.5 * (policy_chosen - policy_rejected) - 0.5).mean(), beta=2.5, gamma=0.5)
case("rlhf_objective", dict(rewards=randn(9), log_probs=randn(9), reference_log_probs=randn(9)),
     lambda rewards, log_probs, reference_log_probs: (rewards - 0.2 * (log_probs - reference_log_probs)).mean(),
     constants=("reference_log_probs",), beta=0.2)
samples = dict(log_probs=randn(9), reference_log_probs=randn(9))
case("kl_k1", samples, lambda log_probs, reference_log_probs: (log_probs - reference_log_probs).mean(), constants=("reference_log_probs",))
case("kl_k2", samples, lambda log_probs, reference_log_probs: ((log_probs - reference_log_probs) ** 2 / 2).mean(),
     constants=("reference_log_probs",))


def clipped(log_probs, old_log_probs, advantages, epsilon=0.2):
    ratio = (log_probs - old_log_probs).exp()
    return torch.minimum(ratio * advantages, ratio.clamp(1 - epsilon, 1 + epsilon) * advantages)


def k3(log_probs, reference_log_probs):
    return (reference_log_probs - log_probs).exp() - (reference_log_probs - log_probs) - 1


def grpo(log_probs, old_log_probs, reference_log_probs, advantages, mask):
    gain = clipped(log_probs, old_log_probs, advantages[:, None]) - 0.1 * k3(log_probs, reference_log_probs)
    return -((gain * mask).sum(1) / mask.sum(1)).mean()


mask = torch.ones(4, 6)
mask[1, 4:] = mask[3, 2:] = 0
case("grpo", dict(log_probs=randn(4, 6) * 0.4, old_log_probs=randn(4, 6) * 0.4, reference_log_probs=randn(4, 6) * 0.4, advantages=randn(4),
                  mask=mask), grpo, constants=("old_log_probs", "reference_log_probs", "advantages", "mask"), beta=0.1)


def ppo_objective(log_probs, old_log_probs, reference_log_probs, advantages, values, old_values, returns, entropies):
    stepped = old_values + (values - old_values).clamp(-0.2, 0.2)
    value = 0.5 * torch.maximum((values - returns) ** 2, (stepped - returns) ** 2)
    return -clipped(log_probs, old_log_probs, advantages).mean() + 0.5 * value.mean() - 0.02 * entropies.mean() + 0.1 * k3(
        log_probs, reference_log_probs).mean()


case("ppo_objective", dict(log_probs=randn(4, 6) * 0.4, old_log_probs=randn(4, 6) * 0.4, reference_log_probs=randn(4, 6) * 0.4,
                           advantages=randn(4, 6), values=randn(4, 6), old_values=randn(4, 6), returns=randn(4, 6),
                           entropies=uniform(0, 3, 4, 6)), ppo_objective,
     constants=("old_log_probs", "reference_log_probs", "advantages", "old_values", "returns"), entropy_coefficient=0.02, beta=0.1)

# regularization
case("label_smoothing", dict(target=distribution(4, 7)), lambda target: 0.8 * target + 0.2 / 7, epsilon=0.2)
case("residual", dict(x=randn(3, 5), f=randn(3, 5)), lambda x, f: x + f)
case("weight_decay", dict(parameter=randn(17)), lambda parameter: parameter - 0.1 * 0.05 * parameter, learning_rate=0.1, weight_decay=0.05)
case("dropout", dict(x=randn(3, 5)), lambda x: F.dropout(x, 0.4, training=False), p=0.4, training=False)


def clip_norm(g):
    parameter = torch.nn.Parameter(torch.zeros_like(g))
    parameter.grad = g.clone()
    torch.nn.utils.clip_grad_norm_([parameter], 2.0)
    return parameter.grad


case("clip_grad_norm", dict(g=randn(5, 9) * 30), clip_norm, grad=False, max_norm=2.0)

# normalization
gain, bias = randn(9), randn(9)
case("batch_norm", dict(x=randn(8, 9), weight=gain, bias=bias, running_mean=randn(9), running_variance=uniform(0.5, 2, 9)),
     lambda x, weight, bias, running_mean, running_variance: F.batch_norm(x, running_mean, running_variance, weight, bias, False, 0.1, 1e-3),
     constants=("running_mean", "running_variance"), training=False, epsilon=1e-3)
case("batch_norm", dict(x=randn(64, 9) + 100, weight=gain, bias=bias),
     lambda x, weight, bias: F.batch_norm(x, None, None, weight, bias, True, 0.1, 1e-5), epsilon=1e-5)
case("layer_norm", dict(x=randn(4, 9) * 20, weight=gain, bias=bias),
     lambda x, weight, bias: F.layer_norm(x, (9,), weight, bias, 1e-3), epsilon=1e-3)
case("rms_norm", dict(x=randn(4, 9), weight=gain), lambda x, weight: F.rms_norm(x, (9,), weight, 1e-2), epsilon=1e-2)
block = dict(x=randn(4, 9), weight=randn(9, 9), gain=gain)
case("pre_norm", block, lambda x, weight, gain: x + F.rms_norm(x, (9,), gain, 1e-3) @ weight, epsilon=1e-3)
case("post_norm", block, lambda x, weight, gain: F.rms_norm(x + x @ weight, (9,), gain, 1e-3), epsilon=1e-3)
case("qk_norm", dict(q=randn(5, 9), k=randn(6, 9), query_gain=gain, key_gain=bias),
     lambda q, k, query_gain, key_gain: F.rms_norm(q, (9,), query_gain, 1e-3) @ F.rms_norm(k, (9,), key_gain, 1e-3).T / 3, epsilon=1e-3)

# positions
case("learned_positions", dict(x=randn(2, 4, 5), weight=randn(9, 5)), lambda x, weight: x + F.embedding(torch.arange(3, 7), weight), start=3)
slopes = lambda heads: 2.0 ** (-8.0 * torch.arange(1, heads + 1) / heads)
distance = torch.arange(5)[:, None] + 4 - torch.arange(9)
case("alibi", {}, lambda: -slopes(8)[:, None, None] * distance, grad=False, heads=8, queries=5, keys=9)


def bucket(relative, buckets, largest, both):
    """T5's buckets, in float32 as its checkpoints were trained."""
    found = torch.zeros_like(relative)
    if both:
        buckets //= 2
        found = found + (relative > 0) * buckets
        relative = relative.abs()
    else:
        relative = -relative.clamp(max=0)
    exact = buckets // 2
    far = exact + (torch.log(relative.float() / exact) / math.log(largest / exact) * (buckets - exact)).long()
    return found + torch.where(relative < exact, relative, far.clamp(max=buckets - 1))


for both in (True, False):
    relative = torch.arange(60) - (torch.arange(6)[:, None] + 54)
    case("relative_buckets", dict(weight=randn(16, 3)), lambda weight: weight[bucket(relative, 16, 50, both)].permute(2, 0, 1),
         queries=6, keys=60, largest_distance=50, bidirectional=both)

# attention
lower = lambda t, s: torch.ones(t, s, dtype=torch.bool).tril(s - t)
sdpa = F.scaled_dot_product_attention
heads = lambda h, t, d=8: randn(2, h, t, d)
case("attention", dict(q=heads(4, 5), k=heads(2, 7), v=heads(2, 7)),
     lambda q, k, v: sdpa(q, k, v, attn_mask=lower(5, 7), enable_gqa=True), mask="causal")
case("kv_cache", dict(q=heads(4, 7), k=heads(2, 7), v=heads(2, 7)), lambda q, k, v: sdpa(q, k, v, is_causal=True, enable_gqa=True), grad=False)
back = torch.arange(7)[:, None] - torch.arange(7)
windows = torch.tensor([1, 3, 7, 7])
case("multi_scale_window_attention", dict(q=heads(4, 7), k=heads(4, 7), v=heads(4, 7)),
     lambda q, k, v: sdpa(q, k, v, attn_mask=(back >= 0) & (back < windows[:, None, None])), windows=[1, 3, 0, 7])
case("adaptive_span", dict(q=heads(2, 7), k=heads(2, 7), v=heads(2, 7), span=torch.tensor([1.25, 3.5])),
     lambda q, k, v, span: sdpa(q, k, v, attn_mask=torch.where(
         (back >= 0) & (back < span[:, None, None] + 2.75),
         ((span[:, None, None] + 2.75 - back) / 2.75).clamp(1e-300, 1).log(), -math.inf)), ramp=2.75)
blocks = torch.arange(9) // 2
near = ((blocks[:, None] - blocks).abs() <= 0) | (blocks[:, None] < 1) | (blocks < 1) | (blocks % 3 == 2)
case("block_sparse_attention", dict(q=heads(2, 9), k=heads(2, 9), v=heads(2, 9)),
     lambda q, k, v: sdpa(q, k, v, attn_mask=near & lower(9, 9)), block=2, local=0, stride=3, random=0)
feature = lambda x: F.elu(x) + 1


def linear_attention(q, k, v):
    scores = feature(q) @ feature(k).transpose(-2, -1)
    return scores @ v / scores.sum(-1, keepdim=True)


case("linear_attention", dict(q=heads(2, 5), k=heads(2, 5), v=heads(2, 5)), linear_attention, causal=False)


def multi_head(x, wq, wk, wv, wo, key_heads, memory=None, mask=None):
    split = lambda z, h: z.unflatten(-1, (h, -1)).transpose(1, 2)
    m = x if memory is None else memory
    y = sdpa(split(x @ wq, 4), split(m @ wk, key_heads), split(m @ wv, key_heads), attn_mask=mask, enable_gqa=True)
    return y.transpose(1, 2).flatten(-2) @ wo


for op, key_heads in (("multi_query_attention", 1), ("grouped_query_attention", 2), ("multi_head_attention", 4)):
    case(op, dict(x=randn(2, 5, 8), wq=randn(8, 8), wk=randn(8, 2 * key_heads), wv=randn(8, 2 * key_heads), wo=randn(8, 8)),
         lambda *w: multi_head(*w, key_heads, mask=lower(5, 5)), heads=4, kv_heads=key_heads, mask="causal")
case("cross_attention", dict(x=randn(2, 5, 8), memory=randn(2, 6, 8), wq=randn(8, 8), wk=randn(8, 4), wv=randn(8, 4), wo=randn(8, 8)),
     lambda x, memory, *w: multi_head(x, *w, 2, memory), heads=4, kv_heads=2)


def turn(x):
    angles = torch.arange(x.shape[-2])[:, None] * 10000.0 ** (-torch.arange(0, x.shape[-1], 2) / x.shape[-1])
    return torch.view_as_real(torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous()) * torch.polar(torch.ones_like(angles), angles)).flatten(-2)


def latent(x, wq, wc, wr, u, v, wo):
    split = lambda z: z.unflatten(-1, (2, -1)).transpose(0, 1)
    q, c = split(x @ wq), x @ wc
    q = torch.cat((q[..., :3], turn(q[..., 3:])), -1)
    k = torch.cat((split(c @ u), turn(x @ wr).expand(2, -1, -1)), -1)
    y = F.softmax((q @ k.transpose(-2, -1) / math.sqrt(7)).masked_fill(~lower(5, 5), -math.inf), -1) @ split(c @ v)
    return y.transpose(0, 1).flatten(-2) @ wo


latent_inputs = dict(x=randn(5, 8), wq=randn(8, 14), wc=randn(8, 3), wr=randn(8, 4), u=randn(3, 6), v=randn(3, 6), wo=randn(6, 8))
case("multi_head_latent_attention", latent_inputs, latent, heads=2)
case("multi_head_latent_attention", latent_inputs, latent, heads=2, form="absorbed")

# feed-forward and experts
case("linear", dict(x=randn(4, 9), weight=randn(9, 5)), lambda x, weight: F.linear(x, weight.T))
case("embedding", dict(ids=torch.randint(7, (3, 4)), weight=randn(7, 5)), F.embedding)
for name, function in (("silu", F.silu), ("gelu_tanh", lambda x: F.gelu(x, approximate="tanh")), ("tanh", torch.tanh)):
    case("ffn", dict(x=randn(4, 5), w1=randn(5, 7), b1=randn(7), w2=randn(7, 5), b2=randn(5)),
         lambda x, w1, b1, w2, b2: F.linear(function(F.linear(x, w1.T, b1)), w2.T, b2), activation=name)
case("glu", dict(x=randn(4, 5), w=randn(5, 7), v=randn(5, 7), b=randn(7), c=randn(7)),
     lambda x, w, v, b, c: F.glu(torch.cat((x @ w + b, x @ v + c), -1)))
case("router_z_loss", dict(logits=randn(12, 5) * 5), lambda logits: (torch.logsumexp(logits, -1) ** 2).mean())


def route(logits, groups=4, limit=2, k=3):
    scores = torch.sigmoid(logits)
    best = scores.unflatten(-1, (groups, -1)).topk(2, -1).values.sum(-1).topk(limit, -1).indices
    allowed = torch.zeros(len(logits), groups).scatter(1, best, 1).repeat_interleave(logits.shape[-1] // groups, -1)
    picked = scores.masked_fill(allowed == 0, -math.inf).topk(k, -1).indices
    kept = scores.gather(1, picked)
    return torch.zeros_like(scores).scatter(1, picked, 2.5 * kept / kept.sum(-1, True))


case("moe_route", dict(logits=randn(12, 16)), route, top_k=3, groups=4, group_limit=2, score="sigmoid", scale=2.5)


def moe(x, router, w1, w2, w3):
    p = F.softmax(x @ router, -1)
    kept, picked = p.topk(2, -1)
    gates = torch.cat((torch.zeros_like(p).scatter(1, picked, kept / kept.sum(-1, True)), torch.ones(len(x), 1)), -1)
    outputs = torch.einsum("tef,efd->ted", F.silu(torch.einsum("td,edf->tef", x, w1)) * torch.einsum("td,edf->tef", x, w2), w3)
    return torch.einsum("te,ted->td", gates, outputs)


case("moe", dict(x=randn(6, 4), router=randn(4, 3), w1=randn(4, 4, 5), w2=randn(4, 4, 5), w3=randn(4, 5, 4)), moe, top_k=2)


# optimizers: given gradients; the output is the parameter after them
def optimizer(op, make, steps=12, shape=(7,), **attrs):
    parameter, gradients = torch.nn.Parameter(randn(*shape)), randn(steps, math.prod(shape))
    entry = dict(op=op, attrs=attrs, inputs=dict(parameter=tensor(parameter), gradients=tensor(gradients)))
    chosen = make(parameter)
    for gradient in gradients:
        parameter.grad = gradient.reshape(shape).clone()
        chosen.step()
    cases.append(entry | dict(output=expected(parameter)))


class Given(torch.optim.Optimizer):
    """An optimizer that PyTorch does not have: a function of parameter, gradient, state and step."""

    def __init__(self, parameter, change):
        super().__init__([parameter], {})
        self.change = change

    @torch.no_grad()
    def step(self):
        for parameter in self.param_groups[0]["params"]:
            state = self.state[parameter]
            state["t"] = state.get("t", 0) + 1
            parameter.copy_(self.change(parameter, parameter.grad, state))


def lion(parameter, gradient, state):
    m = state.get("m", torch.zeros_like(parameter))
    state["m"] = 0.99 * m + 0.01 * gradient
    return parameter - 0.01 * (torch.sign(0.9 * m + 0.1 * gradient) + 0.1 * parameter)


def adafactor(parameter, gradient, state):
    beta, square = 1 - state["t"] ** -0.8, gradient ** 2 + 1e-30
    state["r"] = beta * state.get("r", 0) + (1 - beta) * square.mean(1, True)
    state["c"] = beta * state.get("c", 0) + (1 - beta) * square.mean(0, True)
    update = gradient / torch.sqrt(state["r"] * state["c"] / state["r"].mean())
    return parameter - 0.01 * update / max(1.0, (update ** 2).mean().sqrt().item() / 0.8)


def muon(parameter, gradient, state):
    state["m"] = 0.9 * state.get("m", 0) + gradient
    x = state["m"] / (state["m"].norm() + 1e-7)
    for _ in range(5):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return parameter - 0.02 * math.sqrt(max(1, x.shape[0] / x.shape[1])) * x


optimizer("gradient_descent", lambda p: torch.optim.SGD([p], lr=0.1), learning_rate=0.1)
optimizer("adam", lambda p: torch.optim.Adam([p], lr=0.02, betas=(0.8, 0.95), eps=1e-6), learning_rate=0.02, beta1=0.8, beta2=0.95, epsilon=1e-6)
optimizer("adamw", lambda p: torch.optim.AdamW([p], lr=0.02, weight_decay=0.3), learning_rate=0.02, weight_decay=0.3)
optimizer("lion", lambda p: Given(p, lion), learning_rate=0.01, weight_decay=0.1)
optimizer("adafactor", lambda p: Given(p, adafactor), shape=(4, 6), learning_rate=0.01, clip=0.8)
optimizer("muon", lambda p: Given(p, muon), steps=3, shape=(6, 4), learning_rate=0.02, momentum=0.9)
averaged, parameters = randn(7), randn(5, 7)
case("exponential_moving_average", dict(average=averaged, parameters=parameters),
     lambda average, parameters: sum((0.8 ** (4 - t) * 0.2 * p for t, p in enumerate(parameters)), 0.8 ** 5 * average), grad=False, beta=0.8)
case("gradient_accumulation", dict(gradients=randn(5, 7)), lambda gradients: gradients.mean(0), grad=False)


# schedules: the rates that PyTorch's schedulers set
def schedule(op, make, steps, **attrs):
    chosen = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=attrs["learning_rate"])
    scheduler, rates = make(chosen), []
    for _ in range(steps):
        rates.append(chosen.param_groups[0]["lr"])
        chosen.step()
        scheduler.step()
    cases.append(dict(op=op, attrs=attrs, inputs=dict(step=tensor(torch.arange(steps))), output=expected(torch.tensor(rates))))


scheduler = torch.optim.lr_scheduler
schedule("schedule_cosine", lambda o: scheduler.CosineAnnealingLR(o, 50, 0.02 * 0.1), 51, learning_rate=0.02, total_steps=50, decay=1, minimum=0.1)
schedule("schedule_linear", lambda o: scheduler.LinearLR(o, 1, 0.2, 50), 60, learning_rate=0.02, total_steps=50, decay=1, minimum=0.2)
schedule("schedule_constant", lambda o: scheduler.ConstantLR(o, 1, 50), 51, learning_rate=0.02, total_steps=50, decay=1)
schedule("schedule_warmup_stable_decay",
         lambda o: scheduler.LambdaLR(o, lambda t: t / 10 if t < 10 else min(1, (50 - t) / 20)), 51,
         learning_rate=0.02, total_steps=50, warmup=10, decay=20)
schedule("schedule_inverse_square_root", lambda o: scheduler.LambdaLR(o, lambda t: t / 10 if t < 10 else (10 / t) ** 0.5), 51,
         learning_rate=0.02, total_steps=50, warmup=10, decay=1)

# information
bits = lambda x: x / math.log(2)
entropy = lambda p: -(p * p.log()).sum(-1)
p, q = distribution(4, 9), distribution(4, 9)
joint = distribution(1, 20).reshape(4, 5)
case("self_information", dict(p=uniform(0.01, 1, 9)), lambda p: -torch.log2(p))
case("entropy", dict(p=p), lambda p: entropy(p), unit="nats")
case("joint_entropy", dict(joint=joint), lambda joint: bits(entropy(joint.flatten())))
case("conditional_entropy", dict(joint=joint), lambda joint: bits(entropy(joint.flatten()) - entropy(joint.sum(1))))
case("mutual_information", dict(joint=joint), lambda joint: entropy(joint.sum(0)) + entropy(joint.sum(1)) - entropy(joint.flatten()), unit="nats")
case("information_cross_entropy", dict(p=p, q=q), lambda p, q: bits(-(p * q.log()).sum(-1)))
case("jensen_shannon", dict(p=p, q=q), lambda p, q: bits(entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2))
case("kl_divergence", dict(p_logits=randn(4, 9), q_logits=randn(4, 9)),
     lambda p_logits, q_logits: bits(F.kl_div(F.log_softmax(q_logits, -1), F.log_softmax(p_logits, -1), log_target=True, reduction="batchmean")),
     unit="bits")
case("bits_per_byte", dict(nll=uniform(1, 3, 5)), lambda nll: bits(nll * 1000 / 4200), tokens=1000, bytes=4200)
case("binary_symmetric_capacity", dict(p=uniform(0.01, 0.99, 9)), lambda p: 1 + p * torch.log2(p) + (1 - p) * torch.log2(1 - p))
case("binary_erasure_capacity", dict(p=uniform(0, 1, 9)), lambda p: 1 - p)

# linear algebra; a vector's largest component counts as positive
a, b = randn(5, 6), randn(6, 4)
case("matrix_add", dict(a=a, b=randn(5, 6)), torch.add)
case("matrix_multiply", dict(a=a, b=b), torch.matmul)
case("matrix_transpose", dict(a=a), lambda a: a.T)
case("matrix_inverse", dict(a=randn(6, 6)), torch.linalg.inv)
case("identity_matrix", {}, lambda: torch.eye(5), grad=False, n=5)
case("zero_matrix", {}, lambda: torch.zeros(2, 3), grad=False, m=2, n=3)
sign = lambda columns: torch.sign(columns.gather(0, columns.abs().argmax(0, keepdim=True)))


def svd(a):
    u, sigma, vt = torch.linalg.svd(a, full_matrices=False)
    return torch.cat((sigma[None], u * sign(u), vt.T * sign(u)))


def eigen(a):
    values, vectors = torch.linalg.eigh(a)
    return torch.cat((values[None], (vectors * sign(vectors)).T))


case("svd", dict(a=randn(7, 4)), svd, grad=False)
case("svd", dict(a=randn(4, 7)), svd, grad=False)
symmetric = randn(6, 6).triu()
case("eigen", dict(a=symmetric + symmetric.triu(1).T), eigen, grad=False)
for name, value in (("is_symmetric", symmetric + symmetric.triu(1).T), ("is_diagonal", torch.diag(randn(5))),
                    ("is_orthogonal", torch.linalg.qr(torch.randn(5, 5)).Q.float().double())):
    case(name, dict(a=value), lambda a: torch.tensor(1.0), grad=False)
    case(name, dict(a=randn(5, 5)), lambda a: torch.tensor(0.0), grad=False)
for equation, shapes in (("i,i->", ((5,), (5,))), ("ik,kj->ij", ((3, 4), (4, 5))), ("i,j->ij", ((3,), (4,))), ("ij->ji", ((3, 4),)),
                         ("bij,bjk->bik", ((2, 3, 4), (2, 4, 5))), ("bcd,cd->bcd", ((2, 3, 4), (3, 4))), ("abc->", ((2, 3, 4),)),
                         ("ii->i", ((4, 4),)), ("bhqd,bhkd->bhqk", ((2, 2, 3, 4), (2, 2, 5, 4)))):
    case("einsum", dict(zip("ab", (randn(*shape) for shape in shapes))), lambda *t: torch.einsum(equation, *t),
         equation=equation)



def contrast(first, second, scale=20.0):
    cosines = F.cosine_similarity(first[:, None], second[None], dim=-1)
    return F.cross_entropy(scale * cosines, torch.arange(len(first)))


def cosent(first, second, scores, scale=20.0):
    cosines = scale * F.cosine_similarity(first, second)
    differences = cosines[None] - cosines[:, None]
    return torch.cat((torch.zeros(1), differences[scores[:, None] > scores[None]])).logsumexp(0)


case("in_batch_contrast", dict(first=randn(6, 8), second=randn(6, 8)), contrast)
case("cosent", dict(first=randn(7, 8), second=randn(7, 8), scores=torch.randint(4, (7,))), cosent)
case("hadamard", dict(x=randn(3, 16)), lambda x: x @ torch.tensor([[(-1.0) ** (i & j).bit_count() for j in range(16)] for i in range(16)]) / 4)


def short_convolution(x, w, bias=None):
    d, k = w.shape
    return F.conv1d(F.pad(x.transpose(1, 2), (k - 1, 0)), w[:, None], bias, groups=d).transpose(1, 2)


def gated_delta_rule(q, k, v, decay, beta):
    group, (batch, heads, length, width) = v.shape[1] // q.shape[1], v.shape
    q, k = q.repeat_interleave(group, 1), k.repeat_interleave(group, 1)
    state, y = torch.zeros(batch, heads, q.shape[-1], width), []
    for t in range(length):
        state = state * decay[:, :, t, None, None].exp()
        delta = beta[:, :, t, None] * (v[:, :, t] - (state * k[:, :, t, :, None]).sum(-2))
        state = state + k[:, :, t, :, None] * delta[:, :, None]
        y.append((state * q[:, :, t, :, None]).sum(-2) / math.sqrt(q.shape[-1]))
    return torch.stack(y, 2)


def clamped_gate(a, b, limit=7.0, alpha=1.702):
    gate = a.clamp(max=limit)
    return (b.clamp(-limit, limit) + 1) * gate * torch.sigmoid(alpha * gate)


case("short_convolution", dict(x=randn(2, 9, 5), w=randn(5, 4), bias=randn(5)), short_convolution)
case("short_convolution", dict(x=randn(1, 3, 17), w=randn(17, 5)), short_convolution)
case("log_decay", dict(a=randn(5, 3) * 3, rate=randn(3), bias=randn(3)), lambda a, rate, bias: -rate.exp() * F.softplus(a + bias))
case("gated_delta_rule", dict(q=randn(1, 2, 11, 4) / 2, k=randn(1, 2, 11, 4) / 2, v=randn(1, 4, 11, 3), decay=-uniform(0, 1, 1, 4, 11), beta=uniform(0, 1, 1, 4, 11)),
     gated_delta_rule)
case("clamped_gate", dict(a=randn(3, 17) * 6, b=randn(3, 17) * 6), clamped_gate)
case("soft_cap", dict(x=randn(3, 17) * 9), lambda x: 4 * torch.tanh(x / 4), cap=4.0)

with open(options.out, "w", encoding="utf-8") as file:
    json.dump(dict(format="lemma-golden-1", reference=f"torch {torch.__version__}, float64", cases=cases), file)
print(len(cases), "cases of", len({entry["op"] for entry in cases}), "formulas ->", options.out)
