//! Images that occur twice.

use rayon::prelude::*;

use super::Signature;

/// Two cases that show the same image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// Index of the first case.
    pub first: usize,
    /// Index of the second, larger.
    pub second: usize,
    /// Correlation of their small copies; `None` where all values are the same.
    pub correlation: Option<f32>,
}

/// Returns all pairs of exact and near duplicates among `signatures`, by index.
///
/// Every pair is compared: 64 bits first, 4096 numbers where those agree.
pub fn pairs(signatures: &[&Signature]) -> Vec<Pair> {
    let of_first = |first: usize| {
        let signature = signatures[first];
        (first + 1..signatures.len())
            .filter_map(|second| {
                let other = signatures[second];
                let correlation = if signature.is_same(other) { None } else { Some(signature.near(other)?) };
                Some(Pair { first, second, correlation })
            })
            .collect::<Vec<_>>()
    };
    (0..signatures.len()).into_par_iter().flat_map_iter(of_first).collect()
}
