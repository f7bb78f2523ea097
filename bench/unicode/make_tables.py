"""Writes src/Lemma.Text/Normalization/unicode.bin: combining classes, decompositions and compositions of Unicode.

usage: make_tables.py OUT     All numbers are LEB128; codes are differences to the one before.
"""
import sys, unicodedata as u
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
codes = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000 and not 0xAC00 <= c < 0xD7A4]
table([(c, u.combining(chr(c))) for c in codes if u.combining(chr(c))])
def decompositions(form):
    return [(c, len(d), *map(ord, d)) for c in codes if (d := u.normalize(form, chr(c))) != chr(c)]
table(decompositions("NFD"))
table(decompositions("NFKD"))
pairs = []
for c in codes:
    raw = u.decomposition(chr(c)).split()
    if len(raw) == 2 and not raw[0].startswith("<") and u.normalize("NFC", chr(c)) == chr(c):
        pairs.append((int(raw[0], 16), int(raw[1], 16), c))
table(sorted(pairs))
open(sys.argv[1], "wb").write(out); print(u.unidata_version, len(out))
