//! Where voxels lie in the patient: cases 89, 91 to 98 and 106 of the reliability plan, by number, on
//! slices written byte by byte.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use glam::{DMat3, DVec3};
use pulmo_forge::ct::{self, CtSlice, series};
use pulmo_forge::load::{keep, load, load_with, refused_code, with};
use pulmo_forge::plane::{Plane, eight_positions, places, spot_mm};
use pulmo_scan::dicom::{AssembleSettings, Irregular};
use pulmo_scan::findings::Code;
use pulmo_scan::volume::Volume;

fn tilted(degrees: f64) -> Vec<CtSlice> {
    let mut slices = series(12, 2.0);
    for (index, slice) in slices.iter_mut().enumerate() {
        let z_mm = index as f64 * 2.0;
        let y_mm = -20.0 + z_mm * degrees.to_radians().tan();
        slice.text(ct::POSITION, "DS", &format!("-10\\{y_mm:.6}\\{z_mm}"));
    }
    slices
}

#[test]
fn case_091_092_gantry_tilt_is_read_from_positions() {
    assert_eq!(load(&tilted(0.2)).err(), None);
    assert_eq!(load(&tilted(5.0)).err(), Some(Code::Tilt));
    assert_eq!(load(&tilted(-20.0)).err(), Some(Code::Tilt));
    let lying = with(tilted(0.0), |slice| slice.text(ct::GANTRY_TILT, "DS", "20"));
    assert_eq!(load(&lying).err(), None);
    let lying = with(tilted(20.0), |slice| slice.text(ct::GANTRY_TILT, "DS", "0"));
    assert_eq!(load(&lying).err(), Some(Code::Tilt));
    let mut scattered = tilted(0.0);
    scattered[5].text(ct::POSITION, "DS", "-7\\-20\\10");
    assert_eq!(load(&scattered).err(), Some(Code::Mixed));
}

/// 40 slices of 96 x 96 pixels of 1 mm whose rows are shifted by `shift_mm(height)`, the content read at
/// their places in the patient.
fn sheared(
    heights_mm: &[f64],
    shift_mm: impl Fn(f64) -> f64,
    content: impl Fn(DVec3) -> f64,
) -> Vec<CtSlice> {
    let slice = |z_mm: &f64| {
        let corner = DVec3::new(-48.0, -48.0 + shift_mm(*z_mm), *z_mm);
        let plane = Plane { rows: 96, columns: 96, pixel_mm: 1.0, ..Plane::axial(corner) };
        plane.slice(&content)
    };
    heights_mm.iter().map(slice).collect()
}

fn resampling() -> AssembleSettings {
    AssembleSettings { irregular: Irregular::Resample, ..keep() }
}

const BLOBS_MM: [DVec3; 3] =
    [DVec3::new(-20.0, -18.0, 20.0), DVec3::new(19.3, 16.7, 32.0), DVec3::new(-10.2, 12.1, 62.0)];

/// Gaussian blobs of 6 mm in air: smooth, so that their centroids are known to far less than a voxel.
fn blobs(at: DVec3) -> f64 {
    let blob = |centre: DVec3| 1500.0 * (-(at - centre).length_squared() / 72.0).exp();
    BLOBS_MM.iter().map(|centre| blob(*centre)).sum::<f64>() - 1000.0
}

/// The centroid of what is over air within 14 mm of a place.
fn centroid(volume: &Volume, about: DVec3) -> DVec3 {
    let (mut sum, mut mass) = (DVec3::ZERO, 0.0);
    for (at, hu) in places(volume) {
        if at.distance(about) < 14.0 {
            sum += at * f64::from(hu + 1000.0);
            mass += f64::from(hu + 1000.0);
        }
    }
    sum / mass
}

fn assert_orthogonal(volume: &Volume) {
    let [z, y, x] = volume.grid().direction();
    assert!(z.dot(y).abs() < 1e-12 && z.dot(x).abs() < 1e-12 && x.dot(y).abs() < 1e-12);
}

#[test]
fn case_091_tilted_slices_are_resampled_on_request() {
    let heights_mm: Vec<f64> = (0..40).map(|i| f64::from(i) * 2.0).collect();
    for degrees in [5.0_f64, 20.0, -20.0] {
        let shift = |z_mm: f64| (z_mm - 40.0) * degrees.to_radians().tan();
        let slices = sheared(&heights_mm, shift, blobs);
        assert_eq!(load(&slices).err(), Some(Code::Tilt));
        let assembled = load_with(&slices, &resampling()).unwrap();
        assert_eq!(assembled.warnings, [Code::Regularized]);
        assert_orthogonal(&assembled.volume);
        for centre in BLOBS_MM {
            let off_mm = centroid(&assembled.volume, centre).distance(centre);
            assert!(off_mm < 0.1, "{degrees} degrees: {off_mm} mm");
        }
    }
}

/// Linear interpolation of a linear field is exact: what is left is the rounding of stored values and
/// of positions. 10 HU a millimetre along y, so that 1 HU is 0.1 mm.
#[test]
fn case_091_a_linear_field_comes_back() {
    let field = |at: DVec3| 10.0 * at.y + 3.0 * at.x + 2.0 * at.z;
    let heights_mm: Vec<f64> = (0..40).map(|i| f64::from(i) * 2.0).collect();
    for degrees in [5.0_f64, 20.0] {
        let slices = sheared(&heights_mm, |z_mm| z_mm * degrees.to_radians().tan(), field);
        let volume = load_with(&slices, &resampling()).unwrap().volume;
        let shift_mm = 78.0 * degrees.to_radians().tan();
        // widened to hold all slices whole
        assert_eq!(volume.grid().shape_zyx(), [40, 96 + shift_mm.ceil() as usize, 96]);
        let is_inside = |at: DVec3| {
            let y_mm = at.y - at.z * degrees.to_radians().tan();
            (-48.0..=47.0).contains(&y_mm)
        };
        let is_outside = |at: DVec3| {
            let y_mm = at.y - at.z * degrees.to_radians().tan();
            !(-48.6..=47.6).contains(&y_mm)
        };
        let (mut inside, mut outside) = (0, 0);
        for (at, hu) in places(&volume) {
            if is_inside(at) {
                assert!((f64::from(hu) - field(at)).abs() <= 1.0, "{at}: {hu}, not {}", field(at));
                inside += 1;
            } else if is_outside(at) {
                assert_eq!(hu, -1024.0);
                outside += 1;
            }
        }
        assert!(inside > 40 * 95 * 96 && outside > 0, "{inside} {outside}");
    }
}

#[test]
fn case_089_uneven_spacing_is_resampled_on_request() {
    // 1.25 mm, then 5 mm: the grid takes the spacing that half of the slices do not exceed
    let heights_mm: Vec<f64> =
        (0..33).map(f64::from).map(|i| if i <= 20.0 { i * 1.25 } else { 25.0 + (i - 20.0) * 5.0 }).collect();
    let slices = sheared(&heights_mm, |_| 0.0, |at| 10.0 * at.z - 850.0 + at.x);
    assert_eq!(load(&slices).err(), Some(Code::Spacing));
    let assembled = load_with(&slices, &resampling()).unwrap();
    assert_eq!(assembled.warnings, [Code::Regularized]);
    assert_eq!(assembled.volume.grid().shape_zyx(), [69, 96, 96]);
    assert_eq!(assembled.volume.grid().spacing_mm(), [1.25, 1.0, 1.0]);
    for (at, hu) in places(&assembled.volume) {
        assert!((f64::from(hu) - (10.0 * at.z - 850.0 + at.x)).abs() <= 0.51, "{at}: {hu}");
    }
    // tilted and uneven at once
    let tilted = sheared(&heights_mm, |z_mm| (z_mm - 35.0) * 0.2, blobs);
    let volume = load_with(&tilted, &resampling()).unwrap().volume;
    assert_orthogonal(&volume);
    for centre in BLOBS_MM {
        let off_mm = centroid(&volume, centre).distance(centre);
        assert!(off_mm < 0.1, "{off_mm} mm");
    }
    // missing slices are not made up, nor hidden by a tilt
    for shift in [0.0, 0.2] {
        let mut holed = sheared(&heights_mm[..21], |z_mm| z_mm * shift, blobs);
        holed.drain(10..12);
        assert_eq!(load_with(&holed, &resampling()).err(), Some(Code::Gap), "{shift}");
    }
    // and a sound series is not touched
    let sound = load(&series(6, 2.0)).unwrap();
    assert_eq!(load_with(&series(6, 2.0), &resampling()).unwrap(), sound);
}

#[test]
fn case_093_slices_ascend_along_the_normal() {
    // feet first prone: rows to the right, columns to the front
    let slices = with(series(4, 2.0), |slice| slice.text(ct::ORIENTATION, "DS", "1\\0\\0\\0\\-1\\0"));
    let assembled = load(&slices).unwrap();
    let grid = assembled.volume.grid();
    assert_eq!(grid.direction(), [DVec3::NEG_Z, DVec3::NEG_Y, DVec3::X]);
    assert_eq!(grid.origin_mm(), DVec3::new(-10.0, -20.0, 6.0));
    let reversed: Vec<CtSlice> = slices.iter().rev().cloned().collect();
    let expected: Vec<f32> =
        reversed.iter().flat_map(|slice| slice.pixels.iter().map(|word| f32::from(*word) - 1024.0)).collect();
    assert_eq!(assembled.volume.as_slice(), expected);
}

/// The same patient lying in each of the eight ways: each voxel keeps its place and its value.
#[test]
fn case_093_eight_patient_positions() {
    let lying = |(term, row, column): (&str, DVec3, DVec3)| {
        let slices = with(Plane::cube(row, column), |slice| slice.text(ct::PATIENT_POSITION, "CS", term));
        let assembled = load(&slices).unwrap();
        assert!(assembled.warnings.is_empty(), "{term}");
        pulmo_forge::plane::values_by_place(&assembled.volume)
    };
    let expected = lying(("HFS", DVec3::X, DVec3::Y));
    assert_eq!(expected.len(), 11 * 11 * 11);
    for position in eight_positions() {
        assert!(lying(position) == expected, "{}", position.0);
    }
}

#[test]
fn case_094_patient_position_is_only_told() {
    for (term, row, column) in eight_positions() {
        let plain = load(&Plane::cube(row, column)).unwrap();
        for other in ["HFS", "HFP", "HFDR", "FFDL"] {
            let slices =
                with(Plane::cube(row, column), |slice| slice.text(ct::PATIENT_POSITION, "CS", other));
            let assembled = load(&slices).unwrap();
            assert_eq!(assembled.volume, plain.volume);
            // which end went in first does not show in the rows
            let is_contradicted = term[2..] != other[2..];
            let expected: &[Code] = if is_contradicted { &[Code::PatientPosition] } else { &[] };
            assert_eq!(assembled.warnings, expected, "{term} said to be {other}");
        }
    }
}

/// The landmark of the schematic chest is found where it is, however the slices lie.
fn assert_spot_found(slices: &[CtSlice], what: &str) {
    let volume = load(slices).unwrap().volume;
    let (mut sum, mut count) = (DVec3::ZERO, 0.0);
    for (at, _) in places(&volume).filter(|(_, hu)| *hu > 500.0) {
        sum += at;
        count += 1.0;
    }
    let off_mm = (sum / count).distance(spot_mm());
    assert!(count > 10.0 && off_mm < 2.0, "{what}: {off_mm} mm");
}

#[test]
fn case_095_oblique_slices() {
    for degrees in [3.0_f64, 15.0, 45.0] {
        for axis in [DVec3::X, DVec3::Y, DVec3::new(1.0, 2.0, -0.5).normalize()] {
            let turn = DMat3::from_axis_angle(axis, degrees.to_radians());
            let slices = Plane::chest(turn * DVec3::X, turn * DVec3::Y);
            assert_spot_found(&slices, &format!("{degrees} degrees about {axis}"));
            let grid = *load(&slices).unwrap().volume.grid();
            let [z, y, x] = grid.direction();
            for (found, expected) in [(x, DVec3::X), (y, DVec3::Y), (z, DVec3::Z)] {
                assert!(found.distance(turn * expected) < 1e-5);
            }
        }
    }
}

#[test]
fn case_106_left_stays_left() {
    for (term, row, column) in eight_positions() {
        assert_spot_found(&Plane::chest(row, column), term);
    }
    // sagittal and coronal reformats too
    assert_spot_found(&Plane::chest(DVec3::Y, DVec3::NEG_Z), "sagittal");
    assert_spot_found(&Plane::chest(DVec3::X, DVec3::NEG_Z), "coronal");
}

#[test]
fn case_096_orientation() {
    for text in [
        "1\\0\\0\\0\\0.9\\0",
        "0\\0\\0\\0\\0\\0",
        "1\\0\\0\\NaN\\1\\0",
        "1\\0\\0\\0\\1",
        "1\\0\\0\\0.01\\1\\0",
        "",
    ] {
        assert_eq!(
            refused_code(|slice| slice.text(ct::ORIENTATION, "DS", text)),
            Code::Orientation,
            "{text}"
        );
    }
}

#[test]
fn case_097_position_missing() {
    let without = |slice: &mut CtSlice| {
        slice.elements.remove(&ct::POSITION);
    };
    assert_eq!(refused_code(without), Code::NoPosition);
    assert_eq!(load(&with(series(5, 2.0), without)).err(), Some(Code::NoPosition));
}

#[test]
fn case_098_pixel_spacing() {
    // row spacing first: the distance of rows, along the column direction, is y
    let slices = with(series(4, 2.0), |slice| slice.text(ct::PIXEL_SPACING, "DS", "0.8\\0.4"));
    let assembled = load(&slices).unwrap();
    let grid = assembled.volume.grid();
    let spacing = grid.spacing_mm();
    assert!([2.0, 0.8, 0.4].iter().zip(spacing).all(|(a, b)| (a - b).abs() < 1e-12), "{spacing:?}");
    // voxel (column 2, row 3, slice 1) lies 2 x 0.4 to the left and 3 x 0.8 to the back
    let point = grid.patient_point(DVec3::new(2.0, 3.0, 1.0));
    assert!(point.distance(DVec3::new(-9.2, -17.6, 2.0)) < 1e-9);
    for text in ["0\\0.5", "-0.5\\0.5", "0.5", ""] {
        assert_eq!(
            refused_code(|slice| slice.text(ct::PIXEL_SPACING, "DS", text)),
            Code::PixelSpacing,
            "{text}"
        );
    }
    let code = refused_code(|slice| {
        slice.elements.remove(&ct::PIXEL_SPACING);
    });
    assert_eq!(code, Code::PixelSpacing);
}
