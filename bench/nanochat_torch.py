"""Training-step speed of a nanochat-shaped model in PyTorch on this machine's CPU, for a side-by-side ratio with `lemma bench train nanochat-d4`.

usage: nanochat_torch.py DEPTH [--threads N] [--batch B] [--length T] [--steps K]
One step: forward, cross-entropy of bent logits, backward, clip to norm 1, Muon for the matrices of blocks and AdamW for embedding and head.
Prints the median step and tokens/s. Norms have no gain, queries and keys are normed, the feed-forward is a squared ReLU, the head is not tied.
"""
import argparse, os, resource, statistics, time

ap = argparse.ArgumentParser()
ap.add_argument("depth", type=int)
ap.add_argument("--threads", type=int, default=2)
ap.add_argument("--batch", type=int, default=8)
ap.add_argument("--length", type=int, default=512)
ap.add_argument("--steps", type=int, default=5)
a = ap.parse_args()
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(a.threads)
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(a.threads)
torch.manual_seed(0)
vocabulary, width, heads, cap = 32768, 64 * a.depth, a.depth, 15.0


def norm(x):
    return F.rms_norm(x, (x.size(-1),), eps=1e-6)


def linear(inputs, outputs):
    return nn.Linear(inputs, outputs, bias=False)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.o = (linear(width, width) for _ in range(4))
        self.up, self.down = linear(width, 4 * width), linear(4 * width, width)

    def forward(self, x, cos, sin):
        b, t, d = x.shape
        y = norm(x)

        def split(z):
            return z.view(b, t, heads, 64).transpose(1, 2)

        def turn(z):
            z1, z2 = z.chunk(2, -1)
            return torch.cat((z1 * cos - z2 * sin, z2 * cos + z1 * sin), -1)

        heard = F.scaled_dot_product_attention(norm(turn(split(self.q(y)))), norm(turn(split(self.k(y)))), split(self.v(y)), is_causal=True)
        x = x + self.o(heard.transpose(1, 2).reshape(b, t, d))
        return x + self.down(F.relu(self.up(norm(x))).square())


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.head = nn.Embedding(vocabulary, width), linear(width, vocabulary)
        self.blocks = nn.ModuleList(Block() for _ in range(a.depth))
        angles = torch.arange(2048).float()[:, None] * 10000.0 ** (-torch.arange(0, 64, 2).float() / 64)[None]
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def forward(self, ids):
        x, t = norm(self.embedding(ids)), ids.shape[1]
        for block in self.blocks:
            x = block(x, self.cos[:t], self.sin[:t])
        logits = self.head(norm(x))
        return cap * torch.tanh(logits / cap)


class Muon:
    def __init__(self, parameters, rate, momentum=0.95):
        self.parameters, self.rate, self.momentum = list(parameters), rate, momentum
        self.moments = [torch.zeros_like(p) for p in self.parameters]

    @torch.no_grad()
    def step(self):
        for p, m in zip(self.parameters, self.moments):
            m.mul_(self.momentum).add_(p.grad)
            g = p.grad.add(m, alpha=self.momentum)
            x = g.T if g.size(0) > g.size(1) else g
            x = x / (x.norm() + 1e-7)
            for _ in range(5):
                gram = x @ x.T
                x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
            x = x.T if g.size(0) > g.size(1) else x
            p.add_(x, alpha=-self.rate * max(1, g.size(0) / g.size(1)) ** 0.5)


model = Model()
for p in model.parameters():
    nn.init.normal_(p, 0, 0.02)
n = sum(p.numel() for p in model.parameters())
muon = Muon(model.blocks.parameters(), 0.02)
rest = torch.optim.AdamW([model.embedding.weight, model.head.weight], lr=3e-3, betas=(0.8, 0.95), eps=1e-10, weight_decay=0, fused=True)
times = []
for _ in range(a.steps + 2):
    x, y = torch.randint(vocabulary, (a.batch, a.length)), torch.randint(vocabulary, (a.batch, a.length))
    start = time.perf_counter()
    model.zero_grad(set_to_none=True)
    loss = F.cross_entropy(model(x).view(-1, vocabulary), y.view(-1))
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    muon.step()
    rest.step()
    times.append(time.perf_counter() - start)
s = statistics.median(times[2:])
print(f"torch {torch.__version__} nanochat-d{a.depth} params {n / 1e6:.1f}M batch {a.batch} length {a.length} threads {a.threads} f32")
print(f"step {s * 1e3:.0f} ms  {a.batch * a.length / s:.0f} tokens/s  peak RSS {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
