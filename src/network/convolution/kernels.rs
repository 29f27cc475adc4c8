//! Convolution on the CPU: image patches as the columns of a matrix (im2col), then one product.
//!
//! Work is cut into pieces by the shape alone, and partial sums are added in a fixed order, so the
//! result does not depend on the number of threads.

use std::cell::RefCell;
use std::ops::Range;

use ndarray::linalg::general_mat_mul;
use ndarray::parallel::prelude::*;
use ndarray::{ArrayView2, ArrayViewMut2, Axis};
use rayon::prelude::*;

use crate::network::normalization::at_least;

/// ConvolutionSizes of one convolution with zero padding of half its kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ConvolutionSizes {
    /// Images.
    pub batch: usize,
    /// Channels in and out.
    pub channels: [usize; 2],
    /// Rows and columns in.
    pub image: [usize; 2],
    /// Side of the kernel.
    pub side: usize,
    /// Step of the kernel.
    pub stride: usize,
}

/// Most columns of patches made at once: about 1 MiB of them, so that they stay in the cache.
const PATCH_VALUES: usize = 1 << 18;

thread_local! {
    /// Room for patches, kept from call to call: fresh pages cost more than filling them.
    static PATCHES: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Of fewer images than this each is cut into as many bands, so that there is work for several cores.
const FEW_IMAGES: usize = 4;

/// Pieces that the gradient of the weights is summed in.
const WEIGHT_PIECES: usize = 8;

impl ConvolutionSizes {
    /// Rows and columns out.
    pub(super) fn output(&self) -> [usize; 2] {
        self.image.map(|n| (n + 2 * (self.side / 2) - self.side) / self.stride + 1)
    }

    fn image_len(&self) -> usize {
        self.channels[0] * self.image[0] * self.image[1]
    }

    fn output_len(&self) -> usize {
        let [rows, columns] = self.output();
        self.channels[1] * rows * columns
    }

    /// Values in one patch: one for each weight of an output channel.
    fn patch(&self) -> usize {
        self.channels[0] * self.side * self.side
    }

    /// Whether the patches are the image itself.
    fn is_pointwise(&self) -> bool {
        self.side == 1 && self.stride == 1
    }

    /// Output rows handled at once.
    fn band(&self) -> usize {
        let [rows, columns] = self.output();
        let of_image = if self.batch < FEW_IMAGES { rows.div_ceil(FEW_IMAGES) } else { rows };
        if self.is_pointwise() {
            of_image
        } else {
            (PATCH_VALUES / (self.patch() * columns)).clamp(1, of_image)
        }
    }

    /// For the kernel's column `kx`: the output columns whose source lies inside the image, and the
    /// source of the first.
    fn inside(&self, kx: usize, columns_out: usize, columns_in: usize) -> (Range<usize>, usize) {
        let pad = self.side / 2;
        let first = pad.saturating_sub(kx).div_ceil(self.stride);
        let end = (columns_in + pad).saturating_sub(kx).div_ceil(self.stride).min(columns_out);
        let first = first.min(end);
        (first..end, (first * self.stride + kx).saturating_sub(pad))
    }

    /// Visits every run of a patch matrix: row `patch_row`, columns from `start`, against the image
    /// from `source` on, `count` values `stride` apart. Runs outside the image are not visited.
    fn runs(&self, band: Range<usize>, mut visit: impl FnMut(Run)) {
        let [rows_in, columns_in] = self.image;
        let [_, columns_out] = self.output();
        let (side, pad) = (self.side, self.side / 2);
        for patch_row in 0..self.patch() {
            let (channel, ky, kx) = (patch_row / (side * side), patch_row / side % side, patch_row % side);
            let (inside, first_source) = self.inside(kx, columns_out, columns_in);
            for (row_in_band, row) in band.clone().enumerate() {
                let source_row = row * self.stride + ky;
                if source_row < pad || source_row - pad >= rows_in || inside.is_empty() {
                    continue;
                }
                visit(Run {
                    patch_row,
                    start: row_in_band * columns_out + inside.start,
                    source: (channel * rows_in + source_row - pad) * columns_in + first_source,
                    count: inside.len(),
                });
            }
        }
    }

    /// The patches of output rows `band` of one image, `[patch, band columns]`.
    fn gather(&self, image: &[f32], band: Range<usize>, patches: &mut Vec<f32>) {
        let columns = band.len() * self.output()[1];
        patches.clear();
        patches.resize(self.patch() * columns, 0.0);
        let stride = self.stride;
        self.runs(band, |run| {
            let start = run.patch_row * columns + run.start;
            let target = &mut patches[start..start + run.count];
            if stride == 1 {
                target.copy_from_slice(&image[run.source..run.source + run.count]);
            } else {
                let source = image[run.source..].iter().step_by(stride);
                target.iter_mut().zip(source).for_each(|(target, source)| *target = *source);
            }
        });
    }

    /// Adds patches back to where they came from: the transpose of [`Self::gather`].
    fn scatter(&self, patches: &[f32], band: Range<usize>, image: &mut [f32]) {
        let columns = band.len() * self.output()[1];
        let stride = self.stride;
        self.runs(band, |run| {
            let start = run.patch_row * columns + run.start;
            let source = &patches[start..start + run.count];
            if stride == 1 {
                let target = &mut image[run.source..run.source + run.count];
                target.iter_mut().zip(source).for_each(|(target, source)| *target += source);
            } else {
                let target = image[run.source..].iter_mut().step_by(stride);
                target.zip(source).for_each(|(target, source)| *target += source);
            }
        });
    }

    fn bands(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let (rows, band) = (self.output()[0], self.band());
        (0..rows).step_by(band).map(move |first| first..(first + band).min(rows))
    }
}

/// One run of neighbouring patch values along an image row.
struct Run {
    patch_row: usize,
    start: usize,
    source: usize,
    count: usize,
}

fn matrix(values: &[f32], shape: [usize; 2]) -> Option<ArrayView2<'_, f32>> {
    ArrayView2::from_shape((shape[0], shape[1]), values).ok()
}

/// The columns `[start, start + width)` of a row-major matrix of `shape`.
fn columns_mut(
    values: &mut [f32],
    shape: [usize; 2],
    start: usize,
    width: usize,
) -> Option<ArrayViewMut2<'_, f32>> {
    let all = ArrayViewMut2::from_shape((shape[0], shape[1]), values).ok()?;
    Some(all.slice_move(ndarray::s![.., start..start + width]))
}

/// What is done to the output while it is still in the cache.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Finish<'a> {
    /// Added to each channel.
    pub bias: Option<&'a [f32]>,
    /// Added to the output value by value.
    pub around: Option<&'a [f32]>,
    /// Whether values below zero become zero.
    pub relu: bool,
}

impl<'a> Finish<'a> {
    /// The same for the image `index` of outputs of `len` values.
    fn of_image(self, index: usize, len: usize) -> Self {
        Self { around: self.around.map(|around| &around[index * len..(index + 1) * len]), ..self }
    }

    /// Finishes the output pixels from `start` on, `[channels, pixels]`, of one image with `positions` pixels.
    fn apply(self, target: &mut ArrayViewMut2<f32>, start: usize, positions: usize) {
        let lowest = if self.relu { 0.0 } else { f32::NEG_INFINITY };
        for (channel, mut row) in target.outer_iter_mut().enumerate() {
            let bias = self.bias.map_or(0.0, |bias| bias[channel]);
            let Some(row) = row.as_slice_mut() else { continue };
            match self.around {
                Some(around) => {
                    let around = &around[channel * positions + start..][..row.len()];
                    row.iter_mut()
                        .zip(around)
                        .for_each(|(y, around)| *y = at_least(lowest, *y + bias + around));
                }
                None => row.iter_mut().for_each(|y| *y = at_least(lowest, *y + bias)),
            }
        }
    }
}

/// Returns the convolution of `images` `[batch, in, rows, columns]` with `weight` `[out, in, side, side]`.
pub(super) fn forward(
    images: &[f32],
    weight: &[f32],
    sizes: ConvolutionSizes,
    finish: Option<Finish>,
) -> Vec<f32> {
    let mut output = vec![0.0; sizes.batch * sizes.output_len()];
    let columns_out = sizes.output()[1];
    let positions = sizes.output_len() / sizes.channels[1];
    let of_band = |band: Range<usize>, target: &mut ArrayViewMut2<f32>, image: &[f32]| {
        let weight = matrix(weight, [sizes.channels[1], sizes.patch()])?;
        if sizes.is_pointwise() {
            let (start, width) = (band.start * columns_out, band.len() * columns_out);
            let image = matrix(image, [sizes.channels[0], positions])?;
            general_mat_mul(1.0, &weight, &image.slice(ndarray::s![.., start..start + width]), 0.0, target);
        } else {
            let width = band.len() * columns_out;
            PATCHES.with_borrow_mut(|patches| {
                sizes.gather(image, band, patches);
                general_mat_mul(1.0, &weight, &matrix(patches, [sizes.patch(), width])?, 0.0, target);
                Some(())
            })?;
        }
        Some(())
    };
    let bands: Vec<Range<usize>> = sizes.bands().collect();
    output
        .par_chunks_mut(sizes.output_len().max(1))
        .zip(images.par_chunks(sizes.image_len().max(1)))
        .enumerate()
        .for_each(|(index, (target, image))| {
            let finish = finish.map(|finish| finish.of_image(index, sizes.output_len()));
            let Ok(mut target) = ArrayViewMut2::from_shape((sizes.channels[1], positions), target) else {
                return;
            };
            let targets = target.axis_chunks_iter_mut(Axis(1), (sizes.band() * columns_out).max(1));
            targets.into_par_iter().zip(&bands).for_each(|(mut target, band)| {
                _ = of_band(band.clone(), &mut target, image);
                if let Some(finish) = finish {
                    finish.apply(&mut target, band.start * columns_out, positions);
                }
            });
        });
    output
}

/// Returns the gradient of the images, given that of the output.
pub(super) fn image_gradient(gradient: &[f32], weight: &[f32], sizes: ConvolutionSizes) -> Vec<f32> {
    let mut images = vec![0.0; sizes.batch * sizes.image_len()];
    let columns_out = sizes.output()[1];
    let positions = sizes.output_len() / sizes.channels[1];
    let of_image = |patches: &mut Vec<f32>, (image, gradient): (&mut [f32], &[f32])| -> Option<()> {
        let weight = matrix(weight, [sizes.channels[1], sizes.patch()])?;
        let gradient = matrix(gradient, [sizes.channels[1], positions])?;
        for band in sizes.bands() {
            let (start, width) = (band.start * columns_out, band.len() * columns_out);
            let gradient = gradient.slice(ndarray::s![.., start..start + width]);
            if sizes.is_pointwise() {
                let mut target = columns_mut(image, [sizes.channels[0], positions], start, width)?;
                general_mat_mul(1.0, &weight.t(), &gradient, 0.0, &mut target);
            } else {
                patches.resize(sizes.patch() * width, 0.0);
                let mut target = columns_mut(patches, [sizes.patch(), width], 0, width)?;
                general_mat_mul(1.0, &weight.t(), &gradient, 0.0, &mut target);
                sizes.scatter(patches, band, image);
            }
        }
        Some(())
    };
    images
        .par_chunks_mut(sizes.image_len().max(1))
        .zip(gradient.par_chunks(sizes.output_len().max(1)))
        .for_each_init(Vec::new, |patches, pair| _ = of_image(patches, pair));
    images
}

/// Returns the gradient of the weight, given the images and the gradient of the output.
pub(super) fn weight_gradient(images: &[f32], gradient: &[f32], sizes: ConvolutionSizes) -> Vec<f32> {
    let positions = sizes.output_len() / sizes.channels[1];
    let columns_out = sizes.output()[1];
    let add_image = |sum: &mut [f32],
                     patches: &mut Vec<f32>,
                     image: &[f32],
                     gradient: &[f32]|
     -> Option<()> {
        let gradient = matrix(gradient, [sizes.channels[1], positions])?;
        let mut sum = columns_mut(sum, [sizes.channels[1], sizes.patch()], 0, sizes.patch())?;
        for band in sizes.bands() {
            let (start, width) = (band.start * columns_out, band.len() * columns_out);
            let gradient = gradient.slice(ndarray::s![.., start..start + width]);
            if sizes.is_pointwise() {
                let image = matrix(image, [sizes.channels[0], positions])?;
                let image = image.slice(ndarray::s![.., start..start + width]);
                general_mat_mul(1.0, &gradient, &image.t(), 1.0, &mut sum);
            } else {
                sizes.gather(image, band, patches);
                general_mat_mul(1.0, &gradient, &matrix(patches, [sizes.patch(), width])?.t(), 1.0, &mut sum);
            }
        }
        Some(())
    };
    let per_piece = sizes.batch.div_ceil(WEIGHT_PIECES).max(1);
    let pieces: Vec<Vec<f32>> = images
        .par_chunks((per_piece * sizes.image_len()).max(1))
        .zip(gradient.par_chunks((per_piece * sizes.output_len()).max(1)))
        .map(|(images, gradients)| {
            let (mut sum, mut patches) = (vec![0.0; sizes.channels[1] * sizes.patch()], Vec::new());
            let pairs = images.chunks(sizes.image_len()).zip(gradients.chunks(sizes.output_len()));
            pairs.for_each(|(image, gradient)| _ = add_image(&mut sum, &mut patches, image, gradient));
            sum
        })
        .collect();
    let mut pieces = pieces.into_iter();
    let first = pieces.next().unwrap_or_else(|| vec![0.0; sizes.channels[1] * sizes.patch()]);
    pieces.fold(first, |mut sum, piece| {
        sum.iter_mut().zip(piece).for_each(|(sum, value)| *sum += value);
        sum
    })
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "test values are f32")]
mod tests {
    use super::*;
    use crate::random::Random;

    /// The definition, one product at a time: calls `add(image index, weight index, output index)`.
    fn each_product(sizes: ConvolutionSizes, mut add: impl FnMut(usize, usize, usize)) {
        let ([rows_in, columns_in], [rows, columns]) = (sizes.image, sizes.output());
        let ([cin, cout], side, pad) = (sizes.channels, sizes.side, sizes.side / 2);
        for (n, o, c) in itertools(sizes.batch, cout, cin) {
            for (row, column, k) in itertools(rows, columns, side * side) {
                let (y, x) = (row * sizes.stride + k / side, column * sizes.stride + k % side);
                if y < pad || x < pad || y - pad >= rows_in || x - pad >= columns_in {
                    continue;
                }
                let image = ((n * cin + c) * rows_in + y - pad) * columns_in + x - pad;
                let weight = (o * cin + c) * side * side + k;
                add(image, weight, ((n * cout + o) * rows + row) * columns + column);
            }
        }
    }

    fn itertools(a: usize, b: usize, c: usize) -> impl Iterator<Item = (usize, usize, usize)> {
        (0..a * b * c).map(move |i| (i / (b * c), i / c % b, i % c))
    }

    fn values(count: usize, key: u64) -> Vec<f32> {
        let mut random = Random::keyed(1, &[key]);
        (0..count).map(|_| random.normal() as f32).collect()
    }

    fn assert_close(found: &[f32], expected: &[f64], sizes: ConvolutionSizes) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!(
                (f64::from(*found) - expected).abs() < 1e-4 * (1.0 + expected.abs()),
                "{sizes:?}: {found} {expected}"
            );
        }
    }

    /// Sizes drawn at random, and each kernel and stride with few images, which are cut into bands.
    fn all_sizes() -> Vec<ConvolutionSizes> {
        let mut random = Random::new(9);
        let drawn = (0..60).map(|_| ConvolutionSizes {
            batch: 1 + random.below(11),
            channels: [1 + random.below(4), 1 + random.below(5)],
            image: [1 + random.below(12), 1 + random.below(12)],
            side: [1, 3, 5, 7][random.below(4)],
            stride: 1 + random.below(3),
        });
        let few = itertools(FEW_IMAGES, 4, 3).map(|(batch, side, stride)| ConvolutionSizes {
            batch: batch + 1,
            channels: [3, 4],
            image: [14, 9],
            side: 1 + 2 * side,
            stride: stride + 1,
        });
        drawn.chain(few).collect()
    }

    #[test]
    fn forward_and_gradients_follow_the_definition() {
        for (case, sizes) in (0..).zip(all_sizes()) {
            let images = values(sizes.batch * sizes.image_len(), case);
            let weight = values(sizes.channels[1] * sizes.patch(), case + 1000);
            let gradient = values(sizes.batch * sizes.output_len(), case + 2000);
            let mut expected = [vec![0.0; gradient.len()], vec![0.0; images.len()], vec![0.0; weight.len()]];
            each_product(sizes, |i, w, o| {
                let (image, weight, gradient) =
                    (f64::from(images[i]), f64::from(weight[w]), f64::from(gradient[o]));
                expected[0][o] += image * weight;
                expected[1][i] += weight * gradient;
                expected[2][w] += image * gradient;
            });
            assert_close(&forward(&images, &weight, sizes, None), &expected[0], sizes);
            let bias = values(sizes.channels[1], case + 3000);
            let finish = Finish { bias: Some(&bias), around: Some(&gradient), relu: case % 2 == 0 };
            let finished = forward(&images, &weight, sizes, Some(finish));
            for (index, value) in expected[0].iter_mut().enumerate() {
                let channel = index / (sizes.output_len() / sizes.channels[1]) % sizes.channels[1];
                *value += f64::from(bias[channel]) + f64::from(gradient[index]);
                *value = if finish.relu { value.max(0.0) } else { *value };
            }
            assert_close(&finished, &expected[0], sizes);
            assert_close(&image_gradient(&gradient, &weight, sizes), &expected[1], sizes);
            assert_close(&weight_gradient(&images, &gradient, sizes), &expected[2], sizes);
        }
    }

    #[test]
    fn bands_change_nothing() {
        let sizes = ConvolutionSizes { batch: 1, channels: [40, 3], image: [60, 70], side: 5, stride: 1 };
        assert!(sizes.band() < 60, "the case must need several bands");
        let (images, weight) = (values(sizes.image_len(), 1), values(3 * sizes.patch(), 2));
        let mut expected = vec![0.0; sizes.output_len()];
        each_product(sizes, |i, w, o| expected[o] += f64::from(images[i]) * f64::from(weight[w]));
        let found = forward(&images, &weight, sizes, None);
        for (found, expected) in found.iter().zip(&expected) {
            assert!((f64::from(*found) - expected).abs() < 1e-3, "{found} {expected}");
        }
    }

    #[test]
    fn the_number_of_threads_changes_no_bit() {
        let sizes = ConvolutionSizes { batch: 13, channels: [3, 4], image: [17, 19], side: 3, stride: 2 };
        let (images, gradient) = (values(13 * sizes.image_len(), 1), values(13 * sizes.output_len(), 2));
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| weight_gradient(&images, &gradient, sizes))
        };
        assert_eq!(on(1), on(3));
    }
}
