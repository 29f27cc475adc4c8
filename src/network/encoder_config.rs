//! What an encoder looks like, as it stands in recipes and bundles.

use serde::{Deserialize, Serialize};

use super::{Architecture, NetworkError, Pooling};

/// The part of a network that turns images into vectors: `[network.encoder]` of a recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "EncoderFields", into = "EncoderFields")]
pub enum EncoderConfig {
    /// A residual network of our own, as wide and deep as its lists say.
    Residual(ResidualConfig),
    /// A network of torchvision, so that its weights can be loaded.
    Torchvision(TorchvisionConfig),
}

/// A residual encoder of any size (He et al. 2016, doi:10.1109/CVPR.2016.90).
#[derive(Debug, Clone, PartialEq)]
pub struct ResidualConfig {
    /// Channels of each stage; every stage after the first halves the image (or volume).
    pub widths: Vec<usize>,
    /// Residual blocks of each stage.
    pub depths: Vec<usize>,
    /// Side of the first convolution's kernel, odd.
    pub stem_kernel: usize,
    /// Stride of the first convolution.
    pub stem_stride: usize,
    /// Whether a 3 x 3 maximum pooling with stride 2 follows the first convolution.
    pub stem_pool: bool,
    /// How the last maps become one vector an image, and images one a study.
    pub pooling: Pooling,
    /// Channels for each hidden unit of squeeze and excitation in every block (16 is usual); 0 leaves
    /// it out.
    pub squeeze_excitation: usize,
    /// Chance that the last block is left out for an image while training; earlier ones less.
    pub stochastic_depth: f32,
}

impl Default for ResidualConfig {
    fn default() -> Self {
        Self {
            widths: vec![16, 32, 64],
            depths: vec![1, 1, 1],
            stem_kernel: 3,
            stem_stride: 2,
            stem_pool: false,
            pooling: Pooling::Average,
            squeeze_excitation: 0,
            stochastic_depth: 0.0,
        }
    }
}

/// A network of torchvision without its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TorchvisionConfig {
    /// Which one.
    pub architecture: Architecture,
    /// How the last maps become one vector an image, and images one a study; torchvision's own is
    /// [`Pooling::Average`].
    pub pooling: Pooling,
}

impl EncoderConfig {
    /// How the last maps become one vector an image, and images one a study.
    pub fn pooling(&self) -> Pooling {
        match self {
            Self::Residual(config) => config.pooling,
            Self::Torchvision(config) => config.pooling,
        }
    }

    /// Length of the vector that the encoder gives for an image.
    pub fn features(&self) -> usize {
        let maps = match self {
            Self::Residual(config) => config.widths.last().copied().unwrap_or(0),
            Self::Torchvision(config) => config.architecture.features(),
        };
        match self.pooling() {
            Pooling::Average | Pooling::Max => maps,
            Pooling::AverageMax => 2 * maps,
        }
    }

    pub(super) fn validate(&self) -> Result<(), NetworkError> {
        let Self::Residual(config) = self else { return Ok(()) };
        let (widths, depths) = (config.widths.len(), config.depths.len());
        if widths == 0 || widths != depths {
            return Err(NetworkError::Stages { widths, depths });
        }
        let positive = [
            ("encoder.widths", config.widths.iter().copied().min().unwrap_or(0)),
            ("encoder.depths", config.depths.iter().copied().min().unwrap_or(0)),
            ("encoder.stem_kernel", config.stem_kernel),
            ("encoder.stem_stride", config.stem_stride),
        ];
        if let Some((field, value)) = positive.into_iter().find(|(_, value)| *value == 0) {
            return Err(NetworkError::TooSmall { field, value, least: 1 });
        }
        if !(0.0..1.0).contains(&config.stochastic_depth) {
            return Err(NetworkError::Chance { field: "encoder.stochastic_depth" });
        }
        Ok(())
    }
}

/// The fields of both variants, as written.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct EncoderFields {
    #[serde(skip_serializing_if = "Option::is_none")]
    architecture: Option<Architecture>,
    #[serde(skip_serializing_if = "Option::is_none")]
    widths: Option<Vec<usize>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    depths: Option<Vec<usize>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stem_kernel: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stem_stride: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stem_pool: Option<bool>,
    pooling: Pooling,
    #[serde(skip_serializing_if = "Option::is_none")]
    squeeze_excitation: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stochastic_depth: Option<f32>,
}

impl EncoderFields {
    /// The first field that only our own residual encoder has.
    fn residual_field(&self) -> Option<&'static str> {
        let given = [
            ("widths", self.widths.is_some()),
            ("depths", self.depths.is_some()),
            ("stem_kernel", self.stem_kernel.is_some()),
            ("stem_stride", self.stem_stride.is_some()),
            ("stem_pool", self.stem_pool.is_some()),
            ("squeeze_excitation", self.squeeze_excitation.is_some()),
            ("stochastic_depth", self.stochastic_depth.is_some()),
        ];
        given.into_iter().find(|(_, given)| *given).map(|(name, _)| name)
    }
}

impl TryFrom<EncoderFields> for EncoderConfig {
    type Error = NetworkError;

    fn try_from(fields: EncoderFields) -> Result<Self, NetworkError> {
        let pooling = fields.pooling;
        if let Some(architecture) = fields.architecture {
            return match fields.residual_field() {
                Some(field) => Err(NetworkError::Architecture { field }),
                None => Ok(Self::Torchvision(TorchvisionConfig { architecture, pooling })),
            };
        }
        let missing = |field| NetworkError::Missing { field };
        let usual = ResidualConfig::default();
        Ok(Self::Residual(ResidualConfig {
            widths: fields.widths.ok_or_else(|| missing("widths"))?,
            depths: fields.depths.ok_or_else(|| missing("depths"))?,
            stem_kernel: fields.stem_kernel.unwrap_or(usual.stem_kernel),
            stem_stride: fields.stem_stride.unwrap_or(usual.stem_stride),
            stem_pool: fields.stem_pool.unwrap_or(usual.stem_pool),
            pooling,
            squeeze_excitation: fields.squeeze_excitation.unwrap_or(usual.squeeze_excitation),
            stochastic_depth: fields.stochastic_depth.unwrap_or(usual.stochastic_depth),
        }))
    }
}

impl From<EncoderConfig> for EncoderFields {
    fn from(config: EncoderConfig) -> Self {
        match config {
            EncoderConfig::Residual(config) => Self {
                architecture: None,
                widths: Some(config.widths),
                depths: Some(config.depths),
                stem_kernel: Some(config.stem_kernel),
                stem_stride: Some(config.stem_stride),
                stem_pool: Some(config.stem_pool),
                pooling: config.pooling,
                squeeze_excitation: (config.squeeze_excitation > 0).then_some(config.squeeze_excitation),
                stochastic_depth: (config.stochastic_depth > 0.0).then_some(config.stochastic_depth),
            },
            EncoderConfig::Torchvision(TorchvisionConfig { architecture, pooling }) => {
                Self { architecture: Some(architecture), pooling, ..Self::default() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<EncoderConfig, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn a_list_of_widths_or_a_name_is_an_encoder_and_both_or_neither_is_not() {
        let residual = r#"{"widths":[8,16],"depths":[1,2],"stem_kernel":5,"stem_stride":2,"stem_pool":false,"pooling":"max"}"#;
        assert_eq!(serde_json::to_string(&read(residual).unwrap()).unwrap(), residual);
        let named = r#"{"architecture":"densenet169","pooling":"average"}"#;
        assert_eq!(serde_json::to_string(&read(named).unwrap()).unwrap(), named);
        assert_eq!(read(named).unwrap().features(), 1664);
        for (wrong, told) in [
            (r#"{"architecture":"resnet18","widths":[8]}"#, "`widths` does not go with"),
            (r#"{"depths":[1]}"#, "missing field `widths`"),
            (r#"{"architecture":"resnet19"}"#, "resnet19"),
            (r#"{"widths":[8],"depths":[1],"dephts":[1]}"#, "dephts"),
        ] {
            let error = read(wrong).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }
}
