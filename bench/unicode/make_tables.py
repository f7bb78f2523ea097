"""Writes src/Lemma.Text/Normalization/unicode.bin: what Hugging Face's tokenizers take for the properties of characters.

usage: make_tables.py OUT     Run where Python packages "tokenizers" is. That library has tables of several versions of Unicode, and a
tokenizer.json means what they say, so they are read off its own normalizers. All numbers are LEB128; codes are differences to the one
before: combining classes, canonical and compatibility decompositions, compositions; then the ranges of marks, nonspacing marks,
punctuation, and controls; then the ranges of scripts, each with the number of its script, which is the order in which they come; then lower
case and the ranges of numbers.
"""
import sys, unicodedata as u
from tokenizers import normalizers as n, pre_tokenizers as p
out = bytearray()
def number(value):
    while value > 127:
        out.append(value & 127 | 128); value >>= 7
    out.append(value)
def table(rows):
    number(len(rows)); last = 0
    for code, *rest in rows:
        number(code - last); last = code
        for value in rest: number(value)
def ranges(is_in):
    rows = []
    for c in codes:
        if not is_in(chr(c)): continue
        if rows and rows[-1][0] + rows[-1][1] == c: rows[-1][1] += 1
        else: rows.append([c, 1])
    table(rows)
codes = [c for c in range(1, 0x110000) if not 0xD800 <= c < 0xE000]
nfc, nfd, nfkd, strip = n.NFC(), n.NFD(), n.NFKD(), n.StripAccents()
plain = dict(handle_chinese_chars=False, lowercase=False)
bert_marks, bert_clean = n.BertNormalizer(clean_text=False, strip_accents=True, **plain), n.BertNormalizer(clean_text=True, strip_accents=False, **plain)
punctuation = p.Punctuation()
def orders(c):
    return nfd.normalize_str(c + "\u0334") == "\u0334" + c or nfd.normalize_str("\u0301" + c) == c + "\u0301" or u.combining(c) == 230 and nfd.normalize_str(c + "\u0323") == "\u0323" + c
no_hangul = [c for c in codes if not 0xAC00 <= c < 0xD7A4]
table([(c, u.combining(chr(c))) for c in no_hangul if u.combining(chr(c)) and (orders(chr(c)) or u.normalize("NFD", chr(c)) != chr(c))])
def decompositions(form):
    return [(c, len(d), *map(ord, d)) for c in no_hangul if (d := form.normalize_str(chr(c))) != chr(c)]
table(decompositions(nfd))
table(decompositions(nfkd))
pairs = []
for c in no_hangul:
    raw = u.decomposition(chr(c)).split()
    if len(raw) == 2 and not raw[0].startswith("<") and nfc.normalize_str(chr(c)) == chr(c) != nfd.normalize_str(chr(c)):
        pairs.append((int(raw[0], 16), int(raw[1], 16), c))
table(sorted(pairs))
ranges(lambda c: strip.normalize_str(c) == "")
ranges(lambda c: nfd.normalize_str(c) == c and bert_marks.normalize_str(c) == "")
ranges(lambda c: len(punctuation.pre_tokenize_str("a" + c)) == 2)
ranges(lambda c: bert_clean.normalize_str(c) == "")
scripts, rows, firsts = p.UnicodeScripts(), [], []
def parts(text): return len(scripts.pre_tokenize_str(text))
# A character without a script of its own goes with any other, so it splits neither "a" from itself nor a Cyrillic letter.
for c in codes:
    if parts("a" + chr(c)) == 1 and parts("\u044f" + chr(c)) == 1: continue
    near = [rows[-1][2]] if rows else []
    script = next((s for s in near + list(range(len(firsts))) if parts(firsts[s] + chr(c)) == 1), len(firsts))
    if script == len(firsts): firsts.append(chr(c))
    if rows and rows[-1][0] + rows[-1][1] == c and rows[-1][2] == script: rows[-1][1] += 1
    else: rows.append([c, 1, script])
table(rows)
lower, digits = n.Lowercase(), p.Digits()
table([(c, len(d), *map(ord, d)) for c in codes if (d := lower.normalize_str(chr(c))) != chr(c)])
ranges(lambda c: len(digits.pre_tokenize_str("a" + c)) == 2)
open(sys.argv[1], "wb").write(out); print(u.unidata_version, len(out))
