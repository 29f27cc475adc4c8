//! What all objects of one scan share: patient, study, space, the images they refer to, and what made them.

use dicom_core::VR;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use pulmo_scan::dicom::{
    CopiedModule, PutAttribute, content_uid, copy_modules, derived_uid, source_planes, source_references,
    source_series,
};
use pulmo_scan::findings::Identity;
use pulmo_scan::geometry::Grid;

use super::concept::ACQUISITION_EQUIPMENT;
use super::written_at::Clock;
use super::{Algorithm, ResultsError, ScanResults, WrittenAt};

/// Which of the new series an object belongs to.
#[derive(Clone, Copy)]
pub(crate) enum NewSeries {
    Report,
    Segmentation,
    KeySlices,
}

/// What a new series says of itself.
struct SeriesTexts {
    /// What its UID is made of.
    name: &'static str,
    modality: &'static str,
    number: &'static str,
    description: &'static str,
}

impl NewSeries {
    fn texts(self) -> SeriesTexts {
        let texts = |name, modality, number, description| SeriesTexts { name, modality, number, description };
        match self {
            Self::Report => texts("report", "SR", "9501", "Nodule measurements (research only)"),
            Self::Segmentation => texts("segmentation", "SEG", "9502", "Lungs and nodules (research only)"),
            Self::KeySlices => texts("key slices", "OT", "9503", "Nodule key slices (research only)"),
        }
    }
}

/// The study that results belong to.
pub(crate) struct OriginStudy<'a> {
    identity: &'a Identity,
    algorithm: &'a Algorithm,
    written: WrittenAt,
    /// The frame of reference that the scan lies in.
    pub(crate) frame_of_reference: String,
    study_uid: String,
    /// A reference to the image of each slice that the scan was made of.
    pub(crate) references: Vec<InMemDicomObject>,
    /// Where each of them lies.
    pub(crate) planes: Vec<Grid>,
    /// The series of these images: an item of a Referenced Series Sequence.
    pub(crate) series: InMemDicomObject,
}

impl<'a> OriginStudy<'a> {
    /// The study of a scan.
    ///
    /// # Errors
    /// [`ResultsError`] where the scan is no DICOM, or its files do not say what an object must refer to.
    pub(crate) fn of(results: &ScanResults<'a>) -> Result<Self, ResultsError> {
        let identity = results.origin.identity.as_ref().ok_or(ResultsError::NoDicom)?;
        let mut copied = InMemDicomObject::new_empty();
        copy_modules(identity, &[CopiedModule::Study, CopiedModule::FrameOfReference], &mut copied);
        let text =
            |tag| copied.element_opt(tag).ok().flatten()?.to_str().ok().map(std::borrow::Cow::into_owned);
        let named = |tag, attribute| text(tag).ok_or(ResultsError::Unnamed { attribute });
        let study_uid = named(tags::STUDY_INSTANCE_UID, "Study Instance UID")?;
        let frame_of_reference = named(tags::FRAME_OF_REFERENCE_UID, "Frame of Reference UID")?;
        if derived_uid(identity, &[]).is_none() {
            return Err(ResultsError::Unnamed { attribute: "Series Instance UID" });
        }
        let series = source_series(identity).and_then(|series| series.items()?.first().cloned());
        Ok(Self {
            identity,
            algorithm: results.algorithm,
            written: results.written,
            frame_of_reference,
            study_uid,
            references: source_references(identity),
            planes: source_planes(identity),
            series: series.ok_or(ResultsError::Unreferable)?,
        })
    }

    /// A UID made of the scan's series and of `parts`.
    pub(crate) fn derived_uid(&self, parts: &[&[u8]]) -> String {
        derived_uid(self.identity, parts).unwrap_or_else(|| content_uid(parts))
    }

    /// The UID that tells the device which observed from others.
    pub(crate) fn device_uid(&self) -> String {
        let Algorithm { name, version, parameters } = self.algorithm;
        let texts = [name, version].into_iter().chain(parameters);
        content_uid(&texts.map(String::as_bytes).collect::<Vec<_>>())
    }

    /// What found the results.
    pub(crate) fn algorithm(&self) -> &'a Algorithm {
        self.algorithm
    }

    /// An object of a new series: all that is told of patient, study, series, equipment and time.
    pub(crate) fn object(&self, series: NewSeries) -> InMemDicomObject {
        let mut object = InMemDicomObject::new_empty();
        copy_modules(self.identity, &[CopiedModule::Patient, CopiedModule::Study], &mut object);
        self.put_series(&mut object, series);
        self.put_equipment(&mut object);
        let Clock { date, time } = self.written.beside(&object);
        for (tag, vr, text) in [
            (tags::INSTANCE_NUMBER, VR::IS, "1"),
            (tags::CONTENT_DATE, VR::DA, &date),
            (tags::CONTENT_TIME, VR::TM, &time),
            (tags::INSTANCE_CREATION_DATE, VR::DA, &date),
            (tags::INSTANCE_CREATION_TIME, VR::TM, &time),
            (tags::SERIES_DATE, VR::DA, &date),
            (tags::SERIES_TIME, VR::TM, &time),
        ] {
            object.put_text(tag, vr, text);
        }
        object
    }

    /// An image of a new series: what it inherits from the scan's images as well.
    pub(crate) fn image(&self, series: NewSeries) -> InMemDicomObject {
        let mut object = self.object(series);
        copy_modules(self.identity, &[CopiedModule::Compression], &mut object);
        object.put_text(tags::BODY_PART_EXAMINED, VR::CS, "CHEST");
        if object.element(tags::LOSSY_IMAGE_COMPRESSION).is_err() {
            object.put_text(tags::LOSSY_IMAGE_COMPRESSION, VR::CS, "00");
        }
        object.put_items(tags::REFERENCED_SERIES_SEQUENCE, vec![self.series.clone()]);
        object
    }

    /// Says that an object lies in the space of the scan.
    pub(crate) fn put_space(&self, object: &mut InMemDicomObject) {
        copy_modules(self.identity, &[CopiedModule::FrameOfReference], object);
    }

    /// What a report refers to: the scan's images, and objects made of them.
    pub(crate) fn evidence(&self, other: Option<InMemDicomObject>) -> InMemDicomObject {
        let mut study = InMemDicomObject::new_empty();
        study.put_text(tags::STUDY_INSTANCE_UID, VR::UI, &self.study_uid);
        let series = std::iter::once(self.series.clone()).chain(other);
        // the same series by the attribute that this macro names it with
        let series = series.map(|mut series| {
            if let Some(images) = series.take(tags::REFERENCED_INSTANCE_SEQUENCE) {
                let images = images.items().unwrap_or_default().to_vec();
                series.put_items(tags::REFERENCED_SOP_SEQUENCE, images);
            }
            series
        });
        study.put_items(tags::REFERENCED_SERIES_SEQUENCE, series.collect());
        study
    }

    fn put_series(&self, object: &mut InMemDicomObject, series: NewSeries) {
        let texts = series.texts();
        let Clock { date, time } = self.written.beside(object);
        let Algorithm { name, version, .. } = self.algorithm;
        let parts = [texts.name, &date, &time, name, version];
        let uid = self.derived_uid(&parts.map(str::as_bytes));
        for (tag, vr, text) in [
            (tags::MODALITY, VR::CS, texts.modality),
            (tags::SERIES_INSTANCE_UID, VR::UI, &uid),
            (tags::SERIES_NUMBER, VR::IS, texts.number),
            (tags::SERIES_DESCRIPTION, VR::LO, texts.description),
        ] {
            object.put_text(tag, vr, text);
        }
    }

    /// This program as the equipment, and the scanner as one that contributed.
    fn put_equipment(&self, object: &mut InMemDicomObject) {
        let Algorithm { name, version, .. } = self.algorithm;
        for (tag, text) in [
            (tags::MANUFACTURER, "pulmo"),
            (tags::MANUFACTURER_MODEL_NAME, name),
            (tags::DEVICE_SERIAL_NUMBER, version),
            (tags::SOFTWARE_VERSIONS, version),
        ] {
            object.put_text(tag, VR::LO, text);
        }
        let mut scanner = InMemDicomObject::new_empty();
        copy_modules(self.identity, &[CopiedModule::Equipment], &mut scanner);
        scanner.remove_element(tags::SPECIFIC_CHARACTER_SET);
        if scanner
            .element(tags::MANUFACTURER)
            .is_ok_and(|maker| maker.to_str().is_ok_and(|text| !text.is_empty()))
        {
            scanner.put_items(tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE, vec![ACQUISITION_EQUIPMENT.item()]);
            object.put_items(tags::CONTRIBUTING_EQUIPMENT_SEQUENCE, vec![scanner]);
        }
    }
}
