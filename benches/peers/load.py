#!/usr/bin/env python3
"""Time of loading one CT series to an int16 volume in Hounsfield units: pulmo against SimpleITK and pydicom.

    python benches/peers/load.py --series ../shared/data/covid_ct_md/P002 [--pulmo target/release/pulmo] [--runs 7]

Needs: SimpleITK, pydicom, pylibjpeg, pylibjpeg-libjpeg, numpy.

Two sets of files: the series as it is, and a copy in Explicit VR Little Endian that this script makes in a
temporary folder. All loaders run in turn, several times, and the least of each counts: what others do on
the machine only adds. pulmo runs as a
process of its own: its start is in its time, and its volume is float32 and checked for sanity. The others
run in this process, after their imports and one run to warm up; SimpleITK's time holds the ordering of files
by GDCM. Processor time is told too, the steadier of the two.

`--command` is what pulmo is asked to do. {pulmo} and {folder} are filled in; {hash} is empty where time counts,
and `--hash` in one run before, whose `hu.sha256` is compared with the voxels of the other tools.
"""

import hashlib
import json
import os
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from measure import parser


def with_simpleitk(folder, threads):
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


def with_pydicom(folder):
    slices = [pydicom.dcmread(path) for path in sorted(Path(folder).iterdir())]
    row, column = np.split(np.array(slices[0].ImageOrientationPatient, float), 2)
    normal = np.cross(row, column)
    slices.sort(key=lambda slice_: normal @ np.array(slice_.ImagePositionPatient, float))
    hu = [s.pixel_array * float(s.RescaleSlope) + float(s.RescaleIntercept) for s in slices]
    return np.stack(hu).astype("<i2")


def with_pulmo(command, threads):
    environment = dict(os.environ, RAYON_NUM_THREADS=str(threads))
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def sha256_in(output):
    """The hash of the series with most slices, or None where pulmo printed none."""
    try:
        lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
        largest = max((line for line in lines if "hu" in line), key=lambda line: line["slices"])
        return largest["hu"]["sha256"]
    except (ValueError, KeyError, TypeError):
        return None


def native_copy(series, folder):
    for path in sorted(Path(series).iterdir()):
        data_set = pydicom.dcmread(path)
        if data_set.file_meta.TransferSyntaxUID.is_compressed:
            data_set.decompress()
        data_set.save_as(Path(folder) / path.name)


def cpu_seconds():
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def timed(loaders, runs):
    """The least wall time and processor time of each loader, in seconds."""
    for load in loaders.values():
        load()
    seconds = {name: [] for name in loaders}
    for _ in range(runs):
        for name, load in loaders.items():
            start, cpu = time.perf_counter(), cpu_seconds()
            load()
            seconds[name].append((time.perf_counter() - start, cpu_seconds() - cpu))
    return {name: [min(column) for column in zip(*times)] for name, times in seconds.items()}


def compare(what, folder, arguments):
    def command(hash_option):
        filled = {"pulmo": arguments.pulmo, "folder": shlex.quote(str(folder)), "hash": hash_option}
        return shlex.split(arguments.command.format(**filled))

    loaders = {
        "pulmo, 1 thread": lambda: with_pulmo(command(""), 1),
        "pulmo, 2 threads": lambda: with_pulmo(command(""), 2),
        "SimpleITK, 1 thread": lambda: with_simpleitk(folder, 1),
        "SimpleITK, 2 threads": lambda: with_simpleitk(folder, 2),
        "pydicom": lambda: with_pydicom(folder),
    }
    volumes = [sitk.GetArrayFromImage(with_simpleitk(folder, 1)).astype("<i2"), with_pydicom(folder)]
    expected = {hashlib.sha256(volume.tobytes()).hexdigest() for volume in volumes}
    found = sha256_in(with_pulmo(command("--hash"), 2))
    print(f"\n{what}: {len(list(Path(folder).iterdir()))} files")
    if found is None:
        print("  pulmo printed no hash: voxels were not compared")
    elif {found} != expected:
        sys.exit(f"the voxels differ: pulmo {found}, others {sorted(expected)}")
    else:
        print("  the same voxels from all")
    least = timed(loaders, arguments.runs)
    print(f"  {'':22} {'wall s':>8} {'CPU s':>8}  {'x pulmo, 1 thread':>18} {'x pulmo, 2 threads':>19}")
    for name, (wall, cpu) in least.items():
        one, two = (wall / least[f"pulmo, {threads}"][0] for threads in ("1 thread", "2 threads"))
        print(f"  {name:22} {wall:8.3f} {cpu:8.3f}  {one:18.2f} {two:19.2f}")


def main():
    options = parser(__doc__, "series", "pulmo", "runs")
    options.add_argument("--command", default="{pulmo} inspect --json {hash} {folder}", help="what pulmo does")
    arguments = options.parse_args()
    print(f"SimpleITK {sitk.Version_VersionString()}, pydicom {pydicom.__version__}, {os.cpu_count()} CPUs")
    compare("as it is", arguments.series, arguments)
    with tempfile.TemporaryDirectory() as folder:
        native_copy(arguments.series, folder)
        compare("native copy", folder, arguments)


if __name__ == "__main__":
    main()
