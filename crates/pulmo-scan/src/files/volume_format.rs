//! Files that hold one volume each, whatever their format.

use std::path::Path;

use super::archive::is_zip;
use super::element::MAX_VOLUME_VOXELS;
use super::metaimage::{is_metaimage, metaimage_count, read_metaimage};
use super::nifti::{is_nifti, nifti_count, read_nifti};
use super::npy::{is_npy, npy_count, read_npy_volume};
use super::npz::{is_npz, npz_count, read_npz};
use super::nrrd::{is_nrrd, nrrd_count, read_nrrd};
use super::{VolumeFile, VolumeFileError, stream};

/// Bytes from which a format is told.
const TELLING_BYTES: u64 = 4096;

/// The format of a file that holds volumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VolumeFormat {
    /// NumPy's `.npy`.
    Npy,
    /// NumPy's `.npz`.
    Npz,
    /// NIfTI-1 or NIfTI-2, compressed or not.
    Nifti,
    /// MetaImage.
    MetaImage,
    /// NRRD, its values in the file or beside it.
    Nrrd,
}

/// What a file is, as far as its first bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// One volume.
    Volume(VolumeFormat),
    /// A zip archive of files.
    Archive,
}

/// Tells volume files and archives by their content; `None` for everything else.
pub fn recognise_container(path: &Path) -> Option<Container> {
    let beginning = stream::beginning(stream::open(path).ok()?, TELLING_BYTES);
    Some(Container::Volume(match beginning.as_slice() {
        bytes if is_npy(bytes) => VolumeFormat::Npy,
        bytes if is_nifti(bytes) => VolumeFormat::Nifti,
        bytes if is_nrrd(bytes) => VolumeFormat::Nrrd,
        bytes if is_metaimage(bytes) => VolumeFormat::MetaImage,
        bytes if is_zip(bytes) && is_npz(path) => VolumeFormat::Npz,
        bytes if is_zip(bytes) => return Some(Container::Archive),
        _ => return None,
    }))
}

/// Returns how many voxels the header of a volume file promises, at most [`MAX_VOLUME_VOXELS`]; `None`
/// where the header cannot be read. No value is read.
pub fn volume_voxels(path: &Path, format: VolumeFormat) -> Option<usize> {
    let voxels = match format {
        VolumeFormat::Npy => npy_count(path),
        VolumeFormat::Npz => npz_count(path),
        VolumeFormat::Nifti => nifti_count(path),
        VolumeFormat::MetaImage => metaimage_count(path),
        VolumeFormat::Nrrd => nrrd_count(path),
    };
    Some(voxels.ok()?.min(MAX_VOLUME_VOXELS))
}

/// Reads a volume file. `npy_spacing_mm` is the spacing `[z, y, x]` of `.npy` files, which state none.
///
/// # Errors
/// [`VolumeFileError`] where the file gives no volume.
pub fn read_volume(
    path: &Path,
    format: VolumeFormat,
    npy_spacing_mm: Option<[f64; 3]>,
) -> Result<VolumeFile, VolumeFileError> {
    let volume = match format {
        VolumeFormat::Nifti => return read_nifti(path),
        VolumeFormat::Npy => read_npy_volume(path, npy_spacing_mm),
        VolumeFormat::Npz => read_npz(path),
        VolumeFormat::MetaImage => read_metaimage(path),
        VolumeFormat::Nrrd => read_nrrd(path),
    };
    Ok(volume?.into())
}
