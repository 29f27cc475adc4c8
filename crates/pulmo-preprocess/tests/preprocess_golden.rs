//! The CPU path of every step against tools that pulmo does not use, and laws that steps must keep.
//!
//! ORIGIN: `golden/preprocess/make_golden.py` says which tool made which array, `VERSIONS.txt` beside it
//! with which version. Values are in -1000..1000.
//! TOLERANCE: 1e-3 where both sides sum in another order in f32 or f64 (rounding at 1000 is 6e-5 for
//! each of up to some twenty terms); exact where values are only moved or picked.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use std::path::Path;

use ndarray::Array3;
use pulmo_preprocess::preprocess::{Chain, Problem, Processor};
use pulmo_random::Random;
use pulmo_scan::geometry::{Grid, Unit};
use pulmo_scan::volume::Volume;

const ROUNDING: f32 = 1e-3;
const EXACT: f32 = 0.0;

/// Reads a little-endian float32 `.npy` file of three dimensions.
fn golden(name: &str) -> Array3<f32> {
    let path = Path::new("tests/golden/preprocess").join(format!("{name}.npy"));
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let header_end = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = std::str::from_utf8(&bytes[10..header_end]).unwrap();
    assert!(header.contains("'<f4'") && header.contains("'fortran_order': False"), "{name}: {header}");
    let (_, shape) = header.split_once("'shape': (").unwrap();
    let shape: Vec<usize> =
        shape.split(')').next().unwrap().split(',').map(|n| n.trim().parse().unwrap()).collect();
    let values =
        bytes[header_end..].chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    Array3::from_shape_vec((shape[0], shape[1], shape[2]), values).unwrap()
}

fn shape(array: &Array3<f32>) -> [usize; 3] {
    let (z, y, x) = array.dim();
    [z, y, x]
}

fn chain(step: &str) -> Chain {
    toml::from_str(&format!("[[step]]\n{step}")).unwrap_or_else(|error| panic!("{step}: {error}"))
}

fn run(volume: &Volume, step: &str) -> Volume {
    let chain = chain(step);
    let result = chain.run(volume.clone(), &Processor::Cpu).unwrap_or_else(|error| panic!("{step}: {error}"));
    if let Some(grid) = chain.output_grid(volume.grid()).unwrap() {
        assert_eq!(&grid, result.grid(), "{step}");
    }
    result
}

#[track_caller]
fn assert_close(actual: &Array3<f32>, expected: &Array3<f32>, tolerance: f32) {
    assert_eq!(actual.dim(), expected.dim());
    let worst = actual.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst <= tolerance, "differs by up to {worst}, allowed {tolerance}");
}

#[track_caller]
fn check(input: &str, spacing: [f64; 3], step: &str, expected: &str, tolerance: f32) {
    let voxels = golden(input);
    let grid = Grid::aligned(shape(&voxels), spacing).unwrap();
    let result = run(&Volume::new(grid, voxels).unwrap(), step);
    assert_close(result.voxels(), &golden(expected), tolerance);
}

fn random_volume(seed: u64, shape_zyx: [usize; 3], spacing: [f64; 3]) -> Volume {
    let mut random = Random::new(seed);
    let grid = Grid::aligned(shape_zyx, spacing).unwrap();
    Volume::from_fn(grid, |_| random.uniform(-1000.0, 1000.0) as f32)
}

#[test]
fn window_is_linear_exact() {
    // 1e-6: f32 rounding of values in 0..1.
    check("window_in", [1.0; 3], "kind = 'window'\ncenter_hu = -100.0\nwidth_hu = 750.0", "window_out", 1e-6);
}

#[test]
fn resample_is_that_of_simpleitk() {
    let step = "kind = 'resample'\nspacing_mm = [1.1, 1.0, 0.65]\nantialias = false";
    check("resample_linear_in", [2.5, 0.7, 0.9], step, "resample_linear_out", ROUNDING);
}

#[test]
fn resample_is_that_of_pillow_on_the_same_box() {
    for (name, spacing, interpolation) in [
        ("resample_cubic", 0.75, "cubic"),
        ("resample_linear_antialias", 1.75, "linear"),
        ("resample_cubic_antialias", 1.75, "cubic"),
    ] {
        let step = format!(
            "kind = 'resample'\nspacing_mm = [0, {spacing}, {spacing}]\ninterpolation = '{interpolation}'"
        );
        check(&format!("{name}_in"), [1.0; 3], &step, &format!("{name}_out"), ROUNDING);
    }
}

#[test]
fn cubic_without_antialias_takes_the_values_at_the_new_centres() {
    let step = "kind = 'resize'\nshape = [0, 6, 8]\ninterpolation = 'cubic'\nantialias = false";
    check("resize_cubic_plain_in", [1.0; 3], step, "resize_cubic_plain_out", ROUNDING);
}

#[test]
fn resize_is_that_of_pillow() {
    for interpolation in ["linear", "cubic"] {
        for (rows, columns) in [(5, 7), (20, 31), (6, 40)] {
            let step =
                format!("kind = 'resize'\nshape = [0, {rows}, {columns}]\ninterpolation = '{interpolation}'");
            check(
                "resize_in",
                [1.0; 3],
                &step,
                &format!("resize_{interpolation}_{rows}x{columns}"),
                ROUNDING,
            );
        }
    }
    let nearest = "kind = 'resize'\nshape = [0, 5, 31]\ninterpolation = 'nearest'";
    check("resize_in", [1.0; 3], nearest, "resize_nearest_5x31", EXACT);
}

#[test]
fn cover_and_contain_are_fit_and_pad_of_pillow() {
    let cover = "kind = 'resize'\nshape = [0, 8, 8]\nfit = 'cover'\ninterpolation = 'cubic'";
    check("resize_in", [1.0; 3], cover, "resize_cover_8x8", ROUNDING);
    let contain = "kind = 'resize'\nshape = [0, 12, 12]\nfit = 'contain'\nfill = -7.0";
    check("resize_contain_in", [1.0; 3], contain, "resize_contain_12x12", ROUNDING);
}

#[test]
fn gaussian_is_that_of_scipy() {
    let voxels = "kind = 'gaussian'\nsigma_voxels = [1.2, 0.6, 2.0]";
    check("smooth_in", [1.0; 3], voxels, "gaussian_out", ROUNDING);
    let millimetres = "kind = 'gaussian'\nsigma_mm = [2.4, 0.3, 5.0]";
    check("smooth_in", [2.0, 0.5, 2.5], millimetres, "gaussian_out", ROUNDING);
}

#[test]
fn median_is_that_of_scipy() {
    check("smooth_in", [1.0; 3], "kind = 'median'\nsize = 3", "median_plane_3", EXACT);
    check("smooth_in", [1.0; 3], "kind = 'median'\nsize = 5", "median_plane_5", EXACT);
    let volume = "kind = 'median'\nsize = 3\nneighbourhood = 'volume'";
    check("smooth_in", [1.0; 3], volume, "median_volume_3", EXACT);
}

#[test]
fn rotate_is_that_of_simpleitk() {
    for (axis, degrees) in [("x", 24.0), ("y", -40.0), ("z", 33.0)] {
        let step = format!("kind = 'rotate'\naxis = '{axis}'\ndegrees = {degrees:.1}\nfill = -5.0");
        check("rotate_in", [2.0, 0.8, 1.3], &step, &format!("rotate_{axis}"), ROUNDING);
    }
}

#[test]
fn a_quarter_turn_takes_x_to_y() {
    for interpolation in ["nearest", "linear", "cubic"] {
        let step = format!("kind = 'rotate'\ndegrees = 90.0\nfill = 0.0\ninterpolation = '{interpolation}'");
        check("rotate_square_in", [1.0; 3], &step, "rotate_square_90", ROUNDING);
    }
}

#[test]
fn orient_is_dicom_orient_of_simpleitk() {
    use glam::{DAffine3, DMat3, DVec3};
    let voxels = golden("orient_in");
    let axes = DMat3::from_cols(-DVec3::Y * 0.7, -DVec3::Z * 0.5, -DVec3::X * 3.0);
    let map = DAffine3::from_mat3_translation(axes, DVec3::new(11.0, -22.0, 33.0));
    let volume = Volume::new(Grid::new(shape(&voxels), map).unwrap(), voxels).unwrap();
    let oriented = run(&volume, "kind = 'orient'");
    assert_close(oriented.voxels(), &golden("orient_out"), EXACT);
    let expected = golden("orient_origin_spacing_xyz");
    let [z, y, x] = oriented.grid().spacing_mm();
    for (axis, spacing) in [x, y, z].into_iter().enumerate() {
        assert!((oriented.grid().origin_mm()[axis] - f64::from(expected[[0, 0, axis]])).abs() < 1e-5);
        assert!((spacing - f64::from(expected[[0, 1, axis]])).abs() < 1e-6);
    }
    assert_eq!(run(&oriented, "kind = 'orient'"), oriented);
}

#[test]
fn resampling_to_the_same_spacing_changes_nothing() {
    let volume = random_volume(1, [4, 7, 9], [2.5, 0.7, 0.8]);
    for interpolation in ["nearest", "linear", "cubic"] {
        let step =
            format!("kind = 'resample'\nspacing_mm = [2.5, 0.7, 0.8]\ninterpolation = '{interpolation}'");
        assert_close(run(&volume, &step).voxels(), volume.voxels(), EXACT);
    }
}

#[test]
fn rotating_there_and_back_keeps_what_is_smooth() {
    let grid = Grid::aligned([5, 40, 50], [2.0, 1.0, 0.8]).unwrap();
    let volume = Volume::from_fn(grid, |[z, y, x]| {
        let r2 = ((y as f64 - 19.5) / 6.0).powi(2) + ((x as f64 - 24.5) * 0.8 / 6.0).powi(2);
        (1000.0 * (-r2).exp()) as f32 + z as f32
    });
    let there = run(&volume, "kind = 'rotate'\ndegrees = 30.0\nfill = 0.0\ninterpolation = 'cubic'");
    let back = run(&there, "kind = 'rotate'\ndegrees = -30.0\nfill = 0.0\ninterpolation = 'cubic'");
    let middle = |v: &Volume| v.voxels().slice(ndarray::s![.., 10..30, 13..37]).to_owned();
    // 2 of 1000: cubic interpolation of a bump 6 mm wide on 1 mm voxels, twice.
    assert_close(&middle(&back), &middle(&volume), 2.0);
}

#[test]
fn cropping_then_padding_keeps_the_middle_and_the_grid() {
    let volume = random_volume(2, [7, 8, 9], [2.0, 1.0, 0.5]);
    let cropped = run(&volume, "kind = 'crop_or_pad'\nshape = [4, 3, 8]\nfill = 0.0");
    assert_eq!(cropped, run(&volume, "kind = 'crop'\nto = { center = { shape = [4, 3, 8] } }"));
    let padded = run(&cropped, "kind = 'crop_or_pad'\nshape = [7, 8, 9]\nfill = -3.0");
    assert_eq!(padded.grid(), volume.grid());
    for ((z, y, x), value) in padded.voxels().indexed_iter() {
        let kept = (1..5).contains(&z) && (2..5).contains(&y) && (0..8).contains(&x);
        assert_eq!(*value, if kept { volume.voxels()[[z, y, x]] } else { -3.0 }, "{z} {y} {x}");
    }
}

#[test]
fn the_grid_follows_the_voxels() {
    // The value is the voxel's patient position along x, so that each result can be checked by its grid.
    // Without antialias, which does not keep a slope exactly.
    let grid = Grid::aligned([3, 10, 40], [5.0, 2.0, 0.7]).unwrap();
    let volume = Volume::from_fn(grid, |[_, _, x]| x as f32 * 0.7);
    for step in [
        "kind = 'resample'\nspacing_mm = [0, 0, 1.3]\nantialias = false",
        "kind = 'resize'\nshape = [0, 7, 13]\nfit = 'cover'\nantialias = false",
        "kind = 'resize'\nshape = [0, 20, 60]\nfit = 'contain'",
        "kind = 'crop'\nto = { box = { start = [1, 2, 3], end = [3, 4, 37] } }",
        "kind = 'crop_or_pad'\nshape = [4, 12, 33]\nfill = 0.0",
    ] {
        let result = run(&volume, step);
        let [_, rows, columns] = result.grid().shape_zyx();
        // The middle, where neither edge nor padding has a say.
        let (y, x) = (rows / 2, columns / 2);
        let at = result.grid().patient_point(glam::DVec3::new(x as f64, y as f64, 1.0));
        assert!((f64::from(result.voxels()[[1, y, x]]) - at.x).abs() < 1e-3, "{step}: {at}");
    }
}

#[test]
fn per_volume_normalisation_gives_mean_0_and_deviation_1() {
    let volume = random_volume(3, [5, 6, 7], [1.0; 3]);
    let normal = run(&volume, "kind = 'normalize'\nstatistics = 'per_volume'");
    let mean = normal.as_slice().iter().sum::<f32>() / 210.0;
    let variance = normal.as_slice().iter().map(|v| (v - mean).powi(2)).sum::<f32>() / 210.0;
    assert!(mean.abs() < 1e-5 && (variance - 1.0).abs() < 1e-5, "{mean} {variance}");
}

#[test]
fn scale_is_monai_scale_intensity_range() {
    // (x - a_min) / (a_max - a_min) * (b_max - b_min) + b_min, by hand.
    let grid = Grid::aligned([1, 1, 4], [1.0; 3]).unwrap();
    let volume = Volume::from_fn(grid, |[_, _, x]| [-1000.0, 0.0, 400.0, 1000.0][x]);
    let scaled = run(&volume, "kind = 'scale'\nfrom = [-1000.0, 1000.0]\nto = [-1.0, 3.0]");
    let expected = [-1.0, 1.0, 1.8, 3.0];
    assert!(scaled.as_slice().iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{scaled:?}");
    let clipped = run(&volume, "kind = 'scale'\nfrom = [0.0, 400.0]\nto = [1.0, 0.0]\nclip = true");
    assert_eq!(clipped.as_slice(), [1.0, 1.0, 0.0, 0.0]);
}

#[test]
fn toml_errors_name_step_and_kind() {
    let text = "[[step]]\nkind = 'orient'\n[[step]]\nkind = 'window'\ncentre = 1.0\nwidth_hu = 2.0";
    let error = toml::from_str::<Chain>(text).unwrap_err().to_string();
    for part in ["step 2", "window", "centre", "center_hu"] {
        assert!(error.contains(part), "{part} not in {error}");
    }
    let error = toml::from_str::<Chain>("[[step]]\nkind = 'blur'").unwrap_err().to_string();
    assert!(error.contains("step 1") && error.contains("blur") && error.contains("gaussian"), "{error}");
}

#[test]
fn wrong_values_are_refused_with_what_is_allowed() {
    for (step, field) in [
        ("kind = 'window'\ncenter_hu = 0.0\nwidth_hu = 0.0", "width_hu"),
        ("kind = 'clip'\nlow = 1.0\nhigh = 0.0", "low"),
        ("kind = 'scale'\nfrom = [1.0, 1.0]\nto = [0.0, 1.0]", "from"),
        ("kind = 'normalize'\nstatistics = { fixed = { mean = 0.0, std = 0.0 } }", "std"),
        ("kind = 'resample'\nspacing_mm = [1.0, -1.0, 1.0]", "spacing_mm"),
        ("kind = 'rotate'\ndegrees = nan\nfill = 0.0", "degrees"),
        ("kind = 'crop'\nto = { box = { start = [0, 0, 0], end = [1, 0, 1] } }", "to.box"),
        ("kind = 'crop'\nto = { lungs = { margin_mm = -1.0 } }", "margin_mm"),
        ("kind = 'gaussian'", "sigma_mm"),
        ("kind = 'gaussian'\nsigma_voxels = [1.0, 1.0, -1.0]", "sigma_voxels"),
        ("kind = 'median'\nsize = 4", "size"),
        ("kind = 'median'\nsize = 5\nneighbourhood = 'volume'", "size"),
    ] {
        let error = chain(step).validate().unwrap_err();
        assert!(matches!(error.problem, Problem::Invalid { .. }), "{step}");
        assert!(error.to_string().contains("step 1") && error.to_string().contains(field), "{error}");
        assert_eq!(error.code(), None);
    }
}

#[test]
fn what_needs_millimetres_refuses_a_picture() {
    let grid = Grid::of_picture(8, 8).unwrap();
    assert_eq!(grid.unit(), Unit::Pixel);
    let picture = Volume::from_fn(grid, |_| 0.0);
    for step in [
        "kind = 'resample'\nspacing_mm = [1.0, 1.0, 1.0]",
        "kind = 'gaussian'\nsigma_mm = [0.0, 1.0, 1.0]",
        "kind = 'crop'\nto = { lungs = { margin_mm = 1.0 } }",
        "kind = 'crop'\nto = { body = { margin_mm = 1.0 } }",
    ] {
        let error = chain(step).run(picture.clone(), &Processor::Cpu).unwrap_err();
        assert!(matches!(error.problem, Problem::NeedsMillimetres { .. }), "{error}");
    }
}

#[test]
fn problems_of_the_scan_have_codes() {
    let volume = Volume::from_fn(Grid::aligned([3, 4, 5], [1.0; 3]).unwrap(), |_| 7.0);
    for (step, code) in [
        ("kind = 'crop'\nto = { lungs = { margin_mm = 1.0 } }", "NO_ANATOMY"),
        ("kind = 'normalize'\nstatistics = 'per_volume'", "CONTENT"),
        ("kind = 'crop'\nto = { box = { start = [0, 0, 0], end = [4, 4, 4] } }", "DIM"),
        ("kind = 'resample'\nspacing_mm = [1e-4, 1e-4, 1e-4]", "TOO_LARGE"),
    ] {
        let error = chain(step).run(volume.clone(), &Processor::Cpu).unwrap_err();
        assert_eq!(error.code().map(|code| code.as_str()), Some(code), "{error}");
    }
}
