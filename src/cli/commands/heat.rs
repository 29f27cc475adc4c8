//! Heat maps as files: one for each scan, laid on the scan as it was read.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context;
use ndarray::{Array2, Axis};

use crate::cli::output;
use crate::files::{Gzip, write_nifti_described, write_npy, write_overlay};
use crate::findings::{HeatMap, Observation};
use crate::geometry::{Grid, Unit};
use crate::intake::{self, ReadSettings};
use crate::volume::Volume;

/// Endings of files that are no part of a scan's name.
const ENDINGS: [&str; 15] = [
    ".nii.gz", ".nii", ".mha", ".mhd", ".nrrd", ".nhdr", ".npy", ".npz", ".png", ".jpg", ".jpeg", ".tif",
    ".tiff", ".bmp", ".dcm",
];
/// Values are rounded to this share of the largest, so that files compress well.
const ROUNDING: f32 = 0.001;

/// A folder for heat maps. Names that differ in case alone are one on many disks.
pub(super) struct HeatFolder {
    folder: PathBuf,
    /// In lower case.
    taken: BTreeSet<String>,
}

impl HeatFolder {
    pub(super) fn make(folder: &Path) -> anyhow::Result<Self> {
        output::make_folder(folder)?;
        Ok(Self { folder: folder.to_owned(), taken: BTreeSet::new() })
    }

    /// Writes the observation's heat map, if it has one, and returns the file: NIfTI for what lies in
    /// millimetres, a coloured PNG for a picture, `.npy` for arrays without a place.
    pub(super) fn write(&mut self, observation: &Observation) -> anyhow::Result<Option<PathBuf>> {
        let (Some(map), Some(grids)) = (&observation.heat_map, &observation.grids) else { return Ok(None) };
        let scan = &grids.scan;
        let [slices, rows, columns] = scan.shape_zyx();
        let name = self.name(&observation.path, ending(scan));
        let path = self.folder.join(name);
        let laid = rounded(map.on(scan));
        let written = match (scan.unit(), slices) {
            (Unit::Millimetre, _) => {
                let what = "pulmo heat map, log-odds a cell";
                write_nifti_described(&path, &laid, Gzip::Yes, what).map_err(anyhow::Error::from)
            }
            (Unit::Pixel, 1) => overlay(&observation.path, map, &laid)
                .and_then(|png| std::fs::write(&path, png).map_err(anyhow::Error::from)),
            (Unit::Pixel, _) => {
                write_npy(&path, &[slices, rows, columns], laid.as_slice()).map_err(anyhow::Error::from)
            }
        };
        written.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Some(path))
    }

    /// A name that no other scan of this run has.
    fn name(&mut self, scan: &Path, ending: &str) -> String {
        let name = scan.file_name().unwrap_or(scan.as_os_str()).to_string_lossy().into_owned();
        let lower = name.to_ascii_lowercase();
        let cut = ENDINGS.iter().find(|ending| lower.ends_with(*ending)).map_or(0, |ending| ending.len());
        let stem = &name[..name.len() - cut];
        let numbered = |number: usize| match number {
            1 => format!("{stem}-heat{ending}"),
            _ => format!("{stem}-{number}-heat{ending}"),
        };
        let mut names = (1..).map(numbered);
        names.find(|name| self.taken.insert(name.to_lowercase())).unwrap_or_default()
    }
}

fn ending(scan: &Grid) -> &'static str {
    match (scan.unit(), scan.shape_zyx()) {
        (Unit::Millimetre, _) => ".nii.gz",
        (Unit::Pixel, [1, ..]) => ".png",
        (Unit::Pixel, _) => ".npy",
    }
}

fn rounded(map: Volume) -> Volume {
    let step = ROUNDING * map.as_slice().iter().fold(0.0, |most: f32, value| most.max(value.abs()));
    if step > 0.0 { map.map(|value| (value / step).round() * step) } else { map }
}

/// The picture with its heat map over it; over black where the picture lies in an archive.
fn overlay(picture: &Path, map: &HeatMap, laid: &Volume) -> anyhow::Result<Vec<u8>> {
    let heat = laid.voxels().index_axis(Axis(0), 0);
    let found = intake::find(&[picture.to_owned()]);
    let loaded = found.first().and_then(|item| item.load(&ReadSettings::default()).ok());
    let gray = loaded.filter(|loaded| loaded.volume.grid().shape_zyx() == laid.grid().shape_zyx());
    let gray = gray.map(|loaded| loaded.volume.into_parts().1.index_axis_move(Axis(0), 0));
    let gray = gray.unwrap_or_else(|| Array2::zeros(heat.dim()));
    Ok(write_overlay(gray.view(), heat, map.peak().evidence)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_scans_and_each_its_own() {
        let mut folder = HeatFolder { folder: PathBuf::new(), taken: BTreeSet::new() };
        let mut name = |path: &str| folder.name(Path::new(path), ".nii.gz");
        assert_eq!(name("a/1.2.840.10"), "1.2.840.10-heat.nii.gz");
        assert_eq!(name("a/ct.NII.gz"), "ct-heat.nii.gz");
        assert_eq!(name("b/ct.nii"), "ct-2-heat.nii.gz");
        assert_eq!(name("c/ct"), "ct-3-heat.nii.gz");
    }

    #[test]
    fn names_that_differ_in_case_alone_are_told_apart() {
        let mut folder = HeatFolder { folder: PathBuf::new(), taken: BTreeSet::new() };
        let mut name = |path: &str| folder.name(Path::new(path), ".png");
        assert_eq!(name("a/Scan.png"), "Scan-heat.png");
        assert_eq!(name("a/scan.png"), "scan-2-heat.png");
        assert_eq!(name("a/SCAN-2.png"), "SCAN-2-2-heat.png");
        assert_eq!(name("a/Ä.png"), "Ä-heat.png");
        assert_eq!(name("b/ä.png"), "ä-2-heat.png");
    }
}
