//! What is kept of a data set: the elements that pulmo reads, as bytes and nested items.

use dicom_core::{Tag, VR};

/// Kept elements in ascending order of tags.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::dicom) struct DataSet {
    elements: Vec<DataElement>,
}

impl DataSet {
    /// The element, where it is there and pulmo reads it.
    pub(in crate::dicom) fn get(&self, tag: Tag) -> Option<&DataElement> {
        let index = self.elements.binary_search_by_key(&tag, |element| element.tag).ok()?;
        self.elements.get(index)
    }

    /// Adds an element whose tag is above all others.
    pub(super) fn push(&mut self, element: DataElement) {
        self.elements.push(element);
    }
}

/// One element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dicom) struct DataElement {
    /// Its tag.
    pub(in crate::dicom) tag: Tag,
    /// What the file says, or the standard where the file does not (implicit VR).
    pub(in crate::dicom) vr: VR,
    /// Its value.
    pub(in crate::dicom) value: ElementValue,
}

/// An element's value.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::dicom) enum ElementValue {
    /// Text as it stands; binary numbers in little-endian order, whatever the file's is.
    Bytes(Box<[u8]>),
    /// The items of a sequence.
    Items(Vec<DataSet>),
}

/// Tells nothing of a text: it may name the patient.
impl std::fmt::Debug for ElementValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Items(items) => f.debug_list().entries(items).finish(),
        }
    }
}

impl DataElement {
    /// The items, none where the element is no sequence.
    pub(in crate::dicom) fn items(&self) -> &[DataSet] {
        match &self.value {
            ElementValue::Items(items) => items,
            ElementValue::Bytes(_) => &[],
        }
    }

    /// The value's bytes, none where the element is a sequence.
    pub(in crate::dicom) fn bytes(&self) -> &[u8] {
        match &self.value {
            ElementValue::Bytes(bytes) => bytes,
            ElementValue::Items(_) => &[],
        }
    }
}
