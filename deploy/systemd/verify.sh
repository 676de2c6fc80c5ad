#!/usr/bin/env bash
# Lays the units out under a folder as they would be installed, and has systemd-analyze read them there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

services='intake routing compensation corrective-action notification reporting gateway'
units=$dir/etc/systemd/system
mkdir -p "$units" "$dir/usr/bin" "$dir/usr/lib/redress" "$dir/usr/lib/systemd/system"
cp "$here"/*.service "$here"/*.target "$units"
# What the units refer to, as the system's own: verify is about ours.
for u in network-online.target multi-user.target sysinit.target basic.target shutdown.target; do
  printf '[Unit]\nDescription=%s\n' "$u" >"$dir/usr/lib/systemd/system/$u"
done
for p in /usr/bin/redress $(printf '/usr/lib/redress/%s ' $services); do
  printf '#!/bin/sh\n' >"$dir$p"
  chmod +x "$dir$p"
done
instances=()
for s in $services; do instances+=("redress@$s.service"); done

out=$(systemd-analyze verify --root="$dir" --man=no redress.service redress.target "${instances[@]}" 2>&1) || { echo "$out"; exit 1; }
[ -z "$out" ] || { echo "$out"; exit 1; }
echo "systemd units: $((${#instances[@]} + 2)) read, nothing to say"
