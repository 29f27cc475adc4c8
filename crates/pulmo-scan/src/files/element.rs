//! The values of volume files: typed numbers in a row, read and written as a stream.

use std::io::{BufRead, ErrorKind, Read, Write};

use ndarray::Array3;

use super::VolumeFileError;
use crate::geometry::Grid;
use crate::volume::{Volume, VolumeError};

/// Most voxels of a volume file, as many as of a DICOM series: 4 GiB of values.
pub const MAX_VOLUME_VOXELS: usize = 1 << 30;

/// Bytes read or written at once.
const BUFFER_BYTES: usize = 1 << 16;

/// Values for which memory is set aside before any byte of them was seen.
const VALUES_UNSEEN: usize = 1 << 20;

/// The type of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ElementType {
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    F32,
    F64,
}

impl ElementType {
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
        }
    }
}

/// Which byte of a number comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

/// How values are stored: `value = slope x element + intercept`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ValueEncoding {
    pub(super) element: ElementType,
    pub(super) order: ByteOrder,
    pub(super) slope: f64,
    pub(super) intercept: f64,
}

impl ValueEncoding {
    pub(super) fn plain(element: ElementType, order: ByteOrder) -> Self {
        Self { element, order, slope: 1.0, intercept: 0.0 }
    }

    /// Appends the values of whole elements.
    fn decode(&self, bytes: &[u8], values: &mut Vec<f32>) {
        match self.element {
            ElementType::I8 => self.each(bytes, values, |b: [u8; 1]| i8::from_le_bytes(b).into()),
            ElementType::U8 => self.each(bytes, values, |[b]: [u8; 1]| b.into()),
            ElementType::I16 => self.each(bytes, values, |b| i16::from_le_bytes(b).into()),
            ElementType::U16 => self.each(bytes, values, |b| u16::from_le_bytes(b).into()),
            ElementType::I32 => self.each(bytes, values, |b| i32::from_le_bytes(b).into()),
            ElementType::U32 => self.each(bytes, values, |b| u32::from_le_bytes(b).into()),
            ElementType::I64 => self.each(bytes, values, |b| i64::from_le_bytes(b) as f64),
            ElementType::U64 => self.each(bytes, values, |b| u64::from_le_bytes(b) as f64),
            ElementType::F32 => self.each(bytes, values, |b| f32::from_le_bytes(b).into()),
            ElementType::F64 => self.each(bytes, values, f64::from_le_bytes),
        }
    }

    fn each<const N: usize>(&self, bytes: &[u8], values: &mut Vec<f32>, number: impl Fn([u8; N]) -> f64) {
        let Self { slope, intercept, order, .. } = *self;
        values.extend(bytes.as_chunks::<N>().0.iter().map(|chunk| {
            let mut chunk = *chunk;
            if order == ByteOrder::Big {
                chunk.reverse();
            }
            #[expect(clippy::cast_possible_truncation, reason = "volumes hold f32: 24 bits of each value")]
            let value = (slope * number(chunk) + intercept) as f32;
            value
        }));
    }
}

/// The number of values of a shape.
pub(super) fn count_of(shape: &[usize]) -> Result<usize, VolumeFileError> {
    let count = shape.iter().try_fold(1usize, |count, side| count.checked_mul(*side));
    let within = count.filter(|count| *count <= MAX_VOLUME_VOXELS);
    within.ok_or(VolumeFileError::TooLarge { most: MAX_VOLUME_VOXELS })
}

/// Reads the last `count` values of a stream. Memory grows with the bytes that come, whatever a
/// header declares; a stream that ends early or goes on is an error.
pub(super) fn read_values(
    from: &mut impl Read,
    encoding: ValueEncoding,
    count: usize,
) -> Result<Vec<f32>, VolumeFileError> {
    let size = encoding.element.bytes();
    let mut values = Vec::with_capacity(count.min(VALUES_UNSEEN));
    let mut buffer = vec![0; BUFFER_BYTES];
    while values.len() < count {
        let bytes = (count - values.len()).saturating_mul(size).min(BUFFER_BYTES);
        from.read_exact(&mut buffer[..bytes]).map_err(|error| cut_off(error, count))?;
        encoding.decode(&buffer[..bytes], &mut values);
    }
    // the end of a compressed stream holds its checksum
    match from.take(1).read_to_end(&mut Vec::new()) {
        Ok(0) => Ok(values),
        Ok(_) => Err(VolumeFileError::Long { values: count }),
        Err(error) => Err(cut_off(error, count)),
    }
}

/// Longest number in a text, in characters.
const LONGEST_NUMBER: usize = 64;

/// Reads the last `count` values of a text of decimal numbers with blanks between them.
pub(super) fn read_text_values(from: &mut impl BufRead, count: usize) -> Result<Vec<f32>, VolumeFileError> {
    let mut values = Vec::with_capacity(count.min(VALUES_UNSEEN));
    while let Some(word) = next_word(from)? {
        if values.len() == count {
            return Err(VolumeFileError::Long { values: count });
        }
        #[expect(clippy::cast_possible_truncation, reason = "volumes hold f32: 24 bits of each value")]
        let value =
            std::str::from_utf8(&word).ok().and_then(|word| word.parse::<f64>().ok()).map(|v| v as f32);
        values.push(value.ok_or(VolumeFileError::Header { what: "a value, which is no number" })?);
    }
    if values.len() == count { Ok(values) } else { Err(VolumeFileError::Short { values: count }) }
}

/// The next characters without a blank; `None` at the end.
fn next_word(from: &mut impl BufRead) -> std::io::Result<Option<Vec<u8>>> {
    let mut word = Vec::new();
    for byte in from.by_ref().bytes() {
        match byte? {
            byte if byte.is_ascii_whitespace() && word.is_empty() => {}
            byte if byte.is_ascii_whitespace() => break,
            byte if word.len() < LONGEST_NUMBER => word.push(byte),
            _ => return Err(ErrorKind::InvalidData.into()),
        }
    }
    Ok((!word.is_empty()).then_some(word))
}

/// What a failure to read `values` values means.
fn cut_off(error: std::io::Error, values: usize) -> VolumeFileError {
    match error.kind() {
        ErrorKind::UnexpectedEof => VolumeFileError::Short { values },
        _ => error.into(),
    }
}

/// A volume of `values` in row-major order.
pub(super) fn volume_of(grid: Grid, values: Vec<f32>) -> Result<Volume, VolumeFileError> {
    let misfit = VolumeError::Shape { voxels_zyx: [1, 1, values.len()], grid_zyx: grid.shape_zyx() };
    let voxels = Array3::from_shape_vec(grid.shape_zyx(), values).map_err(|_| misfit)?;
    Ok(Volume::new(grid, voxels)?)
}

/// The smaller of `i16` and `f32` that holds all values exactly.
pub(super) fn smallest_element(values: &[f32]) -> ElementType {
    let range = f32::from(i16::MIN)..=f32::from(i16::MAX);
    let is_short = |value: &f32| range.contains(value) && value.fract() == 0.0;
    if values.iter().all(is_short) { ElementType::I16 } else { ElementType::F32 }
}

/// Writes values little endian, as `i16` where `element` says so and as `f32` otherwise.
pub(super) fn write_values(
    to: &mut impl Write,
    values: &[f32],
    element: ElementType,
) -> Result<(), VolumeFileError> {
    let mut bytes = Vec::with_capacity(BUFFER_BYTES);
    for some in values.chunks(BUFFER_BYTES / 4) {
        bytes.clear();
        match element {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "whole numbers within i16, as checked before"
            )]
            ElementType::I16 => bytes.extend(some.iter().flat_map(|value| (*value as i16).to_le_bytes())),
            _ => bytes.extend(some.iter().flat_map(|value| value.to_le_bytes())),
        }
        to.write_all(&bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(element: ElementType, order: ByteOrder, bytes: &[u8]) -> Vec<f32> {
        let count = bytes.len() / element.bytes();
        read_values(&mut &bytes[..], ValueEncoding::plain(element, order), count).unwrap()
    }

    #[test]
    fn each_type_is_read_in_both_orders() {
        use ElementType::*;
        for (element, little, value) in [
            (I8, vec![0xFE], -2.0),
            (U8, vec![0xFE], 254.0),
            (I16, (-1024i16).to_le_bytes().to_vec(), -1024.0),
            (U16, 65000u16.to_le_bytes().to_vec(), 65000.0),
            (I32, (-70000i32).to_le_bytes().to_vec(), -70000.0),
            (U32, 70000u32.to_le_bytes().to_vec(), 70000.0),
            (I64, (-3i64).to_le_bytes().to_vec(), -3.0),
            (U64, 3u64.to_le_bytes().to_vec(), 3.0),
            (F32, 0.25f32.to_le_bytes().to_vec(), 0.25),
            (F64, (-0.125f64).to_le_bytes().to_vec(), -0.125),
        ] {
            assert_eq!(read(element, ByteOrder::Little, &little), [value], "{element:?}");
            let big: Vec<u8> = little.into_iter().rev().collect();
            assert_eq!(read(element, ByteOrder::Big, &big), [value], "{element:?}");
        }
    }

    #[test]
    fn slope_and_intercept_are_not_truncated() {
        let encoding = ValueEncoding {
            slope: 0.5,
            intercept: -1024.0,
            ..ValueEncoding::plain(ElementType::U8, ByteOrder::Little)
        };
        assert_eq!(read_values(&mut &[1u8, 2][..], encoding, 2).unwrap(), [-1023.5, -1023.0]);
    }

    #[test]
    fn a_stream_must_hold_what_is_declared() {
        let plain = ValueEncoding::plain(ElementType::I16, ByteOrder::Little);
        let read = |bytes: &[u8], count| read_values(&mut &bytes[..], plain, count);
        assert!(matches!(read(&[0; 7], 4), Err(VolumeFileError::Short { values: 4 })));
        assert!(matches!(read(&[0; 9], 4), Err(VolumeFileError::Long { values: 4 })));
        // an absurd declaration costs no memory
        assert!(matches!(read(&[0; 9], MAX_VOLUME_VOXELS), Err(VolumeFileError::Short { .. })));
        assert!(matches!(count_of(&[1 << 20, 1 << 20]), Err(VolumeFileError::TooLarge { .. })));
        assert!(matches!(count_of(&[usize::MAX, 2]), Err(VolumeFileError::TooLarge { .. })));
    }

    #[test]
    fn numbers_of_a_text_are_read_as_they_stand() {
        let read = |text: &str, count| read_text_values(&mut text.as_bytes(), count);
        let far_apart = format!("  -1024\t0.5\r\n{}1e3", " ".repeat(500));
        assert_eq!(read(&far_apart, 3).unwrap(), [-1024.0, 0.5, 1000.0]);
        assert!(matches!(read("1 2", 3), Err(VolumeFileError::Short { values: 3 })));
        assert!(matches!(read("1 2 3\n4", 3), Err(VolumeFileError::Long { values: 3 })));
        assert!(matches!(read("1,2", 2), Err(VolumeFileError::Header { .. })));
        assert!(matches!(read(&"1".repeat(65), 1), Err(VolumeFileError::Damaged)));
    }

    #[test]
    fn whole_numbers_become_shorts() {
        assert_eq!(smallest_element(&[-1024.0, 3071.0]), ElementType::I16);
        assert_eq!(smallest_element(&[0.5]), ElementType::F32);
        assert_eq!(smallest_element(&[40000.0]), ElementType::F32);
        assert_eq!(smallest_element(&[f32::NAN]), ElementType::F32);
    }
}
