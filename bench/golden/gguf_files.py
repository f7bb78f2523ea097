"""Writes small GGUF files by llama.cpp's own writer, with values of every type, for the tests of their reader.

usage: python3 bench/golden/gguf_files.py [FOLDER]     (default: tests/Lemma.Tests/Golden/gguf)
"""
import os, sys
import gguf
import numpy as np

folder = sys.argv[1] if len(sys.argv) > 1 else "tests/Lemma.Tests/Golden/gguf"
os.makedirs(folder, exist_ok=True)


def write(name, **options):
    writer = gguf.GGUFWriter(f"{folder}/{name}", "llama", **options)
    writer.add_uint8("a.uint8", 200)
    writer.add_int8("a.int8", -100)
    writer.add_uint16("a.uint16", 60000)
    writer.add_int16("a.int16", -30000)
    writer.add_uint32("a.uint32", 4000000000)
    writer.add_int32("a.int32", -2000000000)
    writer.add_float32("a.float32", 1.5)
    writer.add_bool("a.bool", True)
    writer.add_string("a.string", "text é")
    writer.add_array("a.strings", ["a", "", "é"])
    writer.add_array("a.floats", [0.5, -2.0])
    writer.add_array("a.ints", [1, -2, 3])
    writer.add_array("a.bools", [True, False])
    writer.add_uint64("a.uint64", 1 << 63)
    writer.add_int64("a.int64", -(1 << 62))
    writer.add_float64("a.float64", 1e300)
    writer.add_tensor("single", np.arange(6, dtype=np.float32).reshape(2, 3))
    writer.add_tensor("half", np.arange(4, dtype=np.float16) / 2)
    brain = np.array([1.0, -2.5, 0.15625], dtype=np.float32)
    writer.add_tensor("brain", gguf.quants.quantize(brain, gguf.GGMLQuantizationType.BF16), raw_dtype=gguf.GGMLQuantizationType.BF16)
    blocks = np.arange(64, dtype=np.float32).reshape(2, 32)
    for kind in ("Q8_0", "Q4_0"):
        writer.add_tensor(kind, gguf.quants.quantize(blocks, gguf.GGMLQuantizationType[kind]), raw_dtype=gguf.GGMLQuantizationType[kind])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


write("all.gguf")
write("parts.gguf", split_max_tensors=2)
