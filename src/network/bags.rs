//! From preprocessed volumes to one batch of images.

use burn::tensor::{Device, Tensor, TensorData};
use ndarray::Array3;

use super::{NetworkConfig, NetworkError, NetworkKind};

/// Images for one forward pass, and how they belong together.
#[derive(Debug, Clone)]
pub struct Bags {
    /// All images, `[images, channels, height, width]`.
    pub images: Tensor<4>,
    /// For study-level networks, the number of slices of each study in turn; they sum to the
    /// number of images. For single images, a one for each.
    pub counts: Vec<usize>,
}

impl Bags {
    /// A batch of preprocessed volumes, on `device`.
    ///
    /// # Shapes
    /// Each volume is `[slices, height, width]`; height and width are the same for all. For
    /// [`NetworkKind::Slice`] each has one slice; for [`NetworkKind::Volume`] all have as many.
    ///
    /// # Errors
    /// [`NetworkError::Input`] and [`NetworkError::Depth`] where the shapes do not fit together or to the network.
    pub fn new(
        volumes: &[&Array3<f32>],
        config: &NetworkConfig,
        device: &Device,
    ) -> Result<Self, NetworkError> {
        let (_, height, width) = volumes.first().map_or((0, 0, 0), |volume| volume.dim());
        let fits = |volume: &&Array3<f32>| {
            let (slices, h, w) = volume.dim();
            (h, w) == (height, width) && slices > 0 && (config.kind != NetworkKind::Slice || slices == 1)
        };
        if let Some(odd) = volumes.iter().find(|volume| !fits(volume)) {
            let (slices, h, w) = odd.dim();
            return Err(NetworkError::Input { shape: [slices, h, w], height, width });
        }
        let depth = volumes.first().map_or(0, |volume| volume.dim().0);
        let other_depth = volumes.iter().map(|volume| volume.dim().0).find(|slices| *slices != depth);
        if let (NetworkKind::Volume, Some(found)) = (config.kind, other_depth) {
            return Err(NetworkError::Depth { found, expected: depth });
        }
        let counts: Vec<usize> = volumes.iter().map(|volume| volume.dim().0).collect();
        let images: usize = counts.iter().sum();
        let channels = config.channels();
        let mut values = Vec::with_capacity(images * channels * height * width);
        for volume in volumes {
            push_with_neighbours(&mut values, volume, config.neighbours);
        }
        let data = TensorData::new(values, [images, channels, height, width]);
        Ok(Self { images: Tensor::from_data(data, device), counts })
    }
}

/// Appends each slice with `neighbours` slices below and above it, the outermost repeated.
fn push_with_neighbours(values: &mut Vec<f32>, volume: &Array3<f32>, neighbours: usize) {
    let slices = volume.dim().0;
    for slice in 0..slices {
        for channel in 0..=2 * neighbours {
            let source = (slice + channel).saturating_sub(neighbours).min(slices - 1);
            values.extend(volume.index_axis(ndarray::Axis(0), source).iter());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_clamped_at_the_ends() {
        let volume = Array3::from_shape_fn((3, 1, 1), |(z, _, _)| [10.0, 20.0, 30.0][z]);
        let mut values = Vec::new();
        push_with_neighbours(&mut values, &volume, 1);
        assert_eq!(values, [10.0, 10.0, 20.0, 10.0, 20.0, 30.0, 20.0, 30.0, 30.0]);
    }
}
