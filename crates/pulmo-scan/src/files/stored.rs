//! Values as a text header describes them: behind it or in other files, packed, behind what to skip.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::bufread::ZlibDecoder;

use super::VolumeFileError;
use super::element::{ValueEncoding, read_text_values, read_values};
use super::stream::{self, Gunzip, after_padding};

/// Most bytes skipped of what is unpacked: a few bytes of a file may stand for many.
const MOST_SKIPPED: u64 = 1 << 26;
/// Most files of one volume: one for each slice.
const MOST_FILES: i64 = 1 << 16;

/// How values are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    /// Not at all.
    Plain,
    /// As decimal numbers with blanks between them.
    Text,
    /// One zlib stream.
    Zlib,
    /// A gzip file.
    Gzip,
}

/// Where the values of a file start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValuesStart {
    /// Behind so many lines, and then so many bytes: of a gzip file, of what is unpacked.
    Behind { lines: u64, bytes: u64 },
    /// So that they end where the file ends.
    AtEnd,
}

/// How the values of a file are stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stored {
    pub(super) encoding: ValueEncoding,
    pub(super) packing: Packing,
    pub(super) start: ValuesStart,
}

impl Stored {
    /// Reads `count` values, which must take the rest of the file.
    pub(super) fn read(&self, file: &mut BufReader<File>, count: usize) -> Result<Vec<f32>, VolumeFileError> {
        let skipped = match self.start {
            ValuesStart::AtEnd => {
                self.seek_last(file, count)?;
                0
            }
            ValuesStart::Behind { lines, bytes } => {
                for _ in 0..lines {
                    let length = file.skip_until(b'\n')?;
                    (length > 0).then_some(()).ok_or(VolumeFileError::Short { values: count })?;
                }
                bytes
            }
        };
        match self.packing {
            Packing::Plain => read_values(behind(file, skipped, count)?, self.encoding, count),
            Packing::Text => read_text_values(behind(file, skipped, count)?, count),
            Packing::Zlib => {
                let mut content = ZlibDecoder::new(behind(&mut *file, skipped, count)?);
                let values = read_values(&mut content, self.encoding, count)?;
                after_padding(file)?.map_or(Ok(values), |_| Err(VolumeFileError::Damaged))
            }
            Packing::Gzip if skipped > MOST_SKIPPED => Err(VolumeFileError::Header { what: "byte skip" }),
            Packing::Gzip => {
                let mut content = Gunzip::new(file);
                read_values(behind(&mut content, skipped, count)?, self.encoding, count)
            }
        }
    }

    /// Goes to the last `count` values of a file.
    fn seek_last(&self, file: &mut BufReader<File>, count: usize) -> Result<(), VolumeFileError> {
        let bytes = count.saturating_mul(self.encoding.element.bytes()) as u64;
        let at = file.get_ref().metadata()?.len().checked_sub(bytes);
        let at = at.filter(|at| file.stream_position().is_ok_and(|position| position <= *at));
        file.seek(SeekFrom::Start(at.ok_or(VolumeFileError::Short { values: count })?))?;
        Ok(())
    }

    /// Reads the values of the files that a header names, one file after the other.
    pub(super) fn read_files(&self, files: &Files, sizes_xyz: &[usize]) -> Result<Vec<f32>, VolumeFileError> {
        let each = files.values_of_each(sizes_xyz).ok_or(VolumeFileError::Header { what: files.what })?;
        let mut values = Vec::new();
        for place in &files.places {
            let mut file = stream::file(place).map_err(|source| VolumeFileError::Values { source })?;
            let part = self.read(&mut file, each)?;
            // most volumes lie in one file, whose values are not copied
            if values.is_empty() {
                values = part;
            } else {
                values.extend(part);
            }
        }
        Ok(values)
    }
}

/// The stream behind its next bytes, of one that should hold `count` values more.
fn behind<R: Read>(mut from: R, bytes: u64, count: usize) -> Result<R, VolumeFileError> {
    match std::io::copy(&mut from.by_ref().take(bytes), &mut std::io::sink())? {
        skipped if skipped == bytes => Ok(from),
        _ => Err(VolumeFileError::Short { values: count }),
    }
}

/// Names of files in a header.
pub(super) struct FileNames {
    pub(super) names: Vec<String>,
    /// Axes of the part that each file holds; `None` for one file that holds all.
    pub(super) axes: Option<usize>,
}

/// The files that a header names.
pub(super) struct Files {
    /// The field of the header.
    what: &'static str,
    /// Where they lie, the slowest part last.
    places: Vec<PathBuf>,
    /// Axes of the part that each file holds.
    axes: Option<usize>,
}

impl Files {
    /// The files `names` of a header: in its folder or below it, never elsewhere.
    pub(super) fn beside(
        header: &Path,
        what: &'static str,
        FileNames { names, axes }: FileNames,
    ) -> Result<Self, VolumeFileError> {
        let folder = header.parent().unwrap_or(Path::new(""));
        let places = names.iter().map(|name| below(folder, name)).collect::<Option<Vec<_>>>();
        let places = places.filter(|places| !places.is_empty()).ok_or(VolumeFileError::Header { what })?;
        Ok(Self { what, places, axes })
    }

    /// Values of each file; `None` where the files are not as many as their parts.
    fn values_of_each(&self, sizes_xyz: &[usize]) -> Option<usize> {
        let (files, total) = (self.places.len(), sizes_xyz.iter().product::<usize>());
        let parts = match self.axes {
            Some(axes) if axes == sizes_xyz.len() => sizes_xyz.last().copied()?,
            Some(axes) => sizes_xyz.get(axes..)?.iter().product(),
            None => files,
        };
        let fits = if self.axes == Some(sizes_xyz.len()) { parts % files == 0 } else { parts == files };
        fits.then(|| total / files)
    }
}

/// The place of a file below `folder`; `None` where its name points elsewhere, or leads through a link.
fn below(folder: &Path, name: &str) -> Option<PathBuf> {
    let mut place = folder.to_path_buf();
    let parts: Vec<&str> = name.split(['/', '\\']).collect();
    let (file, folders) = parts.split_last()?;
    if parts.contains(&"..")
        || name.contains(':')
        || name.starts_with(['/', '\\'])
        || ["", "."].contains(file)
    {
        return None;
    }
    for part in folders {
        place.push(part);
        if place.is_symlink() && !part.is_empty() {
            return None;
        }
    }
    Some(place.join(file))
}

/// The names that a pattern such as `slice%03d.raw` makes of numbers from `first` to `last`.
pub(super) fn numbered(pattern: &str, [first, last, step]: [i64; 3]) -> Option<Vec<String>> {
    let (before, rest) = pattern.split_once('%')?;
    let (width, after) = rest.split_once(['d', 'i', 'u'])?;
    let digits =
        if width.is_empty() { 0 } else { width.parse::<usize>().ok().filter(|digits| *digits < 10)? };
    let is_sound =
        !after.contains('%') && (width.is_empty() || width.starts_with('0')) && first >= 0 && step > 0;
    let count = last.checked_sub(first).filter(|span| is_sound && *span >= 0)? / step;
    (count < MOST_FILES).then(|| {
        (0..=count).map(|index| format!("{before}{:0digits$}{after}", first + index * step)).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_below_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name| {
            below(folder.path(), name).map(|place| place.strip_prefix(folder.path()).unwrap().to_path_buf())
        };
        for (name, expected) in
            [("a.raw", "a.raw"), ("b/a.raw", "b/a.raw"), ("b\\a.raw", "b/a.raw"), ("./a.raw", "a.raw")]
        {
            assert_eq!(place(name), Some(PathBuf::from(expected)), "{name}");
        }
        for name in
            ["", ".", "..", "b/", "../a", "b/../../a", "/etc/passwd", "\\a", "C:\\a", "c:a", "b\\..\\a"]
        {
            assert_eq!(place(name), None, "{name}");
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("/etc", folder.path().join("link")).unwrap();
            std::os::unix::fs::symlink("/etc/passwd", folder.path().join("annexed")).unwrap();
            assert_eq!(place("link/passwd"), None);
            assert_eq!(place("annexed"), Some(PathBuf::from("annexed")));
        }
    }

    #[test]
    fn a_pattern_makes_names() {
        assert_eq!(numbered("a%03d.raw", [8, 12, 2]).unwrap(), ["a008.raw", "a010.raw", "a012.raw"]);
        assert_eq!(numbered("%d", [9, 10, 1]).unwrap(), ["9", "10"]);
        for (pattern, numbers) in [
            ("a", [0, 1, 1]),
            ("%s", [0, 1, 1]),
            ("%d%d", [0, 1, 1]),
            ("%99999d", [0, 1, 1]),
            ("%d", [1, 0, 1]),
            ("%d", [0, 1, 0]),
            ("%d", [0, i64::MAX, 1]),
            ("%d", [i64::MIN, 0, 1]),
        ] {
            assert_eq!(numbered(pattern, numbers), None, "{pattern} {numbers:?}");
        }
    }

    #[test]
    fn each_file_holds_its_part() {
        let files = |count, axes| Files { what: "", places: vec![PathBuf::new(); count], axes };
        let each = |count, axes| files(count, axes).values_of_each(&[2, 3, 4]);
        assert_eq!(
            [each(4, Some(2)), each(3, Some(2)), each(12, Some(1)), each(1, None)],
            [Some(6), None, Some(2), Some(24)]
        );
        assert_eq!(
            [each(2, Some(3)), each(1, Some(3)), each(3, Some(3)), each(1, Some(4))],
            [Some(12), Some(24), None, None]
        );
    }
}
