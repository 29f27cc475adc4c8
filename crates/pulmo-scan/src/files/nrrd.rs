//! NRRD files (`.nrrd`, and `.nhdr` with its values beside it), read.

use std::io::BufRead;
use std::path::Path;

use super::element::{ByteOrder, ElementType, ValueEncoding, count_of, volume_of};
use super::header_lines::HeaderLines;
use super::placement::{VoxelPlacement, grid_of};
use super::stored::{FileNames, Files, Packing, Stored, ValuesStart, numbered};
use super::{VolumeFileError, stream};
use crate::volume::Volume;

/// What every file starts with, before the number of its version.
const MAGIC: &str = "NRRD000";
/// The field that may be followed by the names of files.
const DATA_FILE: &str = "data file";

/// Whether the file starts like an NRRD header.
pub(super) fn is_nrrd(beginning: &[u8]) -> bool {
    beginning.starts_with(MAGIC.as_bytes())
}

/// Reads an NRRD file, raw, as text or compressed by gzip, of either byte order, as a volume in LPS
/// millimetres. The stored order of voxels is kept; axes of length 1 without a direction are dropped.
///
/// `space` must be one of the patient's (left-posterior-superior, right-anterior-superior or
/// left-anterior-superior), `space directions` and `space origin` must be there: nothing is assumed about
/// where the volume lies. Values that lie in another file, or in several (`LIST`, `slice%03d.raw 1 24 1`),
/// are only looked for in the header's folder and below it.
///
/// # Shapes
/// `sizes` in reverse: `[z, y, x]`.
///
/// # Errors
/// [`VolumeFileError`] where the file is no such file, is cut off or too long, has other than three axes
/// in space, is packed in another way, or its axes are skewed.
///
/// # References
/// Teem, "Definition of NRRD File Format" (versions NRRD0001 to NRRD0005).
pub fn read_nrrd(path: &Path) -> Result<Volume, VolumeFileError> {
    let mut file = stream::file(path)?;
    let header = NrrdHeader::read(&mut file)?;
    let sizes = header.sizes()?;
    let count = count_of(&sizes)?;
    let VoxelPlacement { shape_zyx, patient_from_voxel } = header.placement(&sizes)?;
    let grid = grid_of(shape_zyx, patient_from_voxel)?;
    let stored = header.stored()?;
    let values = match header.files(path, sizes.len())? {
        Some(files) => stored.read_files(&files, &sizes)?,
        None => stored.read(&mut file, count)?,
    };
    volume_of(grid, values)
}

/// The number of voxels that a header promises.
pub(super) fn nrrd_count(path: &Path) -> Result<usize, VolumeFileError> {
    count_of(&NrrdHeader::read(&mut stream::file(path)?)?.sizes()?)
}

/// The fields of a header.
pub(super) struct NrrdHeader {
    /// Their names, in lower case, and what they say.
    fields: Vec<(String, String)>,
    /// The lines behind the last one, where it says that they name files.
    list: Vec<String>,
}

impl NrrdHeader {
    /// Reads up to the blank line before the values, or up to the end of a header that stands alone.
    fn read(from: &mut impl BufRead) -> Result<Self, VolumeFileError> {
        let mut lines = HeaderLines::new(from);
        let magic = lines.next_line()?.filter(|line| line.starts_with(MAGIC));
        magic.ok_or(VolumeFileError::Format)?;
        let mut header = Self { fields: Vec::new(), list: Vec::new() };
        while let Some(line) = lines.next_line()?.filter(|line| !line.is_empty()) {
            if header.list_axes().is_some() {
                header.list.push(line.trim().to_owned());
            } else {
                header.take(&line)?;
            }
        }
        Ok(header)
    }

    /// Takes a line: a field, `name: what it says`. Comments and pairs of a user's own, `key:=value`, are
    /// passed over; a field that stands twice is an error, as for other readers.
    fn take(&mut self, line: &str) -> Result<(), VolumeFileError> {
        let (name, text) = match line.split_once(':') {
            _ if line.starts_with('#') => return Ok(()),
            Some((_, text)) if text.starts_with('=') => return Ok(()),
            Some((name, text)) => (name.trim().to_ascii_lowercase(), text.trim().to_owned()),
            None => return Err(VolumeFileError::Format),
        };
        let name = match name.as_str() {
            "datafile" => DATA_FILE.to_owned(),
            "lineskip" => "line skip".to_owned(),
            "byteskip" => "byte skip".to_owned(),
            _ => name,
        };
        if self.find(&name).is_some() {
            return Err(VolumeFileError::Header { what: "a field that stands twice" });
        }
        self.fields.push((name, text));
        Ok(())
    }

    pub(super) fn find(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str())
    }

    fn field(&self, what: &'static str) -> Result<&str, VolumeFileError> {
        self.find(what).ok_or(VolumeFileError::Header { what })
    }

    /// Length of each axis, fastest first.
    fn sizes(&self) -> Result<Vec<usize>, VolumeFileError> {
        let wrong = |what| VolumeFileError::Header { what };
        let axes: usize = self.field("dimension")?.parse().map_err(|_| wrong("dimension"))?;
        let sizes = self.field("sizes")?.split_whitespace().map(str::parse);
        let sizes: Vec<usize> = sizes.collect::<Result<_, _>>().map_err(|_| wrong("sizes"))?;
        if sizes.len() == axes { Ok(sizes) } else { Err(wrong("sizes")) }
    }

    fn stored(&self) -> Result<Stored, VolumeFileError> {
        let packing = match self.field("encoding")?.to_ascii_lowercase().as_str() {
            "raw" => Packing::Plain,
            "txt" | "text" | "ascii" => Packing::Text,
            "gz" | "gzip" => Packing::Gzip,
            "bz2" | "bzip2" => return Err(VolumeFileError::Packing { name: "bzip2" }),
            "hex" => return Err(VolumeFileError::Packing { name: "hexadecimal text" }),
            _ => return Err(VolumeFileError::Header { what: "encoding" }),
        };
        let lines = self.find("line skip").unwrap_or("0").parse();
        let lines = lines.map_err(|_| VolumeFileError::Header { what: "line skip" })?;
        let start = match self.find("byte skip").unwrap_or("0").parse() {
            Ok(-1) if packing == Packing::Plain => ValuesStart::AtEnd,
            Ok(bytes @ 0..) => ValuesStart::Behind { lines, bytes: bytes.unsigned_abs() },
            Ok(i64::MIN..0) | Err(_) => return Err(VolumeFileError::Header { what: "byte skip" }),
        };
        Ok(Stored { encoding: self.encoding(packing)?, packing, start })
    }

    fn encoding(&self, packing: Packing) -> Result<ValueEncoding, VolumeFileError> {
        let kind = self.field("type")?.to_ascii_lowercase();
        let element = match kind.as_str() {
            "signed char" | "int8" | "int8_t" => ElementType::I8,
            "uchar" | "unsigned char" | "uint8" | "uint8_t" => ElementType::U8,
            "short" | "short int" | "signed short" | "signed short int" | "int16" | "int16_t" => {
                ElementType::I16
            }
            "ushort" | "unsigned short" | "unsigned short int" | "uint16" | "uint16_t" => ElementType::U16,
            "int" | "signed int" | "int32" | "int32_t" => ElementType::I32,
            "uint" | "unsigned int" | "uint32" | "uint32_t" => ElementType::U32,
            "longlong"
            | "long long"
            | "long long int"
            | "signed long long"
            | "signed long long int"
            | "int64"
            | "int64_t" => ElementType::I64,
            "ulonglong" | "unsigned long long" | "unsigned long long int" | "uint64" | "uint64_t" => {
                ElementType::U64
            }
            "float" => ElementType::F32,
            "double" => ElementType::F64,
            _ => return Err(VolumeFileError::ElementType),
        };
        let order = match self.find("endian").map(str::to_ascii_lowercase).as_deref() {
            Some("little") => ByteOrder::Little,
            Some("big") => ByteOrder::Big,
            None if element.bytes() == 1 || packing == Packing::Text => ByteOrder::Little,
            _ => return Err(VolumeFileError::Header { what: "endian" }),
        };
        Ok(ValueEncoding::plain(element, order))
    }

    /// How many axes the part in each listed file has, `Some(None)` where the header does not say; `None`
    /// where no files are listed.
    fn list_axes(&self) -> Option<Option<&str>> {
        let mut words = self.find(DATA_FILE)?.split_whitespace();
        words.next().filter(|first| *first == "LIST").map(|_| words.next())
    }

    /// The files that hold the values; `None` where they follow the header.
    fn files(&self, path: &Path, axes: usize) -> Result<Option<Files>, VolumeFileError> {
        let Some(name) = self.find(DATA_FILE) else { return Ok(None) };
        let slices = Some(axes.saturating_sub(1));
        let listed = |axes: Option<&str>| {
            let axes = axes.map(str::parse).transpose().ok()?;
            Some(FileNames { names: self.list.clone(), axes: axes.or(slices) })
        };
        let named = match self.list_axes() {
            Some(axes) => listed(axes),
            None if name.contains('%') => {
                numbered_names(name).map(|named| FileNames { axes: named.axes.or(slices), ..named })
            }
            None => Some(FileNames { names: vec![name.to_owned()], axes: None }),
        };
        Files::beside(path, DATA_FILE, named.ok_or(VolumeFileError::Header { what: DATA_FILE })?).map(Some)
    }
}

/// The files of a pattern, its first and last number and its step; behind them the axes of each file's part
/// may stand.
fn numbered_names(text: &str) -> Option<FileNames> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (pattern, first, last, step, axes) = match words[..] {
        [pattern, first, last, step] => (pattern, first, last, step, None),
        [pattern, first, last, step, axes] => (pattern, first, last, step, Some(axes.parse().ok()?)),
        _ => return None,
    };
    let names = numbered(pattern, [first.parse().ok()?, last.parse().ok()?, step.parse().ok()?])?;
    Some(FileNames { names, axes })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use glam::DVec3;

    use super::*;

    const PLAIN: &str = "NRRD0004\n# a comment\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 2 2 2\n\
        space directions: (0.5,0,0) (0,0.75,0) (0,0,2)\nkinds: domain domain domain\nendian: little\nencoding: raw\n\
        space origin: (1,2,3)\n";

    /// Shorts from 0 to 7, little endian.
    fn values() -> Vec<u8> {
        (0..8).flat_map(|value: i16| value.to_le_bytes()).collect()
    }

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn with(from: &str, to: &str) -> String {
        assert!(PLAIN.contains(from));
        PLAIN.replace(from, to)
    }

    /// A folder with values in files of several kinds.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("d")).unwrap();
        let values = values();
        for (name, bytes) in [
            ("d/a.raw", values.clone()),
            ("s1.raw", values[..8].to_vec()),
            ("s2.raw", values[8..].to_vec()),
            ("junk.raw", [b"l1\nl2\nx", &values[..]].concat()),
            ("a.gz", [b"l1\n".to_vec(), gzip(&[b"junk!", &values[..]].concat())].concat()),
        ] {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        folder
    }

    fn read(folder: &Path, header: &str, behind: &[u8]) -> Result<Volume, VolumeFileError> {
        let path = folder.join("a.nrrd");
        std::fs::write(&path, [header.as_bytes(), behind].concat()).unwrap();
        assert!(is_nrrd(&std::fs::read(&path).unwrap()));
        read_nrrd(&path)
    }

    /// ORIGIN: SimpleITK 2.5.7 and pynrrd 1.1.3 read each of these (pynrrd not the capitals nor the bytes skipped in
    /// a gzip file) as 2 x 2 x 2 voxels of 0.5 x 0.75 x 2 mm, values 0 to 7; SimpleITK's origins.
    #[test]
    fn headers_that_simpleitk_reads_are_read_alike() {
        let folder = folder();
        let (values, packed) = (values(), gzip(&values()));
        let four = |first: &str, sizes: &str, directions: &str| {
            with("dimension: 3", "dimension: 4")
                .replace("2 2 2\n", sizes)
                .replace("(0.5,0,0) (0,0.75,0) (0,0,2)", directions)
                .replace("kinds: ", &format!("kinds: {first} "))
        };
        let beside = |text: &str| with("endian", &format!("{text}\nendian"));
        let lps = [1.0, 2.0, 3.0];
        for (header, behind, origin) in [
            (PLAIN.to_owned() + "\n", &values[..], lps),
            (PLAIN.replace('\n', "\r\n") + "\r\n", &values, lps),
            (with("left-posterior-superior", "LPS") + "\n", &values, lps),
            (with("type: short", "Type: Short") + "a:=b: c\n\n", &values, lps),
            (with("left-posterior", "right-anterior") + "\n", &values, [-1.0, -2.0, 3.0]),
            (with("left-posterior", "Left-Anterior") + "\n", &values, [1.0, -2.0, 3.0]),
            (with("raw", "gzip") + "\n", &packed, lps),
            (with("raw", "gz") + "\n", &[&packed[..], &[0; 9]].concat(), lps),
            (with("raw", "ascii").replace("endian: little\n", "") + "\n", b"0 1 2 3\n4 5 6 7", lps),
            (four("list", "1 2 2 2\n", "none (0.5,0,0) (0,0.75,0) (0,0,2)") + "\n", &values, lps),
            (four("list", "2 2 2 1\n", "(0.5, 0, 0) (0,0.75,0) (0,0,2) (nan,nan,nan)") + "\n", &values, lps),
            (beside("data file: d/a.raw") + "\n", b"", lps),
            (beside("datafile: d/a.raw"), b"", lps),
            (beside("data file: junk.raw\nbyte skip: -1"), b"", lps),
            (beside("data file: junk.raw\nlineskip: 2\nbyteskip: 1"), b"", lps),
            (
                beside("data file: a.gz\nline skip: 1\nbyte skip: 5").replace("raw\nspace", "gzip\nspace"),
                b"",
                lps,
            ),
            (beside("data file: s%d.raw 1 2 1"), b"", lps),
            (beside("data file: s%d.raw 1 2 1 2"), b"", lps),
            (PLAIN.to_owned() + "data file: LIST\ns1.raw\ns2.raw\n", b"", lps),
            (PLAIN.to_owned() + "data file: LIST 2\ns1.raw\ns2.raw", b"", lps),
        ] {
            let volume =
                read(folder.path(), &header, behind).unwrap_or_else(|error| panic!("{header}: {error}"));
            assert_eq!(volume.as_slice(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], "{header}");
            let grid = volume.grid();
            assert_eq!((grid.shape_zyx(), grid.spacing_mm()), ([2; 3], [2.0, 0.75, 0.5]), "{header}");
            assert_eq!(grid.origin_mm(), DVec3::from(origin), "{header}");
            let sides = (DVec3::from(origin) / DVec3::from(lps)).to_array();
            assert_eq!(
                grid.direction().map(|axis| axis.element_sum()),
                [sides[2], sides[1], sides[0]],
                "{header}"
            );
        }
    }

    #[test]
    fn each_type_is_read_in_both_orders() {
        let folder = folder();
        for (kind, little) in [
            ("signed char", vec![7]),
            ("uchar", vec![7]),
            ("short int", 7_i16.to_le_bytes().to_vec()),
            ("uint16_t", 7_u16.to_le_bytes().to_vec()),
            ("int", 7_i32.to_le_bytes().to_vec()),
            ("unsigned int", 7_u32.to_le_bytes().to_vec()),
            ("int64", 7_i64.to_le_bytes().to_vec()),
            ("unsigned long long", 7_u64.to_le_bytes().to_vec()),
            ("float", 7_f32.to_le_bytes().to_vec()),
            ("double", 7_f64.to_le_bytes().to_vec()),
        ] {
            for (order, bytes) in
                [("little", little.clone()), ("big", little.iter().rev().copied().collect())]
            {
                let header = with("2 2 2", "1 1 1").replace("little", order).replace("short", kind) + "\n";
                assert_eq!(read(folder.path(), &header, &bytes).unwrap().as_slice(), [7.0], "{kind} {order}");
            }
        }
    }

    #[test]
    fn nothing_is_assumed_and_nothing_is_guessed() {
        let folder = folder();
        let without = |name: &str| {
            let kept = PLAIN.lines().filter(|line| !line.starts_with(name)).map(|line| format!("{line}\n"));
            kept.collect::<String>() + "\n"
        };
        let beside = |text: &str| with("endian", &format!("{text}\nendian"));
        let units = |unit: &str| with("endian", &format!("space units: {unit}\nendian")) + "\n";
        for (header, code) in [
            (without("space:"), "IOP"),
            (without("space directions"), "IOP"),
            (without("space origin"), "IOP"),
            (without("endian"), "MALFORMED"),
            (without("encoding"), "MALFORMED"),
            (without("type"), "MALFORMED"),
            (with("left-posterior-superior", "scanner-xyz") + "\n", "IOP"),
            (with("left-posterior-superior", "left-posterior-superior-time") + "\n", "IOP"),
            (with("short", "block") + "\n", "CODEC"),
            (with("raw", "bzip2") + "\n", "CODEC"),
            (with("raw", "hex") + "\n", "CODEC"),
            (with("sizes: 2 2 2", "sizes: 2 2 2\nsizes: 2 2 2") + "\n", "MALFORMED"),
            (with("(0,0.75,0)", "none") + "\n", "DIM"),
            (with("(0,0.75,0)", "(0.5,0.75,0)") + "\n", "TILT"),
            (with("(0,0.75,0)", "(0,0,0)") + "\n", "PIXEL_SPACING"),
            (units("\"mm\" \"mm\" \"in\""), "MALFORMED"),
            (units("\"mm\" \"mm\" \"cm\""), "MALFORMED"),
            (with("2 2 2", "2 2 3") + "\n", "TRUNC"),
            (with("2 2 2", "2 2 1") + "\n", "PIXLEN"),
            (with("raw", "gzip") + "\n", "CODEC"),
            (beside("data file: ../a.raw") + "\n", "MALFORMED"),
            (beside("data file: gone.raw") + "\n", "UNREADABLE"),
            (beside("data file: d/a.raw\nbyte skip: 1") + "\n", "TRUNC"),
            (PLAIN.to_owned() + "data file: LIST\ns1.raw\n\n", "MALFORMED"),
            (PLAIN.to_owned() + "data file: LIST\ns1.raw\nd/a.raw\n\n", "PIXLEN"),
        ] {
            let error = read(folder.path(), &header, &values()).unwrap_err();
            assert_eq!(error.code().as_str(), code, "{header}: {error}");
        }
        assert!(
            read(folder.path(), &(with("raw", "bz2") + "\n"), b"").unwrap_err().to_string().contains("bzip2")
        );
        let micrometres = read(folder.path(), &units("\"um\" \"um\" \"um\""), &values()).unwrap();
        assert!((micrometres.grid().spacing_mm()[0] - 0.002).abs() < 1e-12);
    }
}
