//! What is missing of a series, as it is told.

use std::collections::BTreeMap;

use crate::findings::Code;
use crate::units::Millimetres;

/// Files of a series that cannot be used, and where their slices are missing.
#[derive(Debug, Clone, PartialEq)]
pub struct Missing {
    /// How many files cannot be used, by code.
    pub files: BTreeMap<Code, usize>,
    /// Files and frames that can be used.
    pub left: usize,
    /// Where slices are missing, ascending: z in the patient, or for slices that are not axial the height
    /// along their normal.
    pub at_mm: Vec<Millimetres>,
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lost: usize = self.files.values().sum();
        let codes: Vec<String> = self.files.iter().map(|(code, count)| format!("{count} {code}")).collect();
        write!(
            f,
            "{lost} of {} files of the series cannot be used ({}); ",
            lost + self.left,
            codes.join(", ")
        )?;
        match &self.at_mm[..] {
            [] => write!(f, "no hole is seen between the others, so slices may be missing at an end"),
            [only] => write!(f, "a slice is missing at z {only:.1} mm"),
            [first, .., last] => {
                write!(f, "{} slices are missing from z {first:.1} to {last:.1} mm", self.at_mm.len())
            }
        }
    }
}
