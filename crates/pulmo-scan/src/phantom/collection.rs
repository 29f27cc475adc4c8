//! Many studies in one folder.

use std::path::Path;

use rayon::prelude::*;

use super::truth::write_truth;
use super::{PhantomError, PhantomSettings, Study, StudyTruth};

/// A collection of phantom studies: which, and how many.
#[derive(Debug, Clone, PartialEq)]
pub struct Collection {
    /// What varies and what is forced.
    pub settings: PhantomSettings,
    /// The collection's seed.
    pub seed: u64,
    /// Studies in it.
    pub studies: usize,
}

/// Returns the truth about each study after writing all of them into `folder`: one folder of
/// DICOM files a study, `truth.csv` (`path,label,patient_id,nodules`, ready to train from) and
/// `truth.json` (grids and nodules). Each study is generated, written and dropped, several at a
/// time; `on_written` is told of each as it is done.
///
/// # Errors
/// [`PhantomError`] where a setting is out of range, nodules find no room or a file cannot be written.
pub fn write_collection(
    folder: &Path,
    collection: &Collection,
    on_written: impl Fn(&StudyTruth) + Sync,
) -> Result<Vec<StudyTruth>, PhantomError> {
    let make = |index: usize| -> Result<StudyTruth, PhantomError> {
        let study = Study::generate(&collection.settings, collection.seed, index)?;
        study.write(&folder.join(&study.truth().path))?;
        on_written(study.truth());
        Ok(study.truth().clone())
    };
    let truths = (0..collection.studies).into_par_iter().map(make).collect::<Result<Vec<_>, _>>()?;
    write_truth(folder, &truths)?;
    Ok(truths)
}
