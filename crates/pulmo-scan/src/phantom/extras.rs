//! What lies in real scans and not in the plain phantom.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::PhantomError;
use super::anatomy::Side;

/// Something that a phantom has only where it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Extra {
    /// Arms raised beside the head: only their roots at the shoulders are in the volume.
    ArmsRaised,
    /// Arms beside the body, with air that they and the trunk enclose in every slice.
    ArmsLowered,
    /// A dense mat under the patient, on a hollow board.
    GappedTable,
    /// Two straps over the chest, with air between them and the skin.
    Straps,
    /// A pacemaker under the left collarbone and its lead into the heart, without metal artefacts.
    Pacemaker,
    /// Fluid around the right lung, which gathers where it lies lowest.
    EffusionRight,
    /// The same on the left.
    EffusionLeft,
    /// A right lower lobe without air but in its bronchi.
    ConsolidationRight,
    /// The same on the left.
    ConsolidationLeft,
    /// LungSpace of low density, with bullae.
    Emphysema,
    /// No right lung: its place is full of fluid.
    NoRightLung,
    /// The same on the left.
    NoLeftLung,
}

impl Extra {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::ArmsRaised,
        Self::ArmsLowered,
        Self::GappedTable,
        Self::Straps,
        Self::Pacemaker,
        Self::EffusionRight,
        Self::EffusionLeft,
        Self::ConsolidationRight,
        Self::ConsolidationLeft,
        Self::Emphysema,
        Self::NoRightLung,
        Self::NoLeftLung,
    ];

    /// Its name, as in settings and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::ArmsRaised => "arms-raised",
            Self::ArmsLowered => "arms-lowered",
            Self::GappedTable => "gapped-table",
            Self::Straps => "straps",
            Self::Pacemaker => "pacemaker",
            Self::EffusionRight => "effusion-right",
            Self::EffusionLeft => "effusion-left",
            Self::ConsolidationRight => "consolidation-right",
            Self::ConsolidationLeft => "consolidation-left",
            Self::Emphysema => "emphysema",
            Self::NoRightLung => "no-right-lung",
            Self::NoLeftLung => "no-left-lung",
        }
    }

    /// The one that a lung of `side` has none of.
    pub(super) fn no_lung(side: Side) -> Self {
        if side == Side::Right { Self::NoRightLung } else { Self::NoLeftLung }
    }

    /// Fluid on one side.
    pub(super) fn effusion(side: Side) -> Self {
        if side == Side::Right { Self::EffusionRight } else { Self::EffusionLeft }
    }

    /// A lower lobe without air on one side.
    pub(super) fn consolidation(side: Side) -> Self {
        if side == Side::Right { Self::ConsolidationRight } else { Self::ConsolidationLeft }
    }
}

impl fmt::Display for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Extra {
    type Err = PhantomError;

    fn from_str(name: &str) -> Result<Self, PhantomError> {
        let refused = || PhantomError::Setting {
            setting: "extras",
            value: name.to_owned(),
            needed: "one that pulmo help phantom names",
        };
        Self::ALL.into_iter().find(|extra| extra.name() == name).ok_or_else(refused)
    }
}

/// Refuses what cannot be had together.
pub(super) fn check(extras: &[Extra]) -> Result<(), PhantomError> {
    let pairs = [(Extra::ArmsRaised, Extra::ArmsLowered), (Extra::NoRightLung, Extra::NoLeftLung)];
    match pairs.iter().find(|(one, other)| extras.contains(one) && extras.contains(other)) {
        Some((one, other)) => Err(PhantomError::Setting {
            setting: "extras",
            value: format!("{one} with {other}"),
            needed: "one of them",
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_settings_and_lead_back() {
        for extra in Extra::ALL {
            assert_eq!(serde_json::to_string(&extra).unwrap(), format!("\"{extra}\""));
            assert_eq!(extra.name().parse::<Extra>().unwrap(), extra);
        }
        assert!("arms".parse::<Extra>().is_err());
    }

    #[test]
    fn what_cannot_be_together_is_refused() {
        assert!(check(&[Extra::Straps, Extra::ArmsRaised]).is_ok());
        assert!(check(&[Extra::ArmsLowered, Extra::ArmsRaised]).is_err());
        assert!(check(&Extra::ALL).is_err());
    }
}
