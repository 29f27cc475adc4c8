//! What is missing of a series of which some files cannot be used.

use std::collections::BTreeMap;

use glam::DVec3;

use super::{DicomError, Missing, Refused, Series, Slice};
use crate::findings::{Code, Reason};
use crate::units::Millimetres;

/// A step of more than this many of the usual ones is a hole.
const HOLE_STEPS: f64 = 1.5;

/// Farthest place that is told.
const MOST_MM: Millimetres = 1e4;

/// What becomes of a series of which files cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Partial {
    /// It is refused, as [`DicomError::Partial`]: what is left may lack what the scan shows.
    #[default]
    Refuse,
    /// What is left is used where it lies on a grid, with the warning `PARTIAL`.
    Allow,
}

impl Missing {
    /// What is missing where these files cannot be used; `None` where there are none.
    pub(super) fn of<'a>(lost: impl IntoIterator<Item = &'a Refused>, left: &[Slice]) -> Option<Self> {
        let mut files = BTreeMap::new();
        let mut places = Vec::new();
        for refused in lost {
            let code = refused.verdict.codes().first().copied().unwrap_or(Code::Malformed);
            *files.entry(code).or_insert(0) += 1;
            places.push(refused.position_mm);
        }
        let at_mm = Heights::of(left).missing(&places);
        (!files.is_empty()).then_some(Self { files, left: left.len(), at_mm })
    }
}

/// Heights of slices, as they are told.
struct Heights {
    /// Unit direction along which they are told: the patient's z for axial slices.
    along: DVec3,
    /// Ascending.
    at_mm: Vec<Millimetres>,
}

impl Heights {
    fn of(slices: &[Slice]) -> Self {
        let normal = slices.first().map_or(DVec3::Z, |slice| slice.header.normal());
        let along = if normal.z.abs() > 0.7 { DVec3::Z } else { normal };
        let mut at_mm: Vec<f64> = slices.iter().map(|slice| slice.header.position_mm.dot(along)).collect();
        at_mm.sort_by(f64::total_cmp);
        Self { along, at_mm }
    }

    /// Where files that say their place, and holes between the slices, are missing.
    fn missing(&self, places: &[Option<DVec3>]) -> Vec<Millimetres> {
        let mut missing: Vec<f64> = places.iter().flatten().map(|place| place.dot(self.along)).collect();
        if places.iter().any(Option::is_none) {
            missing.extend(self.holes(&missing));
        }
        // what lies farther off than any scanner reaches is no place
        missing.retain(|at_mm| at_mm.abs() < MOST_MM);
        missing.sort_by(f64::total_cmp);
        missing
    }

    /// Places of a uniform step at which no slice lies and no file is known to be missing.
    fn holes(&self, known: &[Millimetres]) -> Vec<Millimetres> {
        let mut there: Vec<f64> = self.at_mm.iter().chain(known).copied().collect();
        there.sort_by(f64::total_cmp);
        let mut steps: Vec<f64> =
            there.windows(2).map(|pair| pair[1] - pair[0]).filter(|step| *step > 0.0).collect();
        steps.sort_by(f64::total_cmp);
        let Some(step) = steps.get(steps.len() / 2).copied() else { return Vec::new() };
        let in_hole = |pair: &[f64]| {
            let count = ((pair[1] - pair[0]) / step).round() - 1.0;
            let is_hole = pair[1] - pair[0] > HOLE_STEPS * step && count < 1e4;
            let (from, count) = (pair[0], if is_hole { count } else { 0.0 });
            (1..)
                .map(f64::from)
                .take_while(move |index| *index <= count)
                .map(move |index| from + index * step)
        };
        there.windows(2).flat_map(in_hole).collect()
    }
}

/// Refuses a series that cannot be known to be one whole scan, before its pixels are read; what is allowed
/// to be missing is returned as a warning.
///
/// # Errors
/// [`DicomError`] where no file can be used, some cannot, or parts lie among each other.
pub fn check_whole(series: &Series, partial: Partial) -> Result<Option<Reason>, DicomError> {
    if let (true, Some(first)) = (series.slices.is_empty(), series.set_aside.first()) {
        let reason = first.verdict.reasons().first().cloned().unwrap_or(Code::Malformed.into());
        return Err(DicomError::NothingLeft { files: series.set_aside.len(), reason });
    }
    if let Some(doubt) = series.doubt {
        return Err(DicomError::Overlap { doubt });
    }
    allowed(Missing::of(&series.lost, &series.slices), partial)
}

/// What is missing as a warning where that is allowed, else as an error.
pub(super) fn allowed(missing: Option<Missing>, partial: Partial) -> Result<Option<Reason>, DicomError> {
    let Some(missing) = missing else { return Ok(None) };
    let error = DicomError::Partial { missing };
    match partial {
        Partial::Allow => Ok(Some((&error).into())),
        Partial::Refuse => Err(error),
    }
}
