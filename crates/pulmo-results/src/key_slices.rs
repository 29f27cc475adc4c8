//! Key slices: pictures of what was found.

use dicom_core::{PrimitiveValue, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_object::InMemDicomObject;
use glam::DVec3;
use pulmo_scan::dicom::{DicomObject, PutAttribute, decimals};
use pulmo_scan::findings::HeatMap;
use pulmo_scan::geometry::Grid;

use super::canvas::{PictureCanvas, TextLine};
use super::colour::{EVIDENCE, NODULE};
use super::measurement_group::Referred;
use super::origin_study::NewSeries;
use super::segments::{NumberedSegment, SegmentKind};
use super::{MeasuredNodule, ResultsError, ScanResults};

/// What is burnt into every picture.
const WARNING: &str = "RESEARCH ONLY - NOT FOR DIAGNOSIS";

/// A picture to be made: a slice, and what is written above it.
struct KeySlice<'a> {
    z: usize,
    lines: Vec<String>,
    /// The nodule that it shows.
    nodule: Option<(usize, &'a MeasuredNodule)>,
}

/// Most nodules that get a picture of their own.
const MOST_NODULES: usize = 20;

/// Returns a picture of the largest slice of each of the first 20 nodules and of the heat map's peak, in this order. A
/// nodule without a mask whose centre lies outside of the volume has none.
///
/// # Errors
/// [`ResultsError`] where one cannot be encoded.
///
/// # References
/// DICOM PS3.3 A.8.1 (Secondary Capture Image IOD), C.8.6 (its modules).
pub(crate) fn key_slices(
    referred: &Referred<'_>,
    results: &ScanResults<'_>,
    segments: &[NumberedSegment<'_>],
) -> Result<Vec<DicomObject>, ResultsError> {
    let nodules = results.nodules.iter().enumerate().take(MOST_NODULES).filter_map(|(index, nodule)| {
        let z = slice_of(results.volume.grid(), nodule, own_segment(segments, index))?;
        Some(KeySlice { z, lines: lines_of(index, nodule), nodule: Some((index, nodule)) })
    });
    let peak = results.heat_map.and_then(|map| {
        let [z, ..] = results.volume.grid().voxel_near(map.peak().position_mm)?;
        let lines = vec!["WHERE THE NETWORK LOOKED".to_owned(), format!("CLASS {}", map.class)];
        Some(KeySlice { z, lines, nodule: None })
    });
    let pictures = nodules.chain(peak).enumerate();
    pictures
        .map(|(index, slice)| {
            let mut object = header(referred, results.volume.grid(), slice.z);
            object.put_text(tags::INSTANCE_NUMBER, VR::IS, &(index + 1).to_string());
            object.put_text(tags::IMAGE_COMMENTS, VR::LT, &slice.lines.join(", "));
            put_pixels(&mut object, results.volume.grid(), drawn(&slice, results, segments));
            Ok(DicomObject::new(uids::SECONDARY_CAPTURE_IMAGE_STORAGE, object)?)
        })
        .collect()
}

fn own_segment<'a, 'b>(segments: &'a [NumberedSegment<'b>], index: usize) -> Option<&'a NumberedSegment<'b>> {
    segments.iter().find(|segment| segment.kind == SegmentKind::Nodule(index))
}

fn slice_of(grid: &Grid, nodule: &MeasuredNodule, segment: Option<&NumberedSegment<'_>>) -> Option<usize> {
    let largest = segment.and_then(|segment| segment.voxels.largest_slice());
    largest.or_else(|| grid.voxel_near(nodule.centre_mm).map(|[z, ..]| z))
}

/// What is written above a nodule.
fn lines_of(index: usize, nodule: &MeasuredNodule) -> Vec<String> {
    let mut lines = vec![format!("NODULE {}", index + 1)];
    if let (Some(long), Some(short)) = (nodule.long_axis_mm, nodule.short_axis_mm) {
        lines.push(format!("{long:.1} X {short:.1} MM"));
    }
    lines.extend(nodule.volume_mm3.map(|volume| format!("{volume:.0} MM3")));
    lines.extend(nodule.mean_hu.map(|mean| format!("{mean:.0} HU")));
    lines.extend(nodule.probability.map(|probability| format!("P {probability:.2}")));
    lines
}

/// The picture of a slice.
fn drawn(slice: &KeySlice<'_>, results: &ScanResults<'_>, segments: &[NumberedSegment<'_>]) -> PictureCanvas {
    let grid = results.volume.grid();
    let [_, rows, columns] = grid.shape_zyx();
    let voxels = results.volume.as_slice();
    let slice_hu = voxels.get(slice.z * rows * columns..).and_then(|rest| rest.get(..rows * columns));
    let mut canvas = PictureCanvas::of_slice(slice_hu.unwrap_or_default(), columns);
    if let Some(map) = results.heat_map {
        canvas.tint(&shares(map, grid, slice.z), EVIDENCE);
    }
    for segment in segments.iter().filter(|segment| matches!(segment.kind, SegmentKind::Nodule(_))) {
        if let Some(window) = segment.voxels.slice(slice.z) {
            canvas.outline(&window, NODULE);
        }
    }
    if let Some((index, nodule)) = slice.nodule
        && own_segment(segments, index).is_none()
        && let Some([_, row, column]) = grid.voxel_near(nodule.centre_mm)
    {
        canvas.cross([row, column], NODULE);
    }
    for (line, text) in slice.lines.iter().enumerate() {
        canvas.write(text, TextLine::Above(line), 0.0);
    }
    let [_, _, along] = grid.direction();
    canvas.write(letter(-along), TextLine::Middle, 0.0);
    canvas.write(letter(along), TextLine::Middle, 1.0);
    canvas.write(WARNING, TextLine::Last, 0.5);
    canvas
}

/// How much each pixel of a slice speaks for the class, of the most that any cell does.
fn shares(map: &HeatMap, grid: &Grid, z: usize) -> Vec<f32> {
    let [_, rows, columns] = grid.shape_zyx();
    let most = map.peak().evidence;
    let Ok(plane) = grid.window([isize::try_from(z).unwrap_or(0), 0, 0], [1, rows, columns]) else {
        return Vec::new();
    };
    if most <= 0.0 {
        return Vec::new();
    }
    map.on(&plane).as_slice().iter().map(|evidence| evidence / most).collect()
}

/// Where a direction points in the patient: left, right, anterior, posterior, head or feet.
fn letter(direction: DVec3) -> &'static str {
    let named = [
        (DVec3::X, "L"),
        (-DVec3::X, "R"),
        (DVec3::Y, "P"),
        (-DVec3::Y, "A"),
        (DVec3::Z, "H"),
        (-DVec3::Z, "F"),
    ];
    let near = |(axis, _): &(DVec3, &str)| direction.dot(*axis);
    named.into_iter().max_by(|a, b| near(a).total_cmp(&near(b))).map_or("", |(_, letter)| letter)
}

/// All that a picture says but its pixels.
fn header(referred: &Referred<'_>, grid: &Grid, z: usize) -> InMemDicomObject {
    let mut object = referred.study.image(NewSeries::KeySlices);
    let [_, down, along] = grid.direction();
    for (tag, vr, text) in [
        (tags::IMAGE_TYPE, VR::CS, "DERIVED\\SECONDARY"),
        (tags::CONVERSION_TYPE, VR::CS, "WSD"),
        (tags::BURNED_IN_ANNOTATION, VR::CS, "YES"),
        (
            tags::DERIVATION_DESCRIPTION,
            VR::ST,
            "Lung window with outlines drawn in, research only, not for diagnosis",
        ),
        (tags::PATIENT_ORIENTATION, VR::CS, &[letter(along), letter(down)].join("\\")),
        (tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "RGB"),
    ] {
        object.put_text(tag, vr, text);
    }
    object.put_items(tags::SOURCE_IMAGE_SEQUENCE, referred.frames.source_images(z));
    object
}

fn put_pixels(object: &mut InMemDicomObject, grid: &Grid, canvas: PictureCanvas) {
    let [_, spacing_y, spacing_x] = grid.spacing_mm();
    let scale = canvas.scale() as f64;
    object.put_text(tags::PIXEL_SPACING, VR::DS, &decimals(&[spacing_y / scale, spacing_x / scale]));
    let [rows, columns] = canvas.shape().map(|side| u16::try_from(side).unwrap_or(u16::MAX));
    for (tag, value) in [
        (tags::SAMPLES_PER_PIXEL, 3),
        (tags::PLANAR_CONFIGURATION, 0),
        (tags::ROWS, rows),
        (tags::COLUMNS, columns),
        (tags::BITS_ALLOCATED, 8),
        (tags::BITS_STORED, 8),
        (tags::HIGH_BIT, 7),
        (tags::PIXEL_REPRESENTATION, 0),
    ] {
        object.put_number(tag, value);
    }
    let mut bytes = canvas.into_bytes();
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    object.put_value(tags::PIXEL_DATA, VR::OB, PrimitiveValue::from(bytes));
}
