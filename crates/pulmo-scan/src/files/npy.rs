//! NumPy's array files (`.npy`).

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use glam::DAffine3;

use super::element::{ByteOrder, ElementType, ValueEncoding, count_of, read_values, volume_of, write_values};
use super::{VolumeFileError, stream};
use crate::geometry::Grid;
use crate::volume::Volume;

const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// Longest header accepted, in bytes.
const LONGEST_HEADER: usize = 1 << 16;

/// An array as it was stored, its values as `f32`.
#[derive(Debug, Clone, PartialEq)]
pub struct NpyArray {
    /// Length of each axis, slowest first.
    pub shape: Vec<usize>,
    /// The values in C order; `f8` and `i4` are rounded to `f32`.
    pub values: Vec<f32>,
}

/// Whether the file starts like a `.npy` file.
pub(super) fn is_npy(beginning: &[u8]) -> bool {
    beginning.starts_with(MAGIC)
}

/// Reads an array of integers of 8 to 64 bits, `f4` or `f8`, of either byte order and in C order.
///
/// # Errors
/// [`VolumeFileError`] where the file is no such array, is cut off or too long.
///
/// # References
/// NumPy Enhancement Proposal 1 (format versions 1.0 to 3.0).
pub fn read_npy(path: &Path) -> Result<NpyArray, VolumeFileError> {
    read_array(&mut BufReader::new(stream::regular(path)?))
}

/// The number of values that a header promises.
pub(super) fn npy_count(path: &Path) -> Result<usize, VolumeFileError> {
    array_count(&mut BufReader::new(stream::regular(path)?))
}

/// The number of values that the header at the beginning of a stream promises.
pub(super) fn array_count(from: &mut impl Read) -> Result<usize, VolumeFileError> {
    count_of(&parse_header(&read_header(from)?)?.1)
}

/// Reads an array that takes all of a stream.
pub(super) fn read_array(from: &mut impl Read) -> Result<NpyArray, VolumeFileError> {
    let (encoding, shape) = parse_header(&read_header(from)?)?;
    let values = read_values(from, encoding, count_of(&shape)?)?;
    Ok(NpyArray { shape, values })
}

/// Reads an array of 2 or 3 axes as a volume. A spacing `[z, y, x]` in millimetres makes an aligned
/// grid in patient space; without one the grid's unit is the pixel.
///
/// # Errors
/// [`VolumeFileError`] as for [`read_npy`], and where the array makes no volume.
pub fn read_npy_volume(path: &Path, spacing_mm: Option<[f64; 3]>) -> Result<Volume, VolumeFileError> {
    read_npy(path)?.volume(spacing_mm)
}

impl NpyArray {
    /// The array as a volume, as for [`read_npy_volume`].
    pub(super) fn volume(self, spacing_mm: Option<[f64; 3]>) -> Result<Volume, VolumeFileError> {
        let shape_zyx = match self.shape[..] {
            [y, x] => [1, y, x],
            [z, y, x] => [z, y, x],
            _ => return Err(VolumeFileError::Axes { axes: self.shape.len() }),
        };
        let grid = match spacing_mm {
            Some(spacing_mm) => Grid::aligned(shape_zyx, spacing_mm)?,
            None => Grid::of_picture(shape_zyx[1], shape_zyx[2])?.derived(shape_zyx, DAffine3::IDENTITY)?,
        };
        volume_of(grid, self.values)
    }
}

/// Writes `values` in C order as an array of `f4` with any number of axes.
///
/// # Errors
/// [`VolumeFileError::Count`] where there are not as many values as the shape says;
/// [`VolumeFileError::Io`].
pub fn write_npy(path: &Path, shape: &[usize], values: &[f32]) -> Result<(), VolumeFileError> {
    let expected = shape.iter().product();
    if expected != values.len() {
        return Err(VolumeFileError::Count { expected, found: values.len() });
    }
    let sides: String = shape.iter().map(|side| format!("{side}, ")).collect();
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}), }}", sides.trim_end());
    // magic, version, length, header and its line feed fill whole blocks of 64 bytes
    let padding =
        (MAGIC.len() + 4 + header.len() + 1).next_multiple_of(64) - (MAGIC.len() + 4 + header.len() + 1);
    header.push_str(&" ".repeat(padding));
    header.push('\n');
    let length = u16::try_from(header.len()).map_err(|_| malformed())?;
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(MAGIC)?;
    file.write_all(&[1, 0])?;
    file.write_all(&length.to_le_bytes())?;
    file.write_all(header.as_bytes())?;
    write_values(&mut file, values, ElementType::F32)?;
    Ok(file.flush()?)
}

fn malformed() -> VolumeFileError {
    VolumeFileError::Header { what: "the dictionary of an array" }
}

/// The type and byte order that a header names, such as `<f4`.
fn encoding_named(description: &str) -> Option<ValueEncoding> {
    let (order, kind) = description.split_at_checked(1)?;
    let element = match kind {
        "i1" => ElementType::I8,
        "u1" => ElementType::U8,
        "i2" => ElementType::I16,
        "u2" => ElementType::U16,
        "i4" => ElementType::I32,
        "u4" => ElementType::U32,
        "i8" => ElementType::I64,
        "u8" => ElementType::U64,
        "f4" => ElementType::F32,
        "f8" => ElementType::F64,
        _ => return None,
    };
    let order = match order {
        "<" => ByteOrder::Little,
        ">" => ByteOrder::Big,
        "|" if element.bytes() == 1 => ByteOrder::Little,
        _ => return None,
    };
    Some(ValueEncoding::plain(element, order))
}

fn read_header(file: &mut impl Read) -> Result<String, VolumeFileError> {
    let mut start = [0; 8];
    file.read_exact(&mut start).map_err(|_| VolumeFileError::Format)?;
    if !start.starts_with(MAGIC) {
        return Err(VolumeFileError::Format);
    }
    let mut length = [0; 4];
    let length_bytes = if start[6] == 1 { 2 } else { 4 };
    file.read_exact(&mut length[..length_bytes]).map_err(|_| malformed())?;
    let length = u32::from_le_bytes(length) as usize;
    if length > LONGEST_HEADER {
        return Err(malformed());
    }
    let mut header = vec![0; length];
    file.read_exact(&mut header).map_err(|_| malformed())?;
    String::from_utf8(header).map_err(|_| malformed())
}

/// Reads the three entries of the header's dictionary.
fn parse_header(header: &str) -> Result<(ValueEncoding, Vec<usize>), VolumeFileError> {
    let after = |key: &str| {
        let (_, rest) = header.split_once(&format!("'{key}'"))?;
        Some(rest.trim_start().strip_prefix(':')?.trim_start())
    };
    let description =
        after("descr").and_then(|rest| rest.strip_prefix('\'')).and_then(|rest| rest.split_once('\''));
    let (description, _) = description.ok_or_else(malformed)?;
    if after("fortran_order").ok_or_else(malformed)?.starts_with("True") {
        return Err(VolumeFileError::FortranOrder);
    }
    let shape = after("shape").and_then(|rest| rest.strip_prefix('(')).and_then(|rest| rest.split_once(')'));
    let (shape, _) = shape.ok_or_else(malformed)?;
    let sides = shape.split(',').map(str::trim).filter(|side| !side.is_empty());
    let shape = sides.map(str::parse).collect::<Result<Vec<usize>, _>>().map_err(|_| malformed())?;
    Ok((encoding_named(description).ok_or(VolumeFileError::ElementType)?, shape))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Unit;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        let values: Vec<f32> = (0u8..24).map(f32::from).collect();
        for shape in [vec![24], vec![4, 6], vec![2, 3, 4], vec![1, 2, 3, 4]] {
            write_npy(&path, &shape, &values).unwrap();
            assert!(is_npy(&std::fs::read(&path).unwrap()));
            assert_eq!(read_npy(&path).unwrap(), NpyArray { shape, values: values.clone() });
        }
        assert!(matches!(read_npy_volume(&path, None), Err(VolumeFileError::Axes { axes: 4 })));
        assert!(matches!(
            write_npy(&path, &[5], &values),
            Err(VolumeFileError::Count { expected: 5, found: 24 })
        ));
    }

    #[test]
    fn a_volume_has_pixels_unless_millimetres_are_given() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        write_npy(&path, &[2, 1, 2], &[1.0, 2.0, 3.0, 4.0]).unwrap();
        let pixels = read_npy_volume(&path, None).unwrap();
        assert_eq!((pixels.grid().unit(), pixels.grid().spacing_mm()), (Unit::Pixel, [1.0; 3]));
        let patient = read_npy_volume(&path, Some([3.0, 2.0, 1.0])).unwrap();
        assert_eq!((patient.grid().unit(), patient.grid().spacing_mm()), (Unit::Millimetre, [3.0, 2.0, 1.0]));
    }

    /// ORIGIN: bytes of `np.save(f, np.array([[-2, 300]], '<i2'))`, NumPy 2, format version 1.0.
    #[test]
    fn an_array_of_numpy_is_read() {
        let mut bytes = b"\x93NUMPY\x01\x00v\x00".to_vec();
        bytes.extend(
            format!("{:117}\n", "{'descr': '<i2', 'fortran_order': False, 'shape': (1, 2), }").into_bytes(),
        );
        bytes.extend([0xFE, 0xFF, 0x2C, 0x01]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(read_npy(&path).unwrap(), NpyArray { shape: vec![1, 2], values: vec![-2.0, 300.0] });
        std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        assert!(matches!(read_npy(&path), Err(VolumeFileError::Short { values: 2 })));
    }
}
