"""Opens folders that Lemma wrote in transformers and compares what they compute with expected.json, in float64.

usage: python3 bench/peers/load_folders.py FOLDER      (its folders come from: dotnet run --project bench/Lemma.Bench -c Release -- folders FROM FOLDER)
Prints a line a folder: the class, the largest difference, and names of weights that are missing or too many. Exits with 1 where something differs.
"""
import json, os, sys
import torch, transformers

transformers.logging.set_verbosity_error()
root, failed = sys.argv[1], 0
for name in sorted(os.listdir(root)):
    folder = os.path.join(root, name)
    expected = json.load(open(os.path.join(folder, "expected.json")))
    kind = json.load(open(os.path.join(folder, "config.json")))["architectures"][0]
    model, info = getattr(transformers, kind).from_pretrained(folder, dtype=torch.float64, attn_implementation="eager", experts_implementation="eager",
                                                              output_loading_info=True)
    model.eval()
    inputs = {key: torch.tensor(expected[key]) for key in ("input_ids", "attention_mask", "token_type_ids", "decoder_input_ids") if key in expected}
    with torch.no_grad():
        out = model(**inputs)
    pairs = [(ours, out[theirs]) for ours, theirs in
             (("logits", "logits"), ("mlm_logits", "prediction_logits"), ("nsp_logits", "seq_relationship_logits")) if ours in expected and theirs in out]
    worst = 0.0
    for ours, values in pairs:
        wanted = torch.tensor(expected[ours], dtype=torch.float64)
        seen = values - wanted
        if "decoder_input_ids" not in inputs and "attention_mask" in inputs and seen.dim() == 3:
            seen = seen[inputs["attention_mask"].bool()]
        worst = max(worst, seen.abs().max().item())
    names = {key: sorted(info[key]) for key in ("missing_keys", "unexpected_keys", "mismatched_keys") if info[key]}
    good = pairs and worst < 2e-4 and not names
    failed += not good
    print(f"{name:20} {kind:28} {worst:.1e} {'' if good else 'DIFFERS'} {names or ''}", flush=True)
sys.exit(1 if failed else 0)
