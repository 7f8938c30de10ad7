# Sourced by .ci/run: a PostgreSQL server of our own on a unix socket in a temporary folder. Nothing
# but the tests knows of it, and nothing of it is left. Sets CTPBUS_POSTGRES.

_postgres_bin() { ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1; }

# initdb refuses to work for root; Debian's package has made the user.
_as_postgres() {
  if [ "$(id -u)" = 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi
}

start_postgres() {
  local bin
  if [ -z "$(_postgres_bin)" ]; then
    local as_root
    as_root=$([ "$(id -u)" = 0 ] || echo sudo)
    $as_root apt-get -qq update
    # Only the programs are wanted: no server of the machine's is to be made and started.
    $as_root mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] ||
      echo "create_main_cluster = false" | $as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
    $as_root apt-get -qq install -y --no-install-recommends postgresql
  fi
  bin=$(_postgres_bin)
  postgres_folder=$(mktemp -d /tmp/ctpbus-pg-XXXXXX)
  [ "$(id -u)" != 0 ] || chown postgres "$postgres_folder"
  _as_postgres "$bin/initdb" -D "$postgres_folder/data" -U ctpbus -A trust -E UTF8 --no-locale --no-sync \
    >/dev/null
  _as_postgres "$bin/pg_ctl" -s -w -D "$postgres_folder/data" -l "$postgres_folder/log" \
    -o "-c listen_addresses= -c unix_socket_directories=$postgres_folder -c fsync=off" start
  export CTPBUS_POSTGRES="postgresql://ctpbus@/postgres?host=$postgres_folder"
}

stop_postgres() {
  [ -n "${postgres_folder:-}" ] || return 0
  _as_postgres "$(_postgres_bin)/pg_ctl" -s -m immediate -D "$postgres_folder/data" stop || true
  rm -rf "$postgres_folder"
  postgres_folder=
}
