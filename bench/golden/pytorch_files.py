"""Writes small files of PyTorch with tensors of known values, for the tests of their reader.

Also gpt2.bin: the weights of Golden/checkpoints/gpt2 as pytorch_model.bin has them.
usage: python3 bench/golden/pytorch_files.py [FOLDER]     (default: tests/Lemma.Tests/Golden/pytorch)
Element i of a tensor named n is i + 0.5 * len(n) in row-major order, rounded to its type.
"""
import collections, os, sys
import torch

folder = sys.argv[1] if len(sys.argv) > 1 else "tests/Lemma.Tests/Golden/pytorch"
os.makedirs(folder, exist_ok=True)


def filled(name, *sizes, dtype=torch.float32):
    count = 1
    for size in sizes:
        count *= size
    return (torch.arange(count, dtype=torch.float64) + 0.5 * len(name)).to(dtype).reshape(sizes)


def tensors():
    state = collections.OrderedDict()
    state["single"] = filled("single", 2, 3)
    state["half"] = filled("half", 5, dtype=torch.float16)
    state["brain"] = filled("brain", 5, dtype=torch.bfloat16)
    state["whole"] = filled("whole", 4, dtype=torch.int64)
    state["scalar"] = filled("scalar")
    state["empty"] = torch.zeros(0, 3)
    state["transposed"] = filled("transposed", 3, 4).t().contiguous().t()
    large = torch.cat([torch.full((3,), -1.0), filled("part", 4), torch.full((2,), -1.0)])
    state["part"] = large[3:7]
    state["column"] = torch.stack([filled("column", 3), torch.full((3,), -1.0)], 1)[:, 0]
    state["spread"] = torch.full((1,), 0.5 * len("spread")).expand(3)
    state["tied"] = state["single"]
    return state


both = {"archive": {}, "old": {"_use_new_zipfile_serialization": False}}
for name, options in both.items():
    torch.save(tensors(), f"{folder}/{name}.bin", **options)
    layer = torch.nn.Linear(2, 2)
    with torch.no_grad():
        layer.weight.copy_(filled("weight", 2, 2))
        layer.bias.copy_(filled("bias", 2))
    torch.save({"model": layer.state_dict(), "parameters": [layer.weight], "epoch": 3, "rate": 0.5, "name": "run", "done": False, "none": None},
               f"{folder}/{name}-nested.pt", **options)
torch.save(filled("tensor", 3), f"{folder}/alone.pt")
torch.save(tensors(), f"{folder}/protocol4.bin", pickle_protocol=4)
torch.save(torch.nn.Linear(1, 1), f"{folder}/module.pt")

from safetensors.torch import load_file
torch.save(load_file(os.path.join(folder, "../checkpoints/gpt2/model.safetensors")), f"{folder}/gpt2.bin")
