"""What steps before a draw keep of 1,000 logit vectors, and with what probabilities, in float64.

By transformers' processors and warpers where it has the step (temperature, top-k, top-p, min-p, typical, repetition penalty, n-grams, bias, banned ids);
by the arithmetic of the sources named in src/Lemma/Decoding/LogitSteps, written here in numpy, where it has none (top-n-sigma, presence and frequency
penalties, DRY, XTC, Mirostat 2). Logits and ids come from SplitMix64, so both sides make them; what is kept is told by a sum of hashes of the ids,
probabilities by a sum with weights of the ids, in units of 1e-7.

usage: python3 bench/golden/make_steps.py [OUT]   (default: tests/Lemma.Tests/Golden/steps.json)
"""
import json, sys
import numpy as np, torch
from transformers.generation import logits_process as peer

VECTORS, VOCABULARY, LENGTH, PROMPT = 1000, 512, 64, 20
out = sys.argv[1] if len(sys.argv) > 1 else "tests/Lemma.Tests/Golden/steps.json"


def mix(n):
    x = (np.asarray(n, dtype=np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def logits(vector):
    x = mix(np.arange(VOCABULARY) + vector * VOCABULARY)
    s = sum(((x >> np.uint64(shift)) & np.uint64(0x3FFFFF)).astype(np.float64) for shift in (0, 22, 42))
    return (s - 1.5 * 2**22) / 2**22 * (1, 4, 16, 32)[vector % 4]


def ids(vector):
    return (mix(np.arange(LENGTH) + 10**9 + vector * LENGTH) % np.uint64((3, 6, 24)[vector % 3])).astype(np.int64)


HASHES = mix(np.arange(VOCABULARY) + 2 * 10**9)
WEIGHTS = (HASHES >> np.uint64(40)).astype(np.float64) / 2**24


def softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum()


def by(*processors, last=None):
    def run(vector, z):
        scores, seen = torch.tensor(z)[None], torch.tensor(ids(vector)[-last:] if last else ids(vector))[None]
        for processor in processors:
            scores = processor(seen, scores)
        return scores[0].numpy()
    return run


def keep(z, mask):
    return np.where(mask, z, -np.inf)


def top_n_sigma(vector, z):
    return keep(z, z >= z.max() - z.std())


def presence(vector, z):
    return z - 0.8 * (np.bincount(ids(vector)[PROMPT:], minlength=VOCABULARY) > 0)


def frequency(vector, z):
    return z - 0.5 * np.bincount(ids(vector)[PROMPT:], minlength=VOCABULARY)


def dry(vector, z, multiplier=0.8, base=1.75, allowed=2, breaker=1):
    seen, z, longest = [int(i) for i in ids(vector)], z.copy(), {}
    for end in range(1, len(seen)):  # the id at end follows seen[:end]
        n = 0
        while n < 50 and n < end and seen[end - 1 - n] == seen[-1 - n] and seen[end - 1 - n] != breaker:
            n += 1
        if seen[end] != breaker and n > 0:
            longest[seen[end]] = max(longest.get(seen[end], 0), n)
    for i, n in longest.items():
        if n >= allowed:
            z[i] -= multiplier * base ** (n - allowed)
    return z


def xtc(vector, z, threshold=0.05):
    p = softmax(z)
    likely = np.flatnonzero(p >= threshold)
    if len(likely) < 2:
        return z
    mask = np.ones(VOCABULARY, bool)
    mask[likely] = False
    mask[likely[np.argmin(p[likely])]] = True
    return keep(z, mask)


class Mirostat2:
    """A text of 1,000 tokens of which each is the likeliest that is left."""
    def __init__(self, target=3.0, rate=0.1):
        self.target, self.rate, self.surprise = target, rate, 2 * target

    def __call__(self, vector, z):
        p = softmax(z)
        mask = -np.log2(p) <= self.surprise
        mask[np.argmax(p)] = True
        z = keep(z, mask)
        self.surprise -= self.rate * (-np.log2(softmax(z).max()) - self.target)
        return z


STEPS = {
    "temperature": by(peer.TemperatureLogitsWarper(0.7)),
    "top_k": by(peer.TopKLogitsWarper(40)),
    "top_p": by(peer.TopPLogitsWarper(0.9)),
    "min_p": by(peer.MinPLogitsWarper(0.05)),
    "typical": by(peer.TypicalLogitsWarper(0.9)),
    "typical_little": by(peer.TypicalLogitsWarper(0.2)),
    "top_n_sigma": top_n_sigma,
    "repetition": by(peer.RepetitionPenaltyLogitsProcessor(1.3)),
    "repetition_last": by(peer.RepetitionPenaltyLogitsProcessor(1.3), last=5),
    "presence": presence,
    "frequency": frequency,
    "ngrams_1": by(peer.NoRepeatNGramLogitsProcessor(1)),
    "ngrams_2": by(peer.NoRepeatNGramLogitsProcessor(2)),
    "ngrams_3": by(peer.NoRepeatNGramLogitsProcessor(3)),
    "dry": dry,
    "xtc": xtc,
    "mirostat2": Mirostat2(),
    "bias": by(peer.SequenceBiasLogitsProcessor([[[3], 2.5], [[17], -4.0], [[400], 9.0]])),
    "banned": by(peer.SuppressTokensLogitsProcessor([0, 5, 511])),
    "chain": by(peer.RepetitionPenaltyLogitsProcessor(1.3), peer.TopKLogitsWarper(40), peer.TopPLogitsWarper(0.8), peer.TemperatureLogitsWarper(0.7)),
    "chain_of_transformers": by(peer.TemperatureLogitsWarper(1.5), peer.TopKLogitsWarper(40), peer.TopPLogitsWarper(0.8), peer.MinPLogitsWarper(0.1),
                                peer.TypicalLogitsWarper(0.95)),
}

cases = []
for name, step in STEPS.items():
    hashes, sums, kept = [], [], 0
    for vector in range(VECTORS):
        z = step(vector, logits(vector))
        left = np.isfinite(z)
        kept += left.sum()
        hashes.append(f"{int(HASHES[left].sum(dtype=np.uint64)) & 0xFFFFFFFF:08x}")
        sums.append(round((softmax(z) * WEIGHTS).sum() * 1e7))
    cases.append(dict(name=name, kept="".join(hashes), sums=sums))
    print(name, "keeps", kept / VECTORS, "of", VOCABULARY)
json.dump(dict(vectors=VECTORS, vocabulary=VOCABULARY, length=LENGTH, prompt=PROMPT, steps=cases), open(out, "w"), separators=(",", ":"))
