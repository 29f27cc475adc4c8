//! What values a volume holds, and whether they can be those of a CT of a body.

use ndarray::{Array3, ArrayView2, Axis, s};
use rayon::prelude::*;

use super::pixel_format::stored;
use super::{DicomError, PixelFormat, Rescale};
use crate::units::Hounsfield;

/// Least value of CT: 1 in 1000 voxels may lie below.
pub const LEAST_HU: Hounsfield = -1100.0;
/// Largest value of CT: 1 in 1000 voxels may lie above.
const MOST_HU: Hounsfield = 4000.0;
/// Above this value there is something else than air.
const ABOVE_AIR_HU: Hounsfield = -900.0;
/// Below this value there is air or lung.
const AIRY_HU: Hounsfield = -500.0;
/// Voxels of one kind that count for none: 1 in this many.
const FEW: u64 = 1000;

/// Width of the bins in which modes are looked for, from [`LEAST_HU`] on.
const BIN_HU: Hounsfield = 20.0;
/// Bins, the last of which ends at 400 HU.
const BINS: usize = 75;
/// Where air has its mode, where soft tissue has it, and between them where neither lung nor tissue
/// has any, in HU.
const AIR_MODE_HU: [Hounsfield; 2] = [-1060.0, -880.0];
const TISSUE_MODE_HU: [Hounsfield; 2] = [-140.0, 140.0];
const VALLEY_HU: [Hounsfield; 2] = [-500.0, -240.0];
/// How many times the valley's mean a mode must hold.
const MODE_OVER_VALLEY: f64 = 3.0;

/// How far all pixels must move together from one slice to the next to make a jump.
const JUMP_HU: Hounsfield = 200.0;
/// Pixels of a side that are compared to find jumps.
const JUMP_SIDE: usize = 64;

/// Counts over converted voxels that are not padding.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct HuStatistics {
    voxels: u64,
    below: u64,
    above: u64,
    above_air: u64,
    airy: u64,
    least: Hounsfield,
    most: Hounsfield,
    bins: [u64; BINS],
}

impl HuStatistics {
    pub(super) const EMPTY: Self = Self {
        voxels: 0,
        below: 0,
        above: 0,
        above_air: 0,
        airy: 0,
        least: f32::INFINITY,
        most: f32::NEG_INFINITY,
        bins: [0; BINS],
    };

    /// The statistics of one slice, of how often each word occurs in it.
    pub(super) fn of(counts: &[u32], format: PixelFormat, rescale: Rescale) -> Self {
        let mut statistics = Self::EMPTY;
        for (word, count) in (0..=u16::MAX).zip(counts).filter(|(_, count)| **count > 0) {
            let hu = rescale.hounsfield(stored(word, format));
            statistics.count(hu, u64::from(*count));
        }
        statistics
    }

    /// The statistics of values that are Hounsfield units already, cut to whole units of 16 bits; what is no
    /// number lies below the range.
    pub(super) fn of_values(values: &[Hounsfield]) -> Self {
        let of_part = |part: &[Hounsfield]| {
            let mut counts = vec![0u32; 1 << 16];
            part.iter()
                .for_each(|hu| counts[usize::from(floor(*hu).wrapping_sub(i16::MIN).cast_unsigned())] += 1);
            let mut statistics = Self::EMPTY;
            for (hu, count) in (i16::MIN..=i16::MAX).zip(counts).filter(|(_, count)| *count > 0) {
                statistics.count(f32::from(hu), u64::from(count));
            }
            statistics
        };
        values.par_chunks(1 << 20).map(of_part).reduce(|| Self::EMPTY, |all, part| all.with(&part))
    }

    fn count(&mut self, hu: Hounsfield, voxels: u64) {
        let counted = |is_so: bool| if is_so { voxels } else { 0 };
        self.voxels += voxels;
        self.below += counted(hu < LEAST_HU);
        self.above += counted(hu > MOST_HU);
        self.above_air += counted(hu > ABOVE_AIR_HU);
        self.airy += counted(hu < AIRY_HU);
        self.least = self.least.min(hu);
        self.most = self.most.max(hu);
        if let Some(bin) = self.bins.get_mut(bin_of(hu)).filter(|_| hu >= LEAST_HU) {
            *bin += voxels;
        }
    }

    /// The statistics of both.
    pub(super) fn with(mut self, other: &Self) -> Self {
        self.voxels += other.voxels;
        self.below += other.below;
        self.above += other.above;
        self.above_air += other.above_air;
        self.airy += other.airy;
        self.least = self.least.min(other.least);
        self.most = self.most.max(other.most);
        std::iter::zip(&mut self.bins, other.bins).for_each(|(bin, other)| *bin += other);
        self
    }

    /// Refuses values that are not those of a CT of a body: 1 in 1000 voxels may lie outside the
    /// range, and more than that must be something else than air, and air or lung.
    pub(super) fn check(&self) -> Result<(), DicomError> {
        let Self { voxels, below, above, least, most, airy, .. } = *self;
        let few = voxels / FEW;
        if below > few || above > few {
            return Err(DicomError::HuRange { below, above, voxels });
        }
        if self.above_air <= few || least == most {
            return Err(DicomError::Content { voxels, least, most });
        }
        if airy <= few {
            return Err(DicomError::OutOfDomain { airy, voxels });
        }
        Ok(())
    }

    /// Whether the values show what Hounsfield units of a body must: a mode of air near -1000, one of
    /// soft tissue about 0, and next to nothing between tissue and lung.
    pub(super) fn shows_a_body(&self) -> bool {
        let within = |[from, to]: [Hounsfield; 2]| &self.bins[bin_of(from)..bin_of(to)];
        let highest = |range| within(range).iter().copied().max().unwrap_or(0) as f64;
        let valley = within(VALLEY_HU);
        let mean = valley.iter().sum::<u64>() as f64 / valley.len() as f64;
        let least = (MODE_OVER_VALLEY * mean).max((self.voxels / FEW) as f64);
        highest(AIR_MODE_HU) > least && highest(TISSUE_MODE_HU) > least
    }
}

/// How often each value occurs among words cut to `values`, a power of two. Neighbours of one value,
/// as air has them, would wait for each other at one counter: four take turns.
pub(super) fn histogram(words: &[u16], values: usize) -> Vec<u32> {
    let mut counts = [0; 4].map(|zero: u32| vec![zero; values]);
    let (fours, rest) = words.as_chunks::<4>();
    for four in fours {
        for (counts, word) in std::iter::zip(&mut counts, four) {
            counts[usize::from(*word) & (values - 1)] += 1;
        }
    }
    rest.iter().for_each(|word| counts[0][usize::from(*word) & (values - 1)] += 1);
    let [mut all, others @ ..] = counts;
    others.iter().for_each(|some| std::iter::zip(&mut all, some).for_each(|(all, some)| *all += some));
    all
}

/// The whole unit at or below a value, the lowest there is for what is no number.
#[expect(clippy::cast_possible_truncation, reason = "saturates")]
fn floor(hu: Hounsfield) -> i16 {
    if hu.is_nan() { i16::MIN } else { hu.floor() as i16 }
}

/// The bin of a value; those below the first are in the first.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the bins")]
fn bin_of(hu: Hounsfield) -> usize {
    ((hu - LEAST_HU) / BIN_HU).clamp(0.0, BINS as f32) as usize
}

/// Refuses volumes in which all pixels move together from one slice to the next, as a wrong
/// intercept or slope makes them: the median of the pixels' differences is more than 200 HU. Where
/// anatomy changes, most pixels keep their tissue.
///
/// # Shapes
/// `voxels` is `[slices, rows, columns]`; at most 64 x 64 pixels of each slice are compared.
pub(super) fn check_jumps(voxels: &Array3<Hounsfield>) -> Result<(), DicomError> {
    let samples: Vec<Vec<Hounsfield>> = voxels.axis_iter(Axis(0)).into_par_iter().map(sampled).collect();
    let jumps: Vec<Hounsfield> =
        samples.par_windows(2).map(|pair| median_difference(&pair[0], &pair[1])).collect();
    match jumps.iter().position(|jump| jump.abs() > JUMP_HU) {
        Some(slice) => Err(DicomError::HuJump { slice, jump_hu: jumps[slice] }),
        None => Ok(()),
    }
}

/// The pixels of a slice that are compared.
fn sampled(slice: ArrayView2<'_, Hounsfield>) -> Vec<Hounsfield> {
    let (rows, columns) = slice.dim();
    let step = |side: usize| side.div_ceil(JUMP_SIDE).max(1);
    slice.slice(s![..;step(rows), ..;step(columns)]).iter().copied().collect()
}

fn median_difference(below: &[Hounsfield], above: &[Hounsfield]) -> Hounsfield {
    let mut differences: Vec<Hounsfield> =
        std::iter::zip(below, above).map(|(below, above)| above - below).collect();
    let middle = differences.len() / 2;
    *differences.select_nth_unstable_by(middle, f32::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statistics(values: impl IntoIterator<Item = (f32, u64)>) -> HuStatistics {
        let mut statistics = HuStatistics::EMPTY;
        values.into_iter().for_each(|(hu, voxels)| statistics.count(hu, voxels));
        statistics
    }

    #[test]
    fn a_body_has_modes_and_a_ramp_has_none() {
        let chest = [(-1000.0, 500), (-850.0, 150), (-400.0, 5), (-300.0, 5), (-90.0, 60), (40.0, 200)];
        assert!(statistics(chest).shows_a_body());
        assert!(!statistics((-1024..1000).map(|hu| (hu as f32, 1))).shows_a_body());
        // a magnetic resonance image: air at 0, tissue at 300
        assert!(!statistics([(0.0, 500), (100.0, 50), (300.0, 400)]).shows_a_body());
    }

    #[test]
    fn values_at_the_borders_fall_into_bins() {
        assert_eq!([bin_of(-1100.0), bin_of(-1e6), bin_of(399.0), bin_of(1e6)], [0, 0, 74, BINS]);
        assert_eq!(statistics([(-2000.0, 3), (5000.0, 2)]).bins, [0; BINS]);
    }

    #[test]
    fn a_shifted_slice_jumps_and_a_moved_edge_does_not() {
        let edge = |z: usize, x: usize| if x < 10 + 3 * z { -850.0 } else { 40.0 };
        let sound = Array3::from_shape_fn((6, 32, 32), |(z, _, x)| edge(z, x));
        assert!(check_jumps(&sound).is_ok());
        let mut shifted = sound.clone();
        shifted.index_axis_mut(Axis(0), 3).mapv_inplace(|hu| hu + 1024.0);
        assert!(matches!(check_jumps(&shifted), Err(DicomError::HuJump { slice: 2, .. })));
    }
}
