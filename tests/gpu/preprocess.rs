//! Every step on a GPU against its CPU reference, on random volumes and pictures.
//!
//! TOLERANCE: 1e-3 of the range of the CPU's result: f32 sums in another order, and for rotation
//! positions in f32, which at some 100 voxels are off by 1e-5 of a voxel.

use std::sync::Arc;

use glam::{DAffine3, DMat3, DVec3};
use pulmo::geometry::Grid;
use pulmo::gpu::{Choice, Chosen, Gpu, GpuError, choose};
use pulmo::preprocess::{Chain, Processor};
use pulmo::random::Random;
use pulmo::volume::Volume;

use super::opened;

fn opened_gpu() -> Option<Arc<Gpu>> {
    opened()?.gpu().cloned()
}

/// A volume of noise over a slope, with random size and spacing, its axes in any order and sense.
pub(super) fn random_volume(random: &mut Random) -> Volume {
    let shape: [usize; 3] = [1 + random.below(12), 2 + random.below(60), 2 + random.below(90)];
    let spacing: [f64; 3] = std::array::from_fn(|_| random.uniform(0.4, 3.0));
    let mut axes = [DVec3::X * spacing[2], DVec3::Y * spacing[1], DVec3::Z * spacing[0]];
    random.shuffle(&mut axes);
    axes.iter_mut().for_each(|axis| *axis *= if random.chance(0.5) { 1.0 } else { -1.0 });
    let map = DAffine3::from_mat3(DMat3::from_cols(axes[0], axes[1], axes[2]));
    noise(Grid::new(shape, map).unwrap(), random)
}

fn random_picture(random: &mut Random) -> Volume {
    noise(Grid::of_picture(2 + random.below(80), 2 + random.below(120)).unwrap(), random)
}

pub(super) fn noise(grid: Grid, random: &mut Random) -> Volume {
    Volume::from_fn(grid, |[z, y, x]| {
        (random.uniform(-500.0, 500.0) + (z as f64) * 9.0 - (y as f64) * 4.0 + (x as f64) * 3.0) as f32
    })
}

/// Runs TOML steps on both and compares.
pub(super) fn compare(gpu: &Arc<Gpu>, volume: &Volume, steps: &str) {
    let chain: Chain = toml::from_str(steps).unwrap_or_else(|error| panic!("{steps}: {error}"));
    let name = format!("{:?} {steps}", volume.grid().shape_zyx());
    let cpu = chain.run(volume.clone(), &Processor::Cpu).unwrap_or_else(|error| panic!("{name}: {error}"));
    let on_gpu = chain
        .run(volume.clone(), &Processor::Gpu(gpu.clone()))
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(cpu.grid(), on_gpu.grid(), "{name}");
    let (low, high) = cpu.as_slice().iter().fold((f32::MAX, f32::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
    let worst = cpu.as_slice().iter().zip(on_gpu.as_slice()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    // Where the result is a constant there is no range; then 1e-3 of its size.
    let range = (high - low).max(high.abs() * 1e-3).max(f32::MIN_POSITIVE);
    assert!(worst <= 1e-3 * range, "{name}: differs by {worst} of a range of {range}");
}

pub(super) const ANYWHERE: [&str; 24] = [
    "kind = 'orient'",
    "kind = 'window'\ncenter_hu = -60.0\nwidth_hu = 700.0",
    "kind = 'clip'\nlow = -300.0\nhigh = 200.0",
    "kind = 'scale'\nfrom = [-500.0, 700.0]\nto = [-1.0, 1.0]",
    "kind = 'scale'\nfrom = [-100.0, 100.0]\nto = [1.0, 0.0]\nclip = true",
    "kind = 'normalize'\nstatistics = { fixed = { mean = 40.0, std = 17.0 } }",
    "kind = 'normalize'\nstatistics = 'per_volume'",
    "kind = 'resize'\nshape = [0, 17, 40]",
    "kind = 'resize'\nshape = [3, 50, 9]\ninterpolation = 'cubic'",
    "kind = 'resize'\nshape = [2, 33, 41]\ninterpolation = 'nearest'",
    "kind = 'resize'\nshape = [0, 24, 24]\nfit = 'cover'\nantialias = false",
    "kind = 'resize'\nshape = [0, 25, 24]\nfit = 'contain'\ninterpolation = 'cubic'\nfill = -9.0",
    "kind = 'rotate'\ndegrees = 12.5\nfill = -1000.0",
    "kind = 'rotate'\ndegrees = -71.0\nfill = 3.0\naxis = 'x'\ninterpolation = 'cubic'",
    "kind = 'rotate'\ndegrees = 190.0\nfill = 3.0\naxis = 'y'\ninterpolation = 'nearest'",
    "kind = 'rotate'\ndegrees = 90.0\nfill = 3.0\ninterpolation = 'nearest'",
    "kind = 'crop'\nto = { center = { shape = [2, 9, 14] } }",
    "kind = 'crop'\nto = { box = { start = [0, 1, 0], end = [1, 2, 2] } }",
    "kind = 'crop_or_pad'\nshape = [5, 40, 30]\nfill = -2.0",
    "kind = 'gaussian'\nsigma_voxels = [0.7, 2.0, 0.0]",
    "kind = 'gaussian'\nsigma_voxels = [30.0, 0.3, 5.0]",
    "kind = 'median'\nsize = 3",
    "kind = 'median'\nsize = 5",
    "kind = 'median'\nsize = 3\nneighbourhood = 'volume'",
];

pub(super) const IN_MILLIMETRES: [&str; 4] = [
    "kind = 'resample'\nspacing_mm = [1.5, 1.0, 1.0]",
    "kind = 'resample'\nspacing_mm = [0, 4.0, 2.5]\ninterpolation = 'cubic'",
    "kind = 'resample'\nspacing_mm = [5.0, 0.9, 3.0]\nantialias = false\ninterpolation = 'nearest'",
    "kind = 'gaussian'\nsigma_mm = [2.0, 1.0, 3.0]",
];

#[test]
fn every_step_gives_on_the_gpu_what_it_gives_on_the_cpu() {
    let Some(gpu) = opened_gpu() else { return };
    let mut random = Random::new(2024);
    for step in ANYWHERE {
        for _ in 0..3 {
            compare(&gpu, &random_volume(&mut random), &format!("[[step]]\n{step}"));
            compare(&gpu, &random_picture(&mut random), &format!("[[step]]\n{step}"));
        }
    }
    for step in IN_MILLIMETRES {
        for _ in 0..4 {
            compare(&gpu, &random_volume(&mut random), &format!("[[step]]\n{step}"));
        }
    }
}

#[test]
fn a_chain_gives_on_the_gpu_what_it_gives_on_the_cpu() {
    let Some(gpu) = opened_gpu() else { return };
    let mut random = Random::new(7);
    let all: Vec<String> =
        [0, 2, 7, 12, 19, 6, 21, 18].map(|at| format!("[[step]]\n{}\n", ANYWHERE[at])).to_vec();
    for _ in 0..3 {
        compare(&gpu, &random_volume(&mut random), &all.concat());
        compare(&gpu, &random_picture(&mut random), &all.concat());
    }
    compare(&gpu, &random_volume(&mut random), "step = []");
}

#[test]
fn a_chest_is_cropped_to_its_lungs_on_the_gpu() {
    let Some(gpu) = opened_gpu() else { return };
    let grid = Grid::aligned([60, 80, 110], [3.0; 3]).unwrap();
    let volume = Volume::from_fn(grid, |[z, y, x]| {
        let mm = |index: usize, side: f64| (index as f64 - (side - 1.0) / 2.0) * 3.0;
        let (z, y, x) = (mm(z, 60.0), mm(y, 80.0), mm(x, 110.0));
        let lung = (x.abs() - 70.0).hypot(y) < 40.0 && z.abs() < 60.0;
        if lung {
            -850.0
        } else if (x / 150.0).hypot(y / 100.0) < 1.0 {
            40.0
        } else {
            -1000.0
        }
    });
    let steps = "[[step]]\nkind = 'gaussian'\nsigma_mm = [1.0, 1.0, 1.0]\n\
                 [[step]]\nkind = 'crop'\nto = { lungs = { margin_mm = 6.0 } }\n\
                 [[step]]\nkind = 'crop'\nto = { body = { margin_mm = 0.0 } }";
    let lungs = steps.rsplit_once("[[step]]").unwrap().0;
    compare(&gpu, &volume, lungs);
    let cropped = toml::from_str::<Chain>(lungs).unwrap().run(volume, &Processor::Gpu(gpu)).unwrap();
    let [z, y, x] = cropped.grid().shape_zyx();
    assert!(z.abs_diff(44) <= 2 && y.abs_diff(31) <= 2 && x.abs_diff(78) <= 2, "{z} {y} {x}");
}

#[test]
fn a_read_back_returns_what_was_uploaded() {
    let Some(gpu) = opened_gpu() else { return };
    let values: Vec<f32> = (0..100_003).map(|n| n as f32 * 0.5).collect();
    let buffer = gpu.upload(&values).unwrap();
    assert_eq!(buffer.len(), values.len());
    assert_eq!(gpu.download(&buffer).unwrap(), values);
    assert_eq!(gpu.check(), Ok(()));
}

#[test]
fn arrays_beyond_the_limits_are_refused_before_they_are_made() {
    let Some(gpu) = opened_gpu() else { return };
    let error = gpu.checked_bytes(usize::MAX / 8).unwrap_err();
    assert!(matches!(error, GpuError::TooLarge { .. }), "{error}");
}

#[test]
fn a_destroyed_device_is_reported_as_lost() {
    // One of its own: the others share theirs.
    let found = [Choice::Gpu, Choice::Software].into_iter().find_map(|choice| match choose(choice) {
        Ok(Chosen::Adapter(found)) => Some(found),
        _ => None,
    });
    let (Some(found), Some(_)) = (found, opened_gpu()) else { return };
    let gpu = Gpu::open(*found).unwrap();
    let buffer = gpu.upload(&[1.0, 2.0]).unwrap();
    gpu.device().destroy();
    let error = gpu.download(&buffer).unwrap_err();
    assert!(matches!(error, GpuError::Lost { .. } | GpuError::Failed { .. }), "{error}");
}
