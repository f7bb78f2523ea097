"""The character-level setting of nanoGPT's README on a CPU, in PyTorch: 4 layers, 4 heads, width 128, length 64, batch 12, 2,000 steps.

usage: char_torch.py TEXT [--steps N] [--threads N]     Prints the validation loss over the whole last tenth, and the time of the steps.
"""
import argparse, math, time, torch, torch.nn as nn, torch.nn.functional as F

arguments = argparse.ArgumentParser()
arguments.add_argument("text")
arguments.add_argument("--steps", type=int, default=2000)
arguments.add_argument("--threads", type=int, default=2)
options = arguments.parse_args()
torch.set_num_threads(options.threads)
torch.manual_seed(1)
text = open(options.text, encoding="utf8").read()
letters = sorted(set(text))
ids = torch.tensor([letters.index(c) for c in text])
cut = int(len(ids) * 0.9)
training, validation = ids[:cut], ids[cut:]
width, heads, layers, length, batch = 128, 4, 4, 64, 12


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, heads, d // heads).permute(2, 0, 3, 1, 4)
        x = x + self.out(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(b, t, d))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(len(letters), width), nn.Embedding(length, width)
        self.blocks, self.norm = nn.ModuleList(Block() for _ in range(layers)), nn.LayerNorm(width)
        for name, p in self.named_parameters():
            if p.dim() > 1:
                nn.init.normal_(p, 0, 0.02 / math.sqrt(2 * layers) if name.endswith(("out.weight", "down.weight")) else 0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(p)

    def forward(self, i):
        x = self.tokens(i) + self.positions(torch.arange(i.shape[1]))
        for block in self.blocks:
            x = block(x)
        return F.linear(self.norm(x), self.tokens.weight)


model = Model()
matrices = [p for p in model.parameters() if p.dim() > 1]
vectors = [p for p in model.parameters() if p.dim() == 1]
optimizer = torch.optim.AdamW([dict(params=matrices, weight_decay=0.1), dict(params=vectors, weight_decay=0)], lr=1e-3, betas=(0.9, 0.99), fused=True)
seconds = 0.0
for step in range(1, options.steps + 1):
    rate = 1e-3 * step / 100 if step <= 100 else 1e-4 + 0.45e-3 * (1 + math.cos(math.pi * (step - 100) / (options.steps - 100)))
    for group in optimizer.param_groups:
        group["lr"] = rate
    start = time.perf_counter()
    at = torch.randint(len(training) - length - 1, (batch,))
    x, y = torch.stack([training[i:i + length] for i in at]), torch.stack([training[i + 1:i + 1 + length] for i in at])
    optimizer.zero_grad(set_to_none=True)
    loss = F.cross_entropy(model(x).view(-1, len(letters)), y.view(-1))
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    seconds += time.perf_counter() - start
with torch.no_grad():
    count = (len(validation) - 1) // length
    x, y = validation[:count * length].view(count, length), validation[1:count * length + 1].view(count, length)
    total = sum(F.cross_entropy(model(a).view(-1, len(letters)), b.view(-1)).item() * len(a) for a, b in zip(x.split(64), y.split(64)))
print(f"torch {torch.__version__}: validation loss {total / count:.4f}  {seconds:.1f} s for {options.steps} steps  {options.steps * batch * length / seconds:.0f} tokens/s")
