//! From a series to a volume in Hounsfield units.

use ndarray::{Array3, Axis, s};
use rayon::prelude::*;

use super::check::check_values;
use super::hounsfield::{Conversion, Converted};
use super::origin::{Used, origin};
use super::partial::{allowed, check_whole};
use super::regularize::SliceLayout;
use super::seen_padding::SeenPadding;
use super::series::{MultiFrames, SliceContent};
use super::stack::OrderedSlices;
use super::statistics::HuStatistics;
use super::{
    AssembleSettings, DicomError, Missing, Partial, Refused, Rescale, Series, Slice, Units, Unspecified,
};
use crate::findings::{Code, Reason, ScanOrigin, Verdict};
use crate::units::Hounsfield;
use crate::volume::Volume;

/// A volume and what was seen while it was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Assembled {
    /// Hounsfield units in stored row and column order, slices ascending along the normal.
    pub volume: Volume,
    /// Each code once, sorted.
    pub warnings: Vec<Reason>,
    /// Where the scan comes from.
    pub origin: ScanOrigin,
}

/// Reads the pixels of a series and returns them as a volume in Hounsfield units.
///
/// Each slice is converted by its own rescale values. Where files of the series, or pixels of a slice, cannot
/// be read, the series is refused, or what is left used with a warning where that is allowed; the rest
/// must still lie on a grid. Values above 3071 HU (the
/// extended scale, metal) are kept as they are: `f32` holds them, and nothing wraps or is clipped.
///
/// Slices are decoded and converted in parallel; beside the volume, each thread holds one slice.
///
/// # Shapes
/// `[slices, rows, columns]`.
///
/// # Errors
/// [`DicomError`]: some of the series cannot be read, it lies on no grid, is not in Hounsfield units, holds different images at
/// one position, is larger than the bound, its values are not those of a CT or jump from slice to
/// slice, or it does not hold the lungs where that is asked for.
pub fn assemble(series: &Series, settings: &AssembleSettings) -> Result<Assembled, DicomError> {
    let missing = check_whole(series, settings.partial)?;
    let (ordered, layout) = lay_out(&series.slices, settings)?;
    let units = units(&series.slices)?;
    let rescales = rescales(&series.slices)?;
    let files = MultiFrames::of(&series.slices);
    let decoder = Decoder { slices: &series.slices, files: &files, rescales: &rescales, settings };
    let mut decoded = decode(&decoder, &ordered, layout)?;
    if !decoded.lost.is_empty() {
        let lost = series.lost.iter().chain(&decoded.lost);
        decoded.warnings.extend(allowed(Missing::of(lost, &decoded.left(series)), settings.partial)?);
    }
    if settings.unspecified == Unspecified::Evidence {
        check_values(&decoded.statistics, &decoded.voxels, units)?;
    }
    let mut warnings = decoded.warnings;
    warnings.extend(missing);
    warnings.extend(series.warnings.iter().cloned());
    warnings.extend(seen_in_headers(&series.slices));
    warnings.extend(decoded.padding.warning(series.slices.len(), settings.padding));
    warnings.extend((units == Units::Unspecified).then_some(Code::RescaleType.into()));
    warnings.extend(matches!(decoded.layout, SliceLayout::Resampled(_)).then_some(Code::Regularized.into()));
    let volume = decoded.layout.volume(decoded.voxels)?;
    if let Some(coverage) = &settings.coverage {
        warnings.extend(coverage.warning(&volume)?);
    }
    let origin = origin(&series.slices, &files, &decoded.used)?;
    Ok(Assembled { volume, warnings: Reason::each_once(warnings), origin })
}

/// What the slices' headers make doubtful, and in how many of them.
fn seen_in_headers(slices: &[Slice]) -> Vec<Reason> {
    let rescale = |slice: &Slice| slice.header.rescale;
    let counted = |code: Code, has: &dyn Fn(&Slice) -> bool| {
        let count = slices.iter().filter(|slice| has(slice)).count();
        let meaning = code.meaning().trim_end_matches('.');
        (count > 0).then(|| Reason::new(code, format!("{meaning}: in {count} of {} slices", slices.len())))
    };
    let varies = |slice: &Slice| slices.first().is_some_and(|first| rescale(first) != rescale(slice));
    let mut codes: Vec<Code> = slices.iter().flat_map(|slice| &slice.header.warnings).copied().collect();
    codes.sort_unstable();
    codes.dedup();
    let of_files = codes.iter().map(|code| counted(*code, &|slice| slice.header.warnings.contains(code)));
    let of_all = [counted(Code::VaryingRescale, &varies), counted(Code::Lossy, &|slice| slice.header.lossy)];
    of_files.chain(of_all).flatten().collect()
}

/// Orders the slices and plans the volume's grid, within the bound of memory.
fn lay_out(
    slices: &[Slice],
    settings: &AssembleSettings,
) -> Result<(OrderedSlices, SliceLayout), DicomError> {
    let ordered = OrderedSlices::new(slices, &settings.geometry)?;
    let layout = SliceLayout::new(&ordered, &settings.geometry, settings.irregular)?;
    let shape = layout.grid().shape_zyx();
    let voxels = shape.into_iter().fold(1, usize::saturating_mul);
    let voxels = voxels.max(ordered.positions.len() * ordered.reference.format.samples());
    if voxels > settings.most_voxels {
        return Err(DicomError::TooLarge { voxels, most: settings.most_voxels });
    }
    Ok((ordered, layout))
}

/// The least certain unit of all slices, where all may be Hounsfield units.
fn units(slices: &[Slice]) -> Result<Units, DicomError> {
    match slices.iter().filter(|slice| slice.header.units == Units::Other).count() {
        0 => Ok(Units::least_certain(slices.iter().map(|slice| slice.header.units))),
        slices => Err(DicomError::NotHounsfield { slices }),
    }
}

/// The rescale values of each slice, where all have them.
fn rescales(slices: &[Slice]) -> Result<Vec<Rescale>, DicomError> {
    let rescales: Vec<Rescale> = slices.iter().filter_map(|slice| slice.header.rescale).collect();
    match slices.len() - rescales.len() {
        0 => Ok(rescales),
        without => Err(DicomError::NoRescale { slices: without }),
    }
}

/// Converted slices in the order of their positions, and what was seen in them.
struct Decoded {
    voxels: Array3<Hounsfield>,
    layout: SliceLayout,
    statistics: HuStatistics,
    padding: SeenPadding,
    warnings: Vec<Reason>,
    /// The slice of each position at which one could be read.
    used: Vec<Used>,
    /// Slices of positions at which none could be read.
    lost: Vec<Refused>,
}

impl Decoded {
    /// The slices that could be read.
    fn left(&self, series: &Series) -> Vec<Slice> {
        let is_lost = |slice: &Slice| {
            self.lost
                .iter()
                .any(|lost| lost.path == slice.path && lost.position_mm == Some(slice.header.position_mm))
        };
        series.slices.iter().filter(|slice| !is_lost(slice)).cloned().collect()
    }
}

/// Decodes all positions in parallel. Where some fail, the others are laid out anew.
fn decode(
    decoder: &Decoder<'_>,
    ordered: &OrderedSlices,
    layout: SliceLayout,
) -> Result<Decoded, DicomError> {
    let format = decoder.slices[0].header.format;
    let shape = (ordered.positions.len(), usize::from(format.rows), usize::from(format.columns));
    let mut voxels = Array3::<Hounsfield>::zeros(shape);
    let positions: Vec<Result<Position, DicomError>> = voxels
        .axis_iter_mut(Axis(0))
        .into_par_iter()
        .zip(&ordered.positions)
        .map(|(mut out, at)| decoder.position(at, out.as_slice_mut().unwrap_or_default()))
        .collect();
    let (statistics, padding) = (HuStatistics::EMPTY, SeenPadding::default());
    let (warnings, used, lost) = (Vec::new(), Vec::new(), Vec::new());
    let mut decoded = Decoded { voxels, layout, statistics, padding, warnings, used, lost };
    let mut kept = Vec::with_capacity(positions.len());
    let mut first_failure = None;
    for (index, position) in positions.into_iter().enumerate() {
        match position {
            Ok(position) => {
                decoded.statistics = decoded.statistics.with(&position.converted.statistics);
                decoded.padding.add(&position.converted);
                decoded.warnings.extend(position.warnings);
                kept.push(index);
                decoded.used.push(position.used);
            }
            Err(error @ DicomError::DuplicatePosition { .. }) => return Err(phases(ordered).unwrap_or(error)),
            Err(error) => {
                decoded
                    .lost
                    .extend(ordered.positions[index].iter().map(|slice| decoder.lost(*slice, &error)));
                first_failure.get_or_insert(error);
            }
        }
    }
    match first_failure {
        None => Ok(decoded),
        Some(failure) if kept.is_empty() => Err(failure),
        Some(_) if decoder.settings.partial == Partial::Refuse => Ok(decoded),
        Some(_) => {
            let slices: Vec<Slice> =
                decoded.used.iter().map(|used| decoder.slices[used.slice].clone()).collect();
            let (_, layout) = lay_out(&slices, decoder.settings)?;
            let mut voxels = decoded.voxels;
            for (to, from) in kept.iter().enumerate().filter(|(to, from)| to < *from) {
                let (mut to, from) = voxels.multi_slice_mut((s![to, .., ..], s![*from, .., ..]));
                to.assign(&from);
            }
            Ok(Decoded { voxels: voxels.slice_move(s![..kept.len(), .., ..]), layout, ..decoded })
        }
    }
}

/// Where most positions hold several slices that are no copies, they are phases.
fn phases(ordered: &OrderedSlices) -> Option<DicomError> {
    let positions = ordered.positions.len();
    let shared = ordered.positions.iter().filter(|at| at.len() > 1).count();
    (2 * shared > positions).then_some(DicomError::Phases { shared, positions })
}

/// One decoded position: the slice that was used, and what was seen.
struct Position {
    used: Used,
    converted: Converted,
    warnings: Vec<Reason>,
}

struct Decoder<'a> {
    slices: &'a [Slice],
    files: &'a MultiFrames,
    rescales: &'a [Rescale],
    settings: &'a AssembleSettings,
}

impl Decoder<'_> {
    /// Decodes the first readable slice at a position into `out` and compares the others with it.
    fn position(&self, at: &[usize], out: &mut [f32]) -> Result<Position, DicomError> {
        let mut used: Option<Position> = None;
        let mut failure = DicomError::NoPixels;
        let mut warnings: Vec<Reason> = Vec::new();
        for &index in at {
            let Some(used) = &used else {
                match self.slice(index, out) {
                    Ok(position) => used = Some(position),
                    Err(error) => {
                        warnings.push((&error).into());
                        failure = error;
                    }
                }
                continue;
            };
            let mut copy = vec![0.0; out.len()];
            match self.slice(index, &mut copy) {
                Ok(_) if copy == *out => warnings.push(Code::Duplicate.into()),
                Ok(_) => {
                    let header = &self.slices[used.used.slice].header;
                    return Err(DicomError::DuplicatePosition {
                        at_mm: header.position_mm.dot(header.normal()),
                    });
                }
                Err(error) => warnings.push((&error).into()),
            }
        }
        used.map(|position| Position { warnings, ..position }).ok_or(failure)
    }

    fn slice(&self, index: usize, out: &mut [f32]) -> Result<Position, DicomError> {
        let slice = &self.slices[index];
        let SliceContent { pixels, instance } = self.files.read(slice)?;
        let conversion = Conversion {
            format: pixels.format(),
            rescale: self.rescales[index],
            padding: slice.header.padding,
            treatment: self.settings.padding,
        };
        let converted = conversion.convert(pixels.words(), out);
        Ok(Position { used: Used { slice: index, instance }, converted, warnings: Vec::new() })
    }

    /// A slice that cannot be read, for this reason.
    fn lost(&self, index: usize, error: &DicomError) -> Refused {
        let Slice { path, header, .. } = &self.slices[index];
        let verdict = Verdict::RejectFile(error.into());
        Refused { path: path.clone(), verdict, position_mm: Some(header.position_mm) }
    }
}
