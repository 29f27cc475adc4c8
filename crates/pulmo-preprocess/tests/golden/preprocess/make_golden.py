"""Makes the arrays that tests/preprocess_golden.rs compares with, by tools that pulmo does not use.

ORIGIN: run as `python make_golden.py` in this folder with Python 3 and
  numpy, scipy, SimpleITK, Pillow, pydicom (the versions that made the stored arrays: VERSIONS.txt).
Every array is `float32` in C order, `[z, y, x]`. Inputs are seeded random numbers.
"""

import platform

import numpy
import PIL
import pydicom
import scipy
import scipy.ndimage
import SimpleITK
from PIL import Image, ImageOps
from pydicom.pixels import apply_windowing


def save(name, array):
    numpy.save(f"{name}.npy", numpy.ascontiguousarray(array, dtype="<f4"))


def random(seed, shape):
    return numpy.random.default_rng(seed).uniform(-1000, 1000, shape).astype("<f4")


def picture(array):
    return Image.fromarray(array, mode="F")


def itk(array, spacing_zyx, direction=None, origin=None):
    image = SimpleITK.GetImageFromArray(array)
    image.SetSpacing([float(s) for s in spacing_zyx[::-1]])
    if direction is not None:
        image.SetDirection(direction)
        image.SetOrigin(origin)
    return image


# Window: pydicom's VOI LUT function LINEAR_EXACT, scaled from 12 bits to [0, 1].
volume = random(0, (2, 5, 6))
header = pydicom.Dataset()
header.WindowCenter, header.WindowWidth, header.VOILUTFunction = -100, 750, "LINEAR_EXACT"
header.PhotometricInterpretation, header.BitsStored, header.PixelRepresentation = "MONOCHROME2", 12, 0
save("window_in", volume)
save("window_out", apply_windowing(volume.astype(numpy.float64), header) / 4095)

# Resample, linear: SimpleITK on the grid of the new spacing, centred on the same extent.
volume, spacing, wanted = random(1, (7, 9, 11)), numpy.array([2.5, 0.7, 0.9]), numpy.array([1.1, 1.0, 0.65])
extent = numpy.array(volume.shape) * spacing
shape = numpy.maximum(numpy.round(extent / wanted), 1).astype(int)
first = (extent - shape * wanted) / 2 + wanted / 2 - spacing / 2
resampler = SimpleITK.ResampleImageFilter()
resampler.SetInterpolator(SimpleITK.sitkLinear)
resampler.SetSize([int(n) for n in shape[::-1]])
resampler.SetOutputSpacing(list(wanted[::-1]))
resampler.SetOutputOrigin(list(first[::-1]))
save("resample_linear_in", volume)
save("resample_linear_out", SimpleITK.GetArrayFromImage(resampler.Execute(itk(volume, spacing))))

# Resample, in a plane: Pillow on the box that the new voxels cover. It lies inside the picture, and its
# sides are binary fractions, because Pillow keeps them as float32.
for name, shape, wanted, method in [
    ("resample_cubic", (13, 10), 0.75, Image.BICUBIC),
    ("resample_linear_antialias", (13, 16), 1.75, Image.BILINEAR),
    ("resample_cubic_antialias", (13, 16), 1.75, Image.BICUBIC),
]:
    plane = random(2, shape)
    rows, columns = [round(n / wanted) for n in shape]
    top, left = [(n - m * wanted) / 2 for n, m in zip(shape, (rows, columns))]
    box = (left, top, left + columns * wanted, top + rows * wanted)
    save(f"{name}_in", plane[None])
    save(f"{name}_out", numpy.asarray(picture(plane).resize((columns, rows), method, box=box))[None])

# Cubic without antialias where it shrinks to a half: the new centres lie halfway between voxels, which
# are every second voxel of a picture shifted by half a voxel.
plane = random(3, (12, 16))
shifted = picture(plane).resize((15, 11), Image.BICUBIC, box=(0.5, 0.5, 15.5, 11.5))
save("resize_cubic_plain_in", plane[None])
save("resize_cubic_plain_out", numpy.asarray(shifted)[None, ::2, ::2])

# Resize, with antialias where it shrinks.
plane = random(4, (13, 17))
save("resize_in", plane[None])
for name, method in [("linear", Image.BILINEAR), ("cubic", Image.BICUBIC)]:
    for rows, columns in [(5, 7), (20, 31), (6, 40)]:
        save(f"resize_{name}_{rows}x{columns}", numpy.asarray(picture(plane).resize((columns, rows), method))[None])
save("resize_nearest_5x31", numpy.asarray(picture(plane).resize((31, 5), Image.NEAREST))[None])
save("resize_cover_8x8", numpy.asarray(ImageOps.fit(picture(plane), (8, 8), Image.BICUBIC))[None])
plane = random(5, (10, 20))
save("resize_contain_in", plane[None])
save("resize_contain_12x12", numpy.asarray(ImageOps.pad(picture(plane), (12, 12), Image.BILINEAR, color=-7.0))[None])

# Smoothing.
volume = random(6, (5, 8, 9))
save("smooth_in", volume)
save("gaussian_out", scipy.ndimage.gaussian_filter(volume, [1.2, 0.6, 2.0], mode="nearest", truncate=4.0))
for name, size in [("plane_3", (1, 3, 3)), ("plane_5", (1, 5, 5)), ("volume_3", (3, 3, 3))]:
    save(f"median_{name}", scipy.ndimage.median_filter(volume, size=size, mode="nearest"))

# Rotation: SimpleITK, linear, about the centre in millimetres.
volume, spacing = random(7, (6, 8, 11)), (2.0, 0.8, 1.3)
save("rotate_in", volume)
image = itk(volume, spacing)
centre = image.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in image.GetSize()])
for axis, degrees in [("x", 24.0), ("y", -40.0), ("z", 33.0)]:
    angles = [numpy.deg2rad(degrees) * (axis == name) for name in "xyz"]
    turn = SimpleITK.Euler3DTransform(centre, *angles).GetInverse()
    save(f"rotate_{axis}", SimpleITK.GetArrayFromImage(SimpleITK.Resample(image, image, turn, SimpleITK.sitkLinear, -5.0)))
square = random(8, (1, 6, 6))
save("rotate_square_in", square)
save("rotate_square_90", numpy.rot90(square, k=1, axes=(2, 1)))

# Orientation: SimpleITK's DICOMOrient to LPS, from a sagittal stack seen from the right.
volume = random(9, (3, 4, 5))
direction = (0.0, 0.0, -1.0, -1.0, 0.0, 0.0, 0.0, -1.0, 0.0)
image = SimpleITK.DICOMOrient(itk(volume, (3.0, 0.5, 0.7), direction, (11.0, -22.0, 33.0)), "LPS")
save("orient_in", volume)
save("orient_out", SimpleITK.GetArrayFromImage(image))
save("orient_origin_spacing_xyz", numpy.array([[image.GetOrigin(), image.GetSpacing()]]))

with open("VERSIONS.txt", "w") as versions:
    for name, version in [
        ("python", platform.python_version()),
        ("numpy", numpy.__version__),
        ("scipy", scipy.__version__),
        ("SimpleITK", SimpleITK.Version.VersionString()),
        ("Pillow", PIL.__version__),
        ("pydicom", pydicom.__version__),
    ]:
        versions.write(f"{name} {version}\n")
