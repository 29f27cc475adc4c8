//! What is told about a nodule.

use glam::DVec3;
use ndarray::Zip;

use crate::axes::axes;
use crate::narrow::narrow;
use crate::place::LungSides;
use crate::segmentation::Segmentation;
use pulmo_scan::findings::{NoduleFinding, NoduleKind};
use pulmo_scan::units::{Hounsfield, Millimetres};

/// From here on a part of a nodule is solid.
///
/// # References
/// Scholten et al. 2015, doi:10.1007/s00330-014-3427-z: -300 HU finds solid components as readers do.
const SOLID_HU: Hounsfield = -300.0;
/// Less of a nodule's volume than this is no solid component but noise and vessels.
const SOLID_PART: f64 = 0.05;
/// The core of a solid nodule takes this part of what is outlined; the rest is blur.
const CORE_PART: f64 = 0.5;

/// Returns what is told of a nodule; `None` where it fills no half of any voxel, so that it has no axes.
///
/// What it is made of: ground glass where less than 5 % of what is outlined has -300 HU or more; else solid where half
/// of it or more is denser than the middle between its core and the lung, so that the rest is blur; else part-solid.
pub fn measure(nodule: &Segmentation, lungs: &LungSides<'_>) -> Option<NoduleFinding> {
    let axes = axes(&nodule.filled, nodule.mask.grid().spacing_mm()[0])?;
    let content = Content::of(nodule);
    let centre_mm = content.centre_mm?;
    let volume_mm3 = nodule.volume_mm3();
    let place = lungs.place(nodule, centre_mm);
    Some(NoduleFinding {
        centre_mm: centre_mm.to_array(),
        side: place.map(|place| place.side),
        third: place.map(|place| place.third),
        long_axis_mm: axes.long_mm,
        short_axis_mm: axes.short_mm,
        mean_diameter_mm: to_tenth(f64::midpoint(axes.long_mm, axes.short_mm)),
        volume_mm3,
        effective_diameter_mm: (6.0 * volume_mm3 / std::f64::consts::PI).cbrt(),
        mean_hu: content.mean_hu,
        kind: content.kind(),
        pleura_distance_mm: place.map(|place| place.pleura_distance_mm),
        blobness: 0.0,
        probability: None,
    })
}

fn to_tenth(mm: Millimetres) -> Millimetres {
    (mm * 10.0).round() / 10.0
}

/// What a nodule holds.
struct Content {
    centre_mm: Option<DVec3>,
    mean_hu: Hounsfield,
    solid_part: f64,
    core_part: f64,
}

impl Content {
    fn of(nodule: &Segmentation) -> Self {
        let half_hu = f32::midpoint(nodule.nodule_hu, nodule.lung_hu);
        let (mut half_filled, mut sum_hu, mut place) = (0.0, 0.0, DVec3::ZERO);
        let (mut outlined, mut solid, mut core) = (0.0, 0.0, 0.0);
        let one = |is: bool| if is { 1.0 } else { 0.0 };
        Zip::indexed(&nodule.hu).and(&nodule.filled).and(nodule.mask.voxels()).for_each(
            |(z, y, x), hu, filled, inside| {
                if *filled > 0.5 {
                    half_filled += 1.0;
                    sum_hu += f64::from(*hu);
                    place += DVec3::new(x as f64, y as f64, z as f64);
                }
                outlined += one(*inside);
                solid += one(*inside && *hu >= SOLID_HU);
                core += one(*inside && *hu >= half_hu);
            },
        );
        let of = |sum: f64, count: f64| sum / f64::max(count, 1.0);
        Self {
            centre_mm: (half_filled > 0.0).then(|| nodule.mask.grid().patient_point(place / half_filled)),
            mean_hu: narrow(of(sum_hu, half_filled)),
            solid_part: of(solid, outlined),
            core_part: of(core, outlined),
        }
    }

    fn kind(&self) -> NoduleKind {
        match self.core_part {
            _ if self.solid_part < SOLID_PART => NoduleKind::GroundGlass,
            part if part < CORE_PART => NoduleKind::PartSolid,
            _ => NoduleKind::Solid,
        }
    }
}
