//! Changes of training cases on the device against their twins on the CPU.
//!
//! TOLERANCE: 1e-3 of the range, as for preprocessing; normal numbers are the same bits.

use std::borrow::Cow;

use ndarray::Array3;
use pulmo::gpu::{Gpu, Recording};
use pulmo::network::Compute;
use pulmo::network::{NetworkConfig, NetworkKind, read_tensor};
use pulmo::preprocess::augment::{Change, Elastic, Tone, Warp};
use pulmo::random::Random;
use pulmo::train::{AugmentConfig, Changing, changed_bags};

use super::opened;

fn on_device(gpu: &Gpu, change: &Change, case: &Array3<f32>) -> Vec<f32> {
    let mut recording = Recording::default();
    change.record(case.dim().into(), &mut recording);
    let values = gpu.execute(&recording, gpu.upload(case.as_slice().unwrap()).unwrap()).unwrap();
    gpu.download(&values).unwrap()
}

fn compare(gpu: &Gpu, change: &Change, case: &Array3<f32>) {
    let (cpu, device) = (change.apply(case), on_device(gpu, change, case));
    let (low, high) = cpu.iter().fold((f32::MAX, f32::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
    let worst = cpu.iter().zip(&device).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst <= 1e-3 * (high - low), "{change:?}: {worst} of {low} to {high}");
    assert!(cpu.iter().zip(case).any(|(a, b)| a != b), "{change:?} changes nothing");
}

fn case(random: &mut Random) -> Array3<f32> {
    let shape = (1 + random.below(5), 3 + random.below(40), 3 + random.below(50));
    Array3::from_shape_simple_fn(shape, || random.uniform(0.0, 1.0) as f32)
}

#[test]
fn every_change_is_the_same_on_the_device_and_the_cpu() {
    let Some(gpu) = opened().and_then(|compute| compute.gpu().cloned()) else { return };
    let mut random = Random::new(12);
    let turned = [[0.9, 0.2, 0.0, 1.5], [-0.2, 1.1, 0.0, -2.0], [0.0, 0.0, 1.0, 0.0]];
    let elastic = Elastic { sigma_voxels: [2.0, 1.5, 0.3], cell_voxels: [6.0, 5.0, 3.0], key: [3, 4] };
    let tone = Tone { mean: 0.4, key: [5, 6], ..Tone::default() };
    let changes = [
        Change { warp: Warp { rows: turned, elastic: None }, ..Change::default() },
        Change { warp: Warp { elastic: Some(elastic), ..Warp::default() }, ..Change::default() },
        Change { blur_voxels: [0.0, 1.2, 0.8], ..Change::default() },
        Change { tone: Tone { exponent: 1.3, ..tone.clone() }, ..Change::default() },
        Change { tone: Tone { gain: 1.2, offset: -0.1, ..tone.clone() }, ..Change::default() },
        Change { tone: Tone { noise: 0.2, ..tone.clone() }, ..Change::default() },
        Change { tone: Tone { blank: Some([0..1, 1..3, 0..2]), ..tone }, ..Change::default() },
    ];
    for change in &changes {
        (0..3).for_each(|_| compare(&gpu, change, &case(&mut random)));
    }
    let config = AugmentConfig {
        flip_x: 0.5,
        flip_y: 0.5,
        flip_z: 0.5,
        rotate_degrees: 15.0,
        scale: 0.2,
        stretch: 0.1,
        shift: 0.1,
        brightness: 0.1,
        contrast: 0.2,
        gamma: 0.3,
        noise: 0.1,
        cutout: 0.5,
        elastic: 0.04,
        blur: 1.0,
    };
    for seed in 0..6 {
        let case = case(&mut random);
        let change =
            config.change(case.dim().into(), case.mean().unwrap(), &mut Random::keyed(seed, &[1, 2]));
        compare(&gpu, &change, &case);
    }
}

#[test]
fn an_augmented_batch_is_the_same_on_the_device_and_the_cpu() {
    let Some(compute) = opened() else { return };
    let mut random = Random::new(4);
    let draw =
        AugmentConfig { flip_x: 0.5, rotate_degrees: 20.0, gamma: 0.3, noise: 0.1, ..Default::default() };
    for (kind, neighbours, slices) in [(NetworkKind::Slice, 0, 1), (NetworkKind::Mil, 1, 3)] {
        let config = NetworkConfig { kind, neighbours, ..super::training::config() };
        let cases: Vec<Changing> = (0..4)
            .map(|_| {
                let case = Array3::from_shape_simple_fn((slices, 20, 33), || random.unit() as f32);
                let change = draw.change(case.dim().into(), case.mean().unwrap(), &mut random);
                (Cow::Owned(case), change)
            })
            .collect();
        let [cpu, device] = [&Compute::cpu(), &compute].map(|compute| {
            let bags = changed_bags(&cases, &config, compute).unwrap();
            assert_eq!(
                (bags.images.dims(), bags.counts.len()),
                ([4 * slices, 2 * neighbours + 1, 20, 33], 4)
            );
            assert!(bags.images.is_autodiff());
            read_tensor(bags.images).unwrap()
        });
        let worst = cpu.iter().zip(&device).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst <= 1e-3, "{kind:?}: {worst}");
    }
}

#[test]
fn noise_is_the_same_bits_on_the_device() {
    let Some(gpu) = opened().and_then(|compute| compute.gpu().cloned()) else { return };
    let change = Change { tone: Tone { noise: 1.0, key: [7, 8], ..Tone::default() }, ..Change::default() };
    let nothing = Array3::zeros((3, 33, 65));
    assert_eq!(on_device(&gpu, &change, &nothing), change.apply(&nothing).into_raw_vec_and_offset().0);
    let mut recording = Recording::default();
    Change::default().record([3, 4, 5], &mut recording);
    assert!(recording.passes().is_empty());
}
