//! From slices in memory through files on disk to an assembled volume.

use pulmo_scan::dicom::{AssembleSettings, Assembled, Padding, Refused, Series, assemble, discover};
use pulmo_scan::findings::{Code, Verdict};
use tempfile::TempDir;

use super::ct::{CtSlice, series, write_all};

/// A folder of these slices as files.
pub fn folder_of(slices: &[CtSlice]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_all(slices, folder.path());
    folder
}

/// The series in a folder in which all files are slices.
pub fn found(folder: &TempDir) -> Vec<Series> {
    let discovery = discover(&[folder.path().to_path_buf()]);
    assert_eq!((discovery.refused, discovery.others), (vec![], vec![]));
    discovery.series
}

/// The default settings, but padding keeps its value.
pub fn keep() -> AssembleSettings {
    AssembleSettings { padding: Padding::Keep, ..AssembleSettings::default() }
}

/// The volume of a series, or its code; messages must not tell the patient's name.
pub fn assembled(series: &Series, settings: &AssembleSettings) -> Result<Assembled, Code> {
    assemble(series, settings).map_err(|error| {
        assert!(!format!("{error} {error:?}").contains("CANARY"));
        error.code()
    })
}

/// The volume of slices of one series.
pub fn load_with(slices: &[CtSlice], settings: &AssembleSettings) -> Result<Assembled, Code> {
    let folder = folder_of(slices);
    let series = found(&folder);
    assert_eq!(series.len(), 1);
    assembled(&series[0], settings)
}

/// The volume of slices of one series, with padding as it is.
pub fn load(slices: &[CtSlice]) -> Result<Assembled, Code> {
    load_with(slices, &keep())
}

/// The voxels of slices that must load without a warning.
pub fn hu(slices: &[CtSlice]) -> Vec<f32> {
    let assembled = load(slices).unwrap();
    assert!(assembled.warnings.is_empty());
    assembled.volume.as_slice().to_vec()
}

/// The slices, each changed.
pub fn with(mut slices: Vec<CtSlice>, change: impl Fn(&mut CtSlice)) -> Vec<CtSlice> {
    slices.iter_mut().for_each(change);
    slices
}

/// What `value` makes of each stored word.
pub fn expected_hu(slices: &[CtSlice], value: impl Fn(u16) -> f64) -> Vec<f32> {
    slices.iter().flat_map(|slice| slice.pixels.iter().map(|word| value(*word) as f32)).collect()
}

/// One bad file among seven: the series is refused as partial, and the file's own code is told.
pub fn one_bad_file(change: impl Fn(&mut CtSlice)) -> (Vec<Refused>, Option<Code>) {
    let mut slices = series(7, 2.0);
    change(&mut slices[3]);
    let folder = folder_of(&slices);
    let series = found(&folder);
    assert_eq!(series.len(), 1);
    let refused = series[0].set_aside.clone();
    assert!(refused.iter().all(|refused| refused.path.ends_with("003.dcm")));
    (refused, assembled(&series[0], &keep()).err())
}

pub fn refused_code(change: impl Fn(&mut CtSlice)) -> Code {
    match one_bad_file(change) {
        (refused, Some(Code::Partial)) if refused.len() == 1 => match &refused[0].verdict {
            Verdict::RejectFile(reason) => reason.code,
            _ => panic!("not a refused file"),
        },
        other => panic!("{other:?}"),
    }
}
