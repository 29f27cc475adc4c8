//! The phantom's promises: same seed same bytes, a truth that the voxels bear out, plausible
//! densities, balanced labels, and DICOM files that say what the volume holds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use dicom_dictionary_std::tags;
use glam::DVec3;
use pulmo_scan::phantom::{
    Attachment, Collection, Label, NoduleEdge, NoduleKind, PhantomError, PhantomSettings, Side, Study,
    write_collection,
};

const SEED: u64 = 20;

/// A few studies large enough to measure nodules in, made once for all tests.
fn studies() -> &'static [Study] {
    static STUDIES: OnceLock<Vec<Study>> = OnceLock::new();
    STUDIES.get_or_init(|| {
        let settings = PhantomSettings {
            matrix: Some(224),
            slice_spacing_mm: Some(2.0),
            nodule_diameter_mm: [8.0, 24.0],
            ..PhantomSettings::default()
        };
        (0..10).map(|index| Study::generate(&settings, SEED, index).unwrap()).collect()
    })
}

fn coarse() -> PhantomSettings {
    PhantomSettings { matrix: Some(96), slice_spacing_mm: Some(8.0), ..PhantomSettings::default() }
}

fn with_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

/// Every file below a folder with its bytes, in the order of the names.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.push((path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
    let collection = |seed| Collection { settings: coarse(), seed, studies: 3 };
    let write = |threads, seed| {
        let folder = tempfile::tempdir().unwrap();
        with_threads(threads, || write_collection(folder.path(), &collection(seed), |_| {})).unwrap();
        contents(folder.path())
    };
    let first = write(1, 4);
    assert!(first.len() > 3 * 30, "{} files", first.len());
    assert!(first == write(3, 4), "bytes differ between one thread and three");
    assert!(first != write(1, 5), "another seed gives the same bytes");
}

#[test]
fn exactly_half_of_the_studies_have_nodules_and_the_order_is_not_fixed() {
    let labels: Vec<Label> =
        (0..12).map(|index| Study::generate(&coarse(), SEED, index).unwrap().truth().label).collect();
    assert!(labels.chunks(2).all(|pair| pair[0] != pair[1]), "{labels:?}");
    let first_of_pairs = labels.iter().step_by(2).filter(|label| **label == Label::Nodule).count();
    assert!((1..6).contains(&first_of_pairs), "{labels:?}");
}

#[test]
fn the_density_at_each_nodules_centre_is_that_of_its_kind() {
    let mut checked = 0;
    for study in studies() {
        let grid = study.volume().grid();
        for nodule in &study.truth().nodules {
            let expected = match nodule.kind {
                NoduleKind::Solid | NoduleKind::PartSolid => 0.0..60.0,
                NoduleKind::GroundGlass => -651.0..-449.0,
            };
            assert!(expected.contains(&nodule.centre_hu), "{nodule:?}");
            // Blur and thick slices reach about 4 mm: a smaller core never shows its own density.
            if nodule.core_diameter_mm.unwrap_or(nodule.diameter_mm) < 7.5 {
                continue;
            }
            let centre = grid.voxel_point(DVec3::from_array(nodule.centre_mm)).round().as_usizevec3();
            let around = ndarray::s![centre.z, centre.y - 1..=centre.y + 1, centre.x - 1..=centre.x + 1];
            let measured = study.volume().voxels().slice(around).mean().unwrap();
            let tolerance = 30.0 + 1.5 * study.truth().noise_hu;
            assert!((measured - nodule.centre_hu).abs() < tolerance, "{measured} at {nodule:?}");
            checked += 1;
        }
    }
    assert!(checked >= 5, "only {checked} nodules could be checked");
}

/// Volume of the voxels above `threshold_hu` that hang together around a place, none farther than `reach_mm`.
fn grown_volume_mm3(study: &Study, centre_mm: DVec3, (threshold_hu, reach_mm): (f32, f64)) -> f64 {
    let (grid, voxels) = (study.volume().grid(), study.volume().voxels());
    let start = grid.voxel_point(centre_mm).round().as_ivec3();
    let (mut seen, mut open) = (std::collections::HashSet::from([start]), VecDeque::from([start]));
    let mut count = 0;
    while let Some(voxel) = open.pop_front() {
        let index = [voxel.z, voxel.y, voxel.x].map(|i| usize::try_from(i).unwrap());
        if voxels[index] < threshold_hu || grid.patient_point(voxel.as_dvec3()).distance(centre_mm) > reach_mm
        {
            continue;
        }
        count += 1;
        let steps = glam::IVec3::AXES.into_iter().flat_map(|axis| [axis, -axis]);
        open.extend(steps.map(|step| voxel + step).filter(|next| seen.insert(*next)));
    }
    f64::from(count) * grid.voxel_mm3()
}

#[test]
fn isolated_solid_nodules_measure_the_volume_of_their_diameter() {
    let mut checked = 0;
    for study in studies() {
        for nodule in &study.truth().nodules {
            let plain = nodule.attachment == Attachment::Isolated
                && nodule.kind == NoduleKind::Solid
                && nodule.edge != NoduleEdge::Spiculated
                && nodule.diameter_mm >= 8.0;
            if !plain {
                continue;
            }
            // Midway between parenchyma (about -850 HU) and the nodule, blur moves no boundary of a
            // flat surface; the curved one of a small sphere shrinks, and voxels are 1.5 x 1.5 x 2 mm.
            let threshold = f32::midpoint(-850.0, nodule.centre_hu);
            let reach = nodule.diameter_mm * 0.5 * 1.5 + 2.0;
            let measured = grown_volume_mm3(study, DVec3::from_array(nodule.centre_mm), (threshold, reach));
            let sphere = std::f64::consts::PI * nodule.diameter_mm.powi(3) / 6.0;
            eprintln!("{:.1} mm: measured / analytic {:.3}", nodule.diameter_mm, measured / sphere);
            assert!((measured / sphere - 1.0).abs() < 0.2, "{measured} mm3, {sphere} expected: {nodule:?}");
            checked += 1;
        }
    }
    assert!(checked >= 3, "only {checked} nodules could be measured");
}

#[test]
fn nodules_lie_in_the_lung_they_name_among_air() {
    for study in studies() {
        let (grid, voxels) = (study.volume().grid(), study.volume().voxels());
        let middle_x = grid.patient_point(DVec3::splat(0.5) * voxel_counts(study)).x;
        for nodule in &study.truth().nodules {
            let centre = DVec3::from_array(nodule.centre_mm);
            assert_eq!(centre.x < middle_x, nodule.side == Side::Right, "{nodule:?}");
            let reach = nodule.diameter_mm * 0.5 + 3.0;
            let airy = DVec3::AXES.into_iter().flat_map(|axis| [axis, -axis]).filter(|axis| {
                let place = grid.voxel_point(centre + *axis * reach).round().as_usizevec3();
                voxels[[place.z, place.y, place.x]] < -650.0
            });
            assert!(airy.count() >= 2, "{nodule:?}");
        }
    }
}

fn voxel_counts(study: &Study) -> DVec3 {
    let [z, y, x] = study.truth().shape_zyx.map(|n| n as f64);
    DVec3::new(x, y, z)
}

#[test]
fn lungs_and_body_have_plausible_volumes_and_densities() {
    for study in studies() {
        let litres = |low: f32, high: f32| {
            let inside = study.volume().as_slice().iter().filter(|hu| (low..high).contains(*hu));
            inside.count() as f64 * study.volume().grid().voxel_mm3() / 1e6
        };
        let name = &study.truth().patient_id;
        // Noise spreads the parenchyma to both sides, air (-1000) hardly above -950.
        let lung = litres(-940.0, -650.0);
        assert!((2.5..8.0).contains(&lung), "{name}: lungs of {lung:.1} l");
        let soft = litres(-20.0, 130.0);
        assert!((5.0..25.0).contains(&soft), "{name}: soft tissue of {soft:.1} l");
        let bone = litres(250.0, 3000.0);
        assert!((0.3..3.0).contains(&bone), "{name}: bone of {bone:.1} l");
        let extent = study.volume().grid().extent_mm();
        assert!((240.0..360.0).contains(&extent[0]) && (290.0..440.0).contains(&extent[2]), "{extent:?}");
    }
}

#[test]
fn files_hold_the_volume_in_an_order_unlike_z() {
    let folder = tempfile::tempdir().unwrap();
    let study = &studies()[3];
    study.write(folder.path()).unwrap();
    let [slices, rows, columns] = study.truth().shape_zyx;
    let names = &study.description().file_names;
    assert!(names.len() == slices && !names.is_sorted() && !names.iter().rev().is_sorted());
    for (z, name) in names.iter().enumerate() {
        let file = dicom_object::open_file(folder.path().join(name)).unwrap();
        let number = |tag| file.element(tag).unwrap().to_float64().unwrap();
        let position = file.element(tags::IMAGE_POSITION_PATIENT).unwrap().to_multi_float64().unwrap();
        let expected = study.volume().grid().patient_point(DVec3::new(0.0, 0.0, z as f64));
        assert!(DVec3::from_slice(&position).distance(expected) < 1e-6, "{position:?} is not {expected}");
        let signed = number(tags::PIXEL_REPRESENTATION) == 1.0;
        let (slope, intercept) = (number(tags::RESCALE_SLOPE), number(tags::RESCALE_INTERCEPT));
        let padding = file.get(tags::PIXEL_PADDING_VALUE).map(|e| e.to_bytes().unwrap().into_owned());
        let bytes = file.element(tags::PIXEL_DATA).unwrap().to_bytes().unwrap().into_owned();
        assert_eq!(bytes.len(), rows * columns * 2);
        let slice = &study.volume().as_slice()[z * rows * columns..][..rows * columns];
        for (pair, expected) in bytes.chunks_exact(2).zip(slice) {
            let bits = u16::from_le_bytes([pair[0], pair[1]]);
            let stored = if signed { f64::from(bits.cast_signed()) } else { f64::from(bits) };
            let padded = padding.as_deref() == Some(pair);
            let hu = if padded { -1024.0 } else { stored * slope + intercept };
            assert_eq!(hu, f64::from(*expected));
        }
    }
}

#[test]
fn the_manifest_names_each_study_its_label_and_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let collection = Collection { settings: coarse(), seed: SEED, studies: 4 };
    let truths = write_collection(folder.path(), &collection, |_| {}).unwrap();
    let text = fs::read_to_string(folder.path().join("truth.csv")).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("path,label,patient_id,nodules"));
    for (line, truth) in lines.by_ref().zip(&truths) {
        let label = if truth.nodules.is_empty() { "normal" } else { "nodule" };
        assert_eq!(line, format!("{},{label},{},{}", truth.path, truth.patient_id, truth.nodules.len()));
        assert_eq!(fs::read_dir(folder.path().join(&truth.path)).unwrap().count(), truth.shape_zyx[0]);
    }
    assert_eq!(lines.next(), None);
    let json: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path().join("truth.json")).unwrap()).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 4);
}

#[test]
fn settings_out_of_range_are_refused() {
    for settings in [
        PhantomSettings { matrix: Some(8), ..coarse() },
        PhantomSettings { slice_spacing_mm: Some(f64::NAN), ..coarse() },
        PhantomSettings { nodule_diameter_mm: [10.0, 5.0], ..coarse() },
        PhantomSettings { nodules_at_most: 0, ..coarse() },
    ] {
        let refused = Study::generate(&settings, 1, 0);
        assert!(matches!(refused, Err(PhantomError::Setting { .. })), "{settings:?}");
    }
}
