//! What one file says of its series, for people to read.

use std::path::Path;

use dicom_dictionary_std::tags;

use super::DicomError;
use super::attributes::{Attribute, Attributes, attribute};
use super::characters::text_of;
use super::header::series_uid;
use super::number_text::measure;
use super::open::open;
use crate::units::Millimetres;

const THICKNESS: Attribute = attribute(tags::SLICE_THICKNESS, "Slice Thickness");

/// What one file says of its series. What is missing or cannot be read is `None`.
///
/// UID, name and id identify the patient: they are for those who ask for them, never for logs.
#[derive(Clone, Default, PartialEq)]
pub struct Description {
    /// Series Instance UID.
    pub series_uid: Option<String>,
    /// Transfer Syntax UID.
    pub transfer_syntax: String,
    /// Convolution Kernel.
    pub kernel: Option<String>,
    /// Slice Thickness, which is not the distance between slices.
    pub thickness_mm: Option<Millimetres>,
    /// Patient's Name, decoded by its Specific Character Set.
    pub patient_name: Option<String>,
    /// Patient ID.
    pub patient_id: Option<String>,
}

/// Tells nothing of the patient.
impl std::fmt::Debug for Description {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { transfer_syntax, kernel, thickness_mm, .. } = self;
        let mut out = f.debug_struct("Description");
        out.field("transfer_syntax", transfer_syntax).field("kernel", kernel);
        out.field("thickness_mm", thickness_mm).finish_non_exhaustive()
    }
}

/// Returns what a file says of its series. Reads its header only.
///
/// # Errors
/// [`DicomError`] where the file cannot be read or is not DICOM.
pub fn describe(path: &Path) -> Result<Description, DicomError> {
    let header = open(path)?.ok_or(DicomError::NotDicom)?.header;
    let text = |tag| text_of(&header.data_set, tag);
    Ok(Description {
        series_uid: series_uid(&header),
        kernel: text(tags::CONVOLUTION_KERNEL),
        thickness_mm: Attributes(&header.data_set).decimal(THICKNESS).ok().and_then(measure),
        patient_name: text(tags::PATIENT_NAME),
        patient_id: text(tags::PATIENT_ID),
        transfer_syntax: header.transfer_syntax.clone(),
    })
}
