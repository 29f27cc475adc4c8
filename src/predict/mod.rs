//! From preprocessed volumes to predictions.

mod calibrated;
mod heat;
mod predictor;
mod view;

pub(crate) use calibrated::calibrate;
pub use predictor::{Inference, PredictError, Predictor};
