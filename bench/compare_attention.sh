#!/usr/bin/env bash
# Times causal attention with Lemma and with PyTorch's scaled_dot_product_attention in turn, and prints the ratios of one run.
# usage: bench/compare_attention.sh [ROUNDS]        PEERS=folder of run.sh (default: ../shared/peers)
# Nothing else may run meanwhile.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-3} peers=${PEERS:-../shared/peers}
[ -x "$peers/run.sh" ] || { echo "compare_attention.sh: no peers in $peers (PEERS=folder)" >&2; exit 2; }
dotnet build -c Release src/Lemma.Cli >/dev/null
lemma=src/Lemma.Cli/bin/Release/net10.0/Lemma.Cli
median() { sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
printf '%-22s %8s %-9s %10s %10s %8s %8s\n' shape threads pass "lemma ms" "torch ms" ratio "of peak"
for shape in "1 1024" "4 256" "1 4096"; do
  read -r batch length <<<"$shape"
  for threads in 1 2; do
    a="" b=""
    for _ in $(seq "$rounds"); do
      a+=$("$lemma" bench attention --batch "$batch" --length "$length" --threads "$threads" --seconds 2)$'\n'
      b+=$("$peers/run.sh" python3 bench/attention_torch.py --batch "$batch" --length "$length" --threads "$threads" --seconds 2)$'\n'
    done
    for pass in forward backward; do
      ours=$(awk -v p="$pass" '$1 == p {print $2}' <<<"$a" | median) theirs=$(awk -v p="$pass" '$1 == p {print $2}' <<<"$b" | median)
      peak=$(awk -v p="$pass" '$1 == p {print $6}' <<<"$a" | median)
      awk -v s="$batch x $length x 8 x 64" -v t="$threads" -v p="$pass" -v a="$ours" -v b="$theirs" -v k="$peak" \
        'BEGIN {printf "%-22s %8d %-9s %10.2f %10.2f %8.2f %7.0f%%\n", s, t, p, a, b, b / a, k}'
    done
  done
done
