//! All facts of one scan.

use std::collections::BTreeMap;

use ndarray::{Axis, Slice, s};

use super::Fact;
use super::grain::Grain;
use crate::findings::ScanProtocol;
use crate::geometry::{BoundingBox, Unit, canonical_axes, whole};
use crate::units::Hounsfield;
use crate::volume::anatomy::BodyMap;
use crate::volume::{LungExtent, Volume};

/// Below this is air or aerated lung.
const AERATED_HU: Hounsfield = -400.0;
/// From this on aerated lung is dense.
const DENSE_LUNG_HU: Hounsfield = -700.0;
/// Fat.
const FAT_HU: std::ops::Range<Hounsfield> = -150.0..-50.0;
/// Above this is soft tissue: without fat and lung.
const SOFT_TISSUE_HU: Hounsfield = -30.0;
/// What is taken for soft tissue between the lungs, as shares of the box around them, from front to back.
const MIDDLE_Y: [f64; 2] = [0.15, 0.55];
/// The same from side to side.
const MIDDLE_X: [f64; 2] = [0.3, 0.7];
/// The value of soft tissue below which so many lie.
const DENSE: f64 = 0.9;

/// The facts of a scan; what could not be measured is absent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScanFacts(BTreeMap<Fact, f64>);

impl ScanFacts {
    /// Measures a volume as it was read; without millimetres it has no facts.
    ///
    /// # Units
    /// `volume` is in Hounsfield units.
    pub fn of(volume: &Volume, protocol: &ScanProtocol) -> Self {
        let grid = volume.grid();
        if grid.unit() != Unit::Millimetre {
            return Self::default();
        }
        let map = BodyMap::of(volume);
        let lungs = map.lungs.as_ref().map(LungExtent::of);
        let grain = Grain::of(volume);
        let around = Around::of(&map);
        let [slice_mm, row_mm, column_mm] = grid.spacing_mm();
        let blocks = map.blocks.grid().len() as f64;
        let measured = [
            (Fact::Slices, Some(grid.shape_zyx()[0] as f64)),
            (Fact::SliceSpacingMm, Some(slice_mm)),
            (Fact::SliceThicknessMm, protocol.slice_thickness_mm),
            (Fact::PixelSpacingMm, Some(f64::midpoint(row_mm, column_mm))),
            (Fact::LungMl, Some(lungs.map_or(0.0, |lungs| lungs.ml))),
            (Fact::LungCut, lungs.map(|lungs| lungs.feet_cut.max(lungs.head_cut))),
            (Fact::LungShape, lung_shape(&map)),
            (Fact::LungHu, around.map(|around| around.lung_hu)),
            (Fact::DenseLungShare, around.map(|around| around.dense_share)),
            (Fact::FatShare, around.map(|around| around.fat_share)),
            (Fact::BodyShare, Some(map.body.as_ref().map_or(0.0, |body| body.count() as f64 / blocks))),
            (Fact::MediastinumHu, mediastinum_hu(&map)),
            (Fact::NoiseHu, grain.map(|grain| grain.noise_hu)),
            (Fact::Sharpness, grain.and_then(|grain| grain.sharpness)),
        ];
        Self(measured.into_iter().filter_map(|(fact, value)| Some((fact, value?))).collect())
    }

    /// A fact's value; `None` where it could not be measured.
    pub fn value(&self, fact: Fact) -> Option<f64> {
        self.0.get(&fact).copied()
    }

    /// The facts that could be measured.
    pub fn measured(&self) -> impl Iterator<Item = Fact> {
        self.0.keys().copied()
    }
}

/// What is in the box around the lungs.
#[derive(Debug, Clone, Copy)]
struct Around {
    lung_hu: f64,
    dense_share: f64,
    fat_share: f64,
}

impl Around {
    fn of(map: &BodyMap) -> Option<Self> {
        let BoundingBox { start_zyx: [z, y, x], end_zyx: [to_z, to_y, to_x] } =
            map.lungs.as_ref()?.bounding_box()?;
        let values = map.blocks.voxels().slice(s![z..to_z, y..to_y, x..to_x]);
        let mut aerated: Vec<Hounsfield> = values.iter().copied().filter(|hu| *hu < AERATED_HU).collect();
        aerated.sort_unstable_by(Hounsfield::total_cmp);
        let dense = aerated.len() - aerated.partition_point(|hu| *hu < DENSE_LUNG_HU);
        let fat = values.iter().filter(|hu| FAT_HU.contains(hu)).count();
        Some(Self {
            lung_hu: f64::from(*aerated.get(aerated.len() / 2)?),
            dense_share: dense as f64 / aerated.len() as f64,
            fat_share: fat as f64 / values.len() as f64,
        })
    }
}

/// The lungs as a share of the box around them.
fn lung_shape(map: &BodyMap) -> Option<f64> {
    let lungs = map.lungs.as_ref()?;
    let boxed: usize = lungs.bounding_box()?.shape_zyx().iter().product();
    Some(lungs.count() as f64 / boxed as f64)
}

/// How dense the soft tissue between the lungs is.
fn mediastinum_hu(map: &BodyMap) -> Option<f64> {
    let BoundingBox { start_zyx, end_zyx } = map.lungs.as_ref()?.bounding_box()?;
    let axes = canonical_axes(map.blocks.grid());
    let mut middle = map.blocks.voxels().view();
    for (canonical, [from, to]) in [(0, [0.0, 1.0]), (1, MIDDLE_Y), (2, MIDDLE_X)] {
        let axis = axes.source_axis[canonical];
        let [from, to] = if axes.flipped[canonical] { [1.0 - to, 1.0 - from] } else { [from, to] };
        let length = (end_zyx[axis] - start_zyx[axis]) as f64;
        let at = |share: f64| start_zyx[axis] + whole((share * length).round());
        middle.slice_axis_inplace(Axis(axis), Slice::from(at(from)..at(to)));
    }
    let mut soft: Vec<Hounsfield> = middle.iter().copied().filter(|hu| *hu > SOFT_TISSUE_HU).collect();
    soft.sort_unstable_by(Hounsfield::total_cmp);
    let place = whole(DENSE * soft.len().checked_sub(1)? as f64);
    soft.get(place).map(|hu| f64::from(*hu))
}
