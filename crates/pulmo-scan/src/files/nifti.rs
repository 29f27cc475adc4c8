//! NIfTI-1 and NIfTI-2 files (`.nii`, `.nii.gz`), read.

use std::io::Read;
use std::path::Path;

use glam::DAffine3;

use super::element::{ElementType, ValueEncoding, count_of, read_values, volume_of};
use super::nifti_fields::{FURTHEST_VALUES, Fields, HEADER_1_BYTES, HEADER_2_BYTES};
use super::nifti_place::{NiftiPlacement, placement};
use super::placement::grid_of;
use super::{VolumeFile, VolumeFileError, VolumeFileWarning, stream};

/// Whether the file starts like a NIfTI file, compressed or not.
pub(super) fn is_nifti(beginning: &[u8]) -> bool {
    Fields::of(beginning).is_some()
}

/// Reads a NIfTI-1 or NIfTI-2 file, compressed or not, of either byte order, as a volume in LPS
/// millimetres. The stored order of voxels is kept: axis `x` of the grid is NIfTI's `i`.
///
/// The `sform` is used where there is one, else the `qform`; a file with neither is refused, as it
/// does not say which side is left. Where both are set and disagree on the size of a voxel, on the order
/// of the axes or on a side, one of them is wrong and the file is refused; where a rigid motion lies
/// between them the scan was registered to another, and the `sform` is used with a warning. Axes of
/// length 1 beyond the third are dropped. NULs may follow a gzip stream.
///
/// # Shapes
/// `[k, j, i]`.
///
/// # Errors
/// [`VolumeFileError`] where the file is no such file, is cut off or too long, holds a series of
/// volumes, its axes are skewed, or its two transforms cannot both be right.
///
/// # References
/// NIfTI-1.1 data format (`nifti1.h`, 2007) and NIfTI-2 (`nifti2.h`, 2011).
pub fn read_nifti(path: &Path) -> Result<VolumeFile, VolumeFileError> {
    let mut file = stream::open(path)?;
    let header = read_header(&mut file)?;
    let read_so_far = if header.is_nifti_2 { HEADER_2_BYTES } else { HEADER_1_BYTES };
    let gap = header.values_at.checked_sub(read_so_far.into()).filter(|gap| *gap <= FURTHEST_VALUES);
    let gap = gap.ok_or(VolumeFileError::Header { what: "vox_offset" })?;
    std::io::copy(&mut file.by_ref().take(gap), &mut std::io::sink())?;
    let grid = grid_of(header.shape_zyx, header.patient_from_voxel)?;
    let values = read_values(&mut file, header.encoding, count_of(&header.shape_zyx)?)?;
    Ok(VolumeFile { volume: volume_of(grid, values)?, warnings: header.warnings })
}

/// The number of voxels that a header promises.
pub(super) fn nifti_count(path: &Path) -> Result<usize, VolumeFileError> {
    count_of(&read_header(&mut stream::open(path)?)?.shape_zyx)
}

/// Reads the header at the beginning of a stream, and no further.
fn read_header(from: &mut impl Read) -> Result<Header, VolumeFileError> {
    let bytes = stream::beginning(&mut *from, HEADER_1_BYTES.into());
    match Fields::of(&bytes).ok_or(VolumeFileError::Format)? {
        fields if fields.is_nifti_2 => {
            let rest = stream::beginning(from, (HEADER_2_BYTES - HEADER_1_BYTES).into());
            header(&Fields { bytes: &[bytes.as_slice(), &rest].concat(), ..fields })
        }
        fields => header(&fields),
    }
}

/// What a header says.
struct Header {
    shape_zyx: [usize; 3],
    encoding: ValueEncoding,
    values_at: u64,
    patient_from_voxel: DAffine3,
    warnings: Vec<VolumeFileWarning>,
    is_nifti_2: bool,
}

fn header(fields: &Fields<'_>) -> Result<Header, VolumeFileError> {
    let wrong = |what| VolumeFileError::Header { what };
    let NiftiPlacement { patient_from_voxel, warnings } = placement(fields)?;
    Ok(Header {
        shape_zyx: shape(fields)?,
        encoding: encoding(fields)?,
        values_at: fields.values_at().ok_or(wrong("vox_offset"))?,
        patient_from_voxel,
        warnings,
        is_nifti_2: fields.is_nifti_2,
    })
}

fn shape(fields: &Fields<'_>) -> Result<[usize; 3], VolumeFileError> {
    let wrong = || VolumeFileError::Header { what: "dim" };
    let axes = usize::try_from(fields.dimension(0)).ok().filter(|axes| (1..=7).contains(axes));
    let axes = axes.ok_or_else(wrong)?;
    let mut sides = [1; 7];
    for (index, side) in sides.iter_mut().enumerate().take(axes) {
        *side = usize::try_from(fields.dimension(index + 1)).map_err(|_| wrong())?;
    }
    match sides {
        [x, y, z, 1, 1, 1, 1] if axes >= 2 => Ok([z, y, x]),
        _ => Err(VolumeFileError::Axes { axes }),
    }
}

fn encoding(fields: &Fields<'_>) -> Result<ValueEncoding, VolumeFileError> {
    // NIfTI-2 holds data types as i16 too, at another place
    let kind = i16::from_le_bytes(fields.number(if fields.is_nifti_2 { 12 } else { 70 }));
    let element = match kind {
        2 => ElementType::U8,
        4 => ElementType::I16,
        8 => ElementType::I32,
        16 => ElementType::F32,
        64 => ElementType::F64,
        256 => ElementType::I8,
        512 => ElementType::U16,
        768 => ElementType::U32,
        1024 => ElementType::I64,
        1280 => ElementType::U64,
        _ => return Err(VolumeFileError::ElementType),
    };
    let [slope, intercept] = [fields.real([112, 176], 0), fields.real([116, 184], 0)];
    // a slope of zero says that there is none; NaN is what some tools write for none
    let is_scaled = slope != 0.0 && !slope.is_nan();
    if is_scaled && !(slope.is_finite() && intercept.is_finite()) {
        return Err(VolumeFileError::Header { what: "scl_slope" });
    }
    let plain = ValueEncoding::plain(element, fields.order);
    Ok(if is_scaled { ValueEncoding { slope, intercept, ..plain } } else { plain })
}
