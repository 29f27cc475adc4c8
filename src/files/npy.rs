//! NumPy's array files (`.npy`).

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use glam::DAffine3;
use ndarray::Array3;

use crate::geometry::{Grid, GridError};
use crate::volume::{Volume, VolumeError};

const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// Longest header accepted, in bytes.
const LONGEST_HEADER: usize = 1 << 16;

/// Why an array file cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NpyError {
    /// The file cannot be opened, read or written.
    #[error("the array file cannot be read or written")]
    Io {
        /// What the operating system says.
        #[from]
        source: std::io::Error,
    },
    /// The content is no `.npy` file.
    #[error("the file is no NumPy array")]
    Format,
    /// The header is not one that NumPy writes.
    #[error("the array's header is malformed")]
    Header,
    /// The element type is not one of `f4 f8 i2 u2 u1 i4`, little endian.
    #[error("arrays of this element type are not supported")]
    ElementType,
    /// The array is in Fortran order.
    #[error("the array is in Fortran order; save it with np.ascontiguousarray")]
    FortranOrder,
    /// The array has too few or too many axes for a volume.
    #[error("an array of {axes} axes is no volume; 2 or 3 are needed")]
    Axes {
        /// Axes of the array.
        axes: usize,
    },
    /// The file holds another number of bytes than its shape needs.
    #[error("the shape needs {expected} bytes of values, the file holds {found}")]
    Length {
        /// Bytes needed.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// The shape makes no grid.
    #[error("the array makes no grid")]
    Grid {
        /// What the grid says.
        #[from]
        source: GridError,
    },
    /// Values and grid do not fit together.
    #[error("the array makes no volume")]
    Volume {
        /// What the volume says.
        #[from]
        source: VolumeError,
    },
}

/// An array as it was stored, its values as `f32`.
#[derive(Debug, Clone, PartialEq)]
pub struct NpyArray {
    /// Length of each axis, slowest first.
    pub shape: Vec<usize>,
    /// The values in C order; `f8` and `i4` are rounded to `f32`.
    pub values: Vec<f32>,
}

/// Whether the file starts like a `.npy` file.
pub fn is_npy(path: &Path) -> bool {
    let mut beginning = [0; MAGIC.len()];
    File::open(path).and_then(|mut file| file.read_exact(&mut beginning)).is_ok() && beginning == *MAGIC
}

/// Reads an array of `f4`, `f8`, `i2`, `u2`, `u1` or `i4`, little endian and in C order.
///
/// # Errors
/// [`NpyError`] where the file is no such array or is cut off.
///
/// # References
/// NumPy Enhancement Proposal 1 (format versions 1.0 to 3.0).
pub fn read_npy(path: &Path) -> Result<NpyArray, NpyError> {
    let mut file = BufReader::new(File::open(path)?);
    let header = read_header(&mut file)?;
    let (element, shape) = parse_header(&header)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let found = bytes.len();
    let expected = shape.iter().try_fold(element.bytes(), |product, side| product.checked_mul(*side));
    match expected {
        Some(expected) if expected == found => Ok(NpyArray { shape, values: element.values(&bytes) }),
        expected => Err(NpyError::Length { expected: expected.unwrap_or(usize::MAX), found }),
    }
}

/// Reads an array of 2 or 3 axes as a volume. A spacing `[z, y, x]` in millimetres makes an aligned
/// grid in patient space; without one the grid's unit is the pixel.
///
/// # Errors
/// [`NpyError`] as for [`read_npy`], and where the array makes no volume.
pub fn read_npy_volume(path: &Path, spacing_mm: Option<[f64; 3]>) -> Result<Volume, NpyError> {
    let NpyArray { shape, values } = read_npy(path)?;
    let shape_zyx = match shape[..] {
        [y, x] => [1, y, x],
        [z, y, x] => [z, y, x],
        _ => return Err(NpyError::Axes { axes: shape.len() }),
    };
    let grid = match spacing_mm {
        Some(spacing_mm) => Grid::aligned(shape_zyx, spacing_mm)?,
        None => Grid::of_picture(shape_zyx[1], shape_zyx[2])?.derived(shape_zyx, DAffine3::IDENTITY)?,
    };
    let misfit = VolumeError::Shape { voxels_zyx: [1, 1, values.len()], grid_zyx: shape_zyx };
    let voxels = Array3::from_shape_vec(shape_zyx, values).map_err(|_| misfit)?;
    Ok(Volume::new(grid, voxels)?)
}

/// Writes `values` in C order as an array of `f4` with any number of axes.
///
/// # Errors
/// [`NpyError::Length`] where there are not as many values as the shape says; [`NpyError::Io`].
pub fn write_npy(path: &Path, shape: &[usize], values: &[f32]) -> Result<(), NpyError> {
    let expected = 4 * shape.iter().product::<usize>();
    if expected != 4 * values.len() {
        return Err(NpyError::Length { expected, found: 4 * values.len() });
    }
    let sides: String = shape.iter().map(|side| format!("{side}, ")).collect();
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}), }}", sides.trim_end());
    // magic, version, length, header and its line feed fill whole blocks of 64 bytes
    let padding =
        (MAGIC.len() + 4 + header.len() + 1).next_multiple_of(64) - (MAGIC.len() + 4 + header.len() + 1);
    header.push_str(&" ".repeat(padding));
    header.push('\n');
    let length = u16::try_from(header.len()).map_err(|_| NpyError::Header)?;
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(MAGIC)?;
    file.write_all(&[1, 0])?;
    file.write_all(&length.to_le_bytes())?;
    file.write_all(header.as_bytes())?;
    for value in values {
        file.write_all(&value.to_le_bytes())?;
    }
    Ok(file.flush()?)
}

/// An element type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    F4,
    F8,
    I2,
    U2,
    U1,
    I4,
}

impl Element {
    fn named(description: &str) -> Option<Self> {
        Some(match description {
            "<f4" => Self::F4,
            "<f8" => Self::F8,
            "<i2" => Self::I2,
            "<u2" => Self::U2,
            "|u1" | "<u1" => Self::U1,
            "<i4" => Self::I4,
            _ => return None,
        })
    }

    fn bytes(self) -> usize {
        match self {
            Self::U1 => 1,
            Self::I2 | Self::U2 => 2,
            Self::F4 | Self::I4 => 4,
            Self::F8 => 8,
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "f8 is rounded to f32, as documented")]
    fn values(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Self::F4 => each(bytes, f32::from_le_bytes),
            Self::F8 => each(bytes, |value| f64::from_le_bytes(value) as f32),
            Self::I2 => each(bytes, |value| f32::from(i16::from_le_bytes(value))),
            Self::U2 => each(bytes, |value| f32::from(u16::from_le_bytes(value))),
            Self::U1 => each(bytes, |[value]: [u8; 1]| f32::from(value)),
            Self::I4 => each(bytes, |value| i32::from_le_bytes(value) as f32),
        }
    }
}

fn each<const N: usize>(bytes: &[u8], value: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes.as_chunks::<N>().0.iter().map(|chunk| value(*chunk)).collect()
}

fn read_header(file: &mut impl Read) -> Result<String, NpyError> {
    let mut start = [0; 8];
    file.read_exact(&mut start).map_err(|_| NpyError::Format)?;
    if !start.starts_with(MAGIC) {
        return Err(NpyError::Format);
    }
    let mut length = [0; 4];
    let length_bytes = if start[6] == 1 { 2 } else { 4 };
    file.read_exact(&mut length[..length_bytes]).map_err(|_| NpyError::Header)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > LONGEST_HEADER {
        return Err(NpyError::Header);
    }
    let mut header = vec![0; length];
    file.read_exact(&mut header).map_err(|_| NpyError::Header)?;
    String::from_utf8(header).map_err(|_| NpyError::Header)
}

/// Reads the three entries of the header's dictionary.
fn parse_header(header: &str) -> Result<(Element, Vec<usize>), NpyError> {
    let after = |key: &str| {
        let (_, rest) = header.split_once(&format!("'{key}'"))?;
        Some(rest.trim_start().strip_prefix(':')?.trim_start())
    };
    let description =
        after("descr").and_then(|rest| rest.strip_prefix('\'')).and_then(|rest| rest.split_once('\''));
    let (description, _) = description.ok_or(NpyError::Header)?;
    if after("fortran_order").ok_or(NpyError::Header)?.starts_with("True") {
        return Err(NpyError::FortranOrder);
    }
    let shape = after("shape").and_then(|rest| rest.strip_prefix('(')).and_then(|rest| rest.split_once(')'));
    let (shape, _) = shape.ok_or(NpyError::Header)?;
    let sides = shape.split(',').map(str::trim).filter(|side| !side.is_empty());
    let shape = sides.map(str::parse).collect::<Result<Vec<usize>, _>>().map_err(|_| NpyError::Header)?;
    Ok((Element::named(description).ok_or(NpyError::ElementType)?, shape))
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
            assert!(is_npy(&path));
            assert_eq!(read_npy(&path).unwrap(), NpyArray { shape, values: values.clone() });
        }
        assert!(matches!(read_npy_volume(&path, None), Err(NpyError::Axes { axes: 4 })));
        assert!(matches!(write_npy(&path, &[5], &values), Err(NpyError::Length { .. })));
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
        assert!(matches!(read_npy(&path), Err(NpyError::Length { expected: 4, found: 3 })));
    }
}
