//! Both lungs of a volume.

use std::ops::Range;

use ndarray::{Array3, Axis, Zip};

use super::LungsError;
use super::airway::{airway, with_wall};
use super::blocks::Blocks;
use super::opaque::add_opaque;
use super::refine::{FoundLungs, filled, refined};
use super::sides::{LUNG_HU, aerated};
use crate::geometry::{Unit, canonical_axes};
use crate::units::Millimetres;
use crate::volume::anatomy::body_mask;
use crate::volume::{Mask, Volume};

/// Clefts into which no ball of this radius fits are lung: vessels at the hilum and at the surface.
const CLEFT_MM: Millimetres = 6.0;

/// The lungs of a patient.
#[derive(Debug, Clone, PartialEq)]
pub struct Lungs {
    /// The patient's right lung; `None` where there is none with air: taken out, or without air as a whole.
    pub right: Option<Lung>,
    /// The patient's left lung (at larger x in LPS); `None` as above.
    pub left: Option<Lung>,
    /// The lumen of trachea and main bronchi, no part of the lungs; `None` where no trachea was found.
    pub airway: Option<Mask>,
}

/// One lung.
#[derive(Debug, Clone, PartialEq)]
pub struct Lung {
    /// The lung on the volume's grid, with vessels, nodules and what of it holds no air.
    pub mask: Mask,
    /// Air and tissue in it.
    pub content: LungContent,
    /// Its upper, middle and lower third.
    pub thirds: Thirds,
}

/// What a lung is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LungContent {
    /// Air in millilitres: the sum over voxels of `1 - t`, times the voxel's volume.
    pub air_ml: f64,
    /// Tissue, blood and fluid in millilitres: the sum of `t`, where a voxel of `h` Hounsfield units counts
    /// `t = (h + 1000) / 1000`, 0 below air and 1 above water.
    pub tissue_ml: f64,
}

impl LungContent {
    /// Air and tissue together: the volume of the mask.
    pub fn total_ml(&self) -> f64 {
        self.air_ml + self.tissue_ml
    }
}

/// A lung parted by volume into three stacks of slices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thirds {
    /// The stored axis `[z, y, x]` along which slices are counted: the one nearest to the patient's own.
    pub axis: usize,
    /// Slices of the third towards the head.
    pub upper: Range<usize>,
    /// Slices of the third between.
    pub middle: Range<usize>,
    /// Slices of the third towards the feet.
    pub lower: Range<usize>,
}

impl Lungs {
    /// The lungs of a volume.
    ///
    /// # Units
    /// `volume` is in Hounsfield units.
    ///
    /// # Errors
    /// [`LungsError`] where there is no body, no aerated lung in it, or a single lung whose side cannot be told.
    pub fn of(volume: &Volume) -> Result<Self, LungsError> {
        if volume.grid().unit() != Unit::Millimetre {
            return Err(LungsError::Pixels);
        }
        let blocks = Blocks::of(volume);
        let body = blocks.sampled(&body_mask(volume).ok_or(LungsError::NoBody)?);
        let middle_x = middle_of(&body).ok_or(LungsError::NoBody)?;
        let lumen = airway(&blocks, &body, middle_x);
        let walled = with_wall(&lumen);
        let mut air = blocks.hu.mapv(|hu| hu < LUNG_HU);
        Zip::from(&mut air).and(&body).and(&walled).for_each(|air, body, airway| *air &= *body && !airway);
        let found = aerated(&blocks, &air, middle_x)?;
        let empty = || Array3::from_elem(air.dim(), false);
        let mut sides = [found.right.unwrap_or_else(empty), found.left.unwrap_or_else(empty)];
        for side in 0..2 {
            let mut forbidden = walled.clone();
            Zip::from(&mut forbidden).and(&sides[1 - side]).for_each(|no, other| *no |= other);
            sides[side] = filled(&blocks, &sides[side], &forbidden, CLEFT_MM);
        }
        add_opaque(&blocks, &body, &mut sides);
        let mut opaque = sides[0].clone();
        Zip::from(&mut opaque).and(&sides[1]).and(&blocks.hu).for_each(|opaque, left, hu| {
            *opaque = (*opaque || *left) && *hu >= LUNG_HU;
        });
        let voxels = refined(
            volume,
            &blocks,
            &FoundLungs { lungs: &sides, opaque: &opaque, airway: &walled, body: &body },
        );
        let [right, left] = voxels.sides.map(|voxels| Lung::of(volume, voxels));
        let airway = Mask::new(*volume.grid(), voxels.airway)?;
        Ok(Self {
            right: right?,
            left: left?,
            airway: Some(airway).filter(|airway| airway.voxels().iter().any(|inside| *inside)),
        })
    }

    /// Both lungs in one mask.
    pub fn both(&self) -> Option<Mask> {
        let masks: Vec<&Mask> =
            [&self.right, &self.left].into_iter().flatten().map(|lung| &lung.mask).collect();
        let first = masks.first()?;
        let mut voxels = first.voxels().clone();
        masks[1..]
            .iter()
            .for_each(|mask| Zip::from(&mut voxels).and(mask.voxels()).for_each(|both, own| *both |= own));
        Mask::new(*first.grid(), voxels).ok()
    }
}

impl Lung {
    /// `None` where the mask is empty.
    fn of(volume: &Volume, voxels: Array3<bool>) -> Result<Option<Self>, LungsError> {
        let mask = Mask::new(*volume.grid(), voxels)?;
        let axes = canonical_axes(mask.grid());
        let areas: Vec<usize> = mask
            .voxels()
            .axis_iter(Axis(axes.source_axis[0]))
            .map(|slice| slice.iter().filter(|inside| **inside).count())
            .collect();
        if areas.iter().all(|area| *area == 0) {
            return Ok(None);
        }
        let content = LungContent::of(volume, &mask);
        let thirds = Thirds::of(&areas, axes.source_axis[0], axes.flipped[0]);
        Ok(Some(Self { mask, content, thirds }))
    }
}

impl LungContent {
    fn of(volume: &Volume, mask: &Mask) -> Self {
        let (mut tissue, mut count) = (0.0, 0usize);
        for (hu, _) in volume.as_slice().iter().zip(mask.voxels()).filter(|(_, inside)| **inside) {
            tissue += f64::from(((hu + 1000.0) / 1000.0).clamp(0.0, 1.0));
            count += 1;
        }
        let voxel_ml = mask.grid().voxel_mm3() / 1000.0;
        Self { air_ml: (count as f64 - tissue) * voxel_ml, tissue_ml: tissue * voxel_ml }
    }
}

impl Thirds {
    /// Parts slices of these areas, of which the last is nearest to the head unless `head_first`.
    fn of(areas: &[usize], axis: usize, head_first: bool) -> Self {
        let total: usize = areas.iter().sum();
        let first = areas.iter().position(|area| *area > 0).unwrap_or(0);
        let end = areas.iter().rposition(|area| *area > 0).map_or(0, |last| last + 1);
        // The slice boundary up to which the sum comes nearest to a part of the whole.
        let boundary = |part: f64| {
            let mut sum = 0.0;
            let wanted = part * total as f64;
            let place = areas.iter().position(|area| {
                sum += *area as f64;
                sum - *area as f64 / 2.0 >= wanted
            });
            place.unwrap_or(end).clamp(first, end)
        };
        let (one, two) = (boundary(1.0 / 3.0), boundary(2.0 / 3.0));
        let [low, middle, high] = [first..one, one..two, two..end];
        if head_first {
            Self { axis, upper: low, middle, lower: high }
        } else {
            Self { axis, upper: high, middle, lower: low }
        }
    }
}

/// The body's middle from side to side, in blocks.
fn middle_of(body: &Array3<bool>) -> Option<f64> {
    let (mut sum, mut count) = (0usize, 0usize);
    for ((_, _, x), _) in body.indexed_iter().filter(|(_, inside)| **inside) {
        sum += x;
        count += 1;
    }
    (count > 0).then(|| sum as f64 / count as f64)
}
