//! Networks as graphs that other programs run: the forward pass, drawn operator by operator.
//!
//! Each file draws what the file of the same part computes; where one changes, the other must.

mod attention;
mod convolution;
mod densenet;
mod drawing;
mod input;
mod network;
mod pooling;
mod residual;
mod resnet;

pub use network::DrawnOutput;
