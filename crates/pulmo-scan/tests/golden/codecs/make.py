#!/usr/bin/env python3
"""Writes the codestreams beside it: one small image in JPEG XL and in high-throughput JPEG 2000.

    python make.py

Needs: imagecodecs, numpy. Wrote the files in the tree with imagecodecs 2026.3.6 (libjxl 0.11.2, OpenJPH 0.26.3), numpy 2.
"""

from pathlib import Path

import imagecodecs
import numpy as np

ROWS, COLUMNS = 24, 40
HERE = Path(__file__).parent


def image(bits):
    """Steps, a ramp and noise, in all of the bits."""
    row, column = np.mgrid[:ROWS, :COLUMNS]
    noise = np.random.default_rng(1).integers(0, 200, (ROWS, COLUMNS))
    whole = (row * 2600 + column * 60 + (row // 5 % 3) * 4000 + noise) % 65536
    return (whole >> (16 - bits)).astype("u1" if bits <= 8 else "<u2")


def keep(name, content):
    HERE.joinpath(name).write_bytes(content)
    print(f"{name:24} {len(content):5} bytes, begins {content[:8].hex()}")


def samples(name, array):
    keep(name, array.astype("<u2").tobytes())


def main():
    samples("image.u16", image(16))
    for bits in (8, 10, 12, 16):
        jpeg_xl = imagecodecs.jpegxl_encode(image(bits), lossless=True, bitspersample=bits)
        keep(f"lossless-{bits}.jxl", jpeg_xl)
    boxed = imagecodecs.jpegxl_encode(image(12), lossless=True, bitspersample=12, usecontainer=True)
    keep("lossless-12-boxed.jxl", boxed)
    lossy = imagecodecs.jpegxl_encode(image(12), lossless=False, distance=0.5, bitspersample=12)
    keep("lossy-12.jxl", lossy)
    samples("lossy-12.jxl.u16", imagecodecs.jpegxl_decode(lossy))
    jpeg = imagecodecs.jpeg8_encode(image(8), level=90)
    recompressed = imagecodecs.jpegxl_encode_jpeg(jpeg)
    keep("recompressed-8.jxl", recompressed)
    samples("recompressed-8.jxl.u16", imagecodecs.jpegxl_decode(recompressed))

    signed = (image(16).astype("i4") - 32768).astype("<i2")
    for name, array, tile in [("8", image(8), None), ("12", image(12), (16, 16)), ("16", image(16), None), ("16-signed", signed, None)]:
        keep(f"lossless-{name}.jph", imagecodecs.htj2k_encode(array, reversible=True, tile=tile))
    lossy = imagecodecs.htj2k_encode(image(12), reversible=False, level=0.0005)
    keep("lossy-12.jph", lossy)
    samples("lossy-12.jph.u16", imagecodecs.htj2k_decode(lossy))


if __name__ == "__main__":
    main()
