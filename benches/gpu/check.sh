#!/usr/bin/env bash
# The check of a machine's GPU: pack on a machine that builds pulmo, run on one that has the GPU.
#
#   bash benches/gpu/check.sh pack [--out DIR] [--without-vulkan]      builds and packs into DIR/pack (60 MB at most)
#   bash DIR/pack/check.sh run [--device gpu|software] [--out DIR]     one command there; the results go to DIR
#   bash benches/gpu/check.sh [--device gpu|software] [--out DIR]      both, here
#
# README.md beside this file tells the rest.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

verb=both
case "${1:-}" in
    pack | run) verb="$1" && shift ;;
esac

device=gpu
out=target/gpu-check
pack_options=()
while [ $# -gt 0 ]; do
    case "$1" in
        --device) device="$2" && shift 2 ;;
        --out) out="$2" && shift 2 ;;
        --without-vulkan) pack_options+=("$1") && shift ;;
        *) echo "check.sh: $1 is no option (see the top of $0)" >&2 && exit 2 ;;
    esac
done
case "$device" in
    gpu | gpu:* | software) ;;
    *) echo "check.sh: --device is gpu, gpu:N or software, not $device" >&2 && exit 2 ;;
esac
mkdir -p "$out"
out="$(cd "$out" && pwd)"

# Unpacks what lies beside this file, or was just packed, and runs the steps.
run() {
    local python="${PYTHON:-python3}" packed="$1"
    [ -f "$packed/pack.tar.xz" ] || { echo "check.sh: no pack.tar.xz in $packed; pack first" >&2 && exit 1; }
    command -v "$python" >/dev/null || { echo "check.sh: no $python; PYTHON names another" >&2 && exit 1; }
    work="$(mktemp -d)"
    trap 'rm -rf "$work"' EXIT
    tar -C "$work" -xJf "$packed/pack.tar.xz" 2>/dev/null ||
        "$python" -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$packed/pack.tar.xz" "$work"
    # Here it stops nothing: the minutes are few. pack.sh stops on it.
    "$python" "$work/gpu/selfcheck.py" || echo "check.sh: the self-check failed; going on" >&2
    "$python" "$work/gpu/run.py" --device "$device" --out "$out"
}

case "$verb" in
    pack) bash "$here/pack.sh" "$out/pack" "${pack_options[@]}" ;;
    run) run "$here" ;;
    both)
        bash "$here/pack.sh" "$out/pack" "${pack_options[@]}"
        run "$out/pack"
        ;;
esac
