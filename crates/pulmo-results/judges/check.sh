#!/bin/sh
# Has the objects of pulmo-results judged by programs that others wrote.
#
#   check.sh --install      Debian's dicom3tools and dcmtk (as root), and highdicom in an environment of its own
#   check.sh FOLDER         judges each case below FOLDER, as tests/judges.rs writes them
#
# Exit codes: 0 no error, 1 errors, 77 a judge is missing.
set -u
here=$(dirname "$0")
environment=${PULMO_JUDGES:-${XDG_CACHE_HOME:-$HOME/.cache}/pulmo-judges}

if [ "${1:-}" = --install ]; then
    command -v dciodvfy >/dev/null && command -v dsrdump >/dev/null ||
        apt-get install -y dicom3tools dcmtk || exit 77
    [ -x "$environment/bin/python" ] || python3 -m venv "$environment" || exit 77
    "$environment/bin/pip" install --quiet highdicom==0.28.2 pydicom==3.0.2 || exit 77
    exit 0
fi

for tool in dciodvfy dcsrdump dsrdump dcmdump; do
    command -v "$tool" >/dev/null || { echo "SKIPPED: $tool is not installed; run $0 --install" >&2; exit 77; }
done
python=$environment/bin/python
[ -x "$python" ] || python=python3
"$python" -c 'import highdicom' 2>/dev/null ||
    { echo "SKIPPED: Python has no highdicom; run $0 --install" >&2; exit 77; }
exec "$python" "$here/check.py" "$@"
