#!/usr/bin/env bash
# Trains the same shapes with Lemma and with PyTorch in turn, and prints the ratios of one run.
# usage: bench/compare.sh [ROUNDS]        PEERS=folder of run.sh and train_torch.py (default: ../shared/peers)   THREADS=2
# Without AVX-512 on both sides: DOTNET_EnableAVX512=0 ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2 OPENBLAS_CORETYPE=Haswell bench/compare.sh
# (of the last three each holds back another part of PyTorch). Nothing else may run meanwhile.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-3} threads=${THREADS:-2} peers=${PEERS:-../shared/peers}
[ -x "$peers/run.sh" ] || { echo "compare.sh: no peers in $peers (PEERS=folder)" >&2; exit 2; }
dotnet build -c Release src/Lemma.Cli >/dev/null
lemma=src/Lemma.Cli/bin/Release/net10.0/Lemma.Cli
number() { grep -oE "$2 +[0-9.]+|[0-9.]+ +$2" <<<"$1" | grep -oE '[0-9.]+' | head -1; }
median() { sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
printf '%-12s %10s %10s %8s %10s %10s %8s\n' shape lemma torch ratio lemma torch ratio
printf '%-12s %10s %10s %8s %10s %10s %8s\n' "" tokens/s tokens/s speed MiB MiB memory
for shape in gpt2-124m llama-14m llama-29m; do
  ours="" theirs="" ourMemory="" theirMemory=""
  for _ in $(seq "$rounds"); do
    a=$("$lemma" bench train "$shape" --threads "$threads" | tail -n 1)
    b=$("$peers/run.sh" python3 /peers/train_torch.py "$shape" --threads "$threads" | tail -n 1)
    ours+="$(number "$a" tokens/s)"$'\n'; theirs+="$(number "$b" tokens/s)"$'\n'
    ourMemory+="$(number "$a" RSS)"$'\n'; theirMemory+="$(number "$b" RSS)"$'\n'
  done
  a=$(printf %s "$ours" | median) b=$(printf %s "$theirs" | median) c=$(printf %s "$ourMemory" | median) d=$(printf %s "$theirMemory" | median)
  awk -v s="$shape" -v a="$a" -v b="$b" -v c="$c" -v d="$d" 'BEGIN {printf "%-12s %10.0f %10.0f %8.2f %10.0f %10.0f %8.2f\n", s, a, b, a / b, c, d, c / d}'
done
