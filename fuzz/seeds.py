#!/usr/bin/env python3
"""Makes seeds for the fuzz targets out of real files; nothing of them goes into the repository.

    python fuzz/seeds.py ../shared/data fuzz/corpus

Needs: pydicom, numpy, imagecodecs.

F1 and F2 get the small files as they are, and small files made of crops. F4 to F7 get codestreams behind the two
bytes that choose rows, columns, bits and sign (`fuzz/src/frames.rs`): those of the files whose sides the targets
know, and crops of real slices, encoded anew, which run a hundred times as often. F17 gets all of these behind a byte that
tells the coding, F18 crops in JPEG XL behind one that tells whether they may lose.
"""

import sys
import warnings
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
from pydicom.encaps import generate_frames
from pydicom.pixels import get_encoder
from pydicom.uid import RLELossless

SIDES = [1, 8, 64, 512]
LARGEST_FILE = 40_000
LARGEST_CODESTREAM = 300_000
TARGETS = {
    "1.2.840.10008.1.2.5": "f04_rle",
    "1.2.840.10008.1.2.4.50": "f05_jpeg",
    "1.2.840.10008.1.2.4.51": "f05_jpeg",
    "1.2.840.10008.1.2.4.57": "f05_jpeg",
    "1.2.840.10008.1.2.4.70": "f05_jpeg",
    "1.2.840.10008.1.2.4.80": "f07_jpeg_ls",
    "1.2.840.10008.1.2.4.81": "f07_jpeg_ls",
    "1.2.840.10008.1.2.4.90": "f06_jpeg_2000",
    "1.2.840.10008.1.2.4.91": "f06_jpeg_2000",
}


def choice(rows, columns, stored, allocated, signed):
    """The two bytes that choose this format."""
    return bytes([SIDES.index(rows) | SIDES.index(columns) << 2, stored - 1 | (allocated == 8) << 5 | signed << 7])


def keep(corpus, target, name, content):
    folder = corpus / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def of_file(corpus, path, number):
    if path.stat().st_size <= LARGEST_FILE:
        for target in ("f01_gate", "f02_file"):
            keep(corpus, target, f"file-{number}", path.read_bytes())
    data_set = pydicom.dcmread(path)
    target = TARGETS.get(data_set.file_meta.TransferSyntaxUID)
    sides = data_set.get("Rows"), data_set.get("Columns")
    if target is None or data_set.SamplesPerPixel != 1 or not set(sides) <= set(SIDES):
        return
    frame = next(generate_frames(data_set.PixelData, number_of_frames=1))
    if len(frame) <= LARGEST_CODESTREAM:
        header = choice(*sides, data_set.BitsStored, data_set.BitsAllocated, data_set.PixelRepresentation)
        keep(corpus, target, f"file-{number}", header + frame)


def of_crop(corpus, path, number):
    """Crops of one native or compressed slice, encoded by every coding."""
    data_set = pydicom.dcmread(path)
    stored = np.clip(data_set.pixel_array.astype(int) % 65_536, 0, 4095).astype("<u2")
    for side in (8, 64):
        at = 256 - side // 2 + 40 * (number % 3)
        crop = np.ascontiguousarray(stored[at : at + side, at : at + side])
        jpeg = [imagecodecs.ljpeg_encode(crop, bitspersample=12), imagecodecs.jpeg8_encode((crop >> 4).astype("u1"))]
        coded = {
            "f05_jpeg": jpeg,
            "f06_jpeg_2000": [jpeg_2000(crop, 0), jpeg_2000(crop, 40), imagecodecs.htj2k_encode(crop, reversible=True)],
            "f18_jpeg_xl": [jpeg_xl(crop, lossless) for lossless in (True, False)],
            "f07_jpeg_ls": [imagecodecs.jpegls_encode(crop, level=near) for near in (0, 3)],
            "f04_rle": [get_encoder(RLELossless).encode(crop, **layout(side))],
        }
        for target, codestreams in coded.items():
            for index, codestream in enumerate(codestreams):
                eight = target == "f05_jpeg" and index == 1
                # JPEG-LS of 16-bit words states 12 or 16 bits, as its encoder sees fit: seed both
                for bits in [8] if eight else [12, 16]:
                    header = choice(side, side, bits, 8 if eight else 16, 0)
                    first = bytes([index]) if target == "f18_jpeg_xl" else b""
                    keep(corpus, target, f"crop-{number}-{side}-{index}-{bits}", first + header + codestream)
        small(corpus, data_set, crop, f"crop-{number}-{side}")


def jpeg_2000(crop, level):
    """Without loss at level 0, else with loss."""
    return imagecodecs.jpeg2k_encode(crop, level=level, bitspersample=12, codecformat="J2K", reversible=level == 0)


def jpeg_xl(crop, lossless):
    return imagecodecs.jpegxl_encode(crop, lossless=lossless, distance=None if lossless else 1.0, bitspersample=12)


def for_both_readers(corpus):
    """The seeds of the codecs and of whole files for F17, behind the number of the coding in its list."""
    codings = {"f04_rle": [0], "f05_jpeg": [1, 2, 3, 4], "f06_jpeg_2000": [5, 6], "f02_file": [255]}
    for target, numbers in codings.items():
        for path in sorted((corpus / target).iterdir()):
            for number in numbers:
                keep(corpus, "f17_cross_check", f"{target}-{number}-{path.name}", bytes([number]) + path.read_bytes())


def layout(side):
    return {
        "rows": side, "columns": side, "samples_per_pixel": 1, "number_of_frames": 1, "bits_allocated": 16,
        "bits_stored": 12, "pixel_representation": 0, "photometric_interpretation": "MONOCHROME2",
    }


def small(corpus, data_set, crop, name):
    """The slice cut to the crop, as native and RLE files."""
    cut = pydicom.dcmread(data_set.filename)
    if cut.file_meta.TransferSyntaxUID.is_compressed:
        cut.decompress()
    cut.Rows, cut.Columns = crop.shape
    cut.BitsAllocated, cut.BitsStored, cut.HighBit, cut.PixelRepresentation = 16, 12, 11, 0
    cut.PixelData = crop.tobytes()
    for coding in ("native", "rle"):
        if coding == "rle":
            cut.compress(RLELossless)
        for target in ("f01_gate", "f02_file"):
            keep(corpus, target, f"{name}-{coding}", b"")
            cut.save_as(corpus / target / f"{name}-{coding}")


def main():
    data, corpus = Path(sys.argv[1]), Path(sys.argv[2])
    warnings.simplefilter("ignore")
    paths = sorted(path for path in (data / "conformance").rglob("*") if path.is_file())
    for number, path in enumerate(paths):
        try:
            of_file(corpus, path, number)
        except Exception as error:  # what pydicom cannot read is a seed as a file, or none
            print(f"{path.name}: {type(error).__name__}")
    for number, path in enumerate(sorted((data / "covid_ct_md" / "P002").iterdir())[20:120:20]):
        of_crop(corpus, path, number)
    for_both_readers(corpus)
    for folder in sorted(corpus.iterdir()):
        print(folder.name, len(list(folder.iterdir())))


if __name__ == "__main__":
    main()
