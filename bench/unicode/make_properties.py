"""Writes src/Lemma.Text/Patterns/properties.bin: the properties of characters that patterns may name, as Hugging Face's tokenizers has them.

usage: make_properties.py NAMES OUT     Run where Python's package "tokenizers" is, since patterns mean what its regular expressions say.
NAMES is JSON: {"scripts": [[name, alias, ...], ...], "blocks": [...]}, which Perl's Unicode::UCD lists (make_property_names.pl).
All numbers are LEB128, codes are differences to the end of the range before, names are a length and ASCII.
First the ranges of all general categories but Cn, each with the number of its category (the order below); then the scripts and what else can
be named, each a number of names, the names and the ranges; then simple case folding (code, folded) and full (code, count, folded ...).
"""
import json, sys
from tokenizers import Regex, normalizers
names = json.load(open(sys.argv[1])); out = bytearray()
ALL = "".join(chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000)
CATEGORIES = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Cs Co".split()
PROPERTIES = """alnum alpha ascii blank cntrl digit graph lower print punct space upper xdigit word
Alphabetic ASCII_Hex_Digit,AHex Bidi_Control,Bidi_C Case_Ignorable,CI Cased Changes_When_Casefolded,CWCF Changes_When_Casemapped,CWCM
Changes_When_Lowercased,CWL Changes_When_Titlecased,CWT Changes_When_Uppercased,CWU Dash Default_Ignorable_Code_Point,DI Deprecated,Dep Diacritic,Dia
Emoji Emoji_Component,EComp Emoji_Modifier,EMod Emoji_Modifier_Base,EBase Emoji_Presentation,EPres Extended_Pictographic,ExtPict Extender,Ext
Grapheme_Base,Gr_Base Grapheme_Extend,Gr_Ext Hex_Digit,Hex IDS_Binary_Operator,IDSB IDS_Trinary_Operator,IDST ID_Continue,IDC ID_Start,IDS
Ideographic,Ideo Join_Control,Join_C Logical_Order_Exception,LOE Lowercase Math Noncharacter_Code_Point,NChar Pattern_Syntax,Pat_Syn
Pattern_White_Space,Pat_WS Quotation_Mark,QMark Radical Regional_Indicator,RI Sentence_Terminal,STerm Soft_Dotted,SD Terminal_Punctuation,Term
Unified_Ideograph,UIdeo Uppercase Variation_Selector,VS White_Space,WSpace XID_Continue,XIDC XID_Start,XIDS""".split()
def number(value):
    while value > 127: out.append(value & 127 | 128); value >>= 7
    out.append(value)
def members(name):
    try: return [ord(c) for c in normalizers.Replace(Regex(r"[^\p{%s}]+" % name), "").normalize_str(ALL)]
    except Exception: return None
def ranges(rows):
    """Rows of (code, value): a count, then each run of codes of one value: distance, count, value unless it is None."""
    runs = []
    for code, value in rows:
        if runs and runs[-1][0] + runs[-1][1] == code and runs[-1][2] == value: runs[-1][1] += 1
        else: runs.append([code, 1, value])
    number(len(runs)); last = 0
    for code, count, value in runs:
        number(code - last); number(count); last = code + count
        if value is not None: number(value)
def named(sets):
    kept = []
    for aliases in sets:
        known = [name for name in aliases if members(name) is not None]
        if known: kept.append((known, members(known[0])))
        else: print("unknown to the peer:", *aliases)
    number(len(kept))
    for known, codes in kept:
        number(len(known))
        for name in known: number(len(name)); out.extend(name.encode())
        ranges((c, None) for c in codes)
ranges(sorted((c, i) for i, name in enumerate(CATEGORIES) for c in members(name) or []))
named(names["scripts"] + [p.split(",") for p in PROPERTIES] + [[block] for block in names["blocks"]])
simple = [(ord(c), ord(f)) for c in ALL if len(f := c.casefold()) == 1 and f != c]
full = [(ord(c), f) for c in ALL if len(f := c.casefold()) > 1]
number(len(simple)); last = 0
for code, folded in simple: number(code - last); number(folded); last = code
number(len(full)); last = 0
for code, folded in full:
    number(code - last); number(len(folded)); last = code
    for c in folded: number(ord(c))
open(sys.argv[2], "wb").write(out); print(len(out))
