//! From a series to a volume in Hounsfield units.

use ndarray::{Array3, Axis};
use rayon::prelude::*;

use super::hounsfield::{Conversion, Tally};
use super::{DicomError, GeometrySettings, Padding, Rescale, Series, Slice, Stack};
use crate::findings::{Code, Verdict};
use crate::volume::Volume;

/// How a series becomes a volume.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AssembleSettings {
    /// What becomes of padding; default [`Padding::Air`].
    pub padding: Padding,
    /// The tolerances of the geometry rules.
    pub geometry: GeometrySettings,
    /// Largest number of voxels; default 2^30, which take 4 GiB.
    pub most_voxels: usize,
}

impl Default for AssembleSettings {
    fn default() -> Self {
        Self { padding: Padding::Air, geometry: GeometrySettings::default(), most_voxels: 1 << 30 }
    }
}

/// A volume and what was seen while it was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Assembled {
    /// Hounsfield units in stored row and column order, slices ascending along the normal.
    pub volume: Volume,
    /// Each code once, sorted.
    pub warnings: Vec<Code>,
}

/// Reads the pixels of a series and returns them as a volume in Hounsfield units.
///
/// Each slice is converted by its own rescale values. A slice that cannot be decoded is left out
/// with its code as a warning, and the rest must still lie on a grid.
///
/// # Shapes
/// `[slices, rows, columns]`.
///
/// # Errors
/// [`DicomError`]: the series lies on no grid, is not in Hounsfield units, holds different images at
/// one position, is larger than the bound, or its values are not those of a CT.
pub fn assemble(series: &Series, settings: &AssembleSettings) -> Result<Assembled, DicomError> {
    if let (true, Some(first)) = (series.slices.is_empty(), series.set_aside.first()) {
        let code = first.verdict.codes().first().copied().unwrap_or(Code::Malformed);
        return Err(DicomError::NothingLeft { files: series.set_aside.len(), code });
    }
    let stack = Stack::new(&series.slices, &settings.geometry)?;
    let voxels = stack.grid.len();
    if voxels > settings.most_voxels {
        return Err(DicomError::TooLarge { voxels, most: settings.most_voxels });
    }
    let rescales = rescales(&series.slices)?;
    let decoder = Decoder { slices: &series.slices, rescales: &rescales, padding: settings.padding };
    let (volume, outcomes) = decode(&decoder, stack, settings)?;
    check_content(outcomes.tally)?;
    let mut warnings = series.warnings.clone();
    warnings.extend(outcomes.codes);
    warnings.extend(rescales.iter().any(|rescale| *rescale != rescales[0]).then_some(Code::VaryingRescale));
    warnings.extend(series.slices.iter().any(|slice| slice.header.lossy).then_some(Code::Lossy));
    Ok(Assembled { volume, warnings: Verdict::from_warnings(warnings).codes().to_vec() })
}

/// The rescale values of each slice, where all have them and all give Hounsfield units.
fn rescales(slices: &[Slice]) -> Result<Vec<Rescale>, DicomError> {
    let other = slices.iter().filter(|slice| !slice.header.hounsfield).count();
    if other > 0 {
        return Err(DicomError::NotHounsfield { slices: other });
    }
    let rescales: Vec<Rescale> = slices.iter().filter_map(|slice| slice.header.rescale).collect();
    match slices.len() - rescales.len() {
        0 => Ok(rescales),
        without => Err(DicomError::NoRescale { slices: without }),
    }
}

/// What decoding saw, over all positions.
struct Outcomes {
    tally: Tally,
    codes: Vec<Code>,
}

/// Decodes all positions in parallel into the volume. Where some fail, the others are stacked anew.
fn decode(
    decoder: &Decoder<'_>,
    stack: Stack,
    settings: &AssembleSettings,
) -> Result<(Volume, Outcomes), DicomError> {
    let mut voxels = Array3::<f32>::zeros(stack.grid.shape_zyx());
    let decoded: Vec<Result<Position, DicomError>> = voxels
        .axis_iter_mut(Axis(0))
        .into_par_iter()
        .zip(&stack.positions)
        .map(|(mut out, at)| decoder.position(at, out.as_slice_mut().unwrap_or_default()))
        .collect();
    let mut outcomes = Outcomes { tally: Tally::EMPTY, codes: Vec::new() };
    let mut kept = Vec::with_capacity(decoded.len());
    let mut first_failure = None;
    for (index, position) in decoded.into_iter().enumerate() {
        match position {
            Ok(position) => {
                outcomes.tally = outcomes.tally.with(position.tally);
                outcomes.codes.extend(position.codes);
                kept.push((index, position.slice));
            }
            Err(error @ DicomError::DuplicatePosition { .. }) => return Err(error),
            Err(error) => {
                outcomes.codes.push(error.code());
                first_failure.get_or_insert(error);
            }
        }
    }
    let grid = match first_failure {
        None => stack.grid,
        Some(failure) if kept.is_empty() => return Err(failure),
        Some(_) => {
            let slices: Vec<Slice> = kept.iter().map(|(_, slice)| decoder.slices[*slice].clone()).collect();
            let positions: Vec<usize> = kept.iter().map(|(index, _)| *index).collect();
            voxels = voxels.select(Axis(0), &positions);
            Stack::new(&slices, &settings.geometry)?.grid
        }
    };
    Ok((Volume::new(grid, voxels)?, outcomes))
}

/// One decoded position: the slice that was used, and what was seen.
struct Position {
    slice: usize,
    tally: Tally,
    codes: Vec<Code>,
}

struct Decoder<'a> {
    slices: &'a [Slice],
    rescales: &'a [Rescale],
    padding: Padding,
}

impl Decoder<'_> {
    /// Decodes the first readable slice at a position into `out` and compares the others with it.
    fn position(&self, at: &[usize], out: &mut [f32]) -> Result<Position, DicomError> {
        let mut used: Option<Position> = None;
        let mut failure = DicomError::NoPixels;
        let mut codes = Vec::new();
        for &index in at {
            let Some(used) = &used else {
                match self.slice(index, out) {
                    Ok(tally) => used = Some(Position { slice: index, tally, codes: Vec::new() }),
                    Err(error) => {
                        codes.push(error.code());
                        failure = error;
                    }
                }
                continue;
            };
            let mut copy = vec![0.0; out.len()];
            match self.slice(index, &mut copy) {
                Ok(_) if copy == *out => codes.push(Code::Duplicate),
                Ok(_) => {
                    let header = &self.slices[used.slice].header;
                    return Err(DicomError::DuplicatePosition {
                        at_mm: header.position_mm.dot(header.normal()),
                    });
                }
                Err(error) => codes.push(error.code()),
            }
        }
        used.map(|position| Position { codes, ..position }).ok_or(failure)
    }

    fn slice(&self, index: usize, out: &mut [f32]) -> Result<Tally, DicomError> {
        let slice = &self.slices[index];
        let pixels = slice.pixels()?;
        let conversion = Conversion {
            format: pixels.format(),
            rescale: self.rescales[index],
            padding: slice.header.padding,
            treatment: self.padding,
        };
        Ok(conversion.convert(pixels.words(), out))
    }
}

/// Refuses volumes whose values are not those of a CT: 1 in 1000 voxels may lie outside the range.
fn check_content(tally: Tally) -> Result<(), DicomError> {
    let Tally { voxels, below, above, above_air, least, most } = tally;
    let few = voxels / 1000;
    if below > few || above > few {
        return Err(DicomError::HuRange { below, above, voxels });
    }
    if above_air <= few || least == most {
        return Err(DicomError::Content { voxels, least, most });
    }
    Ok(())
}
