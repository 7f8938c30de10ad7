#!/usr/bin/env bash
# Build the stand-in front for the binding installed beside $PYTHON: out/VERSION/*.so.
# Does nothing when the result is newer than everything it is made from.
#   PYTHON=<python>  with ctpbus installed (default python3)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
python=${PYTHON:-python3}
read -r version binding < <("$python" -c '
import schemas.binding
source = schemas.binding.find()
print(source.version, source.md)')
out=$here/out/$version
md=$out/libthostmduserapi_se.so td=$out/libthosttraderapi_se.so

fresh() {
  [ -e "$md" ] && [ -e "$td" ] &&
    [ -z "$(find "$here"/*.py "$here"/*.sh "$here"/exports.map "$here/src" schemas/{api,layout}.py \
      "$binding" -newer "$md" -print -quit)" ]
}
if fresh; then exit 0; fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" -m tests.front.headers "$work/include"
# String literals must reach the structs as GB18030.
# Without -O: that takes half as long, and the front has hardly anything to do.
flags=(-std=c++20 -O0 -fPIC -shared -pthread -Wall
  -Wno-non-virtual-dtor -Wno-delete-non-virtual-dtor -Wno-array-bounds -Wno-stringop-truncation
  -finput-charset=UTF-8 -fexec-charset=GB18030 -I"$work/include" -I"$here/src" -static-libgcc
  "-Wl,--version-script=$here/exports.map")
g++ "${flags[@]}" "$here/src/td_front.cpp" -Wl,-soname,libthosttraderapi_se.so -o "$work/td.so" &
g++ "${flags[@]}" "$here/src/md_front.cpp" -Wl,-soname,libthostmduserapi_se.so -o "$work/md.so"
wait $!
mkdir -p "$out"
mv "$work/td.so" "$td"
mv "$work/md.so" "$md"
touch "$td" "$md"
