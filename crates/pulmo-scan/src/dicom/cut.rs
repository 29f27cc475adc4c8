//! How much of the lungs the ends of a volume cut off.

/// Area of the lungs in the volume's last slices towards feet and head, as a fraction of their largest
/// area in any slice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cut {
    /// Towards the feet.
    pub feet: f64,
    /// Towards the head.
    pub head: f64,
}
