#!/bin/bash
# Lemma and the peers (tokenizers, sentencepiece) learn vocabularies from the same file; a table of what is equal, and how fast.
# usage: compare_trainers.sh TEXT [PIECES]      from the root of the repository, with the tool built (-c Release)
# PEERS, the command that runs Python among the peers, is "python3" where nothing else is said.
set -euo pipefail
[ $# -ge 1 ] || { sed -n 3p "$0" >&2; exit 2; }
text=$1; pieces=${2:-8000}
tool=${LEMMA_TOOL:-src/Lemma.Cli/bin/Release/net10.0/Lemma.Cli.dll}
# Peers may run where only this folder is seen, so they get everything in it.
folder=$(mktemp -d .compare-trainers.XXXXXX); trap 'rm -rf "$folder"' EXIT
cp "$text" "$folder/text.txt"; cp "$(dirname "$0")/compare_trainers.py" "$folder/"
# Unigram learns from lines, as SentencePiece does.
${PEERS:-python3} "$folder/compare_trainers.py" lines "$folder"
learn() {
  local name=$1 data=$2; shift 2
  dotnet "$tool" tokenizer train --vocab "$pieces" --data "$folder/$data" --out "$folder/$name" "$@" |
    sed -n "s/.* learned in \([0-9.]*\) s/$name \1/p" >> "$folder/seconds"
  dotnet "$tool" tokenize "$folder/$name" --no-special --json < "$folder/text.txt" > "$folder/$name/ids.json"
}
learn byte-bpe text.txt --algorithm byte-bpe
learn byte-bpe-cl100k text.txt --algorithm byte-bpe --words cl100k --normalizer nfc
learn bpe text.txt --algorithm bpe
learn bpe-short text.txt --algorithm bpe --longest-piece 5
learn bpe-bytes text.txt --algorithm bpe --byte-fallback --alphabet 60
learn wordpiece text.txt --algorithm wordpiece --score frequency
learn wordpiece-likelihood text.txt --algorithm wordpiece
learn unigram lines.jsonl --algorithm unigram
${PEERS:-python3} "$folder/compare_trainers.py" compare "$folder" "$pieces"
