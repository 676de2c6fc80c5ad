#!/usr/bin/env bash
# Starts a throw-away PostgreSQL and Redis for tests and for the split demo.
#
#   eval "$(tools/backends.sh start)"   start both (or find them running) and export their addresses
#   tools/backends.sh env               print the exports of those that run; fails if none run
#   tools/backends.sh run CMD [ARG...]  start, run CMD with the exports, stop again what this call started
#   tools/backends.sh stop              stop both and delete everything they wrote
#   tools/backends.sh install           install what is missing and start nothing
#
# Both listen on free ports of 127.0.0.1 and keep their files in one folder
# (REDRESS_BACKENDS_DIR, default: under the temporary folder, one per user).
# PostgreSQL runs with fsync on: the tests are to meet the durability of
# production. It refuses to run as root, so root starts it as user postgres.
# REDRESS_BACKENDS_POSTGRES holds further options of it ("-c shared_buffers=1GB").
# Missing packages are installed with apt-get when the caller is root.
set -euo pipefail

dir=${REDRESS_BACKENDS_DIR:-${TMPDIR:-/tmp}/redress-backends-$(id -u)}

say() { printf 'backends: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# The newest PostgreSQL that is installed whole; Debian keeps the programs off PATH.
pg_bin() {
  local d
  for d in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV) ${PATH//:/ }; do
    if [ -x "$d/initdb" ] && [ -x "$d/pg_ctl" ] && [ -x "$d/pg_isready" ]; then
      echo "$d"
      return
    fi
  done
}

install_missing() {
  local want=()
  command -v redis-server >/dev/null && command -v redis-cli >/dev/null || want+=(redis-server)
  [ -n "$(pg_bin)" ] || want+=(postgresql)
  [ ${#want[@]} -eq 0 ] && return
  command -v apt-get >/dev/null || die "install ${want[*]} first: this system has no apt-get"
  [ "$(id -u)" -eq 0 ] || die "missing: ${want[*]}. Run as root: apt-get install ${want[*]}"
  say "installing ${want[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >&2
  apt-get install -y -qq --no-install-recommends "${want[@]}" >&2
}

# Runs a PostgreSQL program as a user that PostgreSQL accepts.
as_pg() {
  if [ "$(id -u)" -eq 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

# Below the range from which the kernel hands out ports, so that a port found
# free does not go to somebody's outgoing connection. Taking it is tried by the
# server itself; a lost race is tried again with another port.
random_port() { echo $((20000 + (RANDOM * 32768 + RANDOM) % 12000)); }

redis_runs() {
  [ -s "$dir/redis.port" ] && redis-cli -h 127.0.0.1 -p "$(cat "$dir/redis.port")" ping 2>/dev/null | grep -q PONG
}

pg_runs() {
  [ -s "$dir/pg.port" ] && "$(pg_bin)/pg_isready" -q -h 127.0.0.1 -p "$(cat "$dir/pg.port")"
}

start_redis() {
  local port
  mkdir -p "$dir/redis"
  for _ in 1 2 3 4 5 6 7 8; do
    port=$(random_port)
    redis-server --bind 127.0.0.1 --port "$port" --save '' --appendonly no --daemonize yes \
      --dir "$dir/redis" --pidfile "$dir/redis/redis.pid" --logfile "$dir/redis/redis.log" >/dev/null 9>&- || continue
    echo "$port" >"$dir/redis.port"
    for _ in $(seq 100); do redis_runs && return; sleep 0.05; done
  done
  die "redis-server does not start: see $dir/redis/redis.log"
}

start_pg() {
  local bin port
  bin=$(pg_bin)
  rm -rf "$dir/pg"
  mkdir -p "$dir/pg"
  od -An -tx1 -N16 /dev/urandom | tr -d ' \n' >"$dir/pg.password"
  cp "$dir/pg.password" "$dir/pg/password"
  [ "$(id -u)" -ne 0 ] || chown -R postgres "$dir/pg"
  chmod 0600 "$dir/pg.password" "$dir/pg/password"
  (cd "$dir/pg" && as_pg "$bin/initdb" -D "$dir/pg/data" -U redress --pwfile="$dir/pg/password" -A scram-sha-256 \
    --encoding=UTF8 --locale=C.UTF-8 >"$dir/initdb.log" 2>&1) || { cat "$dir/initdb.log" >&2; die "initdb failed"; }
  for _ in 1 2 3 4 5 6 7 8; do
    port=$(random_port)
    if (cd "$dir/pg" && as_pg "$bin/pg_ctl" -D "$dir/pg/data" -s -w -t 60 -l "$dir/pg/postgres.log" \
      -o "-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories=$dir/pg -c max_connections=300 ${REDRESS_BACKENDS_POSTGRES:-}" \
      start >/dev/null 9>&-); then
      echo "$port" >"$dir/pg.port"
      return
    fi
  done
  tail -n 20 "$dir/pg/postgres.log" >&2
  die "postgres does not start"
}

print_env() {
  redis_runs && pg_runs || die "not running: tools/backends.sh start"
  echo "export REDRESS_TEST_POSTGRES='postgres://redress:$(cat "$dir/pg.password")@127.0.0.1:$(cat "$dir/pg.port")/postgres?sslmode=disable'"
  echo "export REDRESS_TEST_REDIS='127.0.0.1:$(cat "$dir/redis.port")'"
}

start() {
  install_missing
  mkdir -p "$dir"
  chmod 0711 "$dir" # user postgres must pass through
  # Two makes may start at once; the second finds the servers of the first.
  exec 9>"$dir/lock"
  if command -v flock >/dev/null; then flock 9; fi
  redis_runs || start_redis
  pg_runs || start_pg
  exec 9>&-
}

stop() {
  [ -d "$dir" ] || return 0
  if [ -s "$dir/redis.port" ]; then
    redis-cli -h 127.0.0.1 -p "$(cat "$dir/redis.port")" shutdown nosave >/dev/null 2>&1 || true
  fi
  if [ -d "$dir/pg/data" ]; then
    # immediate: the files are deleted next, so there is nothing to flush.
    (cd "$dir/pg" && as_pg "$(pg_bin)/pg_ctl" -D "$dir/pg/data" -s -w -m immediate stop >/dev/null 2>&1) || true
  fi
  rm -rf "$dir"
}

case "${1:-}" in
  start) start; print_env ;;
  env) print_env ;;
  stop) stop ;;
  install) install_missing ;;
  run)
    shift
    [ $# -gt 0 ] || die "run what?"
    if ! { redis_runs && pg_runs; } 2>/dev/null; then trap stop EXIT; fi
    start
    eval "$(print_env)"
    "$@"
    ;;
  *) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"; exit 2 ;;
esac
