//! The lines of a text header, before values that are no text.

use std::io::{BufRead, Read};

use super::VolumeFileError;

/// Longest header accepted, in bytes: room for the names of a thousand files.
const LONGEST_HEADER: usize = 1 << 20;

/// Reads a header line by line, and never a byte beyond the line asked for.
pub(super) struct HeaderLines<R> {
    from: R,
    left: usize,
}

impl<R: BufRead> HeaderLines<R> {
    pub(super) fn new(from: R) -> Self {
        Self { from, left: LONGEST_HEADER }
    }

    /// The next line without its end (LF or CR LF); `None` at the end of the file.
    pub(super) fn next_line(&mut self) -> Result<Option<String>, VolumeFileError> {
        let mut line = Vec::new();
        self.left -= self.from.by_ref().take(self.left as u64).read_until(b'\n', &mut line)?;
        match (line.is_empty(), line.ends_with(b"\n"), self.left) {
            (_, false, 0) => Err(VolumeFileError::Format),
            (true, ..) => Ok(None),
            _ => {
                let line = line.strip_suffix(b"\n").unwrap_or(&line);
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                Ok(Some(String::from_utf8_lossy(line).into_owned()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_ends_where_it_ends() {
        let mut from = b"one\r\n\ntwo".as_slice();
        let mut lines = HeaderLines::new(&mut from);
        let mut next = || lines.next_line().unwrap();
        assert_eq!(
            [next(), next(), next(), next()],
            [Some("one".into()), Some("".into()), Some("two".into()), None]
        );
        let endless = vec![b'x'; LONGEST_HEADER + 1];
        assert!(matches!(HeaderLines::new(&*endless).next_line(), Err(VolumeFileError::Format)));
    }
}
