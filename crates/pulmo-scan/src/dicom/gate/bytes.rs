//! The bytes of a data set in order, plain or inflated on the way, without holding them.

use std::io::{BufReader, ErrorKind, Read, Seek, SeekFrom};

use dicom_core::Tag;
use flate2::read::DeflateDecoder;

use super::GateError;

/// Largest deflated data set once inflated.
pub(super) const MOST_INFLATED: u64 = 512 << 20;

/// A reader that knows where it is, and where it ends at the latest.
pub(super) struct Bytes<R> {
    inner: Inner<R>,
    at: u64,
    end: u64,
}

enum Inner<R> {
    Plain(BufReader<R>),
    Inflating(DeflateDecoder<BufReader<R>>),
}

impl<R: Read + Seek> Bytes<R> {
    /// The source's bytes as they stand, from the first on.
    pub(super) fn plain(mut source: R) -> Result<Self, GateError> {
        let end = source.seek(SeekFrom::End(0)).map_err(unreadable)?;
        source.rewind().map_err(unreadable)?;
        Ok(Self { inner: Inner::Plain(BufReader::new(source)), at: 0, end })
    }

    /// The bytes that the source's inflate to, from its offset `start` on. Positions count anew.
    pub(super) fn inflated(mut source: R, start: u64) -> Result<Self, GateError> {
        source.seek(SeekFrom::Start(start)).map_err(unreadable)?;
        let decoder = DeflateDecoder::new(BufReader::new(source));
        Ok(Self { inner: Inner::Inflating(decoder), at: 0, end: MOST_INFLATED })
    }

    /// The bytes that those from position `start` on inflate to.
    pub(super) fn inflated_from(self, start: u64) -> Result<Self, GateError> {
        match self.inner {
            Inner::Plain(reader) => Self::inflated(reader.into_inner(), start),
            Inner::Inflating(reader) => Self::inflated(reader.into_inner().into_inner(), start),
        }
    }

    /// Goes back to a position a little before.
    pub(super) fn go_back_to(&mut self, at: u64) -> Result<(), GateError> {
        let distance = i64::try_from(self.at - at).map_err(|_| unreadable(ErrorKind::InvalidInput.into()))?;
        match &mut self.inner {
            Inner::Plain(reader) => reader.seek_relative(-distance).map_err(unreadable)?,
            Inner::Inflating(_) => return Err(unreadable(ErrorKind::Unsupported.into())),
        }
        self.at = at;
        Ok(())
    }

    /// Position of the next byte.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Position at which the bytes end at the latest.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// The error of bytes that end within the element `tag`.
    pub(super) fn cut_off(&self, tag: Tag) -> GateError {
        match self.inner {
            Inner::Plain(_) => GateError::Truncated { tag },
            Inner::Inflating(_) => GateError::Inflate { most: MOST_INFLATED },
        }
    }

    /// The error of an element that declares more bytes than there can be.
    pub(super) fn too_long(&self, tag: Tag, length: u32) -> GateError {
        match self.inner {
            Inner::Plain(_) => GateError::Length { tag, length, left: self.end.saturating_sub(self.at) },
            Inner::Inflating(_) => GateError::Inflate { most: MOST_INFLATED },
        }
    }

    /// Fills `buffer` as far as there are bytes and returns how many there were.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, GateError> {
        let mut filled = 0;
        while filled < buffer.len() {
            let read = match &mut self.inner {
                Inner::Plain(reader) => reader.read(&mut buffer[filled..]).map_err(unreadable),
                Inner::Inflating(reader) => reader.read(&mut buffer[filled..]).map_err(not_inflatable),
            };
            match read? {
                0 => break,
                read => filled += read,
            }
        }
        self.at += filled as u64;
        Ok(filled)
    }

    /// Passes over `length` bytes and returns whether there were as many.
    pub(super) fn skip(&mut self, length: u64) -> Result<bool, GateError> {
        if length > self.end.saturating_sub(self.at) {
            return Ok(false);
        }
        match &mut self.inner {
            Inner::Plain(reader) => {
                let length = i64::try_from(length).map_err(|_| unreadable(ErrorKind::InvalidInput.into()))?;
                reader.seek_relative(length).map_err(unreadable)?;
            }
            Inner::Inflating(reader) => {
                let passed = std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink());
                let passed = passed.map_err(not_inflatable)?;
                if passed < length {
                    self.at += passed;
                    return Ok(false);
                }
            }
        }
        self.at += length;
        Ok(true)
    }
}

fn unreadable(source: std::io::Error) -> GateError {
    GateError::Unreadable { source }
}

fn not_inflatable(_: std::io::Error) -> GateError {
    GateError::Inflate { most: MOST_INFLATED }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use flate2::Compression;
    use flate2::write::DeflateEncoder;

    use super::*;

    #[test]
    fn plain_and_inflated_bytes_read_alike() {
        let content: Vec<u8> = (0..=255).cycle().take(100_000).collect();
        let mut encoder = DeflateEncoder::new(vec![9; 7], Compression::fast());
        encoder.write_all(&content).unwrap();
        let deflated = encoder.finish().unwrap();
        let mut padded = vec![9; 7];
        padded.extend(&content);
        let mut plain = Bytes::plain(Cursor::new(padded)).unwrap();
        assert!(plain.skip(9).unwrap());
        plain.go_back_to(7).unwrap();
        let mut inflating = Bytes::inflated(Cursor::new(deflated), 7).unwrap();
        for (bytes, start) in [(&mut plain, 7), (&mut inflating, 0)] {
            assert!(bytes.skip(70_000).unwrap());
            let mut four = [0; 4];
            assert_eq!(bytes.read(&mut four).unwrap(), 4);
            assert_eq!(four, content[70_000..70_004]);
            assert_eq!(bytes.at() - start, 70_004);
            assert!(!bytes.skip(40_000).unwrap());
        }
        assert_eq!(inflating.read(&mut [0; 4]).unwrap(), 0);
    }
}
