//! NIfTI-1 and NIfTI-2 files (`.nii`, `.nii.gz`), read.

use std::io::Read;
use std::path::Path;

use glam::{DAffine3, DVec3};

use super::element::{ByteOrder, Element, Encoding, count_of, read_values, volume_of};
use super::nifti_place::placement;
use super::placement::grid_of;
use super::{VolumeFile, VolumeFileError, VolumeFileWarning, stream};

/// Bytes of a NIfTI-1 header.
pub(super) const HEADER_1_BYTES: u16 = 348;
/// Bytes of a NIfTI-2 header.
const HEADER_2_BYTES: u16 = 540;
/// Magic of a NIfTI-1 file that holds header and values.
pub(super) const MAGIC_1: &[u8; 4] = b"n+1\0";
const MAGIC_2: &[u8; 8] = b"n+2\0\r\n\x1a\n";

/// Furthest start of the values accepted: header extensions are skipped, never kept.
const FURTHEST_VALUES: u64 = 1 << 26;

/// NIfTI's patient axes point to the right and to the front, LPS ones to the left and to the back.
pub(super) const LPS_FROM_RAS: DVec3 = DVec3::new(-1.0, -1.0, 1.0);

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
    encoding: Encoding,
    values_at: u64,
    patient_from_voxel: DAffine3,
    warnings: Vec<VolumeFileWarning>,
    is_nifti_2: bool,
}

/// The bytes of a header, whose numbers are read at the offsets of `nifti1.h` and `nifti2.h`.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    pub(super) bytes: &'a [u8],
    order: ByteOrder,
    pub(super) is_nifti_2: bool,
}

impl<'a> Fields<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let size = *bytes.first_chunk::<4>()?;
        let has_size = |number: u16| match u32::from(number) {
            number if u32::from_le_bytes(size) == number => Some(ByteOrder::Little),
            number if u32::from_be_bytes(size) == number => Some(ByteOrder::Big),
            _ => None,
        };
        if let (Some(order), Some(MAGIC_1)) = (has_size(HEADER_1_BYTES), bytes.get(344..348)?.first_chunk()) {
            return Some(Self { bytes, order, is_nifti_2: false });
        }
        let order = has_size(HEADER_2_BYTES).filter(|_| bytes.get(4..12) == Some(MAGIC_2))?;
        Some(Self { bytes, order, is_nifti_2: true })
    }

    /// The bytes of one number, least significant first; zeros beyond the header's end.
    pub(super) fn number<const N: usize>(&self, at: usize) -> [u8; N] {
        let found = self.bytes.get(at..).and_then(|rest| rest.first_chunk::<N>());
        let mut bytes = found.copied().unwrap_or([0; N]);
        if self.order == ByteOrder::Big {
            bytes.reverse();
        }
        bytes
    }

    /// A whole number: `i16` at the first offset in NIfTI-1, `i64` at the second in NIfTI-2.
    fn dimension(&self, index: usize) -> i64 {
        match self.is_nifti_2 {
            true => i64::from_le_bytes(self.number(16 + 8 * index)),
            false => i16::from_le_bytes(self.number(40 + 2 * index)).into(),
        }
    }

    /// A code: `i16` at the first offset in NIfTI-1, `i32` at the second in NIfTI-2.
    pub(super) fn code(&self, [first, second]: [usize; 2]) -> i32 {
        match self.is_nifti_2 {
            true => i32::from_le_bytes(self.number(second)),
            false => i16::from_le_bytes(self.number(first)).into(),
        }
    }

    /// The number at `index` of a list: `f32` from the first offset in NIfTI-1, `f64` from the
    /// second in NIfTI-2.
    pub(super) fn real(&self, [first, second]: [usize; 2], index: usize) -> f64 {
        match self.is_nifti_2 {
            true => f64::from_le_bytes(self.number(second + 8 * index)),
            false => f32::from_le_bytes(self.number(first + 4 * index)).into(),
        }
    }

    pub(super) fn vector(&self, at: [usize; 2], first: usize) -> DVec3 {
        DVec3::from_array([0, 1, 2].map(|index| self.real(at, first + index)))
    }

    /// Where the values start. 0 is written for the first place possible, as nibabel and ITK read it: behind
    /// the header and the four bytes that say whether extensions follow.
    fn values_at(&self) -> Option<u64> {
        let header = if self.is_nifti_2 { HEADER_2_BYTES } else { HEADER_1_BYTES };
        self.stated_values_at().map(|at| if at == 0 { u64::from(header) + 4 } else { at })
    }

    fn stated_values_at(&self) -> Option<u64> {
        if self.is_nifti_2 {
            return u64::try_from(i64::from_le_bytes(self.number(168))).ok();
        }
        let offset = self.real([108, 108], 0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and in range")]
        let values_at = offset as u64;
        let is_sound = offset.fract() == 0.0 && (0.0..=FURTHEST_VALUES as f64).contains(&offset);
        is_sound.then_some(values_at)
    }
}

fn header(fields: &Fields<'_>) -> Result<Header, VolumeFileError> {
    let wrong = |what| VolumeFileError::Header { what };
    let (patient_from_voxel, warnings) = placement(fields)?;
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

fn encoding(fields: &Fields<'_>) -> Result<Encoding, VolumeFileError> {
    // NIfTI-2 holds data types as i16 too, at another place
    let kind = i16::from_le_bytes(fields.number(if fields.is_nifti_2 { 12 } else { 70 }));
    let element = match kind {
        2 => Element::U8,
        4 => Element::I16,
        8 => Element::I32,
        16 => Element::F32,
        64 => Element::F64,
        256 => Element::I8,
        512 => Element::U16,
        768 => Element::U32,
        1024 => Element::I64,
        1280 => Element::U64,
        _ => return Err(VolumeFileError::ElementType),
    };
    let [slope, intercept] = [fields.real([112, 176], 0), fields.real([116, 184], 0)];
    // a slope of zero says that there is none; NaN is what some tools write for none
    let is_scaled = slope != 0.0 && !slope.is_nan();
    if is_scaled && !(slope.is_finite() && intercept.is_finite()) {
        return Err(VolumeFileError::Header { what: "scl_slope" });
    }
    let plain = Encoding::plain(element, fields.order);
    Ok(if is_scaled { Encoding { slope, intercept, ..plain } } else { plain })
}
