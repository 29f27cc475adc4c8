//! Where a scan comes from: what the headers of the slices it was made of say.

use std::collections::{BTreeMap, BTreeSet};

use dicom_core::Tag;
use dicom_dictionary_std::{tags, uids};

use super::attributes::{Attribute, Attributes, attribute, parse_decimal_string};
use super::characters::text_of;
use super::copy::COPIED;
use super::gate::FileHeader;
use super::number_text::measure;
use super::series::MultiFrames;
use super::stack::grid;
use super::{Acquisition, DicomError, Slice, SliceHeader};
use crate::findings::{Identity, ScanOrigin, ScanProtocol, SourceInstance, SourceSlice};
use crate::geometry::Grid;

const KVP: Attribute = attribute(tags::KVP, "KVP");
const SHARED: Attribute =
    attribute(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, "Shared Functional Groups Sequence");
const PER_FRAME: Attribute =
    attribute(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, "Per-Frame Functional Groups Sequence");
const X_RAY: Attribute = attribute(tags::CTX_RAY_DETAILS_SEQUENCE, "CT X-Ray Details Sequence");

/// Attributes of the series itself: no other series copies them, but references and keys are made of them.
const KEPT: [Tag; 7] = [
    tags::SERIES_INSTANCE_UID,
    tags::SERIES_NUMBER,
    tags::SERIES_DATE,
    tags::SERIES_TIME,
    tags::ACQUISITION_DATE,
    tags::ACQUISITION_TIME,
    tags::ACQUISITION_DATE_TIME,
];

/// Longest text that is told of a scanner: the standard's limit of a Long String (PS3.5 section 6.2).
const LONGEST_TOLD: usize = 64;

/// A slice that a volume was made of.
pub(super) struct Used {
    /// Its place among the slices.
    pub(super) slice: usize,
    /// Which stored image it is; `None` where its file does not say.
    pub(super) instance: Option<SourceInstance>,
}

/// Returns where the volume of the slices used, in the order of their positions, comes from.
///
/// The header of one of them speaks for all: the first of those that say most of patient and study.
///
/// # Errors
/// [`DicomError`] where that slice's file changed meanwhile.
pub(super) fn origin(slices: &[Slice], files: &MultiFrames, used: &[Used]) -> Result<ScanOrigin, DicomError> {
    let known = |used: &&Used| slices[used.slice].header.patient_study.known();
    // of several that say as much, `max_by_key` gives the last
    let Some(speaker) = used.iter().rev().max_by_key(known) else { return Ok(ScanOrigin::default()) };
    let speaker = &slices[speaker.slice];
    let header = files.file_header(speaker)?;
    let headers = || used.iter().map(|used| &slices[used.slice].header);
    let all = || headers().map(|header| &header.acquisition);
    let mut texts = texts(&header);
    if headers().any(|header| header.lossy) || always_lossy(&header.transfer_syntax) {
        let tag = tags::LOSSY_IMAGE_COMPRESSION;
        texts.insert((tag.group(), tag.element()), "01".to_owned());
    }
    Ok(ScanOrigin {
        protocol: ScanProtocol {
            manufacturer: text_of(&header.data_set, tags::MANUFACTURER).and_then(|text| told(&text)),
            model: text_of(&header.data_set, tags::MANUFACTURER_MODEL_NAME).and_then(|text| told(&text)),
            convolution_kernel: common(all().map(Acquisition::convolution_kernel)).and_then(told),
            slice_thickness_mm: common(
                all().map(|slice| measure(parse_decimal_string(slice.slice_thickness()?)?)),
            ),
            kvp: kvp(&header, speaker.frame.unwrap_or(0)),
        },
        identity: Some(Identity::new(texts, sources(slices, used)?)),
    })
}

/// Each slice with its place; none where one does not say which it is, or two say that they are the same.
fn sources(slices: &[Slice], used: &[Used]) -> Result<Vec<SourceSlice>, DicomError> {
    let instances: Vec<&SourceInstance> = used.iter().filter_map(|used| used.instance.as_ref()).collect();
    let different: BTreeSet<_> = instances.iter().map(|instance| (&instance.uid, instance.frame)).collect();
    if different.len() < used.len() {
        return Ok(Vec::new());
    }
    let sources = instances.into_iter().zip(used).map(|(instance, used)| {
        let plane = plane(&slices[used.slice].header)?;
        Ok(SourceSlice { instance: instance.clone(), plane })
    });
    sources.collect()
}

/// A slice as a grid of its own; what it is thick is told elsewhere.
fn plane(header: &SliceHeader) -> Result<Grid, DicomError> {
    grid(header, header.position_mm, header.normal(), 1)
}

/// Whether nothing but lossy compression is stored so.
fn always_lossy(transfer_syntax: &str) -> bool {
    [uids::JPEG_BASELINE8_BIT, uids::JPEG_EXTENDED12_BIT, uids::JPEGLS_NEAR_LOSSLESS]
        .contains(&transfer_syntax)
}

/// All texts that are kept, decoded.
fn texts(header: &FileHeader) -> BTreeMap<(u16, u16), String> {
    let copied = COPIED.iter().map(|copied| copied.tag).chain(KEPT);
    copied.filter_map(|tag| Some(((tag.group(), tag.element()), text_of(&header.data_set, tag)?))).collect()
}

/// A text as it may be told; `None` of one that is no Long String.
fn told(text: &str) -> Option<String> {
    let is_sound = text.chars().count() <= LONGEST_TOLD && !text.contains(char::is_control);
    is_sound.then(|| text.to_owned())
}

/// What all slices say; `None` where they differ.
fn common<T: PartialEq>(mut values: impl Iterator<Item = Option<T>>) -> Option<T> {
    let first = values.next()??;
    values.all(|value| value.as_ref() == Some(&first)).then_some(first)
}

/// The tube voltage of a frame: its own group's, that of all frames, or the whole object's.
fn kvp(header: &FileHeader, frame: usize) -> Option<f64> {
    let object = Attributes(&header.data_set);
    let own = object.items(PER_FRAME).get(frame).map(Attributes);
    let in_group = |group: Attributes<'_>| group.item(X_RAY)?.decimal(KVP).ok();
    let value = own.and_then(in_group).or_else(|| object.item(SHARED).and_then(in_group));
    value.or_else(|| object.decimal(KVP).ok()).and_then(measure)
}
