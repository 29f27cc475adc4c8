"""The chain of preprocess.py as MONAI transforms on tensors of the CPU.

Where MONAI's conventions are others than pulmo's:
- `Spacing` keeps the corner of the extent or the first voxel where it is and finds the shape by itself. pulmo's new
  grid is centred on the extent, so `SpatialResample`, which `Spacing` is made of, is given that grid.
- `GaussianSmooth` takes what lies beyond the edge as 0, pulmo repeats the outermost voxels: the slices within
  4 sigma of either end differ and are not compared. Its default kernel integrates over voxels ("erf");
  "sampled" is pulmo's kernel, its sum 1 to 2e-5.
- `Rotate` takes radians; outside it repeats the border, here beyond what the crop keeps.
- Resampling is in float64 by default; here in float32, as pulmo does it, which is quicker.
"""

import math

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import CenterSpatialCrop, Compose, GaussianSmooth, Rotate, ScaleIntensityRange, SpatialResample


def regridded(image, shape, spacing):
    """To voxels of 1 mm, centred on the extent."""
    first = [((n - 1) * s - (m - 1)) / 2 for n, m, s in zip(image.shape[1:], shape, spacing)]
    grid = torch.eye(4, dtype=torch.float64)
    grid[:3, 3] = torch.tensor(first)
    return SpatialResample(mode="bilinear", padding_mode="border", dtype=torch.float32)(image, grid, list(shape))


def chain(degrees, side, window):
    """Smoothing, rotation, crop and window. Rotation and crop are one resampling (`lazy`)."""
    return Compose(
        [
            GaussianSmooth(1.0, approx="sampled"),
            Rotate((math.radians(degrees), 0.0, 0.0), keep_size=True, padding_mode="border"),
            CenterSpatialCrop((-1, side, side)),
            ScaleIntensityRange(*window, 0.0, 1.0, clip=True),
        ],
        lazy=True,
    )


def work(voxels, spacing, shape, transforms):
    """A function of the number of threads that does the whole chain on `voxels` [z, y, x]."""
    image = MetaTensor(torch.from_numpy(voxels)[None], affine=torch.diag(torch.tensor([*spacing, 1.0]).double()))

    @torch.inference_mode()
    def run(threads):
        torch.set_num_threads(threads)
        return np.asarray(transforms(regridded(image, shape, spacing))[0])

    return run
