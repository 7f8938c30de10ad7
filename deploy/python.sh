# Sourced by deploy/up, deploy/down and tests/run: a Python that is new enough, and a virtual
# environment made from it. Needs nothing but bash and Python.
#
#   PYTHON         the interpreter to make the environment with (default: the first usable one)
#   VENV           the environment's folder (default: .venv in the checkout)
#   CTPBUS_PYTHON  an interpreter that already has every dependency; nothing is installed then

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=${VENV:-$root/.venv}
case $venv in /*) ;; *) venv=$PWD/$venv ;; esac

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# Prints nothing when interpreter $1 can make the environment, else the reason why not.
python_fault() {
  local version
  # An interpreter may be on PATH and yet not run (a version manager's shim), so it is asked.
  version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2], sys.version_info >= (3, 11))' 2>/dev/null) \
    || { echo "does not run"; return; }
  case $version in
    *False) echo "is Python ${version% *}, too old: ctpbus needs 3.11 or newer"; return ;;
  esac
  "$1" -c 'import ensurepip, venv' 2>/dev/null \
    || echo "is Python ${version% *} without the module venv (Debian, Ubuntu: apt-get install python${version% *}-venv)"
}

# Sets $python to the first usable interpreter, or ends the script with all the reasons.
find_python() {
  local candidate path fault reasons=""
  for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    path=$(command -v "$candidate") || continue
    fault=$(python_fault "$path")
    if [ -z "$fault" ]; then python=$path; return; fi
    reasons+=$'\n'"  $path $fault"
  done
  [ -n "$reasons" ] || reasons=$'\n'"  ${PYTHON:-python3} was not found"
  die "ctpbus needs Python 3.11 or newer with the module venv. Install it, or name one with PYTHON=...$reasons"
}

# Sets $python to an interpreter with ctpbus and the extra $1 ("" or "test") installed.
# Installs only when pyproject.toml is not the one of the last installation.
prepare_python() {
  if [ -n "${CTPBUS_PYTHON:-}" ]; then python=$CTPBUS_PYTHON; return; fi
  # Two scripts started at once must not install into one folder at the same time.
  if command -v flock >/dev/null; then exec 9<"$root"; flock 9; fi
  [ ! -d "$venv" ] || [ -z "$(python_fault "$venv/bin/python")" ] || rm -rf "$venv"
  if [ ! -d "$venv" ]; then
    find_python
    say "making $venv with $("$python" --version)"
    "$python" -m venv "$venv" || die "could not make $venv"
  fi
  python=$venv/bin/python
  if ! installed test && ! installed "$1"; then
    say "installing ctpbus${1:+[$1]} into $venv"
    "$python" -m pip install --quiet --disable-pip-version-check -e "$root${1:+[$1]}" \
      || die "pip could not install ctpbus's dependencies into $venv (see above); the next call tries again"
    cp "$root/pyproject.toml" "$venv/installed-${1:-base}"
  fi
  exec 9<&-
}

installed() { cmp -s "$root/pyproject.toml" "$venv/installed-${1:-base}"; }
