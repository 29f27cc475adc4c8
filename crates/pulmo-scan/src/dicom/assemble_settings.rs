//! How a series becomes a volume.

use super::{Coverage, GeometrySettings, Irregular, Padding, Partial};

/// What becomes of values that may be no Hounsfield units, as where Rescale Type says `US`, unspecified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unspecified {
    /// They are Hounsfield units where the volume shows modes of air and of soft tissue where
    /// Hounsfield units have them, with the warning `RESCALE_TYPE`; else the series is refused.
    #[default]
    Evidence,
    /// All values are taken as they are, whatever they look like: for tools that show what a file holds,
    /// not for scores.
    Accept,
}

/// How a series becomes a volume.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AssembleSettings {
    /// What becomes of padding; default [`Padding::Air`].
    pub padding: Padding,
    /// What becomes of values of unspecified unit; default [`Unspecified::Evidence`].
    pub unspecified: Unspecified,
    /// The tolerances and limits of the geometry rules.
    pub geometry: GeometrySettings,
    /// What becomes of a series of which files cannot be used; default [`Partial::Refuse`].
    pub partial: Partial,
    /// What becomes of tilted or unevenly spaced slices; default [`Irregular::Refuse`].
    pub irregular: Irregular,
    /// How much of the lungs there must be; default `None`: nothing is asked for.
    pub coverage: Option<Coverage>,
    /// Largest number of voxels; default 2^30, which take 4 GiB.
    pub most_voxels: usize,
}

impl Default for AssembleSettings {
    fn default() -> Self {
        Self {
            padding: Padding::Air,
            unspecified: Unspecified::Evidence,
            geometry: GeometrySettings::default(),
            partial: Partial::Refuse,
            irregular: Irregular::Refuse,
            coverage: None,
            most_voxels: 1 << 30,
        }
    }
}

impl AssembleSettings {
    /// What a score of the lungs needs: the limits of [`GeometrySettings::lung`], and whole lungs.
    pub fn lung() -> Self {
        Self { geometry: GeometrySettings::lung(), coverage: Some(Coverage::default()), ..Self::default() }
    }
}
