//! One DICOM object: its attributes, and its file.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use dicom_core::value::DataSetSequence;
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};
use sha2::{Digest, Sha256};

use super::{WriteError, content_uid};

/// Attributes of an object, or of an item of a sequence, while it is made.
pub trait PutAttribute {
    /// Sets an attribute.
    fn put_value(&mut self, tag: Tag, vr: VR, value: PrimitiveValue);

    /// Sets an attribute to a sequence of these items.
    fn put_items(&mut self, tag: Tag, items: Vec<InMemDicomObject>);

    /// Sets an attribute that is a text; an empty one has no value.
    fn put_text(&mut self, tag: Tag, vr: VR, text: &str) {
        let value = if text.is_empty() { PrimitiveValue::Empty } else { PrimitiveValue::from(text) };
        self.put_value(tag, vr, value);
    }

    /// Sets an attribute that is an unsigned 16-bit number.
    fn put_number(&mut self, tag: Tag, number: u16) {
        self.put_value(tag, VR::US, PrimitiveValue::from(number));
    }
}

impl PutAttribute for InMemDicomObject {
    fn put_value(&mut self, tag: Tag, vr: VR, value: PrimitiveValue) {
        self.put(DataElement::new(tag, vr, value));
    }

    fn put_items(&mut self, tag: Tag, items: Vec<InMemDicomObject>) {
        self.put(DataElement::new(tag, VR::SQ, DataSetSequence::from(items)));
    }
}

/// A whole object, ready to be written. Like what it was made of it may name a patient, and so has no `Debug`.
pub struct DicomObject {
    sop_class: &'static str,
    sop_instance: String,
    attributes: InMemDicomObject,
}

impl DicomObject {
    /// An object of this SOP Class UID and SOP Instance UID.
    pub(super) fn named(
        sop_class: &'static str,
        sop_instance: String,
        mut attributes: InMemDicomObject,
    ) -> Self {
        attributes.put_text(tags::SOP_CLASS_UID, VR::UI, sop_class);
        attributes.put_text(tags::SOP_INSTANCE_UID, VR::UI, &sop_instance);
        Self { sop_class, sop_instance, attributes }
    }

    /// An object of this SOP Class UID, whose SOP Instance UID is made of all its attributes: the same object
    /// written twice has one name, and whatever differs has another.
    ///
    /// # Errors
    /// [`WriteError::Content`] where the attributes cannot be encoded.
    pub fn new(sop_class: &'static str, attributes: InMemDicomObject) -> Result<Self, WriteError> {
        let meta = meta(sop_class, NOT_YET_NAMED);
        let whole =
            attributes.with_meta(meta).map_err(|source| WriteError::Content { source: source.into() })?;
        let mut hash = Sha256::new();
        whole.write_dataset(&mut hash).map_err(|source| WriteError::Content { source: source.into() })?;
        let sop_instance = content_uid(&[sop_class.as_bytes(), &hash.finalize()]);
        Ok(Self::named(sop_class, sop_instance, whole.into_inner()))
    }

    /// Its SOP Class UID.
    pub fn sop_class(&self) -> &'static str {
        self.sop_class
    }

    /// Its SOP Instance UID.
    pub fn sop_instance(&self) -> &str {
        &self.sop_instance
    }

    /// All that it says.
    pub fn attributes(&self) -> &InMemDicomObject {
        &self.attributes
    }

    /// Writes the object as a file in Explicit VR Little Endian.
    ///
    /// # Errors
    /// [`WriteError`] where the file cannot be written, or the encoder refuses the object.
    pub fn write(self, path: &Path) -> Result<(), WriteError> {
        let file = self
            .attributes
            .with_meta(meta(self.sop_class, &self.sop_instance))
            .map_err(|source| WriteError::Meta { path: path.to_owned(), source: Box::new(source) })?;
        let io = |source| WriteError::Io { path: path.to_owned(), source };
        let mut to = BufWriter::with_capacity(1 << 16, File::create(path).map_err(io)?);
        file.write_all(&mut to)
            .map_err(|source| WriteError::Encode { path: path.to_owned(), source: Box::new(source) })?;
        to.flush().map_err(io)
    }
}

/// Stands where an object's own name will.
const NOT_YET_NAMED: &str = "2.25.0";

/// What a file of an object begins with.
fn meta(sop_class: &str, sop_instance: &str) -> FileMetaTableBuilder {
    FileMetaTableBuilder::new()
        .transfer_syntax(uids::EXPLICIT_VR_LITTLE_ENDIAN)
        .media_storage_sop_class_uid(sop_class)
        .media_storage_sop_instance_uid(sop_instance)
}
