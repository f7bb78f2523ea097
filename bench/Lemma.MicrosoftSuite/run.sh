#!/bin/bash
# Records the suite's questions, trains a model for them and runs the suite over it; see README.md.   usage: run.sh EXTENSIONS EMBEDDER [WORK]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd); suite=$(cd "$1" && pwd); embedder=$(cd "$2" && pwd); work=$(mkdir -p "${3:-suite}" && cd "${3:-suite}" && pwd)
dotnet build -c Release -v q "$here/../../src/Lemma.Cli" && dotnet build -c Release -v q "-p:Suite=$suite" "$here"
lemma() { dotnet "$here/../../src/Lemma.Cli/bin/Release/net10.0/Lemma.Cli.dll" "$@"; }
tests() { dotnet "$here/bin/Release/net10.0/Lemma.MicrosoftSuite.dll" --no-ansi "$@"; }
if [ ! -e "$work/chat/best" ]; then
  rm -f "$work/conversations.jsonl" "$work/texts.jsonl"
  LEMMA_SUITE_RECORD="$work/conversations.jsonl" tests --filter-class '*.InProcess'
  # Tests record beside each other, so the lines get an order of their own, and then a random one. Lines of each kind are for the vocabulary, where numbers have one
  # digit: then no token has two, and a number is copied digit by digit.
  python3 - "$work" <<'PY'
import json, random, re, sys
kinds, path = {}, sys.argv[1] + "/conversations.jsonl"
lines = sorted(open(path))
random.Random(1).shuffle(lines)
open(path, "w").writelines(lines)
for line in lines:
    kinds.setdefault(json.dumps([message.get("content") for message in json.loads(line)["messages"] if message["role"] == "user"]), []).append(line)
with open(sys.argv[1] + "/texts.jsonl", "w") as texts:
    for lines in kinds.values():
        for line in lines[:40]:
            texts.write(json.dumps({"text": re.sub(r"\d+", "7", line.replace("\\\"", "\""))[:20000]}) + "\n")
PY
  lemma train --data "$work/texts.jsonl" --vocab 1792 --width 192 --layers 5 --heads 6 --kv-heads 6 --hidden 512 --length 8192 --steps 4 --batch 1 --baseline 0 --out "$work/base"
  cp "$here/chat_template.jinja" "$work/base/best/"
  lemma sft --model "$work/base" --data "$work/conversations.jsonl" --out "$work/first" --rows 4096 --steps 2000 --optimizer muon --learning-rate 3e-2 --eval-every 500 --validation 0.02
  # Copying of numbers takes longest, and ends at a low rate.
  lemma sft --model "$work/first" --data "$work/conversations.jsonl" --out "$work/chat" --rows 4096 --steps 1000 --optimizer muon --learning-rate 1e-2 --eval-every 500 --validation 0.02
  # Drawn closely, but not always alike: one test wants two random numbers.
  python3 - "$work/chat/best/generation_config.json" <<'PY'
import json, sys
config = json.load(open(sys.argv[1]))
json.dump(config | {"do_sample": True, "temperature": 0.3}, open(sys.argv[1], "w"), indent=2)
PY
fi
LEMMA_SUITE_MODEL="$work/chat/best" LEMMA_SUITE_EMBEDDER="$embedder" tests
