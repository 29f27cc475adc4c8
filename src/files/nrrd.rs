//! NRRD files (`.nrrd`, and `.nhdr` with its values beside it), read.

use std::io::BufRead;
use std::path::Path;

use glam::{DAffine3, DMat3, DVec3};

use super::element::{ByteOrder, Element, Encoding, count_of, volume_of};
use super::header_lines::HeaderLines;
use super::placement::grid_of;
use super::stored::{Files, Packing, Start, Stored, numbered};
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
    let header = Header::read(&mut file)?;
    let sizes = header.sizes()?;
    let count = count_of(&sizes)?;
    let (shape_zyx, patient_from_voxel) = header.placement(&sizes)?;
    let grid = grid_of(shape_zyx, patient_from_voxel)?;
    let stored = header.stored()?;
    let values = match header.files(path, sizes.len())? {
        Some(files) => stored.read_files(&files, &sizes)?,
        None => stored.read(&mut file, count)?,
    };
    volume_of(grid, values)
}

/// The fields of a header.
struct Header {
    /// Their names, in lower case, and what they say.
    fields: Vec<(String, String)>,
    /// The lines behind the last one, where it says that they name files.
    list: Vec<String>,
}

impl Header {
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

    fn find(&self, name: &str) -> Option<&str> {
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

    /// The shape of the three axes in space, and LPS millimetres from their voxel indices.
    fn placement(&self, sizes: &[usize]) -> Result<([usize; 3], DAffine3), VolumeFileError> {
        let lps_from_space = self.lps_from_space()?;
        let text = self.find("space directions").ok_or(VolumeFileError::NoOrientation)?;
        let wrong = |what| VolumeFileError::Header { what };
        let directions = vectors(text).ok_or(wrong("space directions"))?;
        if directions.len() != sizes.len() {
            return Err(wrong("space directions"));
        }
        let axes = || sizes.iter().zip(&directions);
        let in_space: Vec<(usize, DVec3)> =
            axes().filter_map(|(side, direction)| direction.map(|direction| (*side, direction))).collect();
        let is_apart = axes().all(|(side, direction)| direction.is_some() || *side == 1);
        let ([(x, x_axis), (y, y_axis), (z, z_axis)], true) = (&in_space[..], is_apart) else {
            return Err(VolumeFileError::Axes { axes: sizes.iter().filter(|side| **side > 1).count() });
        };
        let origin = vectors(self.find("space origin").ok_or(VolumeFileError::NoOrientation)?);
        let Some([Some(origin)]) = origin.as_deref() else { return Err(wrong("space origin")) };
        let matrix = lps_from_space * DMat3::from_cols(*x_axis, *y_axis, *z_axis);
        Ok(([*z, *y, *x], DAffine3::from_mat3_translation(matrix, lps_from_space * *origin)))
    }

    /// What turns the header's space into LPS millimetres.
    fn lps_from_space(&self) -> Result<DMat3, VolumeFileError> {
        let space = self.find("space").map(str::to_ascii_lowercase);
        let sides = match space.as_deref() {
            Some("left-posterior-superior" | "lps") => DVec3::ONE,
            Some("right-anterior-superior" | "ras") => DVec3::new(-1.0, -1.0, 1.0),
            Some("left-anterior-superior" | "las") => DVec3::new(1.0, -1.0, 1.0),
            _ => return Err(VolumeFileError::NoOrientation),
        };
        let units = self.find("space units").unwrap_or_default().split(['"', ' ', '\t']);
        let mut millimetres = units.filter(|unit| !unit.is_empty()).map(millimetres_in);
        let first = millimetres.next().unwrap_or(Some(1.0));
        match first.filter(|first| millimetres.all(|other| other == Some(*first))) {
            Some(millimetres) => Ok(DMat3::from_diagonal(sides * millimetres)),
            None => Err(VolumeFileError::Header { what: "space units" }),
        }
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
            Ok(-1) if packing == Packing::Plain => Start::AtEnd,
            Ok(bytes @ 0..) => Start::Behind { lines, bytes: bytes.unsigned_abs() },
            Ok(i64::MIN..0) | Err(_) => return Err(VolumeFileError::Header { what: "byte skip" }),
        };
        Ok(Stored { encoding: self.encoding(packing)?, packing, start })
    }

    fn encoding(&self, packing: Packing) -> Result<Encoding, VolumeFileError> {
        let kind = self.field("type")?.to_ascii_lowercase();
        let element = match kind.as_str() {
            "signed char" | "int8" | "int8_t" => Element::I8,
            "uchar" | "unsigned char" | "uint8" | "uint8_t" => Element::U8,
            "short" | "short int" | "signed short" | "signed short int" | "int16" | "int16_t" => Element::I16,
            "ushort" | "unsigned short" | "unsigned short int" | "uint16" | "uint16_t" => Element::U16,
            "int" | "signed int" | "int32" | "int32_t" => Element::I32,
            "uint" | "unsigned int" | "uint32" | "uint32_t" => Element::U32,
            "longlong" | "long long" | "long long int" | "signed long long" | "signed long long int"
            | "int64" | "int64_t" => Element::I64,
            "ulonglong" | "unsigned long long" | "unsigned long long int" | "uint64" | "uint64_t" => Element::U64,
            "float" => Element::F32,
            "double" => Element::F64,
            _ => return Err(VolumeFileError::ElementType),
        };
        let order = match self.find("endian").map(str::to_ascii_lowercase).as_deref() {
            Some("little") => ByteOrder::Little,
            Some("big") => ByteOrder::Big,
            None if element.bytes() == 1 || packing == Packing::Text => ByteOrder::Little,
            _ => return Err(VolumeFileError::Header { what: "endian" }),
        };
        Ok(Encoding::plain(element, order))
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
        let named = match self.list_axes() {
            Some(part) => part.map(str::parse).transpose().ok().map(|part| (self.list.clone(), part)),
            None if name.contains('%') => numbered_names(name),
            None => return Files::beside(path, DATA_FILE, (vec![name.to_owned()], None)).map(Some),
        };
        let (names, part) = named.ok_or(VolumeFileError::Header { what: DATA_FILE })?;
        Files::beside(path, DATA_FILE, (names, Some(part.unwrap_or(axes.saturating_sub(1))))).map(Some)
    }
}

/// The files of a pattern, its first and last number and its step; behind them the axes of each file's part
/// may stand.
fn numbered_names(text: &str) -> Option<(Vec<String>, Option<usize>)> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (pattern, first, last, step, axes) = match words[..] {
        [pattern, first, last, step] => (pattern, first, last, step, None),
        [pattern, first, last, step, axes] => (pattern, first, last, step, Some(axes.parse().ok()?)),
        _ => return None,
    };
    Some((numbered(pattern, [first.parse().ok()?, last.parse().ok()?, step.parse().ok()?])?, axes))
}

/// Millimetres in a unit of length.
fn millimetres_in(unit: &str) -> Option<f64> {
    match unit.to_ascii_lowercase().as_str() {
        "mm" | "millimeter" | "millimeters" | "millimetre" | "millimetres" => Some(1.0),
        "um" | "µm" | "micron" | "microns" => Some(1e-3),
        "cm" => Some(10.0),
        "m" => Some(1e3),
        _ => None,
    }
}

/// The vectors `(x,y,z)` of a text; `None` among them for `none`, which stands for an axis that lies in no space.
fn vectors(text: &str) -> Option<Vec<Option<DVec3>>> {
    let mut rest = text.trim();
    let mut found = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("none") {
            found.push(None);
            rest = after.trim_start();
            continue;
        }
        let (inside, after) = rest.strip_prefix('(')?.split_once(')')?;
        let numbers: Vec<f64> = inside.split(',').map(|number| number.trim().parse().ok()).collect::<Option<_>>()?;
        let vector = DVec3::from_array(numbers.try_into().ok()?);
        // other writers say `none` by no numbers
        found.push((!vector.is_nan()).then_some(vector));
        rest = after.trim_start();
    }
    Some(found)
}
