//! Writes CT slices byte by byte, right or wrong in whatever way a test wants.
//!
//! It knows nothing of dicom-rs: elements are a tag, a VR and bytes (DICOM PS3.5 section 7.1).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How the data set is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Explicit VR Little Endian.
    Explicit,
    /// Implicit VR Little Endian.
    Implicit,
    /// Explicit VR Big Endian.
    BigEndian,
    /// Explicit VR Little Endian, deflated behind the file meta information.
    Deflated,
}

impl Encoding {
    fn uid(self) -> &'static str {
        match self {
            Self::Explicit => "1.2.840.10008.1.2.1",
            Self::Implicit => "1.2.840.10008.1.2",
            Self::BigEndian => "1.2.840.10008.1.2.2",
            Self::Deflated => "1.2.840.10008.1.2.1.99",
        }
    }
}

/// A value, in the form that its byte order needs.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Text(&'static str, String),
    /// Text in whatever character set.
    Bytes(&'static str, Vec<u8>),
    Words(&'static str, Vec<u16>),
    /// Pairs of words.
    Longs(&'static str, Vec<u32>),
    /// One empty item, for sequences whose presence is all that counts.
    Sequence,
    /// A sequence of these items.
    Items(Vec<Item>),
}

/// The elements of a sequence's item, by tag.
pub type Item = BTreeMap<(u16, u16), Value>;

/// One CT slice: its elements by tag, and its pixels as words.
#[derive(Debug, Clone)]
pub struct CtSlice {
    pub encoding: Encoding,
    pub elements: BTreeMap<(u16, u16), Value>,
    pub pixels: Vec<u16>,
}

pub const SOP_CLASS: (u16, u16) = (0x0008, 0x0016);
pub const IMAGE_TYPE: (u16, u16) = (0x0008, 0x0008);
pub const MODALITY: (u16, u16) = (0x0008, 0x0060);
pub const SERIES_UID: (u16, u16) = (0x0020, 0x000E);
pub const INSTANCE_NUMBER: (u16, u16) = (0x0020, 0x0013);
pub const POSITION: (u16, u16) = (0x0020, 0x0032);
pub const ORIENTATION: (u16, u16) = (0x0020, 0x0037);
pub const PHOTOMETRIC: (u16, u16) = (0x0028, 0x0004);
pub const PIXEL_SPACING: (u16, u16) = (0x0028, 0x0030);
pub const ROWS: (u16, u16) = (0x0028, 0x0010);
pub const COLUMNS: (u16, u16) = (0x0028, 0x0011);
pub const BITS_ALLOCATED: (u16, u16) = (0x0028, 0x0100);
pub const BITS_STORED: (u16, u16) = (0x0028, 0x0101);
pub const HIGH_BIT: (u16, u16) = (0x0028, 0x0102);
pub const REPRESENTATION: (u16, u16) = (0x0028, 0x0103);
pub const PADDING: (u16, u16) = (0x0028, 0x0120);
pub const PADDING_LIMIT: (u16, u16) = (0x0028, 0x0121);
pub const INTERCEPT: (u16, u16) = (0x0028, 0x1052);
pub const SLOPE: (u16, u16) = (0x0028, 0x1053);
pub const RESCALE_TYPE: (u16, u16) = (0x0028, 0x1054);
pub const MODALITY_LUT: (u16, u16) = (0x0028, 0x3000);
pub const FRAME_OF_REFERENCE: (u16, u16) = (0x0020, 0x0052);
pub const ACQUISITION_NUMBER: (u16, u16) = (0x0020, 0x0012);
pub const TEMPORAL_POSITION: (u16, u16) = (0x0020, 0x0100);
pub const SLICE_THICKNESS: (u16, u16) = (0x0018, 0x0050);
pub const SPACING_BETWEEN: (u16, u16) = (0x0018, 0x0088);
pub const KERNEL: (u16, u16) = (0x0018, 0x1210);
pub const PATIENT_POSITION: (u16, u16) = (0x0018, 0x5100);
pub const FRAMES: (u16, u16) = (0x0028, 0x0008);
pub const SHARED_GROUPS: (u16, u16) = (0x5200, 0x9229);
pub const FRAME_GROUPS: (u16, u16) = (0x5200, 0x9230);
pub const GANTRY_TILT: (u16, u16) = (0x0018, 0x1120);

pub const SIDE: u16 = 8;

impl CtSlice {
    /// A sound axial slice of 8 x 8 pixels of 0.5 mm at `z_mm`: unsigned 12 in 16 bits, intercept -1024.
    /// Pixels differ from each other, and from those of slices elsewhere, from -1024 to 1000 HU.
    pub fn at(z_mm: f64) -> Self {
        let samples = usize::from(SIDE) * usize::from(SIDE);
        let shift = (z_mm.abs() * 7.0) as u16 % 64;
        let mut slice = Self {
            encoding: Encoding::Explicit,
            elements: BTreeMap::new(),
            pixels: (0..samples as u16).map(|i| i * 30 + shift).collect(),
        };
        slice.text(SOP_CLASS, "UI", "1.2.840.10008.5.1.4.1.1.2");
        slice.text(IMAGE_TYPE, "CS", "ORIGINAL\\PRIMARY\\AXIAL");
        slice.text(MODALITY, "CS", "CT");
        slice.text((0x0010, 0x0010), "PN", "CANARY^NAME");
        slice.text((0x0020, 0x000D), "UI", "1.2.3");
        slice.text(SERIES_UID, "UI", "1.2.3.4");
        slice.text(INSTANCE_NUMBER, "IS", "1");
        slice.text(POSITION, "DS", &format!("-10\\-20\\{z_mm}"));
        slice.text(ORIENTATION, "DS", "1\\0\\0\\0\\1\\0");
        slice.text((0x0020, 0x0052), "UI", "1.2.3.5");
        slice.word((0x0028, 0x0002), 1);
        slice.text(PHOTOMETRIC, "CS", "MONOCHROME2");
        slice.word(ROWS, SIDE);
        slice.word(COLUMNS, SIDE);
        slice.text(PIXEL_SPACING, "DS", "0.5\\0.5");
        slice.word(BITS_ALLOCATED, 16);
        slice.word(BITS_STORED, 12);
        slice.word(HIGH_BIT, 11);
        slice.word(REPRESENTATION, 0);
        slice.text(INTERCEPT, "DS", "-1024");
        slice.text(SLOPE, "DS", "1");
        slice
    }

    /// Sets a text element.
    pub fn text(&mut self, tag: (u16, u16), vr: &'static str, text: &str) {
        self.elements.insert(tag, Value::Text(vr, text.to_owned()));
    }

    /// Sets a text element of these bytes.
    pub fn bytes_of(&mut self, tag: (u16, u16), vr: &'static str, bytes: &[u8]) {
        self.elements.insert(tag, Value::Bytes(vr, bytes.to_vec()));
    }

    /// Sets a `US` element.
    pub fn word(&mut self, tag: (u16, u16), word: u16) {
        self.elements.insert(tag, Value::Words("US", vec![word]));
    }

    /// Sets Bits Stored, High Bit and Pixel Representation.
    pub fn format(&mut self, bits_stored: u16, representation: u16) {
        self.word(BITS_STORED, bits_stored);
        self.word(HIGH_BIT, bits_stored - 1);
        self.word(REPRESENTATION, representation);
    }

    /// The file's bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; 128];
        bytes.extend(b"DICM");
        let mut meta = Vec::new();
        let uid = Value::Text("UI", self.encoding.uid().to_owned());
        element(&mut meta, Encoding::Explicit, (0x0002, 0x0010), &uid);
        let length = meta.len() as u32;
        bytes.extend(b"\x02\0\0\0UL\x04\0");
        bytes.extend(length.to_le_bytes());
        bytes.extend(meta);
        let is_deflated = self.encoding == Encoding::Deflated;
        let encoding = if is_deflated { Encoding::Explicit } else { self.encoding };
        let mut data_set = Vec::new();
        for (tag, value) in &self.elements {
            element(&mut data_set, encoding, *tag, value);
        }
        element(&mut data_set, encoding, (0x7FE0, 0x0010), &Value::Words("OW", self.pixels.clone()));
        bytes.extend(if is_deflated { super::forge::deflate(data_set.as_slice()) } else { data_set });
        bytes
    }

    /// Writes the file `name` into `folder`.
    pub fn write(&self, folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, self.bytes()).unwrap();
        path
    }
}

fn element(out: &mut Vec<u8>, encoding: Encoding, (group, number): (u16, u16), value: &Value) {
    let word =
        |word: u16| if encoding == Encoding::BigEndian { word.to_be_bytes() } else { word.to_le_bytes() };
    let long =
        |long: u32| if encoding == Encoding::BigEndian { long.to_be_bytes() } else { long.to_le_bytes() };
    let (vr, bytes) = match value {
        Value::Text(vr, text) => (*vr, padded(text.as_bytes(), vr)),
        Value::Bytes(vr, bytes) => (*vr, padded(bytes, vr)),
        Value::Words(vr, words) => (*vr, words.iter().flat_map(|w| word(*w)).collect()),
        Value::Longs(vr, longs) => (*vr, longs.iter().flat_map(|l| long(*l)).collect()),
        Value::Sequence => ("SQ", [word(0xFFFE), word(0xE000), word(0), word(0)].concat()),
        Value::Items(items) => ("SQ", items.iter().flat_map(|item| item_bytes(encoding, item)).collect()),
    };
    out.extend(word(group));
    out.extend(word(number));
    let length = bytes.len() as u32;
    match (encoding, vr) {
        (Encoding::Implicit, _) => out.extend(long(length)),
        (_, "OW" | "SQ" | "UN") => {
            out.extend(vr.as_bytes());
            out.extend([0, 0]);
            out.extend(long(length));
        }
        _ => {
            out.extend(vr.as_bytes());
            out.extend(word(length as u16));
        }
    }
    out.extend(bytes);
}

/// A text of even length.
fn padded(text: &[u8], vr: &str) -> Vec<u8> {
    let mut bytes = text.to_vec();
    bytes.resize(bytes.len().next_multiple_of(2), if vr == "UI" { 0 } else { b' ' });
    bytes
}

/// An item of defined length.
fn item_bytes(encoding: Encoding, item: &Item) -> Vec<u8> {
    let mut inside = Vec::new();
    item.iter().for_each(|(tag, value)| element(&mut inside, encoding, *tag, value));
    let length = Value::Longs("UL", vec![inside.len() as u32]);
    let mut bytes = Vec::new();
    // an item's header is a tag and a length: what implicit VR gives an element of 4 bytes, less its length
    let plain = if encoding == Encoding::BigEndian { Encoding::BigEndian } else { Encoding::Implicit };
    element(&mut bytes, plain, (0xFFFE, 0xE000), &length);
    let value = bytes.split_off(bytes.len() - 4);
    bytes.truncate(4);
    [bytes, value, inside].concat()
}

/// `count` sound slices at `spacing_mm`, the first at 0.
pub fn series(count: usize, spacing_mm: f64) -> Vec<CtSlice> {
    (0..count).map(|index| CtSlice::at(index as f64 * spacing_mm)).collect()
}

/// Side of the slices of [`chest`], in pixels of 8 mm.
pub const CHEST_SIDE: u16 = 48;

/// Hounsfield units of a schematic chest at a place in patient millimetres (LPS): a body of soft tissue
/// and fat in air, two lungs from 0 to 240 mm along z, and a spot of bone in the patient's left lung.
pub fn chest_hu([x, y, z]: [f64; 3]) -> i32 {
    let within = |[cx, cy, cz]: [f64; 3], [rx, ry, rz]: [f64; 3]| {
        ((x - cx) / rx).powi(2) + ((y - cy) / ry).powi(2) + ((z - cz) / rz).powi(2) <= 1.0
    };
    // grain of up to 20 HU, the same wherever the place is read
    let grain = ((x * 3.0 + y * 7.0 + z * 5.0).rem_euclid(41.0) - 20.0) as i32;
    let body = (x / 160.0).powi(2) + (y / 110.0).powi(2) <= 1.0;
    let inner = (x / 145.0).powi(2) + (y / 95.0).powi(2) <= 1.0;
    let lungs = [-70.0, 70.0].iter().any(|side| within([*side, 0.0, 120.0], [55.0, 75.0, 120.0]));
    let spot = within([80.0, 10.0, 120.0], [14.0, 14.0, 14.0]);
    grain
        + match (body, inner, lungs, spot) {
            (false, ..) => -1000,
            (true, false, ..) => -90,
            (_, _, true, true) => 700,
            (_, _, true, false) => -850,
            _ => 40,
        }
}

/// An axial slice of the schematic chest at `z_mm`, 48 x 48 pixels of 8 mm.
pub fn chest_slice(z_mm: f64) -> CtSlice {
    let mut slice = CtSlice::at(z_mm);
    let side = usize::from(CHEST_SIDE);
    slice.word(ROWS, CHEST_SIDE);
    slice.word(COLUMNS, CHEST_SIDE);
    slice.text(PIXEL_SPACING, "DS", "8\\8");
    slice.text(POSITION, "DS", &format!("-188\\-188\\{z_mm}"));
    let mm = |index: usize| index as f64 * 8.0 - 188.0;
    slice.pixels = (0..side * side)
        .map(|index| (chest_hu([mm(index % side), mm(index / side), z_mm]) + 1024) as u16)
        .collect();
    slice
}

/// Slices of the schematic chest, `spacing_mm` apart from `first_mm` on.
pub fn chest(count: usize, first_mm: f64, spacing_mm: f64) -> Vec<CtSlice> {
    (0..count).map(|index| chest_slice(first_mm + index as f64 * spacing_mm)).collect()
}

/// Writes slices as `000.dcm`, `001.dcm`, ...
pub fn write_all(slices: &[CtSlice], folder: &Path) {
    for (index, slice) in slices.iter().enumerate() {
        slice.write(folder, &format!("{index:03}.dcm"));
    }
}
