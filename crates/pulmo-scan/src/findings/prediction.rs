//! What a classifier says about one scan.

use serde::{Deserialize, Serialize};

/// A classifier's answer for one image or study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Name of the class given.
    pub class: String,
    /// Class names in the bundle's order.
    pub classes: Vec<String>,
    /// Probability of each class, in the order of `classes`; they sum to 1.
    pub probabilities: Vec<f32>,
    /// For two classes: the probability of the second (positive) class from which it is given.
    /// `None` for more classes, where the most probable is given.
    pub threshold: Option<f32>,
    /// For a study-level network: the weight of each slice in the decision, in the order of the
    /// preprocessed slices; they sum to 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub attention: Option<Vec<f32>>,
}
