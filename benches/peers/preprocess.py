#!/usr/bin/env python3
"""Time of one preprocessing chain on one CT series: pulmo's CPU path against SimpleITK, scipy and MONAI.

    python benches/peers/preprocess.py --series FOLDER [--pulmo target/release/pulmo] [--runs 5]

The chain: resample to 1 mm (linear, no antialiasing), Gaussian of 1 mm, rotate by 7 degrees about z, keep the
middle 256 x 256, window. Needs: SimpleITK, scipy, monai, torch, numpy.

All start from the volume in memory (float32, Hounsfield units) and end with the result in memory. pulmo runs as
a process of its own for each time: `--timings` tells the seconds of the chain alone, on cold memory; the others
run in this process, after a run to warm up. The results are compared first. scipy's Gaussian is pulmo's, cut at 4
sigma; SimpleITK has two others: a discrete one (Lindeberg's kernel) and a recursive one, so there the results
differ by what the kernels differ. MONAI's conventions are told in monai_chain.py.
"""

import math
import tempfile
from pathlib import Path

import monai
import monai_chain
import numpy as np
import scipy
import SimpleITK as sitk
from measure import in_turn, json_lines, machine, parser, pulmo, table, timed, write_report
from scipy import ndimage

DEGREES = 7.0
OUTSIDE_HU = -1000.0
SIDE = 256
LOW_HU, HIGH_HU = -1350.0, 150.0
CHAIN = f"""
[[step]]
kind = "resample"
spacing_mm = [1.0, 1.0, 1.0]
antialias = false
[[step]]
kind = "gaussian"
sigma_mm = [1.0, 1.0, 1.0]
[[step]]
kind = "rotate"
degrees = {DEGREES}
fill = {OUTSIDE_HU}
[[step]]
kind = "crop"
to = {{ center = {{ shape = [0, {SIDE}, {SIDE}] }} }}
[[step]]
kind = "window"
center_hu = {(LOW_HU + HIGH_HU) / 2}
width_hu = {HIGH_HU - LOW_HU}
"""
# Largest and mean difference allowed, of a result in 0..1. scipy does the same sums, MONAI's positions are f32,
# SimpleITK has other kernels.
ALLOWED = {"scipy": (1e-5, 1e-6), "MONAI": (1e-4, 1e-5), "SimpleITK": (0.03, 1e-3)}
# Slices at either end that MONAI's smoothing makes darker, because it takes nothing for 0 HU.
EDGE = {"MONAI": 4}


def read(folder):
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))
    return sitk.Cast(reader.Execute(), sitk.sitkFloat32)


def new_shape(shape, spacing):
    return [max(1, round(count * step)) for count, step in zip(shape, spacing)]


def with_simpleitk(image, smooth, threads):
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
    size = new_shape(image.GetSize(), image.GetSpacing())
    first = [((n - 1) - (m - 1) / s) / 2 for n, m, s in zip(image.GetSize(), size, image.GetSpacing())]
    origin = image.TransformContinuousIndexToPhysicalPoint(first)
    image = sitk.Resample(
        image, size, sitk.Transform(), sitk.sitkLinear, origin, [1.0] * 3, image.GetDirection(), 0.0,
        sitk.sitkFloat32, True,
    )  # fmt: skip
    image = smooth(image)
    centre = image.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in size])
    turn = sitk.Euler3DTransform(centre, 0.0, 0.0, -math.radians(DEGREES))
    image = sitk.Resample(image, image, turn, sitk.sitkLinear, OUTSIDE_HU)
    corner = [(n - SIDE) // 2 for n in size[:2]] + [0]
    image = sitk.RegionOfInterest(image, [SIDE, SIDE, size[2]], corner)
    return sitk.IntensityWindowing(image, LOW_HU, HIGH_HU, 0.0, 1.0)


def discrete(image):
    return sitk.DiscreteGaussian(image, variance=1.0, maximumKernelWidth=9, maximumError=1e-3)


def recursive(image):
    return sitk.SmoothingRecursiveGaussian(image, 1.0)


def with_scipy(voxels, spacing):
    shape = new_shape(voxels.shape, spacing)
    first = [((n - 1) - (m - 1) / s) / 2 for n, m, s in zip(voxels.shape, shape, spacing)]
    step = [1.0 / s for s in spacing]
    voxels = ndimage.affine_transform(voxels, step, first, shape, order=1, mode="nearest")
    voxels = ndimage.gaussian_filter(voxels, 1.0, truncate=4.0, mode="nearest")
    voxels = ndimage.rotate(voxels, -DEGREES, (1, 2), reshape=False, order=1, cval=OUTSIDE_HU)
    top, left = ((n - SIDE) // 2 for n in shape[1:])
    voxels = voxels[:, top : top + SIDE, left : left + SIDE]
    return np.clip((voxels - LOW_HU) / (HIGH_HU - LOW_HU), 0.0, 1.0)


def with_pulmo(arguments, folder, threads):
    """The result, and the seconds of the chain."""
    command = [arguments.pulmo, "preprocess", arguments.series, "--chain", folder / "chain.toml"]
    command += ["--out", folder / "pulmo.npy", "--device", arguments.device, "--timings"]
    _, talk = pulmo(command, threads)
    return folder / "pulmo.npy", json_lines(talk)[0]["chain_s"]


def compare(name, ours, theirs):
    """Stops unless both did the same work."""
    if isinstance(theirs, sitk.Image):
        theirs = sitk.GetArrayFromImage(theirs)
    tool = name.split(",")[0]
    edge, (largest, mean) = EDGE.get(tool, 0), ALLOWED[tool]
    off = np.abs(ours - theirs)[edge : len(ours) - edge]
    print(f"  {name:34} differs by {off.max():.2e} at most, {off.mean():.2e} in the mean")
    if off.max() > largest or off.mean() > mean:
        raise SystemExit(f"{name} does other work: allowed are {largest} and {mean}")


def run(arguments):
    image = read(arguments.series)
    voxels = np.ascontiguousarray(sitk.GetArrayFromImage(image))
    spacing = image.GetSpacing()[::-1]
    peers = {
        f"SimpleITK, {smooth.__name__}, {threads} threads": (
            lambda smooth=smooth, threads=threads: with_simpleitk(image, smooth, threads)
        )
        for smooth in (discrete, recursive)
        for threads in (1, 2)
    }
    peers["scipy"] = lambda: with_scipy(voxels, spacing)
    transforms = monai_chain.chain(DEGREES, SIDE, (LOW_HU, HIGH_HU))
    with_monai = monai_chain.work(voxels, spacing, new_shape(voxels.shape, spacing), transforms)
    peers |= {f"MONAI, {threads} threads": (lambda threads=threads: with_monai(threads)) for threads in (1, 2)}
    versions = f"SimpleITK {sitk.Version_VersionString()}, scipy {scipy.__version__}, MONAI {monai.__version__}"
    print(f"{versions}; {voxels.shape} at {spacing} mm")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "chain.toml").write_text(CHAIN, encoding="utf-8")
        ours = np.load(with_pulmo(arguments, folder, 2)[0])
        for name, work in peers.items():
            compare(name, ours, work())
        clocks = {
            f"pulmo, {threads} threads": lambda threads=threads: with_pulmo(arguments, folder, threads)[1]
            for threads in (1, 2)
        }
        taken = in_turn(arguments.runs, clocks | {name: timed(work) for name, work in peers.items()})
    table("chain, from memory to memory", taken, "pulmo, 2 threads")
    return {"chain": taken}


if __name__ == "__main__":
    arguments = parser(__doc__, "series", "pulmo", "device", "runs", "json").parse_args()
    print(machine())
    write_report(arguments.json, run(arguments))
