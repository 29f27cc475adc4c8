//! Which format the ending of a file's name asks for.

use std::path::Path;

use crate::files::{Gzip, VolumeFileError, write_metaimage, write_nifti_described};
use crate::volume::Volume;

/// A format that keeps a volume's place in the patient.
#[derive(Clone, Copy)]
pub(super) enum OutputFormat {
    Nifti(Gzip),
    MetaImage,
}

impl OutputFormat {
    pub(super) fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
        [(".nii", Self::Nifti(Gzip::No)), (".nii.gz", Self::Nifti(Gzip::Yes)), (".mha", Self::MetaImage)]
            .into_iter()
            .find_map(|(ending, format)| name.ends_with(ending).then_some(format))
    }

    /// Writes `volume`; `values` says what its values are, where the format has room for it.
    pub(super) fn write(self, path: &Path, volume: &Volume, values: &str) -> Result<(), VolumeFileError> {
        match self {
            Self::Nifti(gzip) => write_nifti_described(path, volume, gzip, values),
            Self::MetaImage => write_metaimage(path, volume),
        }
    }
}
