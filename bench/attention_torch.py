"""Causal attention in PyTorch: torch.nn.functional.scaled_dot_product_attention, forward and backward, medians.

usage: attention_torch.py [--batch N] [--length N] [--heads N] [--width N] [--threads N] [--seconds S]
"""
import argparse, statistics, time, torch, torch.nn.functional as F

arguments = argparse.ArgumentParser()
for name, value in (("batch", 1), ("length", 1024), ("heads", 8), ("width", 64), ("threads", 1)):
    arguments.add_argument(f"--{name}", type=int, default=value)
arguments.add_argument("--seconds", type=float, default=3)
options = arguments.parse_args()
torch.set_num_threads(options.threads)
torch.manual_seed(0)
shape = options.batch, options.heads, options.length, options.width
q, k, v = (torch.randn(shape, requires_grad=True) for _ in range(3))
up = torch.randn(shape)
forward, backward, start = [], [], time.perf_counter()
while len(forward) < 5 or time.perf_counter() - start < options.seconds:
    before = time.perf_counter()
    y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    forward.append(time.perf_counter() - before)
    q.grad = k.grad = v.grad = None
    before = time.perf_counter()
    y.backward(up)
    backward.append(time.perf_counter() - before)
product = 2 * options.batch * options.heads * options.width * options.length * (options.length + 1) / 2
print(f"attention torch {torch.__version__} threads {options.threads}")
for name, times, products in (("forward", forward, 2), ("backward", backward, 5)):
    median = statistics.median(times)
    print(f"{name:8} {median * 1e3:8.2f} ms  {products * product / median / 1e9:7.1f} GFLOP/s")
