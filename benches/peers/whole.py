#!/usr/bin/env python3
"""Time from a DICOM series to a probability: `pulmo predict` against pydicom or SimpleITK, scipy and onnxruntime.

    python benches/peers/whole.py --series FOLDER [--bundle models/lung-nodule-phantom] [--runs 7]

The Python side reads the bundle's own chain and network and does the same steps, vectorised: cropping to the lungs
on blocks of 3 mm with scipy, resampling as products with weight matrices, the network in onnxruntime. Both sides
must give the same probability to 1e-4. pulmo runs as a process of its own: its start and the reading of its
weights are in its time. The Python side runs in this process, its imports and its session made before.
Needs: torch, onnx, onnxscript, onnxruntime, safetensors, SimpleITK, pydicom, pylibjpeg, scipy, numpy.
"""

import math
import tempfile
import tomllib
from pathlib import Path

import network
import numpy as np
import pydicom
import SimpleITK as sitk
from measure import in_turn, json_lines, machine, parser, pulmo, table, timed, write_report
from scipy import ndimage

ALLOWED = 1e-4
BLOCK_MM, AIR_HU, TISSUE_HU, LUNG_HU = 3.0, -1024.0, -300.0, -400.0
LUNG_MM3, LUNG_SLICE_MM2, SECOND_LUNG = 50e3, 600.0, 0.1


def read_with_simpleitk(folder):
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


def read_with_pydicom(folder):
    slices = [pydicom.dcmread(path) for path in sorted(Path(folder).iterdir())]
    row, column = np.split(np.array(slices[0].ImageOrientationPatient, float), 2)
    normal = np.cross(row, column)
    slices.sort(key=lambda slice_: normal @ np.array(slice_.ImagePositionPatient, float))
    hu = [s.pixel_array * float(s.RescaleSlope) + float(s.RescaleIntercept) for s in slices]
    image = sitk.GetImageFromArray(np.stack(hu).astype("<i2"))
    first, last = (np.array(s.ImagePositionPatient, float) for s in (slices[0], slices[-1]))
    rows, columns = (float(step) for step in slices[0].PixelSpacing)
    image.SetSpacing([columns, rows, float(normal @ (last - first)) / (len(slices) - 1)])
    image.SetDirection(np.column_stack([row, column, normal]).ravel().tolist())
    return image


def oriented(image):
    """Voxels `[z, y, x]` and their spacing, axes in the patient's order."""
    if not np.allclose(image.GetDirection(), np.eye(3).ravel()):
        image = sitk.DICOMOrient(image, "LPS")
    return sitk.GetArrayViewFromImage(image).astype(np.float32), image.GetSpacing()[::-1]


def largest_first(inside):
    """Labels of the parts of `inside`, and their numbers and sizes, largest first."""
    labels, _ = ndimage.label(ndimage.binary_erosion(inside, border_value=1))
    sizes = np.bincount(labels.ravel())[1:]
    order = np.argsort(-sizes, kind="stable")
    return labels, order + 1, sizes[order]


def lung_box(hu, spacing, margin_mm):
    """Start and end of the box around the lungs: pulmo's way, `src/volume/anatomy.rs`."""
    side = [max(1, round(BLOCK_MM / step)) for step in spacing]
    coarse = np.maximum(hu, AIR_HU)
    for axis, (count, step) in enumerate(zip(hu.shape, side)):
        starts = np.arange(0, count, step)
        lengths = np.diff(np.append(starts, count)).astype(np.float32)
        lengths = lengths.reshape([-1 if a == axis else 1 for a in range(3)])
        coarse = np.add.reduceat(coarse, starts, axis) / lengths
    block = np.array(spacing) * side
    tissue = coarse > TISSUE_HU
    labels, numbers, _ = largest_first(tissue)
    body = ndimage.binary_dilation(labels == numbers[0], iterations=3, mask=tissue)
    body = np.stack([ndimage.binary_fill_holes(slice_) for slice_ in body])
    air = (coarse < LUNG_HU) & body
    labels, numbers, sizes = largest_first(air)
    enough = (sizes * block.prod() >= LUNG_MM3 / 2) & (sizes >= SECOND_LUNG * sizes[0])
    lungs = np.isin(labels, numbers[:2][enough[:2]])
    lungs = ndimage.binary_dilation(lungs, mask=air)
    deep = lungs.sum((1, 2)) * block[1] * block[2] >= LUNG_SLICE_MM2
    lungs[np.flatnonzero(deep)[-1] + 1 :] = False
    margin = [math.ceil(margin_mm / step) for step in spacing]
    return [
        slice(max(0, box.start * s - m), min(n, min(n, box.stop * s) + m))
        for box, s, m, n in zip(ndimage.find_objects(lungs.astype(np.int8))[0], side, margin, hu.shape)
    ]


def weights(count, spacing, wanted):
    """The matrix of linear interpolation along an axis, as much wider as it shrinks."""
    new = max(1, math.floor(count * spacing / wanted + 0.5))
    step = wanted / spacing
    first = (count - 1 - (new - 1) * step) / 2
    place = np.clip(first + np.arange(new) * step, -0.5, count - 0.5)
    matrix = np.maximum(0.0, 1.0 - np.abs(np.arange(count) - place[:, None]) / max(step, 1.0))
    return (matrix / matrix.sum(1, keepdims=True)).astype(np.float32)


def resample(voxels, spacing, wanted):
    """Along z, where the slices are contiguous, last: the planes have shrunk by then."""
    along_z, along_y, along_x = (weights(*axis) for axis in zip(voxels.shape, spacing, wanted))
    voxels = np.matmul(np.matmul(along_y, voxels), along_x.T)
    return np.tensordot(along_z, voxels, 1)


def crop_or_pad(voxels, shape, fill):
    for axis, (have, want) in enumerate(zip(voxels.shape, shape)):
        want = want or have
        start = max(0, (have - want) // 2)
        voxels = np.take(voxels, range(start, min(have, start + want)), axis)
        added = max(0, want - have)
        pads = [(added // 2, added - added // 2) if a == axis else (0, 0) for a in range(3)]
        voxels = np.pad(voxels, pads, constant_values=fill)
    return voxels


def preprocessed(image, steps):
    """What the chain of a bundle makes of a CT, for the kinds of steps of the shipped one."""
    voxels, spacing = oriented(image)
    for step in steps:
        match step:
            case {"kind": "orient"}:
                pass
            case {"kind": "crop", "to": {"lungs": {"margin_mm": margin_mm}}}:
                voxels = voxels[tuple(lung_box(voxels, spacing, margin_mm))]
            case {"kind": "resample", "spacing_mm": wanted, "interpolation": "linear", "antialias": True}:
                voxels, spacing = resample(voxels, spacing, wanted), wanted
            case {"kind": "window", "center_hu": centre, "width_hu": width}:
                voxels = np.clip((voxels - (centre - width / 2)) / width, 0.0, 1.0)
            case {"kind": "crop_or_pad", "shape": shape, "fill": fill}:
                voxels = crop_or_pad(voxels, shape, fill)
            case _:
                raise SystemExit(f"this script does not know the step {step}")
    return voxels


def probabilities(logits):
    weights = np.exp(logits - logits.max())
    return (weights / weights.sum()).ravel()


def with_pulmo(arguments):
    command = [arguments.pulmo, "predict", arguments.series, "--bundle", arguments.bundle]
    out, _ = pulmo([*command, "--device", arguments.device], arguments.threads)
    return json_lines(out)[0]["probabilities"]


def run(arguments):
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(arguments.threads)
    manifest = tomllib.loads((arguments.bundle / "bundle.toml").read_text(encoding="utf-8"))
    net = network.open_network(arguments.bundle)

    def images_of(read):
        volume = preprocessed(read(arguments.series), manifest["chain"]["step"])
        return network.with_neighbours(volume, net.neighbours)

    with tempfile.TemporaryDirectory() as name:
        images = images_of(read_with_simpleitk)
        session = network.onnx_session(net, images, Path(name) / "n.onnx", arguments.threads)

    def with_python(read):
        return probabilities(session.run(None, {"images": images_of(read)})[0])

    readers = {"SimpleITK": read_with_simpleitk, "pydicom": read_with_pydicom}
    said = with_pulmo(arguments)
    ours = np.array([said[name] for name in manifest["classes"]])
    for name, read in readers.items():
        off = np.abs(with_python(read) - ours).max()
        print(f"  probabilities of pulmo and of the Python stack with {name} differ by {off:.1e}")
        if off > ALLOWED:
            raise SystemExit(f"allowed is {ALLOWED}")
    clocks = {"pulmo predict, whole process": timed(lambda: with_pulmo(arguments))}
    for name, read in readers.items():
        clocks[f"{name}, scipy, onnxruntime"] = timed(lambda read=read: with_python(read))
    taken = in_turn(arguments.runs, clocks)
    table("series to probability", taken, "pulmo predict, whole process")
    return {"whole": taken}


if __name__ == "__main__":
    arguments = parser(__doc__, "series", "bundle", "pulmo", "device", "threads", "runs", "json").parse_args()
    print(machine())
    write_report(arguments.json, run(arguments))
