//! What a bundle was trained on, and whether a scan is like it.
//!
//! A network scores whatever it is given. A bundle therefore carries its **domain**, measured on its own training and
//! validation cases, and a scan outside is not scored: its verdict is `OUT_OF_DISTRIBUTION`, with a reason for each gate
//! that spoke. There are two kinds of gates.
//!
//! 1. **Facts of the scan** ([`ScanFacts`](crate::facts::ScanFacts)): each has a [`FactRange`], from the low to the high
//!    quantile of all cases, widened by a share of its width and by no less than the fact's own slack. They are asked
//!    first, before preprocessing; where one speaks the network is not asked.
//! 2. **The network's features**, the vector before the head, in a [`FeatureSpace`] with a mean for each class and one
//!    covariance, shrunk as Ledoit and Wolf do. The distance of a scan is Mahalanobis' to the nearest mean over the root
//!    of the number of features, so that about 1 is what training cases have. The limit is a high quantile of the
//!    distances of the validation cases, which the space was not fitted on, times a margin. Each network of an
//!    ensemble has its own; they speak where the mean of distance over limit is above 1.
//!
//! Features are read back from the device beside the logits, of the view as it is where mirror images are averaged; all
//! that follows is computed by the host in double precision, so that a device changes a verdict only where the distance
//! is within its rounding of the limit.
//!
//! Pictures and arrays without millimetres have no facts: features alone speak for them. A bundle of an older version
//! has no domain and refuses nothing; `pulmo domain` fits one.
//!
//! # References
//! Lee et al. 2018, A simple unified framework for detecting out-of-distribution samples, arXiv:1807.03888. Ledoit and
//! Wolf 2004, doi:10.1016/S0047-259X(03)00096-4.

mod boundary;
mod config;
mod covariance;
#[expect(clippy::module_inception, reason = "the domain is this room's main type")]
mod domain;
mod error;
mod fact_range;
mod feature_space;

pub use boundary::Boundary;
pub use config::DomainConfig;
pub use covariance::Covariance;
pub use domain::{Domain, Known};
pub use error::DomainError;
pub use fact_range::FactRange;
pub use feature_space::{FeatureSpace, Labelled};
