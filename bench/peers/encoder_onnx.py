"""Sentences a second of an encoder's ONNX file by ONNX Runtime, on the sentences of `lemma bench encode`, padded in batches.

usage: encoder_onnx.py MODEL.onnx [THREADS]
"""
import sys, time
import numpy as np, onnxruntime as ort

options = ort.SessionOptions()
options.intra_op_num_threads = int(sys.argv[2]) if len(sys.argv) > 2 else 2
session = ort.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
names = {i.name for i in session.get_inputs()}
sentences = [[1000 + (i * 131 + j * 17) % 20000 for j in range(8 + i * 37 % 121)] for i in range(256)]
for batch in (1, 32):
    rates = []
    begin = time.perf_counter()
    while len(rates) < 3 or time.perf_counter() - begin < 5:
        start = time.perf_counter()
        for first in range(0, 256, batch):
            some = sentences[first : first + batch]
            longest = max(map(len, some))
            ids = np.array([s + [0] * (longest - len(s)) for s in some], dtype=np.int64)
            mask = np.array([[1] * len(s) + [0] * (longest - len(s)) for s in some], dtype=np.int64)
            feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
            hidden = session.run(None, {k: v for k, v in feed.items() if k in names})[0]
            (hidden * mask[:, :, None]).sum(1) / mask.sum(1)[:, None]
        rates.append(256 / (time.perf_counter() - start))
    print(f"onnxruntime {ort.__version__} batch {batch:2}: {sorted(rates)[len(rates) // 2]:.1f} sentences/s, threads {options.intra_op_num_threads}", flush=True)
