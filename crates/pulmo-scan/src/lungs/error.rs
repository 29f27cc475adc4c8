//! Why there is no mask of the lungs.

use crate::volume::VolumeError;

/// Why the lungs cannot be told.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LungsError {
    /// The volume has no millimetres: it is a picture.
    #[error("lungs are measured in millimetres, which a picture does not have")]
    Pixels,
    /// Nothing in the volume is of a body's size.
    #[error("no body in the volume")]
    NoBody,
    /// No air in the body is of a lung's size and place: no chest, or lungs without air.
    #[error("no aerated lung in the body")]
    NoLung,
    /// One structure of air lies so near the midline that its side cannot be told.
    #[error("one lung {from_midline_mm:.0} mm from the body's midline: its side cannot be told")]
    Side {
        /// How far its middle lies to the patient's left of the body's.
        from_midline_mm: f64,
    },
    /// A mask does not fit the grid; never, as masks are made on it.
    #[error("the mask does not fit the volume")]
    Mask(#[from] VolumeError),
}
