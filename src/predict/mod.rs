//! From preprocessed volumes to predictions.

mod decide;
mod heat;
mod predictor;
mod rescue;
mod view;

pub use decide::decide;
pub(crate) use decide::{calibrate, softmax};
pub use predictor::{PredictError, Predictor};
pub use rescue::Setback;
pub(crate) use rescue::rescued;
