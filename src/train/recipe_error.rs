//! What can be wrong with a recipe.

use crate::network::NetworkError;
use crate::preprocess::PreprocessError;

/// Why a recipe is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// It is no recipe: TOML that cannot be read, an unknown or missing field.
    #[error(transparent)]
    Read(#[from] toml::de::Error),
    /// TOML has no form for it.
    #[error(transparent)]
    Write(#[from] toml::ser::Error),
    /// The network cannot be built.
    #[error("[network] {0}")]
    Network(#[from] NetworkError),
    /// The preprocessing cannot be done.
    #[error("[chain] {0}")]
    Chain(#[from] PreprocessError),
    /// A value is not allowed.
    #[error("{field} must be {allowed}, not {given}")]
    Value {
        /// The field, after its table.
        field: &'static str,
        /// What it holds.
        given: String,
        /// What it may hold.
        allowed: &'static str,
    },
    /// A group's factor is not allowed.
    #[error("[[group]] `{prefix}`: learning_rate_factor must be 0 or more, not {factor}")]
    Factor {
        /// The group's prefix.
        prefix: String,
        /// Its factor.
        factor: f64,
    },
    /// A group holds no parameter of the network.
    #[error("[[group]] `{prefix}` fits no parameter; they are called {}, ...", examples.join(", "))]
    EmptyGroup {
        /// The group's prefix.
        prefix: String,
        /// Some parameters' names.
        examples: Vec<String>,
    },
    /// Studies are to be mixed.
    #[error("[course.mix] is for networks of kind `slice`: studies differ in their slices")]
    MixedStudies,
    /// A loss that needs no labels is to be trained by labels.
    #[error("[course] the contrastive loss is for `pulmo pretrain`")]
    ContrastiveWithLabels,
    /// Classes have not one weight each.
    #[error("[course] class_weights has {weights} weights for {classes} classes")]
    ClassWeights {
        /// Weights given.
        weights: usize,
        /// Classes of the cases.
        classes: usize,
    },
    /// There is only one class.
    #[error("classes must be empty or name at least two")]
    OneClass,
    /// Cases that were prepared for another training.
    #[error("the prepared cases are of another manifest, split or chain")]
    OtherCases,
}

impl RecipeError {
    /// `Ok` where `is_allowed`, else that `field` holds `given`.
    pub(super) fn check(
        is_allowed: bool,
        field: &'static str,
        given: impl ToString,
        allowed: &'static str,
    ) -> Result<(), Self> {
        if is_allowed { Ok(()) } else { Err(Self::Value { field, given: given.to_string(), allowed }) }
    }
}
