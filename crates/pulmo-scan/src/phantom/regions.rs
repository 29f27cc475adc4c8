//! Small boxes of phantom studies, with and without a nodule: where a network can learn what a nodule
//! is before it must find one in a whole chest.

use std::path::Path;

use ndarray::s;
use rayon::prelude::*;

use super::settings::{Purpose, StudyKey};
use super::truth::{Label, ManifestRow, write_manifest};
use super::{Collection, PhantomError, Study};
use crate::files::{Gzip, write_nifti};
use crate::units::Millimetres;
use crate::volume::{Volume, anatomy::lung_mask};
use pulmo_random::Random;

/// What is cut out of each study.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RegionSettings {
    /// Side of a region in the slices; along z it is 7/8 of it.
    pub side_mm: Millimetres,
    /// Regions around each nodule, each with another middle, at most 3/16 of the side from the nodule's
    /// along each axis.
    pub around_nodule: usize,
    /// Regions of the lungs without a nodule.
    pub normal: usize,
}

impl Default for RegionSettings {
    fn default() -> Self {
        Self { side_mm: 48.0, around_nodule: 2, normal: 12 }
    }
}

impl RegionSettings {
    /// Sides along the volume's `[z, y, x]`.
    fn sides_mm(&self) -> [Millimetres; 3] {
        [0.875 * self.side_mm, self.side_mm, self.side_mm]
    }

    fn check(&self) -> Result<(), PhantomError> {
        if (16.0..=200.0).contains(&self.side_mm) {
            return Ok(());
        }
        let value = self.side_mm.to_string();
        Err(PhantomError::Setting { setting: "side_mm", value, needed: "16 to 200 mm" })
    }
}

/// Places tried for each of them.
const TRIES: usize = 40;

/// Returns how many regions were written, after generating the studies of `collection` and writing
/// regions with and without a nodule as `.nii.gz` in Hounsfield units, and `truth.csv`
/// (`path,label,patient_id,nodules`). `on_done` is told of each study.
///
/// # Errors
/// [`PhantomError`] where a setting is out of range, nodules find no room or a file cannot be written.
pub fn write_regions(
    folder: &Path,
    collection: &Collection,
    regions: &RegionSettings,
    on_done: impl Fn() + Sync,
) -> Result<usize, PhantomError> {
    regions.check()?;
    std::fs::create_dir_all(folder)
        .map_err(|source| PhantomError::Truth { path: folder.to_owned(), source })?;
    let of_study = |index: usize| -> Result<Vec<ManifestRow>, PhantomError> {
        let study = Study::generate(&collection.settings, collection.seed, index)?;
        let key = StudyKey { seed: collection.seed, index: index as u64 };
        let centres = places(&study, regions, &mut key.random(Purpose::Regions));
        let rows = centres.into_iter().enumerate().map(|(number, (label, centre_mm))| {
            let patient_id = study.truth().patient_id.clone();
            let path = format!("{patient_id}-{number:02}.nii.gz");
            write_nifti(
                &folder.join(&path),
                &cut(study.volume(), centre_mm, regions.sides_mm())?,
                Gzip::Yes,
            )?;
            Ok(ManifestRow { path, label, patient_id, nodules: usize::from(label == Label::Nodule) })
        });
        let rows = rows.collect::<Result<Vec<_>, PhantomError>>()?;
        on_done();
        Ok(rows)
    };
    let rows = (0..collection.studies).into_par_iter().map(of_study).collect::<Result<Vec<_>, _>>()?.concat();
    write_manifest(folder, &rows)?;
    Ok(rows.len())
}

/// The middles of the regions of a study, in patient space.
fn places(study: &Study, regions: &RegionSettings, random: &mut Random) -> Vec<(Label, [Millimetres; 3])> {
    let nodules = &study.truth().nodules;
    let aside_mm = 0.1875 * regions.side_mm;
    let centres = nodules.iter().flat_map(|nodule| (0..regions.around_nodule).map(|_| nodule.centre_mm));
    let near = centres
        .map(|centre_mm| (Label::Nodule, centre_mm.map(|at| at + random.uniform(-aside_mm, aside_mm))));
    let mut places: Vec<_> = near.collect();
    let Some(lungs) = lung_mask(study.volume()) else { return places };
    let inside: Vec<[usize; 3]> = lungs
        .voxels()
        .indexed_iter()
        .filter(|(_, inside)| **inside)
        .map(|((z, y, x), _)| [z, y, x])
        .collect();
    let clear = |centre: &[Millimetres; 3]| {
        nodules.iter().all(|nodule| {
            let apart = |axis: usize| (nodule.centre_mm[axis] - centre[axis]).abs();
            (0..3).any(|axis| apart(axis) > regions.side_mm / 2.0 + nodule.diameter_mm)
        })
    };
    for _ in 0..regions.normal {
        let mut draw = || {
            let [z, y, x] = inside[random.below(inside.len())].map(|index| index as f64);
            lungs.grid().patient_point([x, y, z].into()).to_array()
        };
        let free = (0..TRIES).map(|_| draw()).find(|centre| clear(centre));
        places.extend(free.map(|centre| (Label::Normal, centre)));
    }
    places
}

/// The part of a volume around a place, as far as the volume goes.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the grid")]
fn cut(
    volume: &Volume,
    centre_mm: [Millimetres; 3],
    sides_mm: [Millimetres; 3],
) -> Result<Volume, PhantomError> {
    let grid = volume.grid();
    let [x, y, z] = grid.voxel_point(centre_mm.into()).to_array();
    let (shape, spacing) = (grid.shape_zyx(), grid.spacing_mm());
    let mut ranges: [std::ops::Range<usize>; 3] = [0..0, 0..0, 0..0];
    for (axis, middle) in [z, y, x].into_iter().enumerate() {
        let half = sides_mm[axis] / 2.0 / spacing[axis];
        let start = (middle - half).round().clamp(0.0, (shape[axis] - 1) as f64) as usize;
        let end = (middle + half).round().clamp(1.0, shape[axis] as f64) as usize;
        ranges[axis] = start..end.max(start + 1);
    }
    let [z, y, x] = ranges.clone();
    let voxels = volume.voxels().slice(s![z, y, x]).to_owned();
    let start = ranges.clone().map(|range| range.start.cast_signed());
    Ok(Volume::new(grid.window(start, ranges.map(|range| range.len()))?, voxels)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::read_nifti;
    use crate::phantom::PhantomSettings;

    #[test]
    fn regions_hold_what_their_label_says() {
        let folder = tempfile::tempdir().unwrap();
        let settings = PhantomSettings {
            matrix: Some(128),
            slice_spacing_mm: Some(4.0),
            nodule_diameter_mm: [15.0, 25.0],
            ..PhantomSettings::default()
        };
        let collection = Collection { settings: settings.clone(), seed: 3, studies: 2 };
        let regions = RegionSettings { side_mm: 40.0, around_nodule: 3, normal: 5 };
        let count = write_regions(folder.path(), &collection, &regions, || {}).unwrap();
        let manifest = std::fs::read_to_string(folder.path().join("truth.csv")).unwrap();
        assert_eq!(manifest.lines().count(), count + 1);
        let studies: Vec<Study> = (0..2).map(|index| Study::generate(&settings, 3, index).unwrap()).collect();
        for line in manifest.lines().skip(1) {
            let fields: Vec<&str> = line.split(',').collect();
            let volume = read_nifti(&folder.path().join(fields[0])).unwrap().volume;
            let study = studies.iter().find(|study| study.truth().patient_id == fields[2]).unwrap();
            let held = study.truth().nodules.iter().any(|n| volume.grid().voxel_near(n.centre_mm).is_some());
            assert_eq!(held, fields[1] == "nodule", "{line}");
            assert!(volume.grid().extent_mm().iter().all(|side| *side < 46.0), "{line}");
        }
        let nodules: usize = studies.iter().map(|study| study.truth().nodules.len()).sum();
        assert_eq!(manifest.matches(",nodule,").count(), 3 * nodules);
        let tiny = RegionSettings { side_mm: 3.0, ..regions };
        assert!(write_regions(folder.path(), &collection, &tiny, || {}).is_err());
    }
}
