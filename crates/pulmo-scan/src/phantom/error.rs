//! What can go wrong while phantom studies are made and written.

use std::path::PathBuf;

use crate::dicom::WriteError;
use crate::files::VolumeFileError;
use crate::geometry::GridError;
use crate::units::Millimetres;
use crate::volume::VolumeError;

/// Why a phantom study cannot be made or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PhantomError {
    /// A setting is outside what the phantom can do.
    #[error("{setting} cannot be {value}: {needed}")]
    Setting {
        /// The setting's name.
        setting: &'static str,
        /// The value given.
        value: String,
        /// What it must be.
        needed: &'static str,
    },
    /// The lungs have no room for a nodule of this size.
    #[error("no room in the lungs for a nodule of {diameter_mm:.1} mm")]
    NoRoom {
        /// The nodule's diameter.
        diameter_mm: Millimetres,
    },
    /// The scanner's grid is impossible.
    #[error("no grid for the study")]
    Grid(#[from] GridError),
    /// Grid and voxels do not fit each other.
    #[error("no volume for the study")]
    Volume(#[from] VolumeError),
    /// The DICOM files cannot be written.
    #[error("cannot write a study's DICOM files")]
    Dicom(#[from] WriteError),
    /// A region's file cannot be written.
    #[error("cannot write a region of a study")]
    Region(#[from] VolumeFileError),
    /// The manifest cannot be written.
    #[error("cannot write {path}")]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// The writer's reason.
        source: csv::Error,
    },
    /// The detailed truth cannot be written.
    #[error("cannot write {path}")]
    Truth {
        /// The file.
        path: PathBuf,
        /// The writer's reason.
        source: std::io::Error,
    },
}
