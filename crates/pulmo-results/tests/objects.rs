//! What the objects hold, read by no other tool: whose they are, where they lie, what they refuse.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

mod support;

use std::collections::BTreeSet;
use std::path::Path;

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use dicom_object::{DefaultDicomObject, InMemDicomObject, open_file};
use ndarray::Array3;
use pulmo_forge::ct::{self, CtSlice};
use pulmo_forge::load::with;
use pulmo_results::{
    LungSegments, MeasuredNodule, ResultsError, ScanResults, SegmentationForm, WrittenAt, write_results,
};
use pulmo_scan::findings::{HeatMap, ScanOrigin};
use pulmo_scan::volume::{Mask, Volume};
use support::{AXIAL, Case, algorithm, case, cases, oblique, slices};

fn text(object: &InMemDicomObject, tag: Tag) -> String {
    object.element(tag).unwrap().to_str().unwrap().into_owned()
}

fn items(object: &InMemDicomObject, tag: Tag) -> &[InMemDicomObject] {
    object.element(tag).unwrap().items().unwrap()
}

fn numbers(object: &InMemDicomObject, tag: Tag) -> Vec<f64> {
    object.element(tag).unwrap().to_multi_float64().unwrap()
}

fn number(object: &InMemDicomObject, tag: Tag) -> usize {
    object.element(tag).unwrap().to_int().unwrap()
}

fn written(case: &Case, form: SegmentationForm) -> (tempfile::TempDir, Vec<DefaultDicomObject>) {
    let folder = tempfile::tempdir().unwrap();
    let objects = case.write(folder.path(), form).iter().map(|path| open_file(path).unwrap()).collect();
    (folder, objects)
}

/// Whether each pixel of each frame belongs to a segment.
fn pixels_of(object: &InMemDicomObject, segment: usize) -> Vec<Vec<bool>> {
    let frame = number(object, tags::ROWS) * number(object, tags::COLUMNS);
    let bytes = object.element(tags::PIXEL_DATA).unwrap().to_bytes().unwrap();
    let frames = number(object, tags::NUMBER_OF_FRAMES);
    let bits = number(object, tags::BITS_ALLOCATED);
    let value = |pixel: usize| match bits {
        1 => usize::from(bytes[pixel / 8] >> (pixel % 8) & 1),
        8 => usize::from(bytes[pixel]),
        _ => usize::from(u16::from_le_bytes([bytes[2 * pixel], bytes[2 * pixel + 1]])),
    };
    // what the pixels of a frame hold where they belong to the segment
    let wanted: Vec<usize> = items(object, tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE)
        .iter()
        .map(|groups| match groups.element(tags::SEGMENT_IDENTIFICATION_SEQUENCE) {
            Ok(of) if number(&of.items().unwrap()[0], tags::REFERENCED_SEGMENT_NUMBER) == segment => 1,
            Ok(_) => usize::MAX,
            Err(_) => segment,
        })
        .collect();
    let is_of = |at: usize, pixel: usize| value(pixel) == wanted[at];
    (0..frames).map(|at| (0..frame).map(|pixel| is_of(at, at * frame + pixel)).collect()).collect()
}

/// The patient positions of a segment's pixels, in hundredths of a millimetre, by the frames' own words.
fn places_of(object: &InMemDicomObject, segment: usize) -> BTreeSet<[i64; 3]> {
    let shared = &items(object, tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE)[0];
    let orientation =
        numbers(&items(shared, tags::PLANE_ORIENTATION_SEQUENCE)[0], tags::IMAGE_ORIENTATION_PATIENT);
    let spacing = numbers(&items(shared, tags::PIXEL_MEASURES_SEQUENCE)[0], tags::PIXEL_SPACING);
    let columns = number(object, tags::COLUMNS);
    let mut places = BTreeSet::new();
    for (frame, pixels) in pixels_of(object, segment).iter().enumerate() {
        let groups = &items(object, tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE)[frame];
        let corner = numbers(&items(groups, tags::PLANE_POSITION_SEQUENCE)[0], tags::IMAGE_POSITION_PATIENT);
        for (pixel, _) in pixels.iter().enumerate().filter(|(_, inside)| **inside) {
            let [along, down] =
                [(pixel % columns) as f64 * spacing[1], (pixel / columns) as f64 * spacing[0]];
            places.insert(std::array::from_fn(|axis| {
                let at = corner[axis] + along * orientation[axis] + down * orientation[axis + 3];
                (at * 100.0).round() as i64
            }));
        }
    }
    places
}

fn places(mask: &Mask) -> BTreeSet<[i64; 3]> {
    let inside = mask.voxels().indexed_iter().filter(|(_, inside)| **inside);
    let at =
        |(z, y, x): (usize, usize, usize)| mask.grid().patient_point([x as f64, y as f64, z as f64].into());
    inside.map(|(place, _)| at(place).to_array().map(|mm| (mm * 100.0).round() as i64)).collect()
}

#[test]
fn every_voxel_lies_where_its_mask_has_it_whatever_the_grid() {
    for case in cases().iter().filter(|case| case.nodules.len() == 3) {
        let (_folder, objects) = written(case, SegmentationForm::Binary);
        let masks =
            case.lungs.iter().flatten().chain(case.nodules.iter().filter_map(|nodule| nodule.mask.as_ref()));
        for (segment, mask) in (1..).zip(masks) {
            let (found, expected) = (places_of(&objects[0], segment), places(mask));
            let is_near = |place: &&[i64; 3]| {
                !(-1..=1).any(|x| {
                    (-1..=1).any(|y| {
                        (-1..=1).any(|z| expected.contains(&[place[0] + x, place[1] + y, place[2] + z]))
                    })
                })
            };
            assert_eq!(found.len(), expected.len(), "{}: segment {segment}", case.name);
            assert_eq!(found.iter().filter(is_near).count(), 0, "{}: segment {segment}", case.name);
        }
        let (_folder, maps) = written(case, SegmentationForm::LabelMap);
        let nodule = case.nodules.iter().find_map(|nodule| nodule.mask.as_ref()).unwrap();
        assert_eq!(places_of(&maps[0], 3).len(), nodule.count(), "{}", case.name);
        let of_both = places_of(&maps[0], 1).len() + places_of(&maps[0], 3).len();
        assert!(of_both < places_of(&objects[0], 1).len() + nodule.count() + 1);
    }
}

#[test]
fn frames_without_a_voxel_are_left_out_and_each_other_names_its_slice() {
    let case = case("axial", &slices(30, AXIAL));
    let (_folder, objects) = written(&case, SegmentationForm::Binary);
    for segment in 1..=4 {
        let frames = pixels_of(&objects[0], segment);
        let groups = items(&objects[0], tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE);
        let of_segment = groups.iter().filter(|group| {
            number(&items(group, tags::SEGMENT_IDENTIFICATION_SEQUENCE)[0], tags::REFERENCED_SEGMENT_NUMBER)
                == segment
        });
        assert_eq!(of_segment.count(), frames.iter().filter(|frame| frame.contains(&true)).count());
    }
    for group in items(&objects[0], tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE) {
        let z = numbers(&items(group, tags::PLANE_POSITION_SEQUENCE)[0], tags::IMAGE_POSITION_PATIENT)[2];
        let source =
            &items(&items(group, tags::DERIVATION_IMAGE_SEQUENCE)[0], tags::SOURCE_IMAGE_SEQUENCE)[0];
        assert_eq!(
            text(source, tags::REFERENCED_SOP_INSTANCE_UID),
            format!("1.2.9.{}", (z - 4.0) / 8.0 + 1.0)
        );
        assert_eq!(text(source, tags::SPATIAL_LOCATIONS_PRESERVED), "YES");
    }
}

#[test]
fn segments_beyond_255_have_wider_labels() {
    let many = cases().into_iter().find(|case| case.name == "three_hundred").unwrap();
    let (_folder, objects) = written(&many, SegmentationForm::LabelMap);
    assert_eq!(number(&objects[0], tags::BITS_ALLOCATED), 16);
    assert_eq!(places_of(&objects[0], 302), places(many.nodules[299].mask.as_ref().unwrap()));
    // and no more pictures than someone looks at
    assert_eq!(objects.len(), 22);
}

#[test]
fn the_same_results_are_the_same_files_and_other_moments_other_objects_of_the_same_nodules() {
    let case = case("axial", &slices(30, AXIAL));
    let algorithm = algorithm();
    let at = |seconds: i64| {
        let folder = tempfile::tempdir().unwrap();
        let results =
            ScanResults { written: WrittenAt::new(seconds, 0).unwrap(), ..case.results(&algorithm) };
        let paths = write_results(folder.path(), &results, SegmentationForm::Binary).unwrap();
        let bytes: Vec<Vec<u8>> = paths.iter().map(|path| std::fs::read(path).unwrap()).collect();
        (bytes, open_file(&paths[0]).unwrap())
    };
    let ((first, one), (again, _), (later, other)) =
        (at(1_709_251_200), at(1_709_251_200), at(1_709_251_201));
    assert_eq!(first, again);
    assert!(first.iter().zip(&later).all(|(first, later)| first != later));
    for tag in [tags::SOP_INSTANCE_UID, tags::SERIES_INSTANCE_UID] {
        assert_ne!(text(&one, tag), text(&other, tag));
    }
    let tracked = |object: &InMemDicomObject| -> Vec<String> {
        items(object, tags::SEGMENT_SEQUENCE)
            .iter()
            .map(|segment| text(segment, tags::TRACKING_UID))
            .collect()
    };
    assert_eq!(tracked(&one), tracked(&other));
    assert_eq!(tracked(&one).iter().collect::<BTreeSet<_>>().len(), 4);
}

#[test]
fn all_objects_belong_to_the_patient_and_the_study() {
    let named = cases().into_iter().find(|case| case.name == "oblique_reversed_japanese").unwrap();
    let (_folder, objects) = written(&named, SegmentationForm::Binary);
    assert_eq!(objects.len(), 5);
    for object in &objects {
        assert_eq!(text(object, tags::PATIENT_NAME), "Yamada^Tarou=山田^太郎=やまだ^たろう");
        assert_eq!(text(object, tags::PATIENT_ID), "4711");
        assert_eq!(text(object, tags::STUDY_INSTANCE_UID), "1.2.3");
        assert_eq!(text(object, tags::SPECIFIC_CHARACTER_SET), "ISO_IR 192");
        // 2024-03-01 00:00 UTC in the study's own time zone
        assert_eq!(text(object, tags::TIMEZONE_OFFSET_FROM_UTC), "+0900");
        assert_eq!(
            (text(object, tags::CONTENT_DATE), text(object, tags::CONTENT_TIME)),
            ("20240301".into(), "090000".into())
        );
    }
    let lossy = |object: &InMemDicomObject| text(object, tags::LOSSY_IMAGE_COMPRESSION);
    assert!([&objects[0], &objects[2]].iter().all(|image| lossy(image) == "01"));
    assert_eq!(text(&objects[0], tags::FRAME_OF_REFERENCE_UID), "1.2.3.5");
    let series: BTreeSet<String> =
        objects.iter().map(|object| text(object, tags::SERIES_INSTANCE_UID)).collect();
    assert_eq!(series.len(), 3);
    let (_folder, plain) = written(&case("axial", &slices(30, AXIAL)), SegmentationForm::Binary);
    assert_eq!(lossy(&plain[0]), "00");
}

fn refusal(origin: &ScanOrigin, case: &Case) -> String {
    let algorithm = algorithm();
    let results = ScanResults { origin, ..case.results(&algorithm) };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let error = write_results(&out, &results, SegmentationForm::Binary).unwrap_err();
    assert!(!out.exists(), "nothing is begun");
    error.to_string()
}

type Change = fn(&mut CtSlice);

#[test]
fn scans_that_nothing_can_refer_to_are_refused_by_name() {
    let sound = case("axial", &slices(30, AXIAL));
    assert!(refusal(&ScanOrigin::default(), &sound).contains("no DICOM series"));
    let changes: [(Change, &str); 4] = [
        (|slice| _ = slice.elements.remove(&(0x0020, 0x000D)), "Study Instance UID"),
        (|slice| _ = slice.elements.remove(&ct::SERIES_UID), "Series Instance UID"),
        (|slice| _ = slice.elements.remove(&ct::FRAME_OF_REFERENCE), "Frame of Reference UID"),
        (|slice| slice.text((0x0008, 0x0018), "UI", "1.2.9.1"), "SOP Instance UIDs"),
    ];
    for (change, named) in changes {
        let broken = case("broken", &with(slices(30, AXIAL), change));
        let said = refusal(&broken.origin, &broken);
        assert!(said.contains(named), "{said}");
        assert!(!["Doe", "4711", "1.2.3", "1.2.9"].iter().any(|secret| said.contains(secret)), "{said}");
    }
}

#[test]
fn a_mask_on_another_grid_is_refused_by_name() {
    let mut scan = case("axial", &slices(30, AXIAL));
    let grid = scan.volume.grid().strided([5, 5, 5], [1.0; 3], [3.0, 3.5, 3.0]).unwrap();
    scan.nodules[1].mask = Some(Mask::new(grid, Array3::from_elem((5, 5, 5), true)).unwrap());
    assert!(refusal(&scan.origin, &scan).contains("nodule 2"));
}

#[test]
fn what_has_no_voxel_is_no_segment() {
    let mut scan = case("axial", &slices(30, AXIAL));
    let grid = *scan.volume.grid();
    let empty = Mask::new(grid, Array3::from_elem((30, 40, 44), false)).unwrap();
    scan.nodules[0].mask = Some(empty.clone());
    let algorithm = algorithm();
    let right = &scan.lungs.as_ref().unwrap()[1];
    let lungs = Some(LungSegments { left: Some(&empty), right: Some(right) });
    let folder = tempfile::tempdir().unwrap();
    let results = ScanResults { lungs, ..scan.results(&algorithm) };
    write_results(folder.path(), &results, SegmentationForm::LabelMap).unwrap();
    let object = open_file(folder.path().join("segmentation.dcm")).unwrap();
    let labels: Vec<String> =
        items(&object, tags::SEGMENT_SEQUENCE).iter().map(|item| text(item, tags::SEGMENT_LABEL)).collect();
    assert_eq!(labels, ["Background", "Right lung", "Nodule 2"]);
    let none = ScanResults { lungs: None, nodules: &[], ..scan.results(&algorithm) };
    let other = tempfile::tempdir().unwrap();
    let paths = write_results(other.path(), &none, SegmentationForm::Binary).unwrap();
    assert_eq!(paths.len(), 1);
    assert!(paths[0].ends_with("report.dcm"));
}

/// Red, green and blue of each pixel, and the columns.
fn picture(path: &Path) -> (Vec<[u8; 3]>, usize) {
    let object = open_file(path).unwrap();
    assert_eq!(text(&object, tags::BURNED_IN_ANNOTATION), "YES");
    let bytes = object.element(tags::PIXEL_DATA).unwrap().to_bytes().unwrap();
    (
        bytes.chunks_exact(3).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect(),
        number(&object, tags::COLUMNS),
    )
}

#[test]
fn key_slices_show_the_slice_its_nodule_and_the_heat_map() {
    let scan = case("oblique", &slices(32, oblique()));
    let algorithm = algorithm();
    let folder = tempfile::tempdir().unwrap();
    let cells = Volume::from_fn(*scan.volume.grid(), |place| if place == [16, 20, 22] { 2.0 } else { -1.0 });
    let heat = HeatMap { class: "nodule".into(), evidence: 1.0, seen: *scan.volume.grid(), cells };
    let results = ScanResults { heat_map: Some(&heat), ..scan.results(&algorithm) };
    let paths = write_results(folder.path(), &results, SegmentationForm::Binary).unwrap();
    assert_eq!(paths.len(), 2 + 3 + 1);
    let orange = |path: &Path| picture(path).0.iter().filter(|pixel| **pixel == [230, 159, 0]).count();
    // the outline of a ball of 30 mm, the cross of a point, and none where nothing was found
    assert!(orange(&paths[2]) > 80 && orange(&paths[4]) > 20, "{} {}", orange(&paths[2]), orange(&paths[4]));
    let (pixels, columns) = picture(&paths[5]);
    let tinted: Vec<usize> = (0..pixels.len())
        .filter(|at| pixels[*at][0] > pixels[*at][2] && pixels[*at] != [230, 159, 0])
        .collect();
    let scale = columns / 44;
    assert_eq!(tinted.len(), scale * scale);
    assert_eq!((tinted[0] / columns / scale, tinted[0] % columns / scale), (20, 22));
}

#[test]
fn results_show_nobody() {
    let scan = case("axial", &slices(30, AXIAL));
    let algorithm = algorithm();
    let shown = format!("{:?}", ScanResults { nodules: &[], lungs: None, ..scan.results(&algorithm) });
    assert!(shown.contains("weights_sha256=00ff"));
    for secret in ["Doe", "4711", "1.2.9", "1.2.3", "19500102", "20240229"] {
        assert!(!shown.contains(secret), "{secret}");
    }
    let error = ResultsError::OffGrid { what: "nodule 1".to_owned() };
    assert!(!format!("{error:?}").is_empty());
    assert_eq!(MeasuredNodule::at([1.0, 2.0, 3.0]).mask, None);
}
