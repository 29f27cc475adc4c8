//! Weights that PyTorch saved: `torch.save(model.state_dict(), "weights.pth")`.
//!
//! Such a file is a pickle, a program for a small machine, and raw values. Python runs any such
//! program; here only the few instructions of a list of tensors are known, nothing is ever called,
//! and everything else is refused by name. Both layouts are read: the zip archive of PyTorch 1.6
//! and later, and the stream of pickles before it, in which many published weights still come.

mod container;
mod error;
mod pickle;
mod tensors;
mod value;

pub use container::{is_torch, read_torch};
pub use error::TorchError;
pub use tensors::TorchTensor;
