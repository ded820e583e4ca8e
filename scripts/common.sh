# shellcheck shell=bash
# What the scripts share: where the repository is, how many jobs to run, how to build.

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
jobs=$(nproc)

# A compiler cache holds for every clone of this tree, wherever it lies.
export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$root} CCACHE_NOHASHDIR=${CCACHE_NOHASHDIR:-true}

# The header comment of a script is its help.
show_help() {
  sed -n '2,/^$/ s/^# \{0,1\}//p' "$0"
}

# configure <preset> [cmake arguments]: REEL_WERROR is taken from the environment.
configure() {
  local preset=$1
  shift
  if [[ -n ${REEL_WERROR:-} ]]; then set -- "-DREEL_WERROR=$REEL_WERROR" "$@"; fi
  (cd "$root" && cmake --preset "$preset" "$@")
}

# build <preset> [target]...
build() {
  local preset=$1
  shift
  (cd "$root" && cmake --build --preset "$preset" --parallel "$jobs" ${1:+--target "$@"})
}

# make_venv <name> <requirements>: a virtual environment of Python outside the tree with these packages,
# made again when they change; sets `venv`. PyTorch's wheels come without CUDA where its index can be
# reached, all others from PyPI.
make_venv() {
  venv=${XDG_CACHE_HOME:-$HOME/.cache}/reel/$1
  if cmp --silent "$2" "$venv/installed.txt"; then return; fi
  echo "installing into $venv: $(grep --invert-match '^#' "$2" | tr '\n' ' ')" >&2
  rm -rf "$venv"
  mkdir -p "$(dirname -- "$venv")"
  python3 -m venv "$venv" &&
    { "$venv/bin/pip" install --quiet "$(grep '^torch' "$2")" \
      --index-url https://download.pytorch.org/whl/cpu || true; } 2>/dev/null &&
    "$venv/bin/pip" install --quiet --requirement "$2" && cp "$2" "$venv/installed.txt"
}

# Programs run in other folders than the user's, so a relative REEL_DATA must become absolute.
if [[ -n ${REEL_DATA:-} ]]; then
  REEL_DATA=$(realpath -m -- "$REEL_DATA")
  export REEL_DATA
fi
