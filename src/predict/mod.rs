//! From preprocessed volumes to predictions.

mod decide;
mod heat;
mod predictor;
mod rescue;
mod view;

pub(crate) use decide::calibrate;
pub use decide::decide;
pub use predictor::{PredictError, Predictor};
pub use rescue::Setback;
pub(crate) use rescue::rescued;
