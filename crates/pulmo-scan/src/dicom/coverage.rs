//! Whether the lungs are in a volume as a whole.

use super::{Cut, DicomError};
use crate::findings::Reason;
use crate::volume::anatomy::lung_mask;
use crate::volume::{LungExtent, Volume};

/// What becomes of a volume that does not hold the lungs as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shortfall {
    /// It is refused as [`DicomError::Coverage`].
    #[default]
    Refuse,
    /// It is used, with the warning `COVERAGE`.
    Warn,
}

/// How much of the lungs a volume must hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coverage {
    /// Least volume of aerated lung in millilitres; default 500, far below that of adults.
    pub least_lung_ml: f64,
    /// Largest area of lung in the volume's first or last slices, as a fraction of the largest area
    /// in any slice; default 0.25. Where the lungs are whole, they taper off before the ends.
    pub most_cut: f64,
    /// What becomes of a volume that holds less; default [`Shortfall::Refuse`].
    pub shortfall: Shortfall,
}

impl Default for Coverage {
    fn default() -> Self {
        Self { least_lung_ml: 500.0, most_cut: 0.25, shortfall: Shortfall::Refuse }
    }
}

impl Coverage {
    /// The warning that a volume earns, none where it holds the lungs.
    pub(super) fn warning(&self, volume: &Volume) -> Result<Option<Reason>, DicomError> {
        match (check_coverage(volume, self), self.shortfall) {
            (Ok(()), _) => Ok(None),
            (Err(error @ DicomError::Coverage { .. }), Shortfall::Warn) => Ok(Some((&error).into())),
            (Err(error), _) => Err(error),
        }
    }
}

/// Checks that a volume holds the lungs as a whole. Looks at blocks of about 3 mm; consolidated lung
/// is not seen, so that a lung without air counts for none.
///
/// # Units
/// `volume` is in Hounsfield units.
///
/// # Errors
/// [`DicomError::Coverage`] where there is no lung, too little, or the volume's ends cut it.
pub fn check_coverage(volume: &Volume, settings: &Coverage) -> Result<(), DicomError> {
    let lungs = lung_mask(volume).map(|lungs| LungExtent::of(&lungs));
    let LungExtent { ml: lung_ml, feet_cut: feet, head_cut: head } =
        lungs.unwrap_or(LungExtent { ml: 0.0, feet_cut: 0.0, head_cut: 0.0 });
    let cut = Cut { feet, head };
    if lungs.is_none() || lung_ml < settings.least_lung_ml || feet.max(head) > settings.most_cut {
        return Err(DicomError::Coverage { lung_ml, cut });
    }
    Ok(())
}
