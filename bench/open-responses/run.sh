#!/bin/bash
# Runs the compliance suite of Open Responses over `lemma serve`; see README.md.   usage: run.sh FOLDER MODEL [WORK]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd); suite=$(cd "$1" && pwd); model=$(realpath "$2"); work=$(mkdir -p "${3:-open-responses}" && cd "${3:-open-responses}" && pwd)
lemma="$here/../../src/Lemma.Cli/bin/Release/net10.0/Lemma.Cli.dll"
[ -e "$lemma" ] || dotnet build -c Release -v q "$here/../../src/Lemma.Cli"
# The suite runs by bun and needs zod alone; both are installed beside a copy of what it runs, so the checkout stays as it is.
[ -e "$work/node_modules/zod" ] || npm install --prefix "$work" --no-audit --no-fund --silent bun@1.4.5 zod@3.25.76
rm -rf "$work/bin" "$work/src" "$work/serve.log" "$work/results.json" && mkdir "$work/src" && cp -r "$suite/bin" "$work/" && cp -r "$suite/src/lib" "$suite/src/generated" "$work/src/"
# Any free port; the server says which.
dotnet "$lemma" serve "suite=$model" --port 0 > "$work/serve.log" 2>&1 & server=$!
trap 'kill $server 2> /dev/null || true; wait $server || true' EXIT
for _ in $(seq 300); do grep -qs "listening at" "$work/serve.log" && break; sleep 0.2; done
url=$(sed -n 's/^serve: listening at //p' "$work/serve.log")
[ -n "$url" ] || { cat "$work/serve.log" >&2; exit 1; }
# The suite itself fails where one test does; what counts is said below.
(cd "$work" && node_modules/.bin/bun run bin/compliance-test.ts --base-url "$url/v1" --api-key none --model suite --json) > "$work/results.json" || true
node - "$work/results.json" <<'JS'
const { summary, results } = JSON.parse(require("fs").readFileSync(process.argv[2], "utf8"));
for (const one of results) console.log(`${one.status.padEnd(8)}${one.id}${one.status === "passed" ? "" : `: ${(one.errors ?? []).join("; ")}`}`);
console.log(`${summary.passed} of ${summary.total} pass`);
// Lemma's models read text alone.
process.exit(summary.passed > 0 && results.every(one => one.status === "passed" || one.id === "image-input") ? 0 : 1);
JS
