//! Files as streams, decompressed where their content says so.

use std::fs::File;
use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Seek, SeekFrom};
use std::path::Path;

use flate2::bufread::GzDecoder;

const GZIP: [u8; 2] = [0x1F, 0x8B];

/// Opens a regular file. What is none (a pipe, a device, a folder) is never opened, as that may wait for ever.
pub(super) fn regular(path: &Path) -> Result<File> {
    match std::fs::metadata(path)?.is_file() {
        true => File::open(path),
        false => Err(Error::other("this is no file")),
    }
}

/// Opens a regular file for reading in small parts.
pub(super) fn file(path: &Path) -> Result<BufReader<File>> {
    Ok(BufReader::new(regular(path)?))
}

/// Opens a file; one that starts like gzip is decompressed.
pub(super) fn open(path: &Path) -> Result<Box<dyn Read>> {
    let mut file = file(path)?;
    let mut beginning = [0; GZIP.len()];
    let is_gzip = file.read_exact(&mut beginning).is_ok() && beginning == GZIP;
    file.seek(SeekFrom::Start(0))?;
    Ok(if is_gzip { Box::new(Gunzip::new(file)) } else { Box::new(file) })
}

/// The first bytes of the stream: `most` of them, or fewer where it ends or fails before.
pub(super) fn beginning(from: impl Read, most: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    // what was read before a failure stays
    _ = from.take(most).read_to_end(&mut bytes);
    bytes
}

/// The content of a gzip file: of all its members, one after the other (RFC 1952, section 2.2).
///
/// NULs after a member fill a block of a tape or a disk and are passed over, as gzip itself does; any
/// other byte that starts no member is an error.
pub(super) struct Gunzip<R> {
    /// `None` after the last member.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Gunzip<R> {
    pub(super) fn new(from: R) -> Self {
        Self { member: Some(GzDecoder::new(from)) }
    }

    fn next_member(&mut self) -> Result<()> {
        let Some(member) = self.member.take() else { return Ok(()) };
        let mut rest = member.into_inner();
        self.member = match after_padding(&mut rest)? {
            None => None,
            Some(first) if first == GZIP[0] => Some(GzDecoder::new(rest)),
            Some(_) => return Err(ErrorKind::InvalidData.into()),
        };
        Ok(())
    }
}

impl<R: BufRead> Read for Gunzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        while let Some(member) = &mut self.member {
            match member.read(buffer)? {
                0 if !buffer.is_empty() => self.next_member()?,
                count => return Ok(count),
            }
        }
        Ok(0)
    }
}

/// Passes over NULs. Returns the byte behind them, which is not taken; `None` at the end.
pub(super) fn after_padding(from: &mut impl BufRead) -> Result<Option<u8>> {
    loop {
        let bytes = from.fill_buf()?;
        let nuls = bytes.iter().take_while(|byte| **byte == 0).count();
        let (next, is_end) = (bytes.get(nuls).copied(), bytes.is_empty());
        from.consume(nuls);
        if is_end || next.is_some() {
            return Ok(next);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn member(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn content(parts: &[&[u8]]) -> Result<Vec<u8>> {
        let mut content = Vec::new();
        Gunzip::new(parts.concat().as_slice()).read_to_end(&mut content).map(|_| content)
    }

    #[test]
    fn all_members_are_read_and_nothing_else() {
        let (one, two, nuls) = (member(b"one"), member(b"two"), [0; 70_000]);
        assert_eq!(content(&[&one]).unwrap(), b"one");
        assert_eq!(content(&[&one, &two]).unwrap(), b"onetwo");
        assert_eq!(content(&[&one, &nuls]).unwrap(), b"one");
        assert_eq!(content(&[&one, &nuls, &two, &[0]]).unwrap(), b"onetwo");
        for rest in [b"x".as_slice(), b"\x1f", b"\x1fx", b"\0\0x", &two[..two.len() - 1]] {
            assert!(content(&[&one, rest]).is_err(), "{rest:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_no_file() {
        assert!(open(Path::new("/dev/zero")).is_err());
        assert!(file(&std::env::temp_dir()).is_err());
    }
}
