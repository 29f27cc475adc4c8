//! NumPy's archives of arrays (`.npz`).

use std::io::Read;
use std::path::Path;

use super::VolumeFileError;
use super::archive::{Archive, open_archive};
use super::npy::{NpyArray, array_count, read_array};
use crate::volume::Volume;

/// The array of the volume, where there are several.
const VOLUME: &str = "volume.npy";
/// The array of the spacing `[z, y, x]` in millimetres.
const SPACING: [&str; 2] = ["spacing.npy", "spacing_mm.npy"];

/// Whether a zip archive holds arrays at its top and nothing else.
pub(super) fn is_npz(path: &Path) -> bool {
    let is_array = |name: &String| name.ends_with(".npy") && !name.contains(['/', '\\']);
    let names = open_archive(path).ok().and_then(|archive| names(&archive));
    names.is_some_and(|names| !names.is_empty() && names.iter().all(is_array))
}

fn names(archive: &Archive) -> Option<Vec<String>> {
    archive.file_names().map(|name| Some(name.ok()?.into_owned())).collect()
}

/// Reads an archive of arrays as a volume: the array `volume`, or the only one there is besides
/// `spacing`, on an aligned grid with the `spacing` `[z, y, x]` in millimetres (z towards the head, y
/// towards the back, x to the left). Without a spacing the grid's unit is the pixel.
///
/// # Errors
/// [`VolumeFileError`] as for [`read_npy_volume`](super::read_npy_volume), where it is unclear which
/// array is the volume, or the spacing is not three positive numbers.
pub fn read_npz(path: &Path) -> Result<Volume, VolumeFileError> {
    let mut archive = open_archive(path)?;
    let names = names(&archive).ok_or(VolumeFileError::Damaged)?;
    let (spacings, arrays): (Vec<&String>, Vec<&String>) =
        names.iter().partition(|name| SPACING.contains(&name.as_str()));
    let spacing_mm = match spacings[..] {
        [] => None,
        [name] => Some(spacing_of(&array(&mut archive, name)?)?),
        _ => return Err(VolumeFileError::Spacing),
    };
    let volume = match arrays[..] {
        [only] => only,
        _ => arrays
            .iter()
            .find(|name| name.as_str() == VOLUME)
            .ok_or(VolumeFileError::Arrays { arrays: arrays.len() })?,
    };
    array(&mut archive, volume)?.volume(spacing_mm)
}

/// The most values that the header of one of the arrays promises.
pub(super) fn npz_count(path: &Path) -> Result<usize, VolumeFileError> {
    let mut archive = open_archive(path)?;
    let mut most = 0;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|_| VolumeFileError::Damaged)?;
        most = most.max(array_count(&mut entry)?);
    }
    Ok(most)
}

fn array(archive: &mut Archive, name: &str) -> Result<NpyArray, VolumeFileError> {
    let mut entry = archive.by_name(name).map_err(|_| VolumeFileError::Damaged)?;
    read_array(&mut entry.by_ref())
}

fn spacing_of(array: &NpyArray) -> Result<[f64; 3], VolumeFileError> {
    let spacing: [f32; 3] = array.values[..].try_into().map_err(|_| VolumeFileError::Spacing)?;
    let is_sound = spacing.iter().all(|mm| mm.is_finite() && *mm > 0.0);
    if is_sound { Ok(spacing.map(f64::from)) } else { Err(VolumeFileError::Spacing) }
}
