//! One DICOM object: its attributes, and its file.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};

use super::WriteError;

/// An object while it is made.
pub(super) struct DicomObject {
    sop_class: &'static str,
    sop_instance: String,
    attributes: InMemDicomObject,
}

impl DicomObject {
    /// An object of this SOP Class UID and SOP Instance UID.
    pub(super) fn new(sop_class: &'static str, sop_instance: String) -> Self {
        let mut object = Self { sop_class, attributes: InMemDicomObject::new_empty(), sop_instance };
        let instance = PrimitiveValue::from(object.sop_instance.as_str());
        object.put(tags::SOP_CLASS_UID, VR::UI, PrimitiveValue::from(sop_class));
        object.put(tags::SOP_INSTANCE_UID, VR::UI, instance);
        object
    }

    /// Sets an attribute.
    pub(super) fn put(&mut self, tag: Tag, vr: VR, value: PrimitiveValue) {
        self.attributes.put(DataElement::new(tag, vr, value));
    }

    /// Sets an attribute that is a text; an empty one has no value.
    pub(super) fn put_text(&mut self, tag: Tag, vr: VR, text: &str) {
        let value = if text.is_empty() { PrimitiveValue::Empty } else { PrimitiveValue::from(text) };
        self.put(tag, vr, value);
    }

    /// Writes the object as a file in Explicit VR Little Endian.
    ///
    /// # Errors
    /// [`WriteError`] where the file cannot be written, or the encoder refuses the object.
    pub(super) fn write(self, path: &Path) -> Result<(), WriteError> {
        let meta = FileMetaTableBuilder::new()
            .transfer_syntax(uids::EXPLICIT_VR_LITTLE_ENDIAN)
            .media_storage_sop_class_uid(self.sop_class)
            .media_storage_sop_instance_uid(self.sop_instance);
        let file = self
            .attributes
            .with_meta(meta)
            .map_err(|source| WriteError::Meta { path: path.to_owned(), source: Box::new(source) })?;
        let io = |source| WriteError::Io { path: path.to_owned(), source };
        let mut to = BufWriter::with_capacity(1 << 16, File::create(path).map_err(io)?);
        file.write_all(&mut to)
            .map_err(|source| WriteError::Encode { path: path.to_owned(), source: Box::new(source) })?;
        to.flush().map_err(io)
    }
}
