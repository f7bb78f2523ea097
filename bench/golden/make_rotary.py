"""Golden rotary frequencies: the pairs' angles a position and the factor of cosines and sines, by transformers' ROPE_INIT_FUNCTIONS.

    python3 make_rotary.py rotary.json

Each case: the settings as a config.json has them, the length of the sequence, {inverse_frequencies, attention_factor}.
"""

import json
import sys

from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

LONG = dict(short_factor=[1 + 0.05 * i for i in range(8)], long_factor=[1 + 0.9 * i for i in range(8)])
CASES = [
    (dict(rope_type="linear", factor=4.0), [64]),
    (dict(rope_type="linear", factor=2.5, partial_rotary_factor=0.5), [64]),
    (dict(rope_type="dynamic", factor=2.0), [1, 128, 129, 300]),
    (dict(rope_type="dynamic", factor=4.0, partial_rotary_factor=0.25), [128, 1000]),
    (dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=32), [64]),
    (dict(rope_type="yarn", factor=40.0, original_max_position_embeddings=4096, mscale=1.0, mscale_all_dim=0.8), [64]),
    (dict(rope_type="yarn", factor=8.0, original_max_position_embeddings=4096, attention_factor=1.25, beta_fast=16.0, beta_slow=2.0), [64]),
    (dict(rope_type="yarn", factor=32.0, original_max_position_embeddings=4096, truncate=False), [64]),
    (dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32), [64]),
    (dict(rope_type="llama3", factor=32.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=8192), [64]),
    (dict(rope_type="longrope", factor=4.0, original_max_position_embeddings=32, **LONG), [32, 33]),
    (dict(rope_type="longrope", original_max_position_embeddings=32, attention_factor=1.5, **LONG), [32, 100]),
    (dict(rope_type="proportional", partial_rotary_factor=0.5), [64]),
    (dict(rope_type="proportional", factor=2.0, partial_rotary_factor=0.25), [64]),
]

cases = []
for settings, lengths in CASES:
    for theta in (10000.0, 500000.0):
        for length in lengths:
            config = LlamaConfig(hidden_size=64, num_attention_heads=4, max_position_embeddings=128, rope_parameters=dict(rope_theta=theta, **settings))
            frequencies, factor = ROPE_INIT_FUNCTIONS[settings["rope_type"]](config, "cpu", seq_len=length)
            cases.append(dict(settings=dict(rope_theta=theta, **settings), head_dim=16, max_position_embeddings=128, length=length,
                              inverse_frequencies=[float(f"{value:.9g}") for value in frequencies.tolist()], attention_factor=factor))
with open(sys.argv[1], "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
