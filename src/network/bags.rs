//! From preprocessed volumes to one batch of images.

use burn::tensor::{Device, Int, Tensor, TensorData};
use ndarray::Array3;

use super::Compute;
use super::{NetworkConfig, NetworkError, NetworkKind};
use crate::gpu::{GpuBuffer, caught};

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
        let shapes: Vec<_> = volumes.iter().map(|volume| volume.dim().into()).collect();
        let Shape { counts, height, width } = Shape::of(&shapes, config)?;
        let images: usize = counts.iter().sum();
        let channels = config.channels();
        let mut values = Vec::with_capacity(images * channels * height * width);
        for volume in volumes {
            push_with_neighbours(&mut values, volume, config.neighbours);
        }
        let data = TensorData::new(values, [images, channels, height, width]);
        Ok(Self { images: Tensor::from_data(data, device), counts })
    }

    /// A batch of preprocessed volumes that are on the device of `compute` already, each with its shape.
    /// The values stay there; they are those of [`Bags::new`], bit for bit.
    ///
    /// # Shapes
    /// As [`Bags::new`].
    ///
    /// # Errors
    /// As [`Bags::new`]; [`NetworkError::Device`] where the device fails.
    pub fn resident(
        volumes: &[(&GpuBuffer, [usize; 3])],
        config: &NetworkConfig,
        compute: &Compute,
    ) -> Result<Self, NetworkError> {
        let shapes: Vec<_> = volumes.iter().map(|(_, shape)| *shape).collect();
        let Shape { counts, height, width } = Shape::of(&shapes, config)?;
        let values: Vec<_> = volumes.iter().map(|(values, _)| *values).collect();
        let slices = compute.tensor_of(&values, [counts.iter().sum(), 1, height, width])?;
        let images = caught(|| with_neighbours(slices, &counts, config.neighbours))?;
        Ok(Self { images, counts })
    }

    /// The batch of the volumes' mirror images along `axes` (0 for z, 1 for y, 2 for x), made where the
    /// batch is: the values are those of [`Bags::new`] of mirrored volumes, bit for bit.
    #[must_use]
    pub fn mirrored(&self, axes: &[usize]) -> Self {
        let in_plane = axes.iter().filter(|axis| **axis > 0);
        let mut images = in_plane.fold(self.images.clone(), |images, axis| images.flip([axis + 1]));
        if axes.contains(&0) {
            // The slice above is now the one below: channels turn with the slices.
            images = images.select(0, self.backwards()).flip([1]);
        }
        Self { images, counts: self.counts.clone() }
    }

    /// The places of the slices when each volume's are taken from the last to the first.
    fn backwards(&self) -> Tensor<1, Int> {
        let ends = self.counts.iter().scan(0, |end, count| {
            *end += count;
            Some((*end - count..*end).rev())
        });
        places(ends.flatten(), &self.images.device())
    }
}

/// Indices as a tensor.
fn places(indices: impl Iterator<Item = usize>, device: &Device) -> Tensor<1, Int> {
    let indices: Vec<i64> = indices.map(|index| index.cast_signed() as i64).collect();
    let count = indices.len();
    Tensor::from_data(TensorData::new(indices, [count]), device)
}

/// The shape of a batch: slices of each volume, and the height and width of all.
struct Shape {
    counts: Vec<usize>,
    height: usize,
    width: usize,
}

impl Shape {
    /// The shape of volumes that fit together and to the network.
    fn of(shapes: &[[usize; 3]], config: &NetworkConfig) -> Result<Self, NetworkError> {
        let [_, height, width] = shapes.first().copied().unwrap_or_default();
        let fits = |[slices, h, w]: [usize; 3]| {
            (h, w) == (height, width) && slices > 0 && (config.kind != NetworkKind::Slice || slices == 1)
        };
        if let Some(shape) = shapes.iter().find(|shape| !fits(**shape)) {
            return Err(NetworkError::Input { shape: *shape, height, width });
        }
        let counts: Vec<usize> = shapes.iter().map(|[slices, ..]| *slices).collect();
        let depth = counts.first().copied().unwrap_or(0);
        if let (NetworkKind::Volume, Some(&found)) =
            (config.kind, counts.iter().find(|count| **count != depth))
        {
            return Err(NetworkError::Depth { found, expected: depth });
        }
        Ok(Self { counts, height, width })
    }
}

/// The slice that stands in `channel` beside `slice`, of `slices` in all; the outermost are repeated.
fn neighbour(slice: usize, channel: usize, neighbours: usize, slices: usize) -> usize {
    (slice + channel).saturating_sub(neighbours).min(slices - 1)
}

/// Each slice with its neighbours as channels. `slices` is `[images, 1, height, width]`.
fn with_neighbours(slices: Tensor<4>, counts: &[usize], neighbours: usize) -> Tensor<4> {
    if neighbours == 0 {
        return slices;
    }
    let device = slices.device();
    let channel = |channel: usize| {
        let mut first = 0;
        let mut sources = Vec::new();
        for &count in counts {
            sources.extend((0..count).map(|slice| first + neighbour(slice, channel, neighbours, count)));
            first += count;
        }
        slices.clone().select(0, places(sources.into_iter(), &device))
    };
    Tensor::cat((0..=2 * neighbours).map(channel).collect(), 1)
}

/// Appends each slice with `neighbours` slices below and above it, the outermost repeated.
fn push_with_neighbours(values: &mut Vec<f32>, volume: &Array3<f32>, neighbours: usize) {
    let slices = volume.dim().0;
    for slice in 0..slices {
        for channel in 0..=2 * neighbours {
            let source = neighbour(slice, channel, neighbours, slices);
            values.extend(volume.index_axis(ndarray::Axis(0), source).iter());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{EncoderConfig, ResidualConfig, read_tensor};

    #[test]
    fn mirrored_batches_are_those_of_mirrored_volumes() {
        let volume = |key: usize, slices: usize| {
            Array3::from_shape_fn((slices, 3, 4), |(z, y, x)| (1000 * key + 100 * z + 10 * y + x) as f32)
        };
        let volumes = [volume(1, 3), volume(2, 1), volume(3, 5)];
        for neighbours in [0, 1, 2] {
            let config = NetworkConfig {
                kind: NetworkKind::Mil,
                encoder: EncoderConfig::Residual(ResidualConfig::default()),
                neighbours,
                attention_units: 4,
                dropout: 0.0,
            };
            let batch = |volumes: &[Array3<f32>]| {
                Bags::new(&volumes.iter().collect::<Vec<_>>(), &config, &Device::flex()).unwrap()
            };
            for axes in [vec![], vec![2], vec![1], vec![0], vec![2, 0], vec![0, 1, 2]] {
                let mirrored = volumes.clone().map(|volume| {
                    let mut view = volume.view();
                    axes.iter().for_each(|axis| view.invert_axis(ndarray::Axis(*axis)));
                    view.as_standard_layout().into_owned()
                });
                let values = |bags: Bags| read_tensor(bags.images).unwrap();
                let found = values(batch(&volumes).mirrored(&axes));
                assert_eq!(found, values(batch(&mirrored)), "{neighbours} neighbours, axes {axes:?}");
            }
        }
    }

    #[test]
    fn neighbours_are_clamped_at_the_ends() {
        let volume = Array3::from_shape_fn((3, 1, 1), |(z, _, _)| [10.0, 20.0, 30.0][z]);
        let mut values = Vec::new();
        push_with_neighbours(&mut values, &volume, 1);
        assert_eq!(values, [10.0, 10.0, 20.0, 10.0, 20.0, 30.0, 20.0, 30.0, 30.0]);
    }
}
