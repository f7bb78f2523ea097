#!/bin/bash
# Lemma and the peers (tokenizers, tiktoken) encode the same file in one run; a table of MB of UTF-8 a second on one thread, and ratios.
# usage: side_by_side.sh TEXT tokenizer.json [RANKS.tiktoken]      from the root of the repository, with the tool built (-c Release)
# PEERS, the command that runs Python among the peers, is "python3" where nothing else is said; PEERS_BENCH is their bench_tokenizers.py.
set -euo pipefail
[ $# -ge 2 ] || { sed -n 3p "$0" >&2; exit 2; }
text=$1; tokenizer=$2; shift 2
tool=${LEMMA_TOOL:-src/Lemma.Cli/bin/Release/net10.0/Lemma.Cli.dll}
ours=$(dotnet "$tool" bench tokenizer "$tokenizer" "$text")
# Peers may run where only this folder is seen, so they get the files in it.
folder=$(mktemp -d .side-by-side.XXXXXX); trap 'rm -rf "$folder"' EXIT
cp "$text" "$folder/text"; cp "$tokenizer" "$folder/tokenizer.json"; [ $# -eq 0 ] || cp "$1" "$folder/ranks.tiktoken"
theirs=$(${PEERS:-python3} "${PEERS_BENCH:?names the bench_tokenizers.py of the peers}" "$folder/text" "$folder/tokenizer.json" ${1:+"$folder/ranks.tiktoken"})
printf '%s\n%s\n\n' "$ours" "$theirs"
printf '%s\n%s\n' "$ours" "$theirs" | awk '
  /one thread/ && match($0, /[0-9.]+ MB\/s/) {
    name[++n] = substr($0, 1, index($0, ":") - 1); rate[n] = substr($0, RSTART, RLENGTH - 5) + 0
  }
  END {
    printf "%-30s %10s %22s %22s\n", "", "MB/s", "Lemma, cold words", "Lemma, warm"
    for (i = 1; i <= n; i++) printf "%-30s %10.2f %21.2fx %21.2fx\n", name[i], rate[i], rate[1] / rate[i], rate[2] / rate[i]
  }'
