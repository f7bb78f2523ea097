"""Blocks of every format that GGUF files have: random bytes with what the gguf package makes of them, and numbers with llama-quantize's blocks of them.

usage: run.sh python3 bench/golden/gguf_blocks.py     (writes tests/Lemma.Tests/Golden/gguf/blocks.json; checks the gguf package against llama-quantize)
"""
import base64, json, os, subprocess, tempfile
import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

READ = ["Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "MXFP4"]
WRITTEN = ["Q8_0", "Q4_0", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K"]
HALVES = {"Q8_0": [0], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0], "MXFP4": []}
text = lambda array: base64.b64encode(array.tobytes()).decode()
random = np.random.default_rng(7)


def model(path, columns, rows, tensor, kind):
    writer = gguf.GGUFWriter(path, "llama")
    for name, value in (("context_length", 64), ("embedding_length", columns), ("block_count", 1), ("feed_forward_length", columns), ("head_count", 1)):
        getattr(writer, "add_" + name)(value)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("no_vocab")
    writer.add_vocab_size(rows)
    writer.add_tensor("blk.0.ffn_up.weight", tensor, raw_dtype=kind)
    writer.write_header_to_file(); writer.write_kv_data_to_file(); writer.write_tensors_to_file(); writer.close()


def quantized(source, kind, *more):
    path = source + kind
    subprocess.run(["llama-quantize", "--allow-requantize", "--pure", *more, source, path, kind, "2"], check=True, capture_output=True)
    return gguf.GGUFReader(path).tensors[0].data


golden = {"read": {}, "written": {}}
with tempfile.TemporaryDirectory() as folder:
    for kind in READ:
        elements, size = gguf.GGML_QUANT_SIZES[Type[kind]]
        count = 512 // elements
        blocks = random.integers(0, 256, (count, size), dtype=np.uint8)
        for at in HALVES[kind]:
            blocks[:, at:at + 2] = random.normal(0, 0.01, (count, 1)).astype(np.float16).view(np.uint8)
        if kind == "MXFP4":
            blocks[:, 0] = [0, 1, 2, 254] + list(range(120, 120 + count - 4))
        values = gguf.quants.dequantize(blocks.reshape(1, -1), Type[kind]).astype(np.float32)
        assert values.size == 512
        golden["read"][kind] = {"blocks": text(blocks), "values": text(values)}
        model(folder + "/a", 256, 2, blocks.reshape(2, -1), Type[kind])
        try:
            same = np.array_equal(quantized(folder + "/a", "F32").reshape(-1).view(np.uint32), values.reshape(-1).view(np.uint32))
            print(kind, "llama-quantize gives", "the same" if same else "OTHER VALUES")
        except subprocess.CalledProcessError as error:
            print(kind, error.stderr.decode()[-200:])
    x = random.normal(0, 0.02, (4, 256)).astype(np.float32)
    x[1] *= random.uniform(0.1, 3, 256)
    x[2, ::37] *= 20
    x[3] = np.abs(x[3]) + 0.01
    model(folder + "/b", 256, 4, x, Type.F32)
    golden["numbers"] = text(x)
    for kind in WRITTEN:
        golden["written"][kind] = text(quantized(folder + "/b", kind))
    json.dump(golden, open("tests/Lemma.Tests/Golden/gguf/blocks.json", "w"), indent=0)
