//! The network: encoder, pooling over a study where there is one, and head.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use super::convolution::normal_weight;
use super::{Bags, Encoder, GatedAttention, NetworkConfig, NetworkError, NetworkKind};
use crate::random::Random;

/// Standard deviation of the untrained head: small, so that training starts from equal probabilities.
const HEAD_DEVIATION: f64 = 0.01;

/// What a forward pass gives.
#[derive(Debug, Clone)]
pub struct Output {
    /// `[bags, classes]`, before the softmax.
    pub logits: Tensor<2>,
    /// For a study-level network, the weight of each slice, `[slices, 1]` for each study.
    pub attention: Vec<Tensor<2>>,
}

/// A classifier for images or studies.
#[derive(Module, Debug)]
pub struct Network {
    encoder: Encoder,
    attention: Option<GatedAttention>,
    head: Param<Tensor<2>>,
    head_bias: Param<Tensor<1>>,
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
        let encoder = Encoder::new(&config.encoder, config.channels(), &mut random);
        let attention = (config.kind == NetworkKind::Mil)
            .then(|| GatedAttention::new(inner, config.attention_units, &mut random));
        let head = normal_weight([features, classes], HEAD_DEVIATION, &mut random);
        let head_bias = Param::from_tensor(Tensor::zeros([classes], &Device::flex()));
        Ok(Self { encoder, attention, head, head_bias })
    }

    /// The network with every batch normalization folded into its convolution: the same logits up to
    /// rounding, faster, for inference only (it can be neither trained nor saved).
    #[must_use]
    pub fn folded(self) -> Self {
        Self { encoder: self.encoder.folded(), ..self }
    }

    /// # Shapes
    /// `[images, channels, height, width]` in bags of `counts` images to `[bags, classes]`.
    pub fn forward(&self, bags: Bags) -> Output {
        self.forward_with(bags, None)
    }

    /// The forward pass with each bag's features multiplied by `keep`, `[bags, features]`:
    /// dropout whose mask the caller draws, so that it is the same on every device.
    pub fn forward_with(&self, bags: Bags, keep: Option<Tensor<2>>) -> Output {
        let features = self.encoder.forward(bags.images);
        self.answer(features, &bags.counts, keep)
    }

    /// The forward pass with at most `images` images at a time in the encoder, which bounds its memory.
    /// For inference: while training, batch normalization looks at all images of a batch.
    pub fn forward_in_pieces(&self, bags: Bags, images: usize) -> Output {
        let pieces = bags.images.split(images.max(1), 0);
        let features = pieces.into_iter().map(|piece| self.encoder.forward(piece)).collect();
        self.answer(Tensor::cat(features, 0), &bags.counts, None)
    }

    /// From the images' features, `[images, features]`, to the output.
    fn answer(&self, features: Tensor<2>, counts: &[usize], keep: Option<Tensor<2>>) -> Output {
        let (features, attention) = match &self.attention {
            None => (features, Vec::new()),
            Some(attention) => self.pool_bags(attention, features, counts),
        };
        let features = match keep {
            Some(keep) => features * keep,
            None => features,
        };
        let logits = features.matmul(self.head.val()) + self.head_bias.val().unsqueeze();
        Output { logits, attention }
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
