#!/usr/bin/env bash
# Serves a suite in a folder of its own and walks through it with the README's commands.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
export PATH="$root/.bin:$PATH"
folder=$(mktemp -d)
cd "$folder"
redress serve >serve.log 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
until grpcurl -plaintext 127.0.0.1:8443 list >/dev/null 2>&1; do
  kill -0 "$server" || { cat serve.log; exit 1; }
done
# The port answers a moment before the organisation has its policy.
until grep -q 'Redress runs' serve.log; do kill -0 "$server" || { cat serve.log; exit 1; }; done
state=$(timeout 120 bash "$root/docs/walkthrough.sh" | tail -1)
echo "the complaint is $state"
test "$state" = STATE_ARCHIVED
