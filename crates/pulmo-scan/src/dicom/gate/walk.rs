//! One pass over the elements of a data set: what is read is kept, all else is checked and passed over.
//!
//! Memory and stack are bounded whatever lengths and nesting the file declares.

use std::io::{Read, Seek};
use std::ops::Range;

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

use super::GateError;
use super::budget::{HeaderBudget, MOST_ELEMENTS};
use super::bytes::Bytes;
use super::data_set::{DataElement, DataSet, ElementValue};
use super::element_header::{ElementHeader, ElementPlace, Length, read_element_header};
use super::encoding::{DataSetEncoding, ITEM, ITEM_END};
use super::pixel_data::{Extent, PixelData, announced, encapsulated};
use super::wanted::{number_size, wanted};

/// Longest run of zeros passed over after Pixel Data: some writers fill up blocks.
const LONGEST_FILL: u64 = 1 << 16;
/// Longest value whose absence says that a file was cut off, not that its length is wrong.
const LONGEST_PLAUSIBLE: u32 = 0xFFFF;

/// What a walk gathers besides the kept elements.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Where Pixel Data lies.
    pub(super) pixel_data: Option<PixelData>,
    /// Whether Float or Double Float Pixel Data are there.
    pub(super) has_float_pixels: bool,
    /// Whether a value has an odd length.
    pub(super) has_odd_length: bool,
    /// Where the file's own elements lie that describe its pixels, and these; what lies together is one.
    pub(super) image_elements: Vec<Range<u64>>,
}

impl Seen {
    /// Notes where an element of the file's own data set lies, if it describes the pixels or holds them.
    fn note(&mut self, header: ElementHeader, place: Range<u64>) {
        let is_value = header.length != Length::Undefined && header.named != Some(VR::SQ);
        let describes = header.tag.group() == 0x0028 && header.tag.element() < 0x0110 && is_value;
        if !describes && header.tag != tags::PIXEL_DATA {
            return;
        }
        match self.image_elements.last_mut().filter(|last| last.end == place.start) {
            Some(last) => last.end = place.end,
            None => self.image_elements.push(place),
        }
    }
}

/// A part of the file that holds elements.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope {
    pub(super) encoding: DataSetEncoding,
    /// 0 for the file's own data set.
    pub(super) level: u32,
    /// Where the innermost sequence or item of known length ends, or the file.
    pub(super) limit: u64,
    pub(super) ending: Ending,
    /// Whether elements are kept, or only passed over.
    pub(super) is_kept: bool,
}

/// A value that is kept.
struct KeptValue {
    tag: Tag,
    /// What the file says, or the standard where the file does not.
    vr: VR,
    /// What the standard says.
    standard_vr: VR,
    length: u32,
}

/// What ends a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    File,
    Limit,
    Delimiter,
}

/// Walks the data set that starts at the reader's position. What is kept of it goes into `data_set`, up to
/// where an error stopped the walk.
pub(super) fn walk<R: Read + Seek>(
    bytes: &mut Bytes<R>,
    encoding: DataSetEncoding,
    data_set: &mut DataSet,
) -> Result<Seen, GateError> {
    let whole = Scope { encoding, level: 0, limit: bytes.end(), ending: Ending::File, is_kept: true };
    let mut walk = Walk { bytes, seen: Seen::default(), budget: HeaderBudget::default() };
    walk.fill(data_set, whole)?;
    if walk.budget.elements() <= 1 {
        // not a single element
        return Err(walk.bytes.cut_off(ITEM));
    }
    Ok(walk.seen)
}

/// A walk under way.
pub(super) struct Walk<'a, R> {
    pub(super) bytes: &'a mut Bytes<R>,
    seen: Seen,
    pub(super) budget: HeaderBudget,
}

impl<R: Read + Seek> Walk<'_, R> {
    /// The elements of a scope.
    pub(super) fn data_set(&mut self, scope: Scope) -> Result<DataSet, GateError> {
        let mut data_set = DataSet::default();
        self.fill(&mut data_set, scope)?;
        Ok(data_set)
    }

    /// Walks the elements of a scope.
    fn fill(&mut self, data_set: &mut DataSet, scope: Scope) -> Result<(), GateError> {
        let mut last: Option<Tag> = None;
        let mut elements = 0;
        loop {
            let start = self.bytes.at();
            let Some(header) = self.next(scope, last)? else { return Ok(()) };
            let tag = header.tag;
            if tag == ITEM_END && scope.ending == Ending::Delimiter {
                return Ok(());
            }
            if tag.group() == ITEM.group() {
                return Err(GateError::Sequence { tag: last.unwrap_or(tag) });
            }
            elements += 1;
            if elements > MOST_ELEMENTS {
                return Err(GateError::Elements { most: MOST_ELEMENTS });
            }
            match last {
                Some(last) if scope.is_kept && tag < last => return Err(GateError::TagOrder { tag }),
                Some(last) if scope.is_kept && tag == last => {
                    return Err(GateError::DuplicateElement { tag });
                }
                _ => last = Some(tag),
            }
            self.element(scope, header, data_set)?;
            if scope.level == 0 {
                self.seen.note(header, start..self.bytes.at());
            }
        }
    }

    /// The next element's header; `None` where the scope ends.
    fn next(&mut self, scope: Scope, last: Option<Tag>) -> Result<Option<ElementHeader>, GateError> {
        let tag = last.unwrap_or(ITEM);
        if scope.ending == Ending::Limit && self.bytes.at() == scope.limit {
            return Ok(None);
        }
        self.budget.count()?;
        let place =
            if scope.level == 0 && last.is_none() { ElementPlace::First } else { ElementPlace::Later };
        let header = read_element_header(self.bytes, scope.encoding, place)?;
        let Some(header) = header else {
            return match scope.ending {
                Ending::File => Ok(None),
                _ => Err(self.bytes.cut_off(tag)),
            };
        };
        if self.bytes.at() > scope.limit {
            return Err(GateError::Sequence { tag });
        }
        let may_be_fill = header.tag == Tag(0, 0) && scope.level == 0 && self.seen.pixel_data.is_some();
        if may_be_fill && self.is_fill()? {
            return Ok(None);
        }
        Ok(Some(header))
    }

    /// Whether nothing but a short run of zeros is left.
    fn is_fill(&mut self) -> Result<bool, GateError> {
        let left = self.bytes.end() - self.bytes.at();
        if left > LONGEST_FILL {
            return Ok(false);
        }
        let mut rest = vec![0; usize::try_from(left).unwrap_or(0)];
        self.bytes.read(&mut rest)?;
        Ok(rest.iter().all(|byte| *byte == 0))
    }

    fn element(&mut self, scope: Scope, header: ElementHeader, into: &mut DataSet) -> Result<(), GateError> {
        let ElementHeader { tag, named, length } = header;
        let wanted = wanted(tag, scope.level).filter(|_| scope.is_kept);
        let vr = named.or(wanted.map(|wanted| wanted.vr)).unwrap_or(VR::UN);
        let wanted = wanted.filter(|wanted| wanted.is_read_as(vr) || !wanted.is_optional);
        if wanted.is_some_and(|wanted| !wanted.is_read_as(vr)) {
            return Err(GateError::ValueRepresentation { tag });
        }
        if tag == tags::PIXEL_DATA {
            return self.pixel_data(scope, header, into);
        }
        self.seen.has_float_pixels |=
            scope.level == 0 && [tags::FLOAT_PIXEL_DATA, tags::DOUBLE_FLOAT_PIXEL_DATA].contains(&tag);
        let is_sequence = match length {
            Length::Undefined => matches!(vr, VR::SQ | VR::UN),
            Length::Bytes(_) => vr == VR::SQ || wanted.is_some_and(|wanted| wanted.vr == VR::SQ),
        };
        let wanted = wanted.filter(|wanted| !is_sequence || wanted.vr == VR::SQ || !wanted.is_optional);
        if is_sequence && wanted.is_some_and(|wanted| wanted.vr != VR::SQ) {
            return Err(GateError::ValueRepresentation { tag });
        }
        let length = self.check_length(scope, tag, length, is_sequence)?;
        match (is_sequence, length, wanted) {
            (true, length, wanted) => {
                // the items of an unknown element are implicit, whatever the file is (PS3.5 6.2.2)
                let encoding = if named == Some(VR::UN) { DataSetEncoding::IMPLICIT } else { scope.encoding };
                let items = self.items(Scope { encoding, is_kept: wanted.is_some(), ..scope }, length)?;
                if wanted.is_some() {
                    into.push(DataElement { tag, vr: VR::SQ, value: ElementValue::Items(items) });
                }
                Ok(())
            }
            (false, Some(length), Some(wanted)) if length > wanted.longest => match wanted.is_shown_only {
                true => self.pass(tag, length),
                false => Err(GateError::LongValue { tag, length }),
            },
            (false, Some(length), Some(wanted)) => {
                let value = self.value(scope, KeptValue { tag, vr, standard_vr: wanted.vr, length })?;
                into.push(DataElement { tag, vr, value });
                Ok(())
            }
            (false, Some(length), None) => self.pass(tag, length),
            (false, None, _) => Err(GateError::Length { tag, length: u32::MAX, left: 0 }),
        }
    }

    /// Compares a declared length with what is left; `None` stands for an undefined one.
    pub(super) fn check_length(
        &mut self,
        scope: Scope,
        tag: Tag,
        length: Length,
        is_sequence: bool,
    ) -> Result<Option<u32>, GateError> {
        let left = scope.limit.saturating_sub(self.bytes.at());
        match length {
            Length::Undefined if is_sequence => Ok(None),
            Length::Undefined => Err(GateError::Length { tag, length: u32::MAX, left }),
            Length::Bytes(length) if u64::from(length) <= left => {
                self.seen.has_odd_length |= length % 2 == 1;
                Ok(Some(length))
            }
            Length::Bytes(_) if scope.limit < self.bytes.end() => Err(GateError::Sequence { tag }),
            Length::Bytes(length) if length <= LONGEST_PLAUSIBLE => Err(self.bytes.cut_off(tag)),
            Length::Bytes(length) => Err(self.bytes.too_long(tag, length)),
        }
    }

    /// Reads a value that is kept; numbers are brought into little-endian order.
    fn value(&mut self, scope: Scope, kept: KeptValue) -> Result<ElementValue, GateError> {
        let KeptValue { tag, vr, standard_vr, length } = kept;
        let size = number_size(if vr == VR::UN { standard_vr } else { vr });
        let is_big = scope.encoding == DataSetEncoding::BIG_ENDIAN && size > 1;
        if is_big && vr == VR::UN {
            // nobody can tell the byte order of an unknown element (PS3.5 6.2.2)
            return Err(GateError::ValueRepresentation { tag });
        }
        self.budget.keep(length as usize)?;
        let mut value = vec![0; length as usize].into_boxed_slice();
        if self.bytes.read(&mut value)? < value.len() {
            return Err(self.bytes.cut_off(tag));
        }
        if is_big {
            value.chunks_exact_mut(size).for_each(<[u8]>::reverse);
        }
        Ok(ElementValue::Bytes(value))
    }

    /// Notes where Pixel Data of the file itself lies; that of an icon is passed over.
    fn pixel_data(&mut self, scope: Scope, header: ElementHeader, before: &DataSet) -> Result<(), GateError> {
        let ElementHeader { tag, named, length } = header;
        let vr = named.unwrap_or(VR::OW);
        if !matches!(vr, VR::OB | VR::OW | VR::UN) {
            return Err(GateError::ValueRepresentation { tag });
        }
        let found = match length {
            Length::Undefined => encapsulated(self.bytes, &mut self.budget)?,
            Length::Bytes(length) => {
                let left = scope.limit.saturating_sub(self.bytes.at());
                let is_cut_off = scope.level == 0 && announced(before) == Some(u64::from(length));
                match scope.limit < self.bytes.end() {
                    _ if u64::from(length) <= left => {}
                    true => return Err(GateError::Sequence { tag }),
                    false if is_cut_off => return Err(GateError::Truncated { tag }),
                    false => return Err(self.bytes.too_long(tag, length)),
                }
                self.seen.has_odd_length |= length % 2 == 1;
                let extent = Extent { offset: self.bytes.at(), length };
                self.pass(tag, length)?;
                PixelData::Native { vr, extent }
            }
        };
        if scope.level == 0 {
            self.seen.pixel_data = Some(found);
        }
        Ok(())
    }

    fn pass(&mut self, tag: Tag, length: u32) -> Result<(), GateError> {
        if self.bytes.skip(u64::from(length))? { Ok(()) } else { Err(self.bytes.cut_off(tag)) }
    }
}
