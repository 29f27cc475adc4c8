//! Convolutions over volumes by way of those over images.
//!
//! A kernel of `n` slices sees, at each slice, that slice and its neighbours: put their channels side
//! by side and a 2D convolution does the rest, on the CPU and on GPUs alike. The `n` copies of a
//! map cost far less than the products that follow.

use burn::tensor::{Int, Tensor, TensorData};

/// Maps of images, or of the slices of volumes, one volume after the other.
#[derive(Debug, Clone)]
pub struct Maps {
    /// `[images, channels, height, width]`.
    pub slices: Tensor<4>,
    /// Slices of each volume; `None` for single images.
    pub depth: Option<usize>,
}

impl Maps {
    /// Maps of single images.
    pub fn images(slices: Tensor<4>) -> Self {
        Self { slices, depth: None }
    }

    /// Images, or volumes.
    pub fn bags(&self) -> usize {
        let [images, ..] = self.slices.dims();
        images / self.depth.unwrap_or(1).max(1)
    }

    /// Every `stride`-th slice of each volume with the `side` slices around it as its channels, zero
    /// beyond the ends. Images are left as they are.
    ///
    /// # Shapes
    /// `[batch * depth, channels, height, width]` to `[batch * depth', side * channels, height, width]`,
    /// `depth' = ceil(depth / stride)` for odd sides.
    pub(super) fn with_neighbours(self, side: usize, stride: usize) -> Self {
        let (batch, Some(depth)) = (self.bags(), self.depth) else { return self };
        if side == 1 && stride == 1 {
            return self;
        }
        let [images, channels, height, width] = self.slices.dims();
        let (sources, depth_out) = sources([batch, depth], side, stride);
        let device = self.slices.device();
        let slices = self.slices.reshape([images, channels * height * width]);
        let empty = Tensor::zeros([1, channels * height * width], &device);
        let count = sources.len();
        let sources = Tensor::<1, Int>::from_data(TensorData::new(sources, [count]), &device);
        let seen = Tensor::cat(vec![slices, empty], 0).select(0, sources);
        let slices = seen.reshape([batch * depth_out, side * channels, height, width]);
        Self { slices, depth: Some(depth_out) }
    }

    /// # Shapes
    /// The slices as `[batch, channels, depth * height * width]`.
    pub(in crate::network) fn by_channel(self) -> Tensor<3> {
        let (batch, [_, channels, height, width]) = (self.bags(), self.slices.dims());
        match self.depth {
            None => self.slices.reshape([batch, channels, height * width]),
            Some(depth) => {
                let slices = self.slices.reshape([batch, depth, channels, height * width]);
                slices.swap_dims(1, 2).reshape([batch, channels, depth * height * width])
            }
        }
    }

    /// The maps times a factor for each channel of each image or volume, `[batch, channels]`, or for
    /// all channels alike, `[batch, 1]`.
    pub(in crate::network) fn scaled(self, factors: Tensor<2>) -> Self {
        let (batch, shape) = (self.bags(), self.slices.dims());
        let [images, channels, height, width] = shape;
        let [_, of_channels] = factors.dims();
        let slices = self.slices.reshape([batch, images / batch.max(1), channels, height * width]);
        let slices = slices * factors.reshape([batch, 1, of_channels, 1]);
        Self { slices: slices.reshape(shape), ..self }
    }
}

/// For each slice out and each slice that the kernel sees there, the slice in; beyond the ends the
/// one after the last. Then the slices of each volume out.
fn sources([batch, depth]: [usize; 2], side: usize, stride: usize) -> (Vec<i64>, usize) {
    let pad = side / 2;
    let depth_out = (depth + 2 * pad).saturating_sub(side) / stride + 1;
    let source = |volume: usize, position: usize| {
        let inside = (pad..pad + depth).contains(&position);
        let slice = if inside { volume * depth + position - pad } else { batch * depth };
        i64::try_from(slice).unwrap_or(i64::MAX)
    };
    let sources = (0..batch)
        .flat_map(|volume| (0..depth_out).map(move |slice| (volume, slice * stride)))
        .flat_map(|(volume, first)| (first..first + side).map(move |position| (volume, position)))
        .map(|(volume, position)| source(volume, position))
        .collect();
    (sources, depth_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_see_their_neighbours_and_nothing_beyond_the_ends() {
        assert_eq!(sources([2, 2], 3, 1), (vec![4, 0, 1, 0, 1, 4, 4, 2, 3, 2, 3, 4], 2));
        assert_eq!(sources([1, 5], 3, 2), (vec![5, 0, 1, 1, 2, 3, 3, 4, 5], 3));
        assert_eq!(sources([2, 4], 1, 2), (vec![0, 2, 4, 6], 2));
    }
}
