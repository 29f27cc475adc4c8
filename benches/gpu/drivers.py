"""What a driver may lack on a bare machine: the Vulkan loader, a library, or the way to its own description."""

import json
import os
import subprocess
from pathlib import Path

# Where drivers leave their description (ICD file) when they are installed or mounted.
PLACES = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/usr/local/nvidia/share/vulkan/icd.d"]


def environment(root, device):
    """The environment in which pulmo finds an adapter of the kind, and a note of what had to be done for it."""
    variables = dict(os.environ)
    note = {"libraries": missing_libraries(root / "lib"), "icd": None}
    if note["libraries"]:
        paths = [str(root / "lib-used"), variables.get("LD_LIBRARY_PATH", "")]
        variables["LD_LIBRARY_PATH"] = ":".join(filter(None, paths))
    if finds(root, variables, device):
        return variables, note
    for icd in descriptions():
        tried = variables | {"VK_DRIVER_FILES": str(icd), "VK_ICD_FILENAMES": str(icd)}
        if finds(root, tried, device):
            return tried, note | {"icd": str(icd)}
    return variables, note


def missing_libraries(packed):
    """Puts those of the packed libraries that the system lacks into a folder of their own; returns their names."""
    known = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True, check=False).stdout
    lacking = [path for path in sorted(packed.glob("*.so*")) if f"\t{path.name} " not in known]
    used = packed.with_name("lib-used")
    used.mkdir(exist_ok=True)
    for path in lacking:
        (used / path.name).write_bytes(path.read_bytes())
    return [path.name for path in lacking]


def descriptions():
    files = [file for place in PLACES for file in sorted(Path(place).glob("*nvidia*.json")) + sorted(Path(place).glob("*.json"))]
    return list(dict.fromkeys(files))


def finds(root, variables, device):
    """Whether pulmo lists an adapter of the kind with these variables."""
    try:
        command = [str(root / "bin/pulmo"), "devices", "--json"]
        done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=15)
        adapters = json.loads(done.stdout)["adapters"]
    except (OSError, ValueError, KeyError, subprocess.TimeoutExpired):
        return False
    return any((adapter["device_type"] == "software") == (device == "software") for adapter in adapters)
