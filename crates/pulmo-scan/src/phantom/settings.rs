//! What can be asked of the phantom, and the random streams it draws from.

use serde::{Deserialize, Serialize};

use super::extras::Extra;
use crate::units::Millimetres;
use pulmo_random::Random;

/// What varies and what is forced in a collection of phantom studies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PhantomSettings {
    /// Rows and columns of each slice; `None` draws 256, 320, 384 or 512 for each study.
    pub matrix: Option<usize>,
    /// Distance between slices; `None` draws 1.25 to 3 mm for each study.
    pub slice_spacing_mm: Option<Millimetres>,
    /// Smallest and largest nodule diameter. Between them the logarithm is drawn from a triangular
    /// distribution, so that with the default 4 to 30 mm about three in four have 5 to 15 mm.
    pub nodule_diameter_mm: [Millimetres; 2],
    /// Most nodules in one study with nodules; each number from 1 is as likely.
    pub nodules_at_most: usize,
    /// What else is in each study; nothing unless asked for.
    pub extras: Vec<Extra>,
}

impl Default for PhantomSettings {
    fn default() -> Self {
        Self {
            matrix: None,
            slice_spacing_mm: None,
            nodule_diameter_mm: [4.0, 30.0],
            nodules_at_most: 3,
            extras: Vec::new(),
        }
    }
}

/// What a random stream is for. Streams are apart, so that drawing nodules changes nothing else:
/// a study with nodules is not otherwise different from one without.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    Label = 1,
    Habitus = 2,
    Scanner = 3,
    Vessels = 4,
    Airways = 5,
    Scars = 6,
    Nodules = 7,
    Texture = 8,
    Noise = 9,
    Files = 10,
    Regions = 11,
    Bullae = 12,
}

/// Which study of which collection.
#[derive(Debug, Clone, Copy)]
pub(super) struct StudyKey {
    pub(super) seed: u64,
    pub(super) index: u64,
}

impl StudyKey {
    /// The study's stream for one purpose.
    pub(super) fn random(self, purpose: Purpose) -> Random {
        Random::keyed(self.seed, &[purpose as u64, self.index])
    }

    /// Whether the study has nodules: exactly one of studies `2k` and `2k + 1` has.
    pub(super) fn has_nodules(self) -> bool {
        let first = Random::keyed(self.seed, &[Purpose::Label as u64, self.index / 2]).chance(0.5);
        first == self.index.is_multiple_of(2)
    }
}

/// One of `choices`, each as likely as its weight says; the last where weights are used up.
pub(super) fn weighted<T: Copy>(random: &mut Random, choices: &[(T, f64)]) -> Option<T> {
    let mut left = random.uniform(0.0, choices.iter().map(|(_, weight)| weight).sum());
    choices
        .iter()
        .find(|(_, weight)| {
            left -= weight;
            left < 0.0
        })
        .or(choices.last())
        .map(|(choice, _)| *choice)
}
