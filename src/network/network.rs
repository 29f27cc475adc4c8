//! The network: encoder, pooling over a study where there is one, and head.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};

use super::convolution::{Maps, Space, normal_weight};
use super::pooling::pool;
use super::{Backbone, Bags, GatedAttention, NetworkConfig, NetworkError, NetworkKind, Pooling};
use crate::random::Random;

/// Standard deviation of the untrained head: small, so that training starts from equal probabilities.
const HEAD_DEVIATION: f64 = 0.01;

/// What a forward pass gives.
#[derive(Debug, Clone)]
pub struct Output {
    /// `[bags, classes]`, before the softmax.
    pub logits: Tensor<2>,
    /// `[bags, features]`, the vector before the head.
    pub features: Tensor<2>,
    /// For a study-level network, the weight of each slice, `[slices, 1]` for each study.
    pub attention: Vec<Tensor<2>>,
}

/// A classifier for images or studies.
#[derive(Module, Debug)]
pub struct Network {
    pub(super) encoder: Backbone,
    pub(super) attention: Option<GatedAttention>,
    pub(super) head: Param<Tensor<2>>,
    pub(super) head_bias: Param<Tensor<1>>,
    #[module(skip)]
    pub(super) pooling: Pooling,
    #[module(skip)]
    pub(super) space: Space,
}

/// What is kept in one training step, drawn by the caller so that it is the same on every device: what
/// is left out is multiplied by zero, the rest by so much that the mean stays.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// `[bags, features]` for the features before the head: dropout.
    pub features: Option<Tensor<2>>,
    /// `[blocks, bags]` for the encoder's blocks, an image being its own bag for `mil`: stochastic depth.
    pub blocks: Option<Tensor<2>>,
}

impl Network {
    /// An untrained network on the CPU; `seed` alone decides its weights, on every device.
    ///
    /// # Errors
    /// [`NetworkError`] where the configuration is impossible or there are fewer than two classes.
    pub fn new(config: &NetworkConfig, classes: usize, seed: u64) -> Result<Self, NetworkError> {
        config.validate()?;
        if classes < 2 {
            return Err(NetworkError::TooSmall { field: "classes", value: classes, least: 2 });
        }
        let mut random = Random::keyed(seed, &[0x6E65_7477]);
        let (inner, features) = (config.encoder.features(), config.features());
        let space = if config.kind == NetworkKind::Volume { Space::Volume } else { Space::Plane };
        let encoder = Backbone::new(&config.encoder, space, config.channels(), &mut random);
        let attention = (config.kind == NetworkKind::Mil)
            .then(|| GatedAttention::new(inner, config.attention_units, &mut random));
        let head = normal_weight([features, classes], HEAD_DEVIATION, &mut random);
        let head_bias = Param::from_tensor(Tensor::zeros([classes], &Device::flex()));
        Ok(Self { encoder, attention, head, head_bias, pooling: config.encoder.pooling(), space })
    }

    /// The network with batch normalizations folded into the convolutions before them: the same logits up
    /// to rounding, faster, for inference only (it can be neither trained nor saved).
    #[must_use]
    pub fn folded(self) -> Self {
        Self { encoder: self.encoder.folded(), ..self }
    }

    /// # Shapes
    /// `[images, channels, height, width]` in bags of `counts` images to `[bags, classes]`.
    pub fn forward(&self, bags: Bags) -> Output {
        self.forward_with(bags, Kept::default())
    }

    /// The forward pass of a training step.
    pub fn forward_with(&self, bags: Bags, kept: Kept) -> Output {
        let maps = Maps { slices: bags.images, depth: self.depth(&bags.counts) };
        let features = pool(self.encoder.forward(maps, kept.blocks), self.pooling);
        self.answer(features, &bags.counts, kept.features)
    }

    /// The forward pass with at most `images` images (or one volume) at a time in the encoder, which
    /// bounds its memory. For inference: while training, batch normalization looks at all images of a
    /// batch.
    pub fn forward_in_pieces(&self, bags: Bags, images: usize) -> Output {
        let depth = self.depth(&bags.counts);
        let pieces = bags.images.split(depth.unwrap_or(images).max(1), 0);
        let features = |slices| pool(self.encoder.forward(Maps { slices, depth }, None), self.pooling);
        self.answer(Tensor::cat(pieces.into_iter().map(features).collect(), 0), &bags.counts, None)
    }

    /// Slices of each volume, where the network sees volumes.
    pub(super) fn depth(&self, counts: &[usize]) -> Option<usize> {
        (self.space == Space::Volume).then(|| counts.first().copied().unwrap_or(1))
    }

    /// Returns which blocks of the encoder are kept for each image or volume, `[blocks, bags]`, drawn by
    /// `random`; `None` without stochastic depth.
    pub fn draw_blocks(&self, bags: &Bags, random: &mut Random) -> Option<Tensor<2>> {
        let chances = self.encoder.drop_chances();
        if chances.iter().all(|chance| *chance <= 0.0) {
            return None;
        }
        let [images, ..] = bags.images.dims();
        let count = if self.space == Space::Volume { bags.counts.len() } else { images };
        let mut draw = |chance: f32| {
            if random.chance(f64::from(chance)) { 0.0 } else { 1.0 / (1.0 - chance) }
        };
        let factors: Vec<f32> =
            chances.iter().flat_map(|&chance| (0..count).map(move |_| chance)).map(&mut draw).collect();
        Some(Tensor::from_data(TensorData::new(factors, [chances.len(), count]), &bags.images.device()))
    }

    /// From the features of images or volumes, `[images, features]`, to the output.
    fn answer(&self, features: Tensor<2>, counts: &[usize], keep: Option<Tensor<2>>) -> Output {
        let (features, attention) = match &self.attention {
            None => (features, Vec::new()),
            Some(attention) => self.pool_bags(attention, features, counts),
        };
        let features = match keep {
            Some(keep) => features * keep,
            None => features,
        };
        let logits = features.clone().matmul(self.head.val()) + self.head_bias.val().unsqueeze();
        Output { logits, features, attention }
    }

    /// One vector a study, and the weights of its slices.
    fn pool_bags(
        &self,
        attention: &GatedAttention,
        features: Tensor<2>,
        counts: &[usize],
    ) -> (Tensor<2>, Vec<Tensor<2>>) {
        let [_, inner] = features.dims();
        let with_maximum = self.features() > inner;
        let scores = attention.scores(features.clone());
        let mut start = 0;
        let (pooled, weights) = counts
            .iter()
            .map(|&count| {
                let of_bag = features.clone().narrow(0, start, count);
                let (mean, weights) =
                    GatedAttention::pool(of_bag.clone(), scores.clone().narrow(0, start, count));
                start += count;
                let pooled = if with_maximum { Tensor::cat(vec![mean, of_bag.max_dim(0)], 1) } else { mean };
                (pooled, weights)
            })
            .unzip::<_, _, Vec<_>, Vec<_>>();
        (Tensor::cat(pooled, 0), weights)
    }

    /// Length of the vector before the head.
    pub fn features(&self) -> usize {
        let [features, _] = self.head.dims();
        features
    }

    /// The device that the weights are on.
    pub fn device(&self) -> Device {
        self.head.val().device()
    }
}
