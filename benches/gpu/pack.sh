#!/usr/bin/env bash
# Builds both binaries and the GPU tests, and packs them with all that run.py needs: pack.sh FOLDER [--without-vulkan]
set -euo pipefail
folder="$1"
vulkan="${2:-}"
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
mkdir -p "$folder"
folder="$(cd "$folder" && pwd)"
cd "$root"

target="${CARGO_TARGET_DIR:-$root/target}"
# Of its own: both builds keep what they built.
vulkan_target="${PULMO_VULKAN_TARGET:-$target/vulkan}"
most_mb=60

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/bin" "$work/lib" "$work/gpu" "$work/peers" "$work/recipe"

"${PYTHON:-python3}" "$here/selfcheck.py"

echo "== the binary"
cargo build --release --package pulmo --bin pulmo
strip -s "$target/release/pulmo" -o "$work/bin/pulmo"

echo "== the GPU tests"
tests="$(cargo test --release --package pulmo --test gpu --no-run --message-format=json |
    grep '"reason":"compiler-artifact"' | grep '"name":"gpu"' | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -1)"
strip -s "$tests" -o "$work/bin/gpu-tests"

echo "== the binary with the vulkan feature"
missing_vulkan=""
if [ "$vulkan" = --without-vulkan ]; then
    missing_vulkan="it was left out of the pack"
elif CARGO_TARGET_DIR="$vulkan_target" cargo build --release --package pulmo --bin pulmo --features vulkan; then
    strip -s "$vulkan_target/release/pulmo" -o "$work/bin/pulmo-vulkan"
else
    missing_vulkan="it did not build where the pack was made"
    echo "pack.sh: $missing_vulkan; the pack goes without it" >&2
fi

# Debian's, for machines that have a driver and no loader, or not what the driver asks for. run.py takes what is missing.
for library in libvulkan.so.1 libGLdispatch.so.0 libEGL.so.1 libX11.so.6 libXext.so.6 libxcb.so.1 libXau.so.6 \
    libXdmcp.so.6 libbsd.so.0 libmd.so.0; do
    path="$(ldconfig -p | awk -v name="$library" '$1 == name && /x86-64/ { print $NF; exit }')"
    if [ -n "$path" ]; then cp -L "$path" "$work/lib/$library"; else echo "pack.sh: no $library here to pack" >&2; fi
done
[ -f "$work/lib/libvulkan.so.1" ] || echo "pack.sh: no Vulkan loader packed (Debian: apt-get install libvulkan1)" >&2

cp "$here"/*.py "$work/gpu/"
cp "$root"/benches/peers/{network,pytorch}.py "$work/peers/"
cp "$root/models/lung-nodule-phantom/recipe.toml" "$work/recipe/"
cat > "$work/about.json" <<JSON
{
  "commit": "$(git describe --always --dirty 2>/dev/null || echo unknown)",
  "packed": "$(date -u +%Y-%m-%dT%H:%M:%SZ)",
  "rustc": "$(rustc --version)",
  "missing_vulkan": "$missing_vulkan"
}
JSON

tar -C "$work" -cf - . | xz -T2 --x86 --lzma2=preset=6 > "$folder/pack.tar.xz"
cp "$here/check.sh" "$here/README.md" "$folder/"
size="$(du -sb "$folder" | awk '{ printf "%.1f", $1 / 1e6 }')"
echo "packed: $folder, $size MB"
ls -l "$work/bin" "$folder" | awk 'NF >= 9 { printf "  %10d  %s\n", $5, $NF }'
awk -v size="$size" -v most="$most_mb" 'BEGIN { exit !(size <= most) }' ||
    { echo "pack.sh: more than $most_mb MB" >&2 && exit 1; }
