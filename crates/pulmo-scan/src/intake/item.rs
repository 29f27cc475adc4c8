//! One thing to read: what it is, and how it loads.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{IntakeError, sanity};
use crate::dicom::{AssembleSettings, Assembled, Partial, Series, assemble};
use crate::files::{TemporaryFolder, VolumeFormat, read_picture, read_volume};
use crate::findings::{Code, Reason, ScanOrigin, Verdict};
use crate::volume::Volume;

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemKind {
    /// A PNG, JPEG, TIFF or BMP picture.
    Picture,
    /// A DICOM CT series.
    Series,
    /// A NIfTI, MetaImage, NRRD or NumPy volume.
    VolumeFile,
    /// A file that cannot be used; its verdict says why.
    Refused,
}

/// How items load.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ReadSettings {
    /// How DICOM series become volumes; its limits and what becomes of padding hold for volume files too.
    pub assemble: AssembleSettings,
    /// Spacing `[z, y, x]` of `.npy` volumes in millimetres; default `None`: their grid is in pixels.
    pub npy_spacing_mm: Option<[f64; 3]>,
}

impl ReadSettings {
    /// The same, which do this with a series of which files cannot be used.
    #[must_use]
    pub fn with_partial(self, partial: Partial) -> Self {
        Self { assemble: AssembleSettings { partial, ..self.assemble }, ..self }
    }
}

/// A loaded item.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// Hounsfield units for a series and a volume in millimetres, gray values for a picture (0 to 255,
    /// whatever its bits), stored values for an array without spacing and for a TIFF picture of signed
    /// or floating-point numbers.
    pub volume: Volume,
    /// What was seen and dealt with: each code once, sorted.
    pub warnings: Vec<Reason>,
    /// The value of white, 255, for pictures that have one.
    pub max_value: Option<f32>,
    /// Where the scan comes from; nothing is known of what is no DICOM.
    pub origin: ScanOrigin,
}

impl Loaded {
    /// A volume in memory, by the rules for one that is read from a file.
    ///
    /// # Errors
    /// [`IntakeError`] where its values are not those of a CT; for a volume in pixels, where they are not finite.
    pub fn of(volume: Volume, settings: &ReadSettings) -> Result<Self, IntakeError> {
        let (volume, warnings) = sanity::checked(volume, &settings.assemble)?;
        let warnings = Reason::each_once(warnings);
        Ok(Self { volume, warnings, max_value: None, origin: ScanOrigin::default() })
    }
}

/// One thing to read, found under the user's paths.
///
/// What comes out of an archive lies in a private folder that goes when its last item goes.
#[derive(Debug, Clone)]
pub struct Item {
    /// The file; for a series its folder (its first file where a folder holds several series); inside an
    /// archive, the archive's path and the name within it.
    pub path: PathBuf,
    pub(super) source: Source,
    pub(super) unpacked: Option<Unpacked>,
}

/// The archive that an item came from, and the folder that it was unpacked into.
#[derive(Debug, Clone)]
pub(super) struct Unpacked {
    pub(super) archive: PathBuf,
    pub(super) folder: Arc<TemporaryFolder>,
    /// Whether entries were left out, any of which may belong to any item.
    pub(super) is_incomplete: bool,
}

impl Unpacked {
    /// How a path in the folder is told: below the archive's own.
    pub(super) fn display_path(&self, inside: &Path) -> PathBuf {
        match inside.strip_prefix(self.folder.path()) {
            Ok(name) if name.as_os_str().is_empty() => self.archive.clone(),
            Ok(name) => self.archive.join(name),
            Err(_) => inside.to_path_buf(),
        }
    }
}

#[derive(Debug, Clone)]
pub(super) enum Source {
    Picture(PathBuf),
    Series(Box<Series>),
    VolumeFile(VolumeFormat, PathBuf),
    Refused(Verdict),
}

impl Item {
    /// The archive that the item came from.
    pub fn archive(&self) -> Option<&Path> {
        self.unpacked.as_ref().map(|unpacked| unpacked.archive.as_path())
    }

    /// How the path of one of the item's files is told.
    pub(super) fn display_path(&self, file: &Path) -> PathBuf {
        self.unpacked.as_ref().map_or_else(|| file.to_path_buf(), |unpacked| unpacked.display_path(file))
    }

    /// What the item is.
    pub fn kind(&self) -> ItemKind {
        match self.source {
            Source::Picture(_) => ItemKind::Picture,
            Source::Series(_) => ItemKind::Series,
            Source::VolumeFile(..) => ItemKind::VolumeFile,
            Source::Refused(_) => ItemKind::Refused,
        }
    }

    /// The verdict of an item that was refused when it was found; it will not load.
    pub fn refusal(&self) -> Option<&Verdict> {
        match &self.source {
            Source::Refused(verdict) => Some(verdict),
            _ => None,
        }
    }

    /// The series of an item that is one.
    pub fn series(&self) -> Option<&Series> {
        match &self.source {
            Source::Series(series) => Some(series),
            _ => None,
        }
    }

    /// The one file of a picture or a volume file; `None` for a series, which has many.
    pub fn file(&self) -> Option<&Path> {
        match &self.source {
            Source::Picture(file) | Source::VolumeFile(_, file) => Some(file),
            Source::Series(_) | Source::Refused(_) => None,
        }
    }

    /// The format of a volume file.
    pub fn volume_format(&self) -> Option<VolumeFormat> {
        match &self.source {
            Source::VolumeFile(format, _) => Some(*format),
            _ => None,
        }
    }

    /// Reads the item's volume.
    ///
    /// # Errors
    /// [`IntakeError`] with the code of what is wrong with it.
    pub fn load(&self, settings: &ReadSettings) -> Result<Loaded, IntakeError> {
        let mut loaded = self.load_source(settings)?;
        loaded.warnings = Reason::each_once(self.with_archive(loaded.warnings));
        Ok(loaded)
    }

    /// `warnings`, and `ARCHIVE` where a part of the item may be missing from its archive.
    pub(super) fn with_archive(&self, mut warnings: Vec<Reason>) -> Vec<Reason> {
        let is_incomplete = self.unpacked.as_ref().is_some_and(|unpacked| unpacked.is_incomplete);
        warnings.extend(is_incomplete.then_some(Code::Archive.into()));
        warnings
    }

    fn load_source(&self, settings: &ReadSettings) -> Result<Loaded, IntakeError> {
        match &self.source {
            Source::Picture(file) => {
                let picture = read_picture(file)?;
                let mut loaded = Loaded::of(picture.volume, settings)?;
                loaded.warnings.extend(picture.is_dark.then_some(Code::GrayScale.into()));
                Ok(Loaded { max_value: picture.max_value, ..loaded })
            }
            Source::Series(series) => {
                let Assembled { volume, warnings, origin } = assemble(series, &settings.assemble)?;
                Ok(Loaded { volume, warnings, max_value: None, origin })
            }
            Source::VolumeFile(format, file) => {
                let read = read_volume(file, *format, settings.npy_spacing_mm)?;
                let mut loaded = Loaded::of(read.volume, settings)?;
                loaded.warnings.extend(
                    read.warnings.iter().map(|warning| Reason::new(warning.code(), warning.to_string())),
                );
                Ok(loaded)
            }
            Source::Refused(verdict) => {
                let reason = verdict.reasons().first().cloned();
                Err(IntakeError::Refused { reason: reason.unwrap_or(Code::NotDicom.into()) })
            }
        }
    }
}
