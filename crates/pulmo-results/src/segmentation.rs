//! The segmentation: which voxels are lung and nodule.

use std::collections::BTreeSet;

use dicom_core::{PrimitiveValue, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_object::InMemDicomObject;
use pulmo_scan::dicom::{DicomObject, PutAttribute};

use super::ResultsError;
use super::frames::SegmentFrames;
use super::origin_study::{NewSeries, OriginStudy};
use super::packing::{BitFrames, LabelFrames};
use super::segments::{NumberedSegment, background};

/// How a segmentation stores which voxels belong to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SegmentationForm {
    /// Segmentation Storage, `BINARY`: for each segment a frame of bits where it has a voxel. Segments may overlap, and
    /// nodules are part of their lung where its mask holds them. Every viewer of segmentations reads it.
    #[default]
    Binary,
    /// Label Map Segmentation Storage, `LABELMAP`: in each frame the number of the segment. A nodule covers the lung
    /// that it lies in. Smaller where there are many segments; viewers before 2025 do not read it.
    LabelMap,
}

/// What a frame shows: a slice, and for bits the segment.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Shown {
    z: usize,
    segment: Option<u16>,
}

/// Pixels and what they are of.
struct Stored {
    shown: Vec<Shown>,
    bits: u16,
    bytes: Vec<u8>,
}

/// Returns the segmentation of these segments, of which there is at least one. Frames without a voxel are left out.
///
/// # Errors
/// [`ResultsError`] where it cannot be encoded.
///
/// # References
/// DICOM PS3.3 A.51 (Segmentation IOD), C.8.20.2 (Segmentation Image), C.7.6.16 (functional groups); Supplement 243
/// (label maps).
pub(crate) fn segmentation(
    study: &OriginStudy<'_>,
    frames: &SegmentFrames<'_>,
    segments: &[NumberedSegment<'_>],
    form: SegmentationForm,
) -> Result<DicomObject, ResultsError> {
    let stored = match form {
        SegmentationForm::Binary => binary(frames, segments),
        SegmentationForm::LabelMap => label_map(frames, segments),
    };
    let mut object = study.image(NewSeries::Segmentation);
    study.put_space(&mut object);
    put_description(&mut object, study, segments, form);
    put_groups(&mut object, study, frames, &stored.shown);
    put_pixels(&mut object, frames.shape, stored);
    let class = match form {
        SegmentationForm::Binary => uids::SEGMENTATION_STORAGE,
        SegmentationForm::LabelMap => uids::LABEL_MAP_SEGMENTATION_STORAGE,
    };
    Ok(DicomObject::new(class, object)?)
}

fn binary(frames: &SegmentFrames<'_>, segments: &[NumberedSegment<'_>]) -> Stored {
    let (mut shown, mut pixels) = (Vec::new(), BitFrames::default());
    for segment in segments {
        for z in segment.voxels.slices() {
            if let Some(window) = segment.voxels.slice(z) {
                pixels.push(frames.shape.map(usize::from), &window);
                shown.push(Shown { z, segment: Some(segment.number) });
            }
        }
    }
    Stored { shown, bits: 1, bytes: pixels.into_bytes() }
}

fn label_map(frames: &SegmentFrames<'_>, segments: &[NumberedSegment<'_>]) -> Stored {
    let shape = frames.shape.map(usize::from);
    let mut shown = Vec::new();
    let mut pixels = LabelFrames::holding(segments.last().map_or(0, |segment| segment.number));
    for z in 0..frames.len() {
        let windows = segments.iter().filter_map(|segment| Some((segment.number, segment.voxels.slice(z)?)));
        for (index, (number, window)) in windows.enumerate() {
            if index == 0 {
                pixels.push(shape);
                shown.push(Shown { z, segment: None });
            }
            pixels.paint(shape, &window, number);
        }
    }
    Stored { shown, bits: pixels.bits(), bytes: pixels.into_bytes() }
}

fn put_description(
    object: &mut InMemDicomObject,
    study: &OriginStudy<'_>,
    segments: &[NumberedSegment<'_>],
    form: SegmentationForm,
) {
    let (kind, overlap) = match form {
        SegmentationForm::Binary => ("BINARY", "UNDEFINED"),
        SegmentationForm::LabelMap => ("LABELMAP", "NO"),
    };
    for (tag, vr, text) in [
        (tags::IMAGE_TYPE, VR::CS, "DERIVED\\PRIMARY"),
        (tags::CONTENT_LABEL, VR::CS, "LUNGS_NODULES"),
        (tags::CONTENT_DESCRIPTION, VR::LO, "Lungs and nodules, research only, not for diagnosis"),
        (tags::CONTENT_CREATOR_NAME, VR::PN, ""),
        (tags::SEGMENTATION_TYPE, VR::CS, kind),
        (tags::SEGMENTS_OVERLAP, VR::CS, overlap),
    ] {
        object.put_text(tag, vr, text);
    }
    let mut items: Vec<_> = segments.iter().map(|segment| segment.item(study.algorithm())).collect();
    if form == SegmentationForm::LabelMap {
        items.insert(0, background());
        object.put_number(tags::PIXEL_PADDING_VALUE, 0);
    }
    object.put_items(tags::SEGMENT_SEQUENCE, items);
}

/// Where and of what each frame is, and by which of it frames are ordered.
fn put_groups(
    object: &mut InMemDicomObject,
    study: &OriginStudy<'_>,
    frames: &SegmentFrames<'_>,
    shown: &[Shown],
) {
    let by_segment = shown.iter().any(|frame| frame.segment.is_some());
    put_dimensions(object, &study.derived_uid(&[b"dimensions", &[u8::from(by_segment)]]), by_segment);
    let has_sources = shown.iter().any(|frame| frames.source(frame.z).is_some());
    let mut shared = frames.shared_groups();
    if !has_sources {
        shared.put_items(tags::DERIVATION_IMAGE_SEQUENCE, vec![frames.whole_derivation()]);
    }
    object.put_items(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, vec![shared]);
    let slices: Vec<usize> = shown.iter().map(|frame| frame.z).collect::<BTreeSet<_>>().into_iter().collect();
    let group = |frame: &Shown| {
        let mut groups = frames.own_groups(frame.z);
        if has_sources {
            let derivation = frames.derivation(frame.z).into_iter().collect();
            groups.put_items(tags::DERIVATION_IMAGE_SEQUENCE, derivation);
        }
        let rank = slices.partition_point(|z| z < &frame.z) + 1;
        let segment = frame.segment.map(u32::from);
        let index = segment.into_iter().chain(u32::try_from(rank)).collect();
        let mut content = InMemDicomObject::new_empty();
        content.put_value(tags::DIMENSION_INDEX_VALUES, VR::UL, PrimitiveValue::U32(index));
        groups.put_items(tags::FRAME_CONTENT_SEQUENCE, vec![content]);
        if let Some(number) = frame.segment {
            let mut segment = InMemDicomObject::new_empty();
            segment.put_number(tags::REFERENCED_SEGMENT_NUMBER, number);
            groups.put_items(tags::SEGMENT_IDENTIFICATION_SEQUENCE, vec![segment]);
        }
        groups
    };
    object.put_items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, shown.iter().map(group).collect());
    object.put_text(tags::NUMBER_OF_FRAMES, VR::IS, &shown.len().to_string());
}

fn put_dimensions(object: &mut InMemDicomObject, uid: &str, by_segment: bool) {
    let mut organization = InMemDicomObject::new_empty();
    organization.put_text(tags::DIMENSION_ORGANIZATION_UID, VR::UI, uid);
    object.put_items(tags::DIMENSION_ORGANIZATION_SEQUENCE, vec![organization]);
    let segment = (tags::REFERENCED_SEGMENT_NUMBER, tags::SEGMENT_IDENTIFICATION_SEQUENCE, "Segment");
    let position = (tags::IMAGE_POSITION_PATIENT, tags::PLANE_POSITION_SEQUENCE, "Position");
    let dimensions = by_segment.then_some(segment).into_iter().chain([position]);
    let items = dimensions.map(|(pointer, group, label)| {
        let mut item = InMemDicomObject::new_empty();
        item.put_text(tags::DIMENSION_ORGANIZATION_UID, VR::UI, uid);
        item.put_value(tags::DIMENSION_INDEX_POINTER, VR::AT, PrimitiveValue::from(pointer));
        item.put_value(tags::FUNCTIONAL_GROUP_POINTER, VR::AT, PrimitiveValue::from(group));
        item.put_text(tags::DIMENSION_DESCRIPTION_LABEL, VR::LO, label);
        item
    });
    object.put_items(tags::DIMENSION_INDEX_SEQUENCE, items.collect());
}

fn put_pixels(object: &mut InMemDicomObject, [rows, columns]: [u16; 2], stored: Stored) {
    let bits = stored.bits;
    for (tag, value) in [
        (tags::SAMPLES_PER_PIXEL, 1),
        (tags::ROWS, rows),
        (tags::COLUMNS, columns),
        (tags::BITS_ALLOCATED, bits),
        (tags::BITS_STORED, bits),
        (tags::HIGH_BIT, bits - 1),
        (tags::PIXEL_REPRESENTATION, 0),
    ] {
        object.put_number(tag, value);
    }
    object.put_text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2");
    let vr = if bits > 8 { VR::OW } else { VR::OB };
    object.put_value(tags::PIXEL_DATA, vr, PrimitiveValue::from(stored.bytes));
}
