//! A volume averaged over blocks of voxels.

use ndarray::{Array3, ArrayView3, ArrayViewMut1, Axis};
use rayon::prelude::*;

use super::Volume;
use crate::units::{AIR_HU, Hounsfield};

/// Returns the mean of each block of `side_zyx` voxels, in the volume's order; nothing counts below air. Blocks start
/// at the first voxel, the last ones are as large as the volume leaves them.
pub fn block_means(volume: &Volume, side_zyx: [usize; 3]) -> Array3<Hounsfield> {
    let shape = volume.grid().shape_zyx();
    let blocks: [usize; 3] = std::array::from_fn(|axis| shape[axis].div_ceil(side_zyx[axis]));
    let mut hu = Array3::zeros(blocks);
    let slabs =
        hu.axis_iter_mut(Axis(0)).into_par_iter().zip(volume.voxels().axis_chunks_iter(Axis(0), side_zyx[0]));
    slabs.for_each(|(mut slab, slices)| {
        let rows_of_blocks = slab.outer_iter_mut().zip(slices.axis_chunks_iter(Axis(1), side_zyx[1]));
        rows_of_blocks.for_each(|(means, rows)| average(means, rows, side_zyx[2]));
    });
    hu
}

/// The means of the blocks of `side` columns that lie side by side in some rows.
fn average(mut means: ArrayViewMut1<'_, f32>, rows: ArrayView3<'_, f32>, side: usize) {
    let (slices, lines, columns) = rows.dim();
    let mut sums = vec![0.0; columns];
    for line in rows.rows() {
        sums.iter_mut().zip(line).for_each(|(sum, hu)| *sum += hu.max(AIR_HU));
    }
    for (mean, sums) in means.iter_mut().zip(sums.chunks(side)) {
        *mean = sums.iter().sum::<f32>() / (sums.len() * slices * lines) as f32;
    }
}
