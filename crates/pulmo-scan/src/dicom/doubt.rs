//! Why it cannot be told which slices are one scan.

/// Parts of a series that lie among each other in space although their headers tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doubt {
    /// How many parts.
    pub parts: usize,
    /// The first attribute in which two of them differ.
    pub differ_in: &'static str,
}
