#!/usr/bin/env python3
"""Makes seeds for the fuzz targets of volume files, arrays, weights and archives; none goes into the repository.

    python fuzz/seeds_files.py fuzz/corpus

Needs: numpy, nibabel, pynrrd. Run from the repository's root, whose golden `.pth` files are seeds too.
"""

import gzip
import io
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path

import nibabel
import nrrd
import numpy as np

VALUES = np.arange(24).reshape(2, 3, 4)
TYPES = ["i1", "u1", "<i2", ">u2", "<i4", "<f4", ">f8", "<i8"]
METAIMAGE = (
    "ObjectType = Image\nNDims = 3\nBinaryData = {binary}\nBinaryDataByteOrderMSB = False\nCompressedData = {packed}\n"
    "TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 1 2 3\nElementSpacing = 0.5 0.75 2\nDimSize = 4 3 2\n"
    "{more}ElementType = {kind}\nElementDataFile = {file}\n"
)
NRRD = (
    "NRRD0004\ntype: int16\ndimension: 3\nspace: {space}\nsizes: 4 3 2\nspace directions: (0.5,0,0) (0,0.75,0) (0,0,2)\n"
    "kinds: domain domain domain\nendian: little\nencoding: {encoding}\nspace origin: (1,2,3)\n{more}\n"
)


def nifti():
    for kind in TYPES:
        for image in (nibabel.Nifti1Image, nibabel.Nifti2Image):
            made = image(VALUES.astype(kind), np.diag([-0.5, -0.75, 2, 1]), dtype=np.dtype(kind))
            made.set_qform(made.affine, 1)
            yield made.to_bytes()
            yield gzip.compress(made.to_bytes()) + bytes(5)


def metaimage():
    values = VALUES.astype("<i2").tobytes()
    text = " ".join(map(str, VALUES.ravel())).encode()
    for binary, packed, file, more, content in [
        (True, False, "LOCAL", "", values),
        (True, True, "LOCAL", "", zlib.compress(values)),
        (False, False, "LOCAL", "", text),
        (True, False, "input", "HeaderSize = -1\n", values),
        (True, False, "LIST 2D\ninput\ninput", "HeaderSize = -1\n", values),
        (True, False, "input%d 1 2 1", "HeaderSize = 3\n", values),
    ]:
        header = METAIMAGE.format(binary=binary, packed=packed, file=file, more=more, kind="MET_SHORT")
        yield header.encode() + content


def nrrd_files():
    values = VALUES.astype("<i2").tobytes()
    text = " ".join(map(str, VALUES.ravel())).encode()
    for encoding, more, content in [
        ("raw", "", values),
        ("gzip", "", gzip.compress(values)),
        ("ascii", "", text),
        ("raw", "byte skip: -1\ndata file: input\n", values),
        ("raw", "byte skip: -1\ndata file: LIST 2\ninput\ninput\n", values),
        ("gzip", "line skip: 1\nbyte skip: 2\nkey:=value\n# comment\n", b"line\n" + gzip.compress(b"xx" + values)),
    ]:
        yield NRRD.format(space="left-posterior-superior", encoding=encoding, more=more).encode() + content
    with tempfile.TemporaryDirectory() as folder:
        for kind in TYPES:
            path = f"{folder}/a.nrrd"
            place = {"space": "RAS", "space directions": np.eye(3), "space origin": np.zeros(3)}
            nrrd.write(path, VALUES.astype(kind), place)
            yield Path(path).read_bytes()


def npy():
    for kind in TYPES:
        for save in (lambda file, array: np.save(file, array), lambda file, array: np.savez(file, array)):
            file = io.BytesIO()
            save(file, VALUES.astype(kind))
            yield file.getvalue()


def pickle():
    for path in sorted(Path("crates/pulmo-scan/tests/golden/torch").glob("*.pth")):
        yield path.read_bytes()
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                yield from (archive.read(name) for name in archive.namelist() if name.endswith("data.pkl"))


def archive():
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        for names in (["a"], ["a/b", "../c", "/d", "C:e", "f\\g"], [f"{number}" for number in range(20)]):
            file = io.BytesIO()
            with zipfile.ZipFile(file, "w", method) as made:
                for name in names:
                    made.writestr(name, bytes(100))
            yield file.getvalue()


def main():
    targets = {
        "f11_nifti": nifti, "f12_metaimage": metaimage, "f13_nrrd": nrrd_files,
        "f14_npy": npy, "f15_pickle": pickle, "f16_zip": archive,
    }
    for target, made in targets.items():
        folder = Path(sys.argv[1]) / target
        folder.mkdir(parents=True, exist_ok=True)
        for number, content in enumerate(made()):
            (folder / f"made-{number}").write_bytes(content)
        print(target, len(list(folder.iterdir())))


if __name__ == "__main__":
    main()
