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

# Programs run in other folders than the user's, so a relative REEL_DATA must become absolute.
if [[ -n ${REEL_DATA:-} ]]; then
  REEL_DATA=$(realpath -m -- "$REEL_DATA")
  export REEL_DATA
fi
