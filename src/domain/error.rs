//! What can be wrong with a domain.

use crate::facts::Fact;

/// Why there is no domain, or none that could be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DomainError {
    /// Quantiles and covariances of so few say nothing.
    #[error("{found} {what} cases are too few for a domain; it takes {least}")]
    FewCases {
        /// Which cases.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many it takes.
        least: usize,
    },
    /// The network gives all cases of a class the same features.
    #[error("the network's features do not vary")]
    NoVariance,
    /// A number is infinite or none.
    #[error("{what} hold values that are not finite numbers, or none above 0 where that must be")]
    Value {
        /// Where.
        what: &'static str,
    },
    /// The parts have other sizes than the network.
    #[error("{what} are {found}, not {expected}")]
    Size {
        /// Which numbers.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there must be.
        expected: usize,
    },
    /// A range ends before it begins.
    #[error("the range of {} ends before it begins", fact.words())]
    Range {
        /// The fact.
        fact: Fact,
    },
}
