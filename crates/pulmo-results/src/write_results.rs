//! All objects of a scan, as files.

use std::path::{Path, PathBuf};

use super::frames::SegmentFrames;
use super::key_slices::key_slices;
use super::measurement_group::Referred;
use super::origin_study::OriginStudy;
use super::report::report;
use super::segmentation::segmentation;
use super::segments::segments;
use super::{ResultsError, ScanResults, SegmentationForm};

/// Writes what was found on a scan into `folder` (made where absent) and returns the files: `segmentation.dcm`, where a
/// lung or a nodule has a mask, `report.dcm`, and `key-slice-01.dcm` and so on, one for each of the first 20
/// nodules and one for the heat map. They belong to the patient's study, in three new series, and refer to the scan's images and to each other.
///
/// The same results written at the same moment give the same files, UIDs included; nodules and lungs have the same
/// Tracking UIDs whenever they are found at the same place of the same series.
///
/// # Errors
/// [`ResultsError`] where the scan is no DICOM series, or one that nothing can refer to; where a mask is not on the
/// volume's grid; or where a file cannot be written.
pub fn write_results(
    folder: &Path,
    results: &ScanResults<'_>,
    form: SegmentationForm,
) -> Result<Vec<PathBuf>, ResultsError> {
    let study = OriginStudy::of(results)?;
    let frames = SegmentFrames::of(results.volume.grid(), &study)?;
    let segments = segments(&study, results)?;
    let segmentation = match segments.as_slice() {
        [] => None,
        some => Some(segmentation(&study, &frames, some, form)?),
    };
    let referred = Referred { study: &study, frames: &frames, segmentation: segmentation.as_ref() };
    let report = report(&referred, results, &segments)?;
    let pictures = key_slices(&referred, results, &segments)?;
    std::fs::create_dir_all(folder)
        .map_err(|source| ResultsError::Folder { path: folder.to_owned(), source })?;
    let pictures =
        (1..).zip(pictures).map(|(number, picture)| (format!("key-slice-{number:02}.dcm"), picture));
    let named = segmentation.map(|object| ("segmentation.dcm".to_owned(), object)).into_iter();
    let all = named.chain([("report.dcm".to_owned(), report)]).chain(pictures);
    let write = |(name, object): (String, pulmo_scan::dicom::DicomObject)| {
        let path = folder.join(name);
        object.write(&path)?;
        Ok(path)
    };
    all.map(write).collect()
}
