#!/usr/bin/env bash
# Runs what can be run of this folder without a container engine, a cluster or systemd as process 1.
# What needs a tool that is not installed is named and left out. From the root of the repository: make deploy-check.
set -euo pipefail
cd "$(dirname "$0")/.."

have() { command -v "$1" >/dev/null || { echo "NOT CHECKED, no $1: $2"; return 1; }; }

# Units.
if have systemd-analyze 'deploy/systemd'; then deploy/systemd/verify.sh; fi

# Kubernetes.
if command -v kubectl >/dev/null; then
  kubectl kustomize deploy/kubernetes/base >/dev/null && echo 'kubernetes/base: renders'
elif have kustomize 'deploy/kubernetes'; then
  kustomize build deploy/kubernetes/base >/dev/null && echo 'kubernetes/base: renders'
fi

# Prometheus.
if have promtool 'deploy/prometheus'; then (cd deploy/prometheus && promtool check config prometheus.yaml); fi

# Databases: twice, since it must be safe to run again, and then in by the role it made.
if vars=$(tools/backends.sh env 2>/dev/null) && have psql 'deploy/postgres'; then
  eval "$vars"
  passwords=$(mktemp -d)
  trap 'rm -rf "$passwords"' EXIT
  for s in intake routing compensation corrective-action notification reporting; do echo "p'$s" >"$passwords/postgres-$s"; done
  for _ in 1 2; do PASSWORDS=$passwords deploy/postgres/create-databases.sh "$REDRESS_TEST_POSTGRES"; done
  address=${REDRESS_TEST_POSTGRES#*@}
  PGPASSWORD="p'intake" psql -X -q -w "postgres://redress-intake@${address%%/*}/redress-intake" -c 'CREATE TABLE t (); DROP TABLE t' &&
    echo 'postgres/create-databases.sh: made and entered'
  if PGPASSWORD="p'intake" psql -X -q -w "postgres://redress-intake@${address%%/*}/redress-routing" -c '' 2>/dev/null; then
    echo 'postgres/create-databases.sh: intake enters the database of routing' >&2
    exit 1
  fi
else
  echo 'NOT CHECKED, no backends (tools/backends.sh start): deploy/postgres'
fi

# The RUN steps of the images, for what there is, and the program as the image's user with the image as its root.
for main in services/*/cmd/*/main.go gateway/cmd/*/main.go; do
  [ -f "$main" ] || continue
  program=$(basename "$(dirname "$main")")
  image=$(mktemp -d)
  chmod 0755 "$image"
  deploy/docker/build-steps.sh build "$program" "$image"
  if [ "$(id -u)" -eq 0 ]; then deploy/docker/build-steps.sh check "$program" "$image"; fi
  echo "docker: $program, $(du -sh "$image" | cut -f1)"
  rm -rf "$image"
done
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
  packages() { apt-get install --simulate -qq --no-install-recommends chromium fonts-noto-cjk fonts-dejavu-core >/dev/null 2>&1; }
  packages || { apt-get update -qq && packages; }
  echo 'docker: the packages for printing exist'
fi
