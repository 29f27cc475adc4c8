//! MetaImage files (`.mha`, and `.mhd` with its values beside it).

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use flate2::read::ZlibDecoder;
use glam::{DAffine3, DMat3, DVec3};

use super::element::{
    ByteOrder, Element, Encoding, count_of, read_values, smallest_element, volume_of, write_values,
};
use super::placement::grid_of;
use super::{VolumeFileError, stream};
use crate::geometry::Unit;
use crate::volume::Volume;

/// Longest header accepted, in bytes.
const LONGEST_HEADER: usize = 1 << 16;

/// The keys that a header may start with.
const FIRST_KEYS: [&str; 3] = ["ObjectType", "NDims", "Comment"];

/// Whether the file starts like a MetaImage header.
pub(super) fn is_metaimage(beginning: &[u8]) -> bool {
    let text = String::from_utf8_lossy(beginning);
    let keys = || text.lines().filter_map(|line| Some(line.split_once('=')?.0.trim()));
    keys().next().is_some_and(|key| FIRST_KEYS.contains(&key)) && keys().any(|key| key == "NDims")
}

/// Reads a MetaImage file, compressed or not, of either byte order, as a volume in LPS
/// millimetres. The stored order of voxels is kept.
///
/// `ElementSpacing`, `TransformMatrix` and `Offset` (or `Origin`, `Position`) must be there: nothing
/// is assumed about where the volume lies. Values that lie in another file are only looked for
/// beside the header, never elsewhere.
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
    let mut file = BufReader::new(stream::regular(path)?);
    let header = Header::read(&mut file)?;
    let shape_zyx = header.shape()?;
    let grid = grid_of(shape_zyx, header.placement()?)?;
    let encoding = header.encoding()?;
    let mut values: Box<dyn Read> = match header.value("ElementDataFile")? {
        "LOCAL" | "Local" | "local" => Box::new(file),
        name => Box::new(BufReader::new(stream::regular(&beside(path, name)?)?)),
    };
    if header.says("CompressedData") {
        values = Box::new(ZlibDecoder::new(values));
    }
    volume_of(grid, read_values(&mut values, encoding, count_of(&shape_zyx)?)?)
}

/// The number of voxels that a header promises.
pub(super) fn metaimage_count(path: &Path) -> Result<usize, VolumeFileError> {
    count_of(&Header::read(&mut BufReader::new(stream::regular(path)?))?.shape()?)
}

/// Writes a volume as a MetaImage file, header and values in one (`.mha`): `MET_SHORT` where all values
/// are whole numbers that fit, else `MET_FLOAT`. Axes are written as they are, without loss.
///
/// # Errors
/// [`VolumeFileError::NoMillimetres`] for a picture; [`VolumeFileError::Io`].
pub fn write_metaimage(path: &Path, volume: &Volume) -> Result<(), VolumeFileError> {
    let grid = volume.grid();
    if grid.unit() != Unit::Millimetre {
        return Err(VolumeFileError::NoMillimetres);
    }
    let element = smallest_element(volume.as_slice());
    let kind = if element == Element::I16 { "MET_SHORT" } else { "MET_FLOAT" };
    let [z, y, x] = grid.shape_zyx();
    let [z_mm, y_mm, x_mm] = grid.spacing_mm();
    let matrix = grid.direction().iter().rev().flat_map(|axis| axis.to_array()).collect::<Vec<_>>();
    let header = format!(
        "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n\
         CompressedData = False\nTransformMatrix = {}\nOffset = {}\nCenterOfRotation = 0 0 0\n\
         ElementSpacing = {x_mm} {y_mm} {z_mm}\nDimSize = {x} {y} {z}\nElementType = {kind}\n\
         ElementDataFile = LOCAL\n",
        spaced(&matrix),
        spaced(&grid.origin_mm().to_array()),
    );
    let mut file = BufWriter::with_capacity(1 << 16, File::create(path)?);
    file.write_all(header.as_bytes())?;
    write_values(&mut file, volume.as_slice(), element)?;
    Ok(file.flush()?)
}

fn spaced(numbers: &[f64]) -> String {
    numbers.iter().map(f64::to_string).collect::<Vec<_>>().join(" ")
}

/// The file `name` in the folder of `path`; anything but a plain file name is refused.
fn beside(path: &Path, name: &str) -> Result<PathBuf, VolumeFileError> {
    let is_plain = !name.contains(['/', '\\', ':', '%']) && !["LIST", "", ".", ".."].contains(&name);
    match path.parent().filter(|_| is_plain) {
        Some(folder) => Ok(folder.join(name)),
        None => Err(VolumeFileError::Header { what: "ElementDataFile" }),
    }
}

/// The lines of a header, `key = value`.
struct Header(Vec<(String, String)>);

impl Header {
    /// Reads up to the line that says where the values lie, and no further.
    fn read(from: &mut impl BufRead) -> Result<Self, VolumeFileError> {
        let mut lines = Vec::new();
        let mut line = Vec::new();
        for byte in from.bytes().take(LONGEST_HEADER) {
            match byte? {
                b'\n' => {
                    let text = String::from_utf8_lossy(&line).into_owned();
                    let (key, value) = text.split_once('=').ok_or(VolumeFileError::Format)?;
                    let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
                    line.clear();
                    let is_first_and_strange = lines.is_empty() && !FIRST_KEYS.contains(&key.as_str());
                    let is_last = key == "ElementDataFile";
                    lines.push((key, value));
                    if is_first_and_strange {
                        return Err(VolumeFileError::Format);
                    }
                    if is_last {
                        return Ok(Self(lines));
                    }
                }
                byte => line.push(byte),
            }
        }
        Err(VolumeFileError::Format)
    }

    fn find(&self, keys: &[&str]) -> Option<&str> {
        self.0.iter().find(|(key, _)| keys.contains(&key.as_str())).map(|(_, value)| value.as_str())
    }

    fn value(&self, what: &'static str) -> Result<&str, VolumeFileError> {
        self.find(&[what]).ok_or(VolumeFileError::Header { what })
    }

    fn says(&self, key: &str) -> bool {
        self.find(&[key])
            .is_some_and(|value| ["true", "1", "t"].contains(&value.to_ascii_lowercase().as_str()))
    }

    /// As many numbers as there must be; `None` where the key is missing or they are not so many.
    fn numbers<const N: usize>(&self, keys: &[&str]) -> Option<[f64; N]> {
        let numbers = self.find(keys)?.split_whitespace().map(|number| number.parse::<f64>());
        let numbers: Vec<f64> = numbers.collect::<Result<_, _>>().ok()?;
        numbers.try_into().ok().filter(|numbers: &[f64; N]| numbers.iter().all(|number| number.is_finite()))
    }

    fn shape(&self) -> Result<[usize; 3], VolumeFileError> {
        let wrong = |what| VolumeFileError::Header { what };
        let axes: usize = self.value("NDims")?.parse().map_err(|_| wrong("NDims"))?;
        if axes != 3 {
            return Err(VolumeFileError::Axes { axes });
        }
        let sides = self.value("DimSize")?.split_whitespace().map(str::parse);
        let sides: Vec<usize> = sides.collect::<Result<_, _>>().map_err(|_| wrong("DimSize"))?;
        let [x, y, z] = sides[..] else { return Err(wrong("DimSize")) };
        Ok([z, y, x])
    }

    fn placement(&self) -> Result<DAffine3, VolumeFileError> {
        let spacing = self.numbers::<3>(&["ElementSpacing"]).filter(|mm| mm.iter().all(|mm| *mm > 0.0));
        let spacing = DVec3::from(spacing.ok_or(VolumeFileError::Spacing)?);
        let matrix = self.numbers::<9>(&["TransformMatrix", "Rotation", "Orientation"]);
        let offset = self.numbers::<3>(&["Offset", "Origin", "Position"]);
        let (matrix, offset) = matrix.zip(offset).ok_or(VolumeFileError::NoOrientation)?;
        let axes = DMat3::from_cols_array(&matrix);
        let is_unit = [axes.x_axis, axes.y_axis, axes.z_axis].iter().all(|a| (a.length() - 1.0).abs() < 1e-3);
        if !is_unit {
            return Err(VolumeFileError::Header { what: "TransformMatrix" });
        }
        Ok(DAffine3::from_mat3_translation(axes * DMat3::from_diagonal(spacing), offset.into()))
    }

    fn encoding(&self) -> Result<Encoding, VolumeFileError> {
        for (key, only) in [("ElementNumberOfChannels", "1"), ("HeaderSize", "0")] {
            if self.find(&[key]).is_some_and(|value| value != only) {
                return Err(VolumeFileError::Header { what: key });
            }
        }
        if !self.says("BinaryData") {
            return Err(VolumeFileError::Header { what: "BinaryData" });
        }
        let element = match self.value("ElementType")? {
            "MET_CHAR" => Element::I8,
            "MET_UCHAR" => Element::U8,
            "MET_SHORT" => Element::I16,
            "MET_USHORT" => Element::U16,
            "MET_INT" => Element::I32,
            "MET_UINT" => Element::U32,
            "MET_LONG_LONG" => Element::I64,
            "MET_ULONG_LONG" => Element::U64,
            "MET_FLOAT" => Element::F32,
            "MET_DOUBLE" => Element::F64,
            // MET_LONG has 4 or 8 bytes, as the machine that wrote it
            _ => return Err(VolumeFileError::ElementType),
        };
        let is_big = self.says("BinaryDataByteOrderMSB") || self.says("ElementByteOrderMSB");
        Ok(Encoding::plain(element, if is_big { ByteOrder::Big } else { ByteOrder::Little }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Grid;

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
        for name in ["../a.raw", "/etc/passwd", "..\\a.raw", "LIST", "c:a.raw", "slice%03d.raw"] {
            let result = read(folder.path(), &format!("{HEADER}{name}\n"), b"");
            assert!(matches!(result, Err(VolumeFileError::Header { what: "ElementDataFile" })), "{name}");
        }
        let gone = read(folder.path(), &format!("{HEADER}gone.raw\n"), b"");
        assert!(matches!(gone, Err(VolumeFileError::Io { .. })));
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

    #[test]
    fn what_is_written_is_read_without_loss() {
        let axes = DMat3::from_rotation_y(0.1) * DMat3::from_diagonal(DVec3::new(0.7, 0.8, 2.5));
        let grid = Grid::new([2, 3, 4], DAffine3::from_mat3_translation(axes, DVec3::new(-1.1, 2.2, 3.3)));
        let volume = Volume::from_fn(grid.unwrap(), |[z, y, x]| (z * y * x) as f32 - 0.5);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mha");
        write_metaimage(&path, &volume).unwrap();
        let back = read_metaimage(&path).unwrap();
        assert_eq!(back.voxels(), volume.voxels());
        let [a, b] = [&back, &volume].map(|volume| volume.grid().patient_from_voxel());
        assert!(a.abs_diff_eq(b, 1e-12));
    }
}
