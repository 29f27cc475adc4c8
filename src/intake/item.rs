//! Items found under paths.

use std::path::{Path, PathBuf};

use crate::dicom::{AssembleSettings, DicomError, Discovery, Refused, Series, assemble, discover};
use crate::files::{NpyError, PictureError, is_npy, is_picture, read_npy_volume, read_picture};
use crate::findings::{Code, Verdict};
use crate::volume::Volume;

/// Names that promise a format: a file so named that is something else is told, not passed over.
const PROMISING_EXTENSIONS: [&str; 12] =
    ["dcm", "dicom", "ima", "png", "jpg", "jpeg", "jfif", "tif", "tiff", "bmp", "npy", "dc3"];

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A PNG, JPEG, TIFF or BMP picture.
    Picture,
    /// A DICOM CT series.
    Series,
    /// A NumPy volume.
    VolumeFile,
    /// A file that cannot be used; its verdict says why.
    Refused,
}

/// How items load.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Settings {
    /// How DICOM series become volumes.
    pub assemble: AssembleSettings,
    /// Spacing `[z, y, x]` of NumPy volumes in millimetres; default `None`: their grid is in pixels.
    pub npy_spacing_mm: Option<[f64; 3]>,
}

/// A loaded item.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// Hounsfield units for a series, gray values for a picture, stored values for a NumPy volume.
    pub volume: Volume,
    /// What was seen and dealt with: each code once, sorted.
    pub warnings: Vec<Code>,
    /// The value of white, for pictures: 255 or 65535.
    pub max_value: Option<f32>,
}

/// Why an item gives no volume. Each has one [`Code`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IntakeError {
    /// The file was refused when it was found.
    #[error("refused: {code}")]
    Refused {
        /// Why.
        code: Code,
    },
    /// The series makes no volume.
    #[error(transparent)]
    Dicom(#[from] DicomError),
    /// The picture cannot be read.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The array cannot be read.
    #[error(transparent)]
    Npy(#[from] NpyError),
}

impl IntakeError {
    /// The stable code of this error.
    pub fn code(&self) -> Code {
        match self {
            Self::Refused { code } => *code,
            Self::Dicom(error) => error.code(),
            Self::Picture(error) => match error {
                PictureError::Unreadable { .. } => Code::Unreadable,
                PictureError::Format => Code::NotDicom,
                PictureError::TooLarge => Code::TooLarge,
                PictureError::Empty { .. } | PictureError::Volume { .. } => Code::Dimensions,
                PictureError::Pixels { .. } | PictureError::Decode { .. } => Code::Codec,
            },
            Self::Npy(error) => match error {
                NpyError::Io { .. } => Code::Unreadable,
                NpyError::Format => Code::NotDicom,
                NpyError::Header => Code::Malformed,
                NpyError::ElementType | NpyError::FortranOrder => Code::Codec,
                NpyError::Length { .. } => Code::PixelLength,
                NpyError::Axes { .. } | NpyError::Grid { .. } | NpyError::Volume { .. } => Code::Dimensions,
            },
        }
    }
}

/// One thing to read, found under the user's paths.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The file; for a series its folder (its first file where a folder holds several series).
    pub path: PathBuf,
    source: Source,
}

#[derive(Debug, Clone, PartialEq)]
enum Source {
    Picture,
    Series(Box<Series>),
    Npy,
    Refused(Verdict),
}

impl Item {
    /// What the item is.
    pub fn kind(&self) -> Kind {
        match self.source {
            Source::Picture => Kind::Picture,
            Source::Series(_) => Kind::Series,
            Source::Npy => Kind::VolumeFile,
            Source::Refused(_) => Kind::Refused,
        }
    }

    /// The verdict of an item that was refused when it was found; it will not load.
    pub fn refusal(&self) -> Option<&Verdict> {
        match &self.source {
            Source::Refused(verdict) => Some(verdict),
            _ => None,
        }
    }

    /// Reads the item's volume.
    ///
    /// # Errors
    /// [`IntakeError`] with the code of what is wrong with it.
    pub fn load(&self, settings: &Settings) -> Result<Loaded, IntakeError> {
        match &self.source {
            Source::Picture => {
                let picture = read_picture(&self.path)?;
                Ok(Loaded {
                    volume: picture.volume,
                    warnings: Vec::new(),
                    max_value: Some(picture.max_value),
                })
            }
            Source::Series(series) => {
                let assembled = assemble(series, &settings.assemble)?;
                Ok(Loaded { volume: assembled.volume, warnings: assembled.warnings, max_value: None })
            }
            Source::Npy => {
                let volume = read_npy_volume(&self.path, settings.npy_spacing_mm)?;
                Ok(Loaded { volume, warnings: Vec::new(), max_value: None })
            }
            Source::Refused(verdict) => {
                let code = verdict.codes().first().copied().unwrap_or(Code::NotDicom);
                Err(IntakeError::Refused { code })
            }
        }
    }
}

/// Finds all items in files and folders, in the order of their paths.
///
/// In a folder, files of other formats are passed over silently, unless their name promises one
/// that pulmo reads; a file that is named itself is always told.
pub fn find(paths: &[PathBuf]) -> Vec<Item> {
    let Discovery { series, refused, others } = discover(paths);
    let of_series = series
        .into_iter()
        .map(|series| Item { path: series.path.clone(), source: Source::Series(Box::new(series)) });
    let of_refused =
        refused.into_iter().map(|Refused { path, verdict }| Item { path, source: Source::Refused(verdict) });
    let of_others = others.into_iter().filter_map(|path| {
        let source = recognise(&path, paths.contains(&path))?;
        Some(Item { path, source })
    });
    let mut items: Vec<Item> = of_series.chain(of_refused).chain(of_others).collect();
    items.sort_by(|a, b| a.path.cmp(&b.path));
    items
}

fn recognise(path: &Path, is_named: bool) -> Option<Source> {
    if is_picture(path) {
        return Some(Source::Picture);
    }
    if is_npy(path) {
        return Some(Source::Npy);
    }
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    let is_promised = extension.is_some_and(|extension| PROMISING_EXTENSIONS.contains(&extension.as_str()));
    (is_named || is_promised).then_some(Source::Refused(Verdict::RejectFile(Code::NotDicom)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::write_npy;

    /// A BMP of one pixel, 24 bits (whatever its name says).
    fn black_pixel() -> Vec<u8> {
        let mut bytes = b"BM".to_vec();
        bytes.extend([58u32, 0, 54, 40, 1, 1].iter().flat_map(|word| word.to_le_bytes()));
        bytes.extend([1, 0, 24, 0]);
        bytes.resize(58, 0);
        bytes
    }

    #[test]
    fn a_folder_gives_one_item_a_thing() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("b.png"), black_pixel()).unwrap();
        write_npy(&at("c.npy"), &[2, 2], &[0.0; 4]).unwrap();
        std::fs::write(at("a.dcm"), b"not dicom at all").unwrap();
        std::fs::write(at("labels.csv"), b"path,label").unwrap();
        std::fs::write(at(".hidden.png"), b"").unwrap();
        let items = find(&[folder.path().to_path_buf()]);
        let found: Vec<_> = items.iter().map(|item| (item.path.clone(), item.kind())).collect();
        let expected =
            [(at("a.dcm"), Kind::Refused), (at("b.png"), Kind::Picture), (at("c.npy"), Kind::VolumeFile)];
        assert_eq!(found, expected);
        let codes: Vec<_> =
            items.iter().map(|item| item.load(&Settings::default()).err().map(|e| e.code())).collect();
        assert_eq!(codes, [Some(Code::NotDicom), None, None]);
        assert_eq!(find(&[at("labels.csv")])[0].kind(), Kind::Refused);
        assert_eq!(find(&[at("gone.png")])[0].refusal(), Some(&Verdict::RejectFile(Code::Unreadable)));
    }
}
