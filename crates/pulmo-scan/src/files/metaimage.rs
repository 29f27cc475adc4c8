//! MetaImage files (`.mha`, and `.mhd` with its values beside it), read.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek};
use std::path::Path;

use glam::{DAffine3, DMat3, DVec3};

use super::element::{ByteOrder, ElementType, ValueEncoding, count_of, volume_of};
use super::header_lines::HeaderLines;
use super::placement::grid_of;
use super::stored::{FileNames, Files, Packing, Stored, ValuesStart, numbered};
use super::{VolumeFileError, stream};
use crate::volume::Volume;

/// The key whose line ends a header, but for a list of files.
const LAST_KEY: &str = "ElementDataFile";
/// What stands for its value where the values follow in the same file.
const LOCAL: [&str; 3] = ["LOCAL", "Local", "local"];

/// Whether the file starts like a MetaImage header.
pub(super) fn is_metaimage(beginning: &[u8]) -> bool {
    let text = String::from_utf8_lossy(beginning);
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let is_key = |key: &str| !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric());
    let starts_with_a_key = lines.clone().next().and_then(entry).is_some_and(|(key, _)| is_key(key));
    starts_with_a_key && lines.any(|line| entry(line).is_some_and(|(key, _)| key == "NDims"))
}

/// Key and value of a line.
fn entry(line: &str) -> Option<(&str, &str)> {
    line.split_once(['=', ':']).map(|(key, value)| (key.trim(), value.trim()))
}

/// Reads a MetaImage file, compressed or not, of either byte order, as a volume in LPS
/// millimetres. The stored order of voxels is kept; axes of length 1 beyond the third are dropped.
///
/// `ElementSpacing` (or `ElementSize`), `TransformMatrix` and `Offset` (or `Origin`, `Position`) must be
/// there: nothing is assumed about where the volume lies. Values that lie in another file, or in several
/// (`LIST`, `slice%03d.raw 1 24 1`), are only looked for in the header's folder and below it.
///
/// # Shapes
/// `DimSize` in reverse: `[z, y, x]`.
///
/// # Errors
/// [`VolumeFileError`] where the file is no such file, is cut off or too long, has other than three
/// axes or one channel, or its axes are skewed.
///
/// # References
/// MetaIO, "MetaImage" tags (Kitware); axes as ITK's `itkMetaImageIO` reads them: each triple of
/// `TransformMatrix` is the direction of one axis.
pub fn read_metaimage(path: &Path) -> Result<Volume, VolumeFileError> {
    let mut file = stream::file(path)?;
    let header = Header::read(&mut file)?;
    let sizes_xyz = header.sizes()?;
    let count = count_of(&sizes_xyz)?;
    let grid = grid_of([sizes_xyz[2], sizes_xyz[1], sizes_xyz[0]], header.placement(sizes_xyz.len())?)?;
    let stored = header.stored()?;
    let values = match header.files(path, &sizes_xyz)? {
        Some(files) => stored.read_files(&files, &sizes_xyz)?,
        None => {
            rewind_to_skip(&stored, &mut file)?;
            stored.read(&mut file, count)?
        }
    };
    volume_of(grid, values)
}

/// The number of voxels that a header promises.
pub(super) fn metaimage_count(path: &Path) -> Result<usize, VolumeFileError> {
    count_of(&Header::read(&mut stream::file(path)?)?.sizes()?)
}

/// Goes back to the start of the file where bytes are to be skipped: they are counted from there.
fn rewind_to_skip(stored: &Stored, file: &mut BufReader<File>) -> Result<(), VolumeFileError> {
    match stored.start {
        ValuesStart::AtEnd | ValuesStart::Behind { bytes: 0, .. } => Ok(()),
        ValuesStart::Behind { bytes, .. } if bytes >= file.stream_position()? => Ok(file.rewind()?),
        ValuesStart::Behind { .. } => Err(VolumeFileError::Header { what: "HeaderSize" }),
    }
}

/// The lines of a header.
struct Header {
    /// Keys and values; the last key is [`LAST_KEY`].
    entries: Vec<(String, String)>,
    /// The lines behind it, where it says that they name files.
    list: Vec<String>,
}

impl Header {
    /// Reads up to the line that says where the values lie, and no further unless files are listed.
    fn read(from: &mut impl BufRead) -> Result<Self, VolumeFileError> {
        let mut lines = HeaderLines::new(from);
        let mut header = Self { entries: Vec::new(), list: Vec::new() };
        while !header.is_whole() {
            let line = lines.next_line()?.ok_or(VolumeFileError::Format)?;
            if !line.trim().is_empty() {
                let (key, value) = entry(&line).ok_or(VolumeFileError::Format)?;
                header.entries.push((key.to_owned(), value.to_owned()));
            }
        }
        while header.list_axes().is_some() {
            match lines.next_line()? {
                Some(line) if line.trim().is_empty() => {}
                Some(line) => header.list.push(line.trim().to_owned()),
                None => break,
            }
        }
        Ok(header)
    }

    fn is_whole(&self) -> bool {
        self.entries.last().is_some_and(|(key, _)| key == LAST_KEY)
    }

    /// The first value under one of the keys that mean the same.
    fn find(&self, keys: &[&str]) -> Option<&str> {
        self.entries.iter().find(|(key, _)| keys.contains(&key.as_str())).map(|(_, value)| value.as_str())
    }

    fn value(&self, what: &'static str) -> Result<&str, VolumeFileError> {
        self.find(&[what]).ok_or(VolumeFileError::Header { what })
    }

    fn says(&self, key: &str) -> bool {
        self.find(&[key])
            .is_some_and(|value| ["true", "1", "t"].contains(&value.to_ascii_lowercase().as_str()))
    }

    /// As many numbers as there must be; `None` where the key is missing or they are not so many.
    fn numbers(&self, keys: &[&str], count: usize) -> Option<Vec<f64>> {
        let numbers = self.find(keys)?.split_whitespace().map(|number| number.parse::<f64>());
        let numbers: Vec<f64> = numbers.collect::<Result<_, _>>().ok()?;
        (numbers.len() == count && numbers.iter().all(|number| number.is_finite())).then_some(numbers)
    }

    /// Length of each axis, fastest first: three and more, those beyond the third 1.
    fn sizes(&self) -> Result<Vec<usize>, VolumeFileError> {
        let wrong = |what| VolumeFileError::Header { what };
        let axes: usize = self.value("NDims")?.parse().map_err(|_| wrong("NDims"))?;
        let sizes = self.value("DimSize")?.split_whitespace().map(str::parse);
        let sizes: Vec<usize> = sizes.collect::<Result<_, _>>().map_err(|_| wrong("DimSize"))?;
        match sizes.get(3..) {
            _ if sizes.len() != axes => Err(wrong("DimSize")),
            Some(beyond) if beyond.iter().all(|side| *side == 1) => Ok(sizes),
            _ => Err(VolumeFileError::Axes { axes }),
        }
    }

    fn placement(&self, axes: usize) -> Result<DAffine3, VolumeFileError> {
        let spacing = self.numbers(&["ElementSpacing"], axes);
        let spacing = spacing.or_else(|| match self.find(&["ElementSpacing"]) {
            None => self.numbers(&["ElementSize"], axes),
            Some(_) => None,
        });
        let spacing =
            spacing.filter(|mm| mm[..3].iter().all(|mm| *mm > 0.0)).ok_or(VolumeFileError::Spacing)?;
        let matrix = self.numbers(&["TransformMatrix", "Rotation", "Orientation"], axes * axes);
        let offset = self.numbers(&["Offset", "Origin", "Position"], axes);
        let (matrix, offset) = matrix.zip(offset).ok_or(VolumeFileError::NoOrientation)?;
        let direction = |axis: usize| DVec3::from_slice(&matrix[axis * axes..]);
        let directions = DMat3::from_cols(direction(0), direction(1), direction(2));
        let is_unit = (0..3).all(|axis| (directions.col(axis).length() - 1.0).abs() < 1e-3);
        let is_apart = (0..axes).all(|axis| {
            let row = &matrix[axis * axes..(axis + 1) * axes];
            row.iter().enumerate().all(|(at, along)| (axis < 3) == (at < 3) || *along == 0.0)
        });
        if !(is_unit && is_apart) {
            return Err(VolumeFileError::Header { what: "TransformMatrix" });
        }
        let scale = DMat3::from_diagonal(DVec3::from_slice(&spacing));
        Ok(DAffine3::from_mat3_translation(directions * scale, DVec3::from_slice(&offset)))
    }

    fn stored(&self) -> Result<Stored, VolumeFileError> {
        for (key, only) in [
            ("ElementNumberOfChannels", 1.0),
            ("ElementToIntensityFunctionSlope", 1.0),
            ("ElementToIntensityFunctionOffset", 0.0),
        ] {
            if self.find(&[key]).is_some_and(|value| value.parse() != Ok(only)) {
                return Err(VolumeFileError::Header { what: key });
            }
        }
        // a header that does not say so is read as binary by ITK
        let is_binary = self.find(&["BinaryData"]).is_none() || self.says("BinaryData");
        let packing = match (is_binary, self.says("CompressedData")) {
            (true, false) => Packing::Plain,
            (true, true) => Packing::Zlib,
            (false, false) => Packing::Text,
            (false, true) => return Err(VolumeFileError::Header { what: "BinaryData" }),
        };
        let start = match self.find(&["HeaderSize"]).unwrap_or("0").parse() {
            Ok(-1) if packing == Packing::Plain => ValuesStart::AtEnd,
            Ok(bytes @ 0..) => ValuesStart::Behind { lines: 0, bytes: bytes.unsigned_abs() },
            Ok(i64::MIN..0) | Err(_) => return Err(VolumeFileError::Header { what: "HeaderSize" }),
        };
        Ok(Stored { encoding: self.encoding()?, packing, start })
    }

    fn encoding(&self) -> Result<ValueEncoding, VolumeFileError> {
        let element = match self.value("ElementType")? {
            "MET_CHAR" => ElementType::I8,
            "MET_UCHAR" => ElementType::U8,
            "MET_SHORT" => ElementType::I16,
            "MET_USHORT" => ElementType::U16,
            // MetaIO's long has 4 bytes on every machine
            "MET_INT" | "MET_LONG" => ElementType::I32,
            "MET_UINT" | "MET_ULONG" => ElementType::U32,
            "MET_LONG_LONG" => ElementType::I64,
            "MET_ULONG_LONG" => ElementType::U64,
            "MET_FLOAT" => ElementType::F32,
            "MET_DOUBLE" => ElementType::F64,
            _ => return Err(VolumeFileError::ElementType),
        };
        let is_big = self.says("BinaryDataByteOrderMSB") || self.says("ElementByteOrderMSB");
        Ok(ValueEncoding::plain(element, if is_big { ByteOrder::Big } else { ByteOrder::Little }))
    }

    /// How many axes the part in each listed file has, `Some(None)` where the header does not say; `None`
    /// where no files are listed.
    fn list_axes(&self) -> Option<Option<&str>> {
        let mut words = self.find(&[LAST_KEY])?.split_whitespace();
        words.next().filter(|first| *first == "LIST").map(|_| words.next())
    }

    /// The files that hold the values; `None` where they follow the header.
    fn files(&self, path: &Path, sizes: &[usize]) -> Result<Option<Files>, VolumeFileError> {
        let wrong = || VolumeFileError::Header { what: LAST_KEY };
        let name = self.value(LAST_KEY)?;
        let slices = sizes.len() - 1;
        let named = match self.list_axes() {
            None if LOCAL.contains(&name) => return Ok(None),
            None if name.contains('%') => {
                FileNames { names: numbered_names(name, sizes).ok_or_else(wrong)?, axes: Some(slices) }
            }
            None => FileNames { names: vec![name.to_owned()], axes: None },
            Some(axes) => {
                let axes = axes.map(|axes| axes.trim_end_matches(['D', 'd']).parse());
                let axes = axes.transpose().map_err(|_| wrong())?.unwrap_or(slices);
                FileNames { names: self.list.clone(), axes: Some(axes) }
            }
        };
        Files::beside(path, LAST_KEY, named).map(Some)
    }
}

/// The files of a pattern, behind which the first number (else 1), the last (else the slices) and the step
/// (else 1) may stand.
fn numbered_names(text: &str, sizes: &[usize]) -> Option<Vec<String>> {
    let mut words = text.split_whitespace();
    let pattern = words.next()?;
    let numbers: Vec<i64> = words.map(|word| word.parse().ok()).collect::<Option<_>>()?;
    let number = |at: usize, default| numbers.get(at).copied().unwrap_or(default);
    let last = i64::try_from(*sizes.last()?).ok()?;
    numbered(pattern, [number(0, 1), number(1, last), number(2, 1)])
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = True\n\
        TransformMatrix = 0 1 0 0 0 -1 -1 0 0\nOffset = 1.5 2 -3\nElementSpacing = 0.5 0.75 2\n\
        DimSize = 2 1 1\nElementType = MET_SHORT\nElementDataFile = ";

    fn read(folder: &Path, header: &str, values: &[u8]) -> Result<Volume, VolumeFileError> {
        let path = folder.join("a.mha");
        std::fs::write(&path, [header.as_bytes(), values].concat()).unwrap();
        read_metaimage(&path)
    }

    #[test]
    fn axes_are_the_triples_of_the_matrix() {
        let folder = tempfile::tempdir().unwrap();
        let volume = read(folder.path(), &format!("{HEADER}LOCAL\n"), &[0xFC, 0, 0, 1]).unwrap();
        assert_eq!(volume.as_slice(), [-1024.0, 1.0]);
        let grid = volume.grid();
        assert_eq!(grid.direction(), [DVec3::NEG_X, DVec3::NEG_Z, DVec3::Y]);
        assert_eq!((grid.spacing_mm(), grid.origin_mm()), ([2.0, 0.75, 0.5], DVec3::new(1.5, 2.0, -3.0)));
    }

    #[test]
    fn values_lie_beside_the_header_or_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.raw"), [0, 1, 0, 2]).unwrap();
        let volume = read(folder.path(), &format!("{HEADER}a.raw\n"), b"").unwrap();
        assert_eq!(volume.as_slice(), [1.0, 2.0]);
        for name in ["../a.raw", "/etc/passwd", "..\\a.raw", "LIST", "c:a.raw", "slice%s.raw"] {
            let result = read(folder.path(), &format!("{HEADER}{name}\n"), b"");
            assert!(matches!(result, Err(VolumeFileError::Header { what: "ElementDataFile" })), "{name}");
        }
        let gone = read(folder.path(), &format!("{HEADER}gone.raw\n"), b"");
        assert!(matches!(gone, Err(VolumeFileError::Values { .. })));
    }

    #[test]
    fn nothing_is_assumed_about_the_place() {
        let folder = tempfile::tempdir().unwrap();
        let without = |key: &str| {
            let header = format!("{HEADER}LOCAL\n");
            let kept = header.lines().filter(|line| !line.starts_with(key)).map(|line| format!("{line}\n"));
            read(folder.path(), &kept.collect::<String>(), &[0; 4]).unwrap_err().code().as_str()
        };
        let codes = ["TransformMatrix", "Offset", "ElementSpacing", "ElementType", "DimSize"].map(without);
        assert_eq!(codes, ["IOP", "IOP", "PIXEL_SPACING", "MALFORMED", "MALFORMED"]);
    }

    /// Eight shorts, 0 to 7, little endian, behind each header.
    ///
    /// ORIGIN: SimpleITK 2.5.7 reads each of these headers as 2 x 2 x 2 voxels of 0.5 x 0.75 x 2 mm from (1, 2, 3),
    /// values 0 to 7.
    #[test]
    fn headers_that_simpleitk_reads_are_read_alike() {
        let plain = "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n\
            TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 1 2 3\nElementSpacing = 0.5 0.75 2\nDimSize = 2 2 2\n\
            ElementType = MET_SHORT\nElementDataFile = LOCAL\n";
        let with = |from: &str, to: &str| plain.replace(from, to);
        let four = with("NDims = 3", "NDims = 4")
            .replace("1 0 0 0 1 0 0 0 1", "1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1")
            .replace("1 2 3\n", "1 2 3 0\n")
            .replace("0.5 0.75 2\n", "0.5 0.75 2 1\n")
            .replace("2 2 2\n", "2 2 2 1\n");
        let values: Vec<u8> = (0..8).flat_map(|value: i16| value.to_le_bytes()).collect();
        let longs: Vec<u8> = (0..8).flat_map(|value: i32| value.to_le_bytes()).collect();
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
        std::fs::create_dir(folder.path().join("d")).unwrap();
        for (name, bytes) in
            [("a.raw", &values[..]), ("d/a.raw", &values), ("s1.raw", &values[..8]), ("s2.raw", &values[8..])]
        {
            write(name, bytes);
        }
        write("junk.raw", &[b"junkjunkx", &values[..]].concat());
        let junk = |size: &str| {
            with("LOCAL", "junk.raw").replace("DimSize", &format!("HeaderSize = {size}\nDimSize"))
        };
        for (header, behind) in [
            (plain.to_owned(), &values[..]),
            (format!("\n{plain}"), &values),
            (with("DimSize", "\n  \nDimSize"), &values),
            (with("\n", "\r\n"), &values),
            (with(" = ", ": "), &values),
            (with("BinaryData = True\n", ""), &values),
            (with("BinaryData = True", "BinaryData = False"), b"0 1 2 3 4 5 6 7\n"),
            (with("ElementSpacing", "ElementSize"), &values),
            (with("ElementSpacing", "ElementSize = 9 9 9\nElementSpacing"), &values),
            (with("DimSize", "HeaderSize = -1\nDimSize"), &values),
            (with("MET_SHORT", "MET_LONG"), &longs),
            (with("MET_SHORT", "MET_ULONG"), &longs),
            (four, &values),
            (with("LOCAL\n", "a.raw"), b""),
            (with("LOCAL", "d/a.raw"), b""),
            (junk("-1"), b""),
            (junk("9"), b""),
            (with("LOCAL", "LIST") + "s1.raw\ns2.raw\n", b""),
            (with("LOCAL", "LIST 2D") + "s1.raw\ns2.raw", b""),
            (with("LOCAL", "LIST 3") + "a.raw", b""),
            (with("LOCAL", "s%d.raw 1 2 1"), b""),
        ] {
            let volume =
                read(folder.path(), &header, behind).unwrap_or_else(|error| panic!("{header}: {error}"));
            assert!(is_metaimage(header.as_bytes()), "{header}");
            assert_eq!(volume.as_slice(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], "{header}");
            let grid = volume.grid();
            assert_eq!((grid.shape_zyx(), grid.spacing_mm()), ([2; 3], [2.0, 0.75, 0.5]), "{header}");
            assert_eq!(grid.origin_mm(), DVec3::new(1.0, 2.0, 3.0), "{header}");
        }
        for (header, code) in [
            (with("LOCAL", "LIST") + "s1.raw\n", "MALFORMED"),
            (with("LOCAL", "LIST") + "s1.raw\na.raw\n", "PIXLEN"),
            (with("LOCAL", "LIST") + "s1.raw\n../s2.raw\n", "MALFORMED"),
            (with("LOCAL", "a.raw").replace("MET_SHORT", "MET_LONG"), "TRUNC"),
            (junk("8"), "PIXLEN"),
            (junk("0"), "PIXLEN"),
            (with("DimSize", "HeaderSize = 9\nDimSize"), "MALFORMED"),
            (with("NDims = 3", "NDims = 2"), "MALFORMED"),
            (with("0 0 1\n", "0 0 2\n"), "MALFORMED"),
            (with("DimSize", "ElementToIntensityFunctionSlope = 2\nDimSize"), "MALFORMED"),
        ] {
            let error = read(folder.path(), &header, b"").unwrap_err();
            assert_eq!(error.code().as_str(), code, "{header}: {error}");
        }
    }

    #[test]
    fn nothing_but_nuls_follows_a_compressed_stream() {
        let folder = tempfile::tempdir().unwrap();
        let header = format!("{HEADER}LOCAL\n").replace("DimSize", "CompressedData = True\nDimSize");
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, &[0, 1, 0, 2]).unwrap();
        let packed = encoder.finish().unwrap();
        let read = |rest: &[u8]| read(folder.path(), &header, &[&packed, rest].concat());
        assert_eq!(read(b"").unwrap().as_slice(), [1.0, 2.0]);
        assert_eq!(read(&[0; 9]).unwrap().as_slice(), [1.0, 2.0]);
        assert!(matches!(read(b"\0x"), Err(VolumeFileError::Damaged)));
    }
}
