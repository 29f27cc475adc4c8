//! Where the bytes of each frame lie, once Pixel Data and header are known to agree.

use std::io::{Read, Seek};
use std::ops::Range;
use std::sync::Arc;

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

use super::codec::{self, Coding};
use super::gate::{DataSet, DataSetStorage, Endianness, Extent, FileHeader, GateError, PixelData};
use super::pixel_format::{number_of_frames, pixel_format};
use super::{DicomError, PixelFormat};

/// The frames of one file. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frames {
    format: PixelFormat,
    count: usize,
    transfer_syntax: Arc<str>,
    order: Endianness,
    storage: DataSetStorage,
    layout: Layout,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Layout {
    Native { first: u64, swaps: bool },
    Encapsulated { fragments: Arc<[Extent]>, frames: Arc<[Range<usize>]> },
}

/// Where one frame lies.
pub(super) enum FrameLocation<'a> {
    /// Uncompressed.
    Native {
        /// Where the first frame starts.
        first: u64,
        /// How many bytes after that this one starts.
        after: u64,
        /// Whether bytes lie in words of which the high byte comes first.
        swaps: bool,
    },
    /// One codestream in these fragments.
    Encapsulated {
        /// The fragments in order.
        fragments: &'a [Extent],
    },
}

impl Frames {
    /// Finds the frames of a file.
    ///
    /// # Errors
    /// [`DicomError`] where pixel format or number of frames are impossible, Pixel Data are missing, too
    /// short, too long, or stored otherwise than the transfer syntax says, or where fragments,
    /// offset tables and frames do not fit together.
    pub(super) fn of(header: &FileHeader) -> Result<Self, DicomError> {
        let count = number_of_frames(header)? as usize;
        let coding = codec::coding(&header.transfer_syntax).ok_or(DicomError::TransferSyntax)?;
        let format = pixel_format(header)?;
        let layout = match (coding, header.pixel_data.as_ref().ok_or(DicomError::NoPixels)?) {
            (Coding::Native, PixelData::Native { vr, extent }) => {
                check_length(*extent, format.bytes() * count)?;
                native(*extent, *vr, format, header.order)?
            }
            (Coding::Native, _) | (_, PixelData::Native { .. }) => {
                return Err(GateError::ContradictedSyntax.into());
            }
            (_, PixelData::Encapsulated { offset_table, fragments, beginnings }) => {
                let starts = match offsets(&header.data_set, offset_table, fragments) {
                    Some(Some(offsets)) => starts_by_offset(&offsets, fragments),
                    Some(None) => starts_by_content(beginnings, fragments.len(), count),
                    None => None,
                };
                let starts = starts.filter(|starts| starts.len() == count).ok_or(GateError::Fragments)?;
                let frames = ranges(&starts, fragments.len()).ok_or(GateError::Fragments)?;
                Layout::Encapsulated { fragments: fragments.as_slice().into(), frames }
            }
        };
        let transfer_syntax = header.transfer_syntax.as_str().into();
        Ok(Self { format, count, transfer_syntax, order: header.order, storage: header.storage, layout })
    }

    /// How samples are stored.
    pub(super) fn format(&self) -> PixelFormat {
        self.format
    }

    /// Number of frames, at least 1.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Transfer Syntax UID.
    pub(super) fn transfer_syntax(&self) -> &str {
        &self.transfer_syntax
    }

    /// Byte order of native samples.
    pub(super) fn order(&self) -> Endianness {
        self.order
    }

    /// How offsets are to be read.
    pub(super) fn storage(&self) -> DataSetStorage {
        self.storage
    }

    /// The bytes of all uncompressed frames, in one go: read one by one, each frame of a deflated data set
    /// would be inflated from the first on. As many as the header promises, within the gate's bound.
    ///
    /// # Errors
    /// [`DicomError`] where they cannot be read.
    pub(super) fn inflated<R: Read + Seek>(&self, source: &mut R) -> Result<Vec<u8>, DicomError> {
        let Layout::Native { first, .. } = self.layout else {
            return Err(GateError::ContradictedSyntax.into());
        };
        let mut bytes = vec![0; self.count * self.format.bytes()];
        self.storage.read(source, first, &mut bytes)?;
        Ok(bytes)
    }

    /// Whether the frames lie uncompressed in a deflated data set.
    pub(super) fn are_deflated(&self) -> bool {
        matches!((self.storage, &self.layout), (DataSetStorage::Deflated { .. }, Layout::Native { .. }))
    }

    /// These frames, found in what [`inflated`](Self::inflated) returns.
    pub(super) fn in_inflated(mut self) -> Self {
        self.storage = DataSetStorage::Plain;
        if let Layout::Native { first, .. } = &mut self.layout {
            *first = 0;
        }
        self
    }

    /// Where the frame of this index lies.
    pub(super) fn place(&self, frame: usize) -> Result<FrameLocation<'_>, DicomError> {
        if frame >= self.count {
            return Err(DicomError::NoPixels);
        }
        match &self.layout {
            Layout::Native { first, swaps } => {
                let after = (frame * self.format.bytes()) as u64;
                Ok(FrameLocation::Native { first: *first, after, swaps: *swaps })
            }
            Layout::Encapsulated { fragments, frames } => {
                let fragments = frames.get(frame).and_then(|frame| fragments.get(frame.clone()));
                Ok(FrameLocation::Encapsulated { fragments: fragments.ok_or(GateError::Fragments)? })
            }
        }
    }
}

/// An odd length may be padded to an even one.
fn check_length(extent: Extent, expected: usize) -> Result<(), DicomError> {
    match extent.length as usize {
        0 => Err(DicomError::NoPixels),
        found if found == expected || (expected % 2 == 1 && found == expected + 1) => Ok(()),
        found => Err(DicomError::PixelLength { expected, found }),
    }
}

fn native(extent: Extent, vr: VR, format: PixelFormat, order: Endianness) -> Result<Layout, DicomError> {
    let is_big = order == Endianness::Big;
    if is_big && vr != VR::OW && format.bits_allocated == 16 {
        // bytes or words: nobody can tell which order is meant
        return Err(GateError::ValueRepresentation { tag: tags::PIXEL_DATA }.into());
    }
    Ok(Layout::Native { first: extent.offset, swaps: is_big && vr == VR::OW && format.bits_allocated == 8 })
}

/// Where frames start after the first fragment's item, by the offset table that there is; `Some(None)`
/// where there is none, `None` where it is broken.
///
/// # References
/// DICOM PS3.5 annex A.4; PS3.3 C.7.6.3.1.8 (extended offset table).
#[expect(clippy::option_option, reason = "missing and broken are different answers")]
fn offsets(header: &DataSet, basic: &[u32], fragments: &[Extent]) -> Option<Option<Vec<u64>>> {
    let basic: Vec<u64> = basic.iter().map(|offset| u64::from(*offset)).collect();
    match table(header, tags::EXTENDED_OFFSET_TABLE)? {
        None if basic.is_empty() => Some(None),
        None => Some(Some(basic)),
        Some(_) if !basic.is_empty() => None,
        Some(extended) => {
            let lengths = table(header, tags::EXTENDED_OFFSET_TABLE_LENGTHS)??;
            let fits = |(length, fragment): (&u64, &Extent)| {
                let found = u64::from(fragment.length);
                // a fragment is padded to an even length
                found == *length || (length % 2 == 1 && found == length + 1)
            };
            let are_sound = lengths.len() == fragments.len() && lengths.iter().zip(fragments).all(fits);
            are_sound.then_some(Some(extended))
        }
    }
}

/// The first fragment of each frame by their offsets; `None` where one meets no fragment.
fn starts_by_offset(offsets: &[u64], fragments: &[Extent]) -> Option<Vec<usize>> {
    let first = fragments.first()?.offset;
    let start = |offset: &u64| {
        let start = first.checked_add(*offset)?;
        fragments.binary_search_by_key(&start, |fragment| fragment.offset).ok()
    };
    offsets.iter().map(start).collect()
}

/// The first fragment of each frame where no table tells: all are the only frame's, or each is one
/// frame's, or those that begin like a codestream begin a frame's.
fn starts_by_content(beginnings: &[usize], fragments: usize, count: usize) -> Option<Vec<usize>> {
    match count {
        _ if fragments == 0 => None,
        1 => Some(vec![0]),
        _ if count == fragments => Some((0..fragments).collect()),
        _ => Some(beginnings.to_vec()),
    }
}

/// The fragments of each frame; `None` where the first ones do not ascend from 0.
fn ranges(starts: &[usize], fragments: usize) -> Option<Arc<[Range<usize>]>> {
    let is_sound = starts.first() == Some(&0) && starts.is_sorted_by(|a, b| a < b);
    is_sound.then_some(())?;
    let ends = starts.iter().skip(1).copied().chain([fragments]);
    Some(starts.iter().zip(ends).map(|(start, end)| *start..end).collect())
}

/// An extended offset table: `Some(None)` where there is none, `None` where it is broken.
#[expect(clippy::option_option, reason = "missing and broken are different answers")]
fn table(header: &DataSet, tag: Tag) -> Option<Option<Vec<u64>>> {
    let Some(element) = header.get(tag) else { return Some(None) };
    match element.bytes().as_chunks::<8>() {
        (entries, []) if !entries.is_empty() => {
            Some(Some(entries.iter().map(|entry| u64::from_le_bytes(*entry)).collect()))
        }
        _ => None,
    }
}
