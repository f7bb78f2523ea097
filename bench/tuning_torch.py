"""Tuning steps of llama-14m in PyTorch on this machine's CPU, for a side-by-side ratio with `lemma bench tune`.

usage: tuning_torch.py sft|dpo [--equal] [--lora RANK] [--threads N] [--steps K]
The arithmetic is TRL's: answers are padded to the longest of the batch; sft takes the cross-entropy of the answers' tokens over the logits of all
places; dpo runs the chosen and the rejected answers in one batch, gathers the logarithms of their tokens, and compares with those of a reference that
were computed before. Then backward, clip to norm 1, AdamW. The same lengths and ids stand in src/Lemma.Cli/Bench/TuningBench.cs.
"""
import argparse, math, os, resource, statistics, time

ap = argparse.ArgumentParser()
ap.add_argument("objective", choices=["sft", "dpo"])
ap.add_argument("--equal", action="store_true")
ap.add_argument("--lora", type=int)
ap.add_argument("--threads", type=int, default=2)
ap.add_argument("--steps", type=int, default=8)
a = ap.parse_args()
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(a.threads)
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(a.threads)
torch.manual_seed(0)
V, D, L, H, FF, ANSWERS = 4096, 384, 6, 6, 1024, 16


class LowRank(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) * 0.02, requires_grad=a.lora is None)
        if a.lora:
            self.a, self.b = nn.Parameter(torch.randn(a.lora, inputs) / math.sqrt(inputs)), nn.Parameter(torch.zeros(outputs, a.lora))

    def forward(self, x):
        y = F.linear(x, self.weight)
        return y + 2 * F.linear(F.linear(x, self.a), self.b) if a.lora else y


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.n1, self.n2 = nn.RMSNorm(D, eps=1e-5), nn.RMSNorm(D, eps=1e-5)
        self.q, self.k, self.v, self.o = (LowRank(D, D) for _ in range(4))
        self.gate, self.up, self.down = LowRank(D, FF), LowRank(D, FF), LowRank(FF, D)

    def forward(self, x, cos, sin):
        b, t, d = x.shape
        y = self.n1(x)

        def split(z):
            return z.view(b, t, H, d // H).transpose(1, 2)

        def turn(z):
            z1, z2 = z.chunk(2, -1)
            return torch.cat((z1 * cos - z2 * sin, z2 * cos + z1 * sin), -1)

        heard = F.scaled_dot_product_attention(turn(split(self.q(y))), turn(split(self.k(y))), split(self.v(y)), is_causal=True)
        x = x + self.o(heard.transpose(1, 2).reshape(b, t, d))
        y = self.n2(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.norm, self.head = nn.Embedding(V, D), nn.RMSNorm(D, eps=1e-5), nn.Linear(D, V, bias=False)
        self.blocks = nn.ModuleList(Block() for _ in range(L))
        angles = torch.arange(2048).float()[:, None] * 10000.0 ** (-torch.arange(0, D // H, 2).float() / (D // H))[None]
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())
        if a.lora:
            for p in (self.embedding.weight, self.norm.weight, self.head.weight, *(g for b in self.blocks for g in (b.n1.weight, b.n2.weight))):
                p.requires_grad = False

    def forward(self, ids):
        x, t = self.embedding(ids), ids.shape[1]
        for block in self.blocks:
            x = block(x, self.cos[:t], self.sin[:t])
        return self.head(self.norm(x))


def example(number):
    of_pair = a.objective == "dpo"
    own = number // 2 if of_pair else number
    prompt = 96 if a.equal else 32 + 37 * own % 129
    answer = 56 if a.equal else 16 + 53 * number % 81
    ids = [((own if i < prompt and of_pair else number) * 7919 + i * 104729 + 1) % V for i in range(prompt + answer)]
    return ids, [-100] * prompt + ids[prompt:]


order = list(range(0, ANSWERS, 2)) + list(range(1, ANSWERS, 2)) if a.objective == "dpo" else range(ANSWERS)
examples = [example(i) for i in order]
longest = max(len(ids) for ids, _ in examples)
ids = torch.tensor([e + [0] * (longest - len(e)) for e, _ in examples])
labels = torch.tensor([t + [-100] * (longest - len(t)) for _, t in examples])[:, 1:]
real = sum(len(e) - 1 for e, _ in examples)


def answer_logs(model):
    logits = model(ids)[:, :-1]
    counted = labels != -100
    logs = torch.gather(logits.log_softmax(-1), 2, labels.where(counted, 0).unsqueeze(2)).squeeze(2)
    return (logs * counted).sum(-1)


model = Model()
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-5, weight_decay=0.1, fused=True)
with torch.no_grad():
    reference = answer_logs(model) if a.objective == "dpo" else None
times = []
for _ in range(a.steps + 2):
    start = time.perf_counter()
    optimizer.zero_grad(set_to_none=True)
    if a.objective == "sft":
        loss = F.cross_entropy(model(ids)[:, :-1].reshape(-1, V), labels.reshape(-1))
    else:
        moved = answer_logs(model) - reference
        loss = -F.logsigmoid(0.1 * (moved[:ANSWERS // 2] - moved[ANSWERS // 2:])).mean()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    times.append(time.perf_counter() - start)
s = statistics.median(times[2:])
print(f"torch {torch.__version__} {a.objective} llama-14m{f' rank {a.lora}' if a.lora else ''} {ANSWERS} answers of {real} tokens in all, padded to {longest} "
      f"each, threads {a.threads} f32")
print(f"step {s * 1e3:.0f} ms  {real / s:.0f} tokens/s  peak RSS {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
