//! Forges DICOM files byte by byte: any syntax, any nesting, any lie about a length.
//!
//! It knows nothing of dicom-rs or of pulmo: elements are a tag, a VR and bytes (DICOM PS3.5 sections 7.1
//! and 7.5, annexes A.4 and G; PS3.10 section 7.1).

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::Range;

use flate2::Compression;
use flate2::write::DeflateEncoder;

pub type Tag = (u16, u16);

pub const PIXEL_DATA: Tag = (0x7FE0, 0x0010);
/// A private element between the header's groups.
pub const PRIVATE: Tag = (0x0019, 0x1001);
/// Rows and columns of [`Forge::ct`].
pub const SIDE: u16 = 8;

pub const EXPLICIT: &str = "1.2.840.10008.1.2.1";
pub const IMPLICIT: &str = "1.2.840.10008.1.2";
pub const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";
pub const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
pub const RLE: &str = "1.2.840.10008.1.2.5";

/// How element headers are written, whatever the transfer syntax claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Explicit,
    Implicit,
    BigEndian,
    Deflated,
}

/// A value.
#[derive(Debug, Clone)]
pub enum Body {
    Bytes(Vec<u8>),
    Words(Vec<u16>),
    /// A sequence of defined length with items of defined length.
    Items(Vec<Vec<Element>>),
    /// A sequence and items of undefined length.
    OpenItems(Vec<Vec<Element>>),
    /// Encapsulated pixel data: offset table, then fragments.
    Fragments(Vec<u32>, Vec<Vec<u8>>),
}

/// One element.
#[derive(Debug, Clone)]
pub struct Element {
    pub tag: Tag,
    pub vr: [u8; 2],
    pub body: Body,
    /// The length it declares, where it lies.
    pub declared: Option<u32>,
}

impl Element {
    pub fn new(tag: Tag, vr: &str, body: Body) -> Self {
        Self { tag, vr: vr.as_bytes().try_into().unwrap(), body, declared: None }
    }

    /// Text, padded to an even length.
    pub fn text(tag: Tag, vr: &str, text: &str) -> Self {
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize(bytes.len().next_multiple_of(2), if vr == "UI" { 0 } else { b' ' });
        Self::new(tag, vr, Body::Bytes(bytes))
    }

    pub fn bytes(tag: Tag, vr: &str, bytes: &[u8]) -> Self {
        Self::new(tag, vr, Body::Bytes(bytes.to_vec()))
    }

    pub fn word(tag: Tag, word: u16) -> Self {
        Self::new(tag, "US", Body::Words(vec![word]))
    }

    /// The same element with a lie about its length.
    pub fn declaring(self, length: u32) -> Self {
        Self { declared: Some(length), ..self }
    }
}

/// A file to be.
#[derive(Debug, Clone)]
pub struct Forge {
    pub preamble: Vec<u8>,
    /// What the file meta information claims; no element where it is `None`.
    pub transfer_syntax: Option<String>,
    /// What it says of its own length, where it lies.
    pub meta_length: Option<u32>,
    pub style: Style,
    pub elements: Vec<Element>,
    pub tail: Vec<u8>,
}

impl Forge {
    /// A sound axial slice of 8 x 8 pixels: unsigned, 12 bits in 16, HU from -1024 to 866.
    pub fn ct() -> Self {
        let samples = SIDE * SIDE;
        let text = Element::text;
        let word = Element::word;
        let elements = vec![
            text((0x0008, 0x0008), "CS", "ORIGINAL\\PRIMARY\\AXIAL"),
            text((0x0008, 0x0016), "UI", "1.2.840.10008.5.1.4.1.1.2"),
            text((0x0008, 0x0018), "UI", "1.2.3.4.1"),
            text((0x0008, 0x0060), "CS", "CT"),
            text((0x0010, 0x0010), "PN", "CANARY^NAME"),
            text((0x0010, 0x0020), "LO", "CANARY-ID"),
            text((0x0018, 0x0050), "DS", "2"),
            text((0x0020, 0x000D), "UI", "1.2.3"),
            text((0x0020, 0x000E), "UI", "1.2.3.4"),
            text((0x0020, 0x0013), "IS", "1"),
            text((0x0020, 0x0032), "DS", "-10\\-20\\30"),
            text((0x0020, 0x0037), "DS", "1\\0\\0\\0\\1\\0"),
            text((0x0020, 0x0052), "UI", "1.2.3.5"),
            word((0x0028, 0x0002), 1),
            text((0x0028, 0x0004), "CS", "MONOCHROME2"),
            word((0x0028, 0x0010), SIDE),
            word((0x0028, 0x0011), SIDE),
            text((0x0028, 0x0030), "DS", "0.5\\0.5"),
            word((0x0028, 0x0100), 16),
            word((0x0028, 0x0101), 12),
            word((0x0028, 0x0102), 11),
            word((0x0028, 0x0103), 0),
            text((0x0028, 0x1052), "DS", "-1024"),
            text((0x0028, 0x1053), "DS", "1"),
            Element::new(PIXEL_DATA, "OW", Body::Words((0..samples).map(|i| i * 30).collect())),
        ];
        Self {
            preamble: vec![0; 128],
            transfer_syntax: Some(EXPLICIT.to_owned()),
            meta_length: None,
            style: Style::Explicit,
            elements,
            tail: Vec::new(),
        }
    }

    /// The same slice in another encoding, truly told.
    pub fn styled(style: Style) -> Self {
        let mut forge = Self::ct();
        forge.style = style;
        forge.transfer_syntax = Some(
            match style {
                Style::Explicit => EXPLICIT,
                Style::Implicit => IMPLICIT,
                Style::BigEndian => BIG_ENDIAN,
                Style::Deflated => DEFLATED,
            }
            .to_owned(),
        );
        forge
    }

    /// The same slice as RLE, the frame cut into this many fragments.
    pub fn rle(fragments: usize) -> Self {
        let mut forge = Self::ct();
        forge.transfer_syntax = Some(RLE.to_owned());
        let frame = rle_frame(&forge.words());
        let size = frame.len().div_ceil(fragments).next_multiple_of(2);
        let fragments = frame.chunks(size).map(<[u8]>::to_vec).collect();
        forge.with(Element::new(PIXEL_DATA, "OB", Body::Fragments(vec![], fragments)))
    }

    /// The words of native Pixel Data.
    pub fn words(&self) -> Vec<u16> {
        match self.elements.iter().find(|element| element.tag == PIXEL_DATA).map(|found| &found.body) {
            Some(Body::Words(words)) => words.clone(),
            _ => panic!("no native pixel data"),
        }
    }

    /// Sets an element, in the place of its tag.
    pub fn with(mut self, element: Element) -> Self {
        match self.elements.binary_search_by_key(&element.tag, |other| other.tag) {
            Ok(index) => self.elements[index] = element,
            Err(index) => self.elements.insert(index, element),
        }
        self
    }

    /// Takes an element out.
    pub fn without(mut self, tag: Tag) -> Self {
        self.elements.retain(|element| element.tag != tag);
        self
    }

    /// Changes an element that is there.
    pub fn changing(mut self, tag: Tag, change: impl FnOnce(&mut Element)) -> Self {
        change(self.elements.iter_mut().find(|element| element.tag == tag).unwrap());
        self
    }

    /// The file's bytes.
    pub fn bytes(&self) -> Vec<u8> {
        self.mapped().0
    }

    /// The file's bytes, and where the value of each of its own elements lies (not if deflated).
    pub fn mapped(&self) -> (Vec<u8>, BTreeMap<Tag, Range<usize>>) {
        let mut file = self.preamble.clone();
        file.extend(b"DICM");
        let mut meta = Vec::new();
        if let Some(uid) = &self.transfer_syntax {
            write(&mut meta, Style::Explicit, &Element::text((0x0002, 0x0010), "UI", uid));
        }
        let length = self.meta_length.unwrap_or(meta.len() as u32).to_le_bytes();
        write(&mut file, Style::Explicit, &Element::bytes((0x0002, 0x0000), "UL", &length));
        file.extend(meta);
        let (data_set, mut places) = self.written();
        let start = if self.style == Style::Deflated { 0 } else { file.len() };
        places.values_mut().for_each(|place| *place = place.start + start..place.end + start);
        match self.style {
            Style::Deflated => file.extend(deflate(data_set.as_slice())),
            _ => file.extend(data_set),
        }
        (file, places)
    }

    /// The bytes of the data set, before any deflating.
    pub fn data_set(&self) -> Vec<u8> {
        self.written().0
    }

    fn written(&self) -> (Vec<u8>, BTreeMap<Tag, Range<usize>>) {
        let (mut data_set, mut places) = (Vec::new(), BTreeMap::new());
        for element in &self.elements {
            let value = write(&mut data_set, self.style, element);
            places.insert(element.tag, value..data_set.len());
        }
        data_set.extend(&self.tail);
        (data_set, places)
    }
}

/// Bytes deflated without a wrapper, as the deflated transfer syntax wants them.
pub fn deflate(mut bytes: impl Read) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    std::io::copy(&mut bytes, &mut encoder).unwrap();
    encoder.finish().unwrap()
}

/// A frame of 16-bit words in RLE: the high bytes' segment, then the low bytes', all literal runs.
pub fn rle_frame(words: &[u16]) -> Vec<u8> {
    let segment = |byte: fn(&u16) -> u8| {
        let plane: Vec<u8> = words.iter().map(byte).collect();
        let mut coded: Vec<u8> =
            plane.chunks(128).flat_map(|run| [&[run.len() as u8 - 1], run].concat()).collect();
        coded.resize(coded.len().next_multiple_of(2), 0);
        coded
    };
    let (high, low) = (segment(|word| (word >> 8) as u8), segment(|word| *word as u8));
    let mut header = [0u32; 16];
    header[..3].copy_from_slice(&[2, 64, 64 + high.len() as u32]);
    let mut frame: Vec<u8> = header.iter().flat_map(|word| word.to_le_bytes()).collect();
    frame.extend(high);
    frame.extend(low);
    frame
}

fn word(style: Style, word: u16) -> [u8; 2] {
    if style == Style::BigEndian { word.to_be_bytes() } else { word.to_le_bytes() }
}

fn long(style: Style, long: u32) -> [u8; 4] {
    if style == Style::BigEndian { long.to_be_bytes() } else { long.to_le_bytes() }
}

/// Writes an item, delimiter or other header without VR.
pub fn bare(out: &mut Vec<u8>, style: Style, tag: Tag, length: u32) {
    out.extend(word(style, tag.0));
    out.extend(word(style, tag.1));
    out.extend(long(style, length));
}

fn items(out: &mut Vec<u8>, style: Style, items: &[Vec<Element>]) {
    for item in items {
        let mut inside = Vec::new();
        item.iter().for_each(|element| _ = write(&mut inside, style, element));
        bare(out, style, (0xFFFE, 0xE000), inside.len() as u32);
        out.extend(inside);
    }
}

fn open_items(out: &mut Vec<u8>, style: Style, items: &[Vec<Element>]) {
    for item in items {
        bare(out, style, (0xFFFE, 0xE000), u32::MAX);
        item.iter().for_each(|element| _ = write(out, style, element));
        bare(out, style, (0xFFFE, 0xE00D), 0);
    }
    bare(out, style, (0xFFFE, 0xE0DD), 0);
}

fn fragments(out: &mut Vec<u8>, style: Style, table: &[u32], fragments: &[Vec<u8>]) {
    bare(out, style, (0xFFFE, 0xE000), 4 * table.len() as u32);
    table.iter().for_each(|offset| out.extend(offset.to_le_bytes()));
    for fragment in fragments {
        bare(out, style, (0xFFFE, 0xE000), fragment.len() as u32);
        out.extend(fragment);
    }
    bare(out, style, (0xFFFE, 0xE0DD), 0);
}

/// Writes an element and returns where its value begins.
fn write(out: &mut Vec<u8>, style: Style, element: &Element) -> usize {
    let mut value = Vec::new();
    let mut length = None;
    match &element.body {
        Body::Bytes(bytes) => value.extend(bytes),
        Body::Words(words) => words.iter().for_each(|item| value.extend(word(style, *item))),
        Body::Items(list) => items(&mut value, style, list),
        Body::OpenItems(list) => {
            open_items(&mut value, style, list);
            length = Some(u32::MAX);
        }
        Body::Fragments(table, list) => {
            fragments(&mut value, style, table, list);
            length = Some(u32::MAX);
        }
    }
    let length = element.declared.or(length).unwrap_or(value.len() as u32);
    out.extend(word(style, element.tag.0));
    out.extend(word(style, element.tag.1));
    let has_long_length = matches!(
        &element.vr,
        b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"SQ" | b"SV" | b"UC" | b"UN" | b"UR" | b"UT" | b"UV"
    );
    if style != Style::Implicit {
        out.extend(element.vr);
    }
    match (style, has_long_length) {
        (Style::Implicit, _) => out.extend(long(style, length)),
        (_, true) => {
            out.extend([0, 0]);
            out.extend(long(style, length));
        }
        (_, false) => out.extend(word(style, length as u16)),
    }
    let start = out.len();
    out.extend(value);
    start
}
