#!/bin/sh
# Gives each service a role and a database of its own; safe to run again. Run by CI against a real PostgreSQL.
#
#   PASSWORDS=/run/secrets create-databases.sh [psql argument...]
#
# The password of a role is the content of $PASSWORDS/postgres-<service>. In the postgres image, put the file into
# /docker-entrypoint-initdb.d; elsewhere give psql's arguments for a role that may create roles and databases.
set -eu

for service in intake routing compensation corrective-action notification reporting; do
  file=${PASSWORDS:-/run/secrets}/postgres-$service
  [ -s "$file" ] || { echo "no password for $service in $file" >&2; exit 1; }
  psql -X -q -v ON_ERROR_STOP=1 -v role="redress-$service" -v password="$(cat "$file")" ${POSTGRES_USER:+--username "$POSTGRES_USER"} "$@" <<'SQL'
SELECT format('CREATE ROLE %I LOGIN', :'role') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
SELECT format('ALTER ROLE %I PASSWORD %L', :'role', :'password') \gexec
SELECT format('CREATE DATABASE %I OWNER %I ENCODING ''UTF8'' TEMPLATE template0', :'role', :'role')
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'role') \gexec
SELECT format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC', :'role') \gexec
SQL
done
