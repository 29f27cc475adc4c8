"""Sound scans in the padding styles of vendors, written and hashed by pydicom: none may be refused, and each hash must be pulmo's.

ORIGIN: pydicom 3.0.2 and numpy write the files and reckon stored value x slope + intercept. It needs the built program:

    python tests/golden/padding/family.py target/release/pulmo 40
"""
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import pydicom

# vendor, signed, bits stored, intercept, stored outside the circle, declared padding (VR, value)
STYLES = [
    ("GE", 1, 16, -1024, -2000, ("SS", -2000)),
    ("Siemens", 0, 12, -1024, 0, None),
    ("Siemens, extended", 0, 16, -8192, 0, None),
    ("Philips", 1, 16, 0, -2000, ("US", 63536)),
    ("Toshiba / Canon", 1, 16, 0, -2048, None),
    ("LIDC-IDRI", 1, 16, 0, -1500, ("SS", -2000)),
]


def rewrite(source, out, style):
    """Writes the series in `source` anew in a style; returns the SHA-256 of its Hounsfield units in order along the normal."""
    _, signed, bits, intercept, outside, declared = style
    slices = []
    for path in sorted(source.iterdir()):
        image = pydicom.dcmread(path)
        hu = image.pixel_array.astype(numpy.int32) * int(image.RescaleSlope) + int(image.RescaleIntercept)
        rows, columns = numpy.indices(hu.shape)
        side = hu.shape[0]
        is_outside = numpy.hypot(rows - (side - 1) / 2, columns - (side - 1) / 2) > side / 2
        stored = numpy.where(is_outside, outside, hu - intercept)
        image.PixelRepresentation, image.BitsAllocated, image.BitsStored, image.HighBit = signed, 16, bits, bits - 1
        image.RescaleSlope, image.RescaleIntercept = "1", str(intercept)
        for name in ("PixelPaddingValue", "PixelPaddingRangeLimit"):
            if name in image:
                delattr(image, name)
        if declared:
            image.add_new(0x00280120, *declared)
        image.PixelData = stored.astype("<i2" if signed else "<u2").tobytes()
        image.save_as(out / path.name)
        orientation = numpy.array(image.ImageOrientationPatient, float)
        normal = numpy.cross(orientation[:3], orientation[3:])
        slices.append((float(normal @ numpy.array(image.ImagePositionPatient, float)), stored + intercept))
    volume = numpy.stack([hu for _, hu in sorted(slices, key=lambda one: one[0])])
    return hashlib.sha256(volume.astype("<i2").tobytes()).hexdigest()


def main(pulmo, studies):
    refused, wrong, sound = [], [], 0
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        subprocess.run([pulmo, "phantom", "--out", folder / "studies", "--studies", str(studies), "--seed", "12"],
                       check=True, stderr=subprocess.DEVNULL)
        for study in sorted(path for path in (folder / "studies").iterdir() if path.is_dir()):
            for style in STYLES:
                with tempfile.TemporaryDirectory() as out:
                    expected = rewrite(study, Path(out), style)
                    told = subprocess.run([pulmo, "inspect", "--json", "--hash", out], capture_output=True, text=True)
                    answers = [json.loads(line) for line in told.stdout.splitlines()]
                    name = f"{study.name}, {style[0]}"
                    if len(answers) != 1 or answers[0]["verdict"] not in ("OK", "OK_WARN"):
                        refused.append((name, [answer.get("codes") for answer in answers]))
                    elif answers[0]["hu"]["sha256"] != expected:
                        wrong.append(name)
                    sound += 1
    print(f"sound scans: {sound}, refused: {len(refused)}, other hash than pydicom's: {len(wrong)}")
    for line in refused + wrong:
        print(line)
    return bool(refused or wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
