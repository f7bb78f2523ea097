"""Golden layers of experts as transformers computes them, with weights and gradients.

    python3 make_experts.py experts.json

Each case: {name, settings, inputs, outputs, gradients}; a tensor is {shape, data}. The loss is the sum of output times upstream.
"""

import json
import sys

import torch
from transformers import DeepseekV3Config, MixtralConfig, Qwen3MoeConfig
from transformers.models.deepseek_v3.modeling_deepseek_v3 import DeepseekV3MoE
from transformers.models.mixtral.modeling_mixtral import MixtralSparseMoeBlock
from transformers.models.qwen3_moe.modeling_qwen3_moe import Qwen3MoeSparseMoeBlock

torch.manual_seed(3)
torch.set_default_dtype(torch.float32)
cases = []


def tensor(x):
    return dict(shape=list(x.shape), data=[float(f"{value:.7g}") for value in x.detach().flatten().tolist()])


def draw(module):
    """Weights with seven digits, so that the file holds them whole."""
    for parameter in list(module.parameters()) + [b for n, b in module.named_buffers() if "bias" in n]:
        values = torch.randn(parameter.shape) * 0.5
        parameter.data = torch.tensor([float(f"{value:.7g}") for value in values.flatten().tolist()]).reshape(parameter.shape)


def case(name, settings, module, call, rows, width):
    draw(module)
    module = module.double()
    x = torch.tensor(tensor(torch.randn(1, rows, width))["data"]).reshape(1, rows, width).double().requires_grad_(True)
    y = call(module, x)
    upstream = torch.tensor(tensor(torch.randn(y.shape))["data"]).reshape(y.shape).double()
    y.backward(upstream)
    named = dict(module.named_parameters()) | {n: b for n, b in module.named_buffers() if "bias" in n}
    cases.append(dict(name=name, settings=settings, inputs=dict(x=tensor(x), upstream=tensor(upstream), **{n: tensor(p) for n, p in named.items()}),
                      output=tensor(y), gradients=dict(x=tensor(x.grad), **{n: tensor(p.grad) for n, p in named.items() if p.grad is not None})))


settings = dict(hidden_size=8, intermediate_size=6, num_local_experts=4, num_experts_per_tok=2)
case("mixtral", settings, MixtralSparseMoeBlock(MixtralConfig(**settings)), lambda m, x: m(x), 7, 8)
for norm in (True, False):
    settings = dict(hidden_size=8, moe_intermediate_size=5, num_experts=6, num_experts_per_tok=3, norm_topk_prob=norm)
    case("qwen3_moe", settings, Qwen3MoeSparseMoeBlock(Qwen3MoeConfig(**settings)), lambda m, x: m(x), 7, 8)
settings = dict(hidden_size=8, moe_intermediate_size=4, n_routed_experts=8, num_experts_per_tok=2, n_group=4, topk_group=2, n_shared_experts=1,
                norm_topk_prob=True, routed_scaling_factor=1.5)
case("deepseek_v3", settings, DeepseekV3MoE(DeepseekV3Config(**settings)), lambda m, x: m(x), 9, 8)
with open(sys.argv[1], "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
