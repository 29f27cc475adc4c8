"""ORIGIN of the pictures beside this file: Pillow 13.0.0 (libjpeg-turbo), numpy 2.4.6, tifffile 2026.3.3.

    python make.py        writes them, and prints the sums of their gray values as Pillow decodes them

Pillow also says that the file without its end is truncated, and how many frames each holds.
"""

import numpy
import tifffile
from PIL import Image

rows, columns = numpy.mgrid[0:20, 0:28]
gray = ((numpy.sin(columns / 3) + numpy.cos(rows / 4) + 2) / 4 * 255).astype(numpy.uint8)
colour = Image.fromarray(numpy.stack([gray, 255 - gray, numpy.roll(gray, 5, 1)], -1))
picture, other = Image.fromarray(gray), Image.fromarray(255 - gray)

picture.save("baseline.jpg")
picture.save("restart.jpg", restart_marker_blocks=2)
colour.save("progressive.jpg", progressive=True)
colour.save("progressive-restart.jpg", progressive=True, restart_marker_blocks=1)
colour.save("two.jpg", format="MPO", save_all=True, append_images=[other.convert("RGB")])
picture.save("frames.png", save_all=True, append_images=[other])
twelve = numpy.round(gray / 255 * 4095).astype(numpy.uint16)
tifffile.imwrite("packed-12.tif", twelve, bitspersample=12)
tifffile.imwrite("stack.tif", numpy.stack([gray, 255 - gray]), photometric="minisblack", metadata=None)
tifffile.imwrite("imagej.tif", numpy.stack([gray] * 3), imagej=True, truncate=True)
tifffile.imwrite("hounsfield.tif", gray.astype(numpy.int16) * 8 - 1024, metadata=None, compression="zlib")
tifffile.imwrite("fractions.tif", (gray / 7 - 13.25).astype(numpy.float32), metadata=None, bigtiff=True, byteorder=">")
for name in ["baseline", "restart", "progressive", "progressive-restart"]:
    values = numpy.asarray(Image.open(f"{name}.jpg").convert("RGB")).astype(float)
    print(name, (values @ [0.299, 0.587, 0.114]).sum().round())
print("gray", int(gray.sum()))
