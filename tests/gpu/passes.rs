//! Passes that do several steps at once, run in chunks, or read stored pixels: what they give is what the
//! plain way gives.

use std::sync::Arc;

use pulmo::geometry::Grid;
use pulmo::gpu::{Gpu, Int16Pixels, Recording, Work};
use pulmo::preprocess::{Chain, Planned, Processor};
use pulmo::random::Random;
use pulmo::volume::Volume;

use super::opened;
use super::preprocess::{ANYWHERE, IN_MILLIMETRES, noise, random_volume};
use super::safety::found;

/// A device that binds at most `bytes` at once, enforced by the driver's own validation.
fn small(bytes: u64) -> Option<Arc<Gpu>> {
    let found = found()?;
    let mut limits = found.adapter.limits();
    limits.max_storage_buffer_binding_size = bytes;
    Some(Gpu::open_within(found, limits).unwrap())
}

#[test]
fn chunks_give_the_unchunked_result_bit_for_bit() {
    let Some(compute) = opened() else { return };
    let whole = Processor::Gpu(compute.gpu().unwrap().clone());
    let mut random = Random::new(33);
    // Slices of 37 x 41 values take 6068 bytes: no multiple of any alignment. 40000 bytes are six of them.
    let volume = noise(Grid::aligned([23, 37, 41], [2.5, 0.8, 0.7]).unwrap(), &mut random);
    let whole_numbers = volume.clone().map(f32::round);
    let pieces = Processor::Gpu(small(40_000).unwrap());
    for step in ANYWHERE.iter().chain(&IN_MILLIMETRES) {
        let chain: Chain = toml::from_str(&format!("[[step]]\n{step}")).unwrap();
        for volume in [&volume, &whole_numbers] {
            let run = |processor: &Processor| chain.run(volume.clone(), processor).unwrap();
            let (one, many) = (run(&whole), run(&pieces));
            assert_eq!(one.grid(), many.grid());
            let bits = |v: &Volume| v.as_slice().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert!(bits(&one) == bits(&many), "{step}");
        }
    }
}

#[test]
fn a_slice_that_cannot_be_bound_is_refused() {
    let Some(gpu) = small(4_096) else { return };
    let volume = noise(Grid::aligned([2, 40, 40], [1.0; 3]).unwrap(), &mut Random::new(1));
    let chain: Chain = toml::from_str(&format!("[[step]]\n{}", ANYWHERE[1])).unwrap();
    let error = chain.run(volume, &Processor::Gpu(gpu)).unwrap_err();
    assert_eq!(error.code(), Some(pulmo::findings::Code::TooLarge), "{error}");
}

/// The passes planned for steps given in TOML.
fn planned(steps: &[&str], grid: &Grid) -> Vec<pulmo::gpu::Pass> {
    let text: String = steps.iter().map(|step| format!("[[step]]\n{step}\n")).collect();
    let plan = toml::from_str::<Chain>(&text).unwrap().plan(grid).unwrap();
    let pass = |item: Planned| match item {
        Planned::Pass(pass) => *pass,
        other => panic!("{other:?}"),
    };
    plan.items.into_iter().map(pass).collect()
}

const CROP: &str = "kind = 'crop'\nto = { box = { start = [1, 2, 3], end = [4, 21, 33] } }";
const PAD: &str = "kind = 'crop_or_pad'\nshape = [5, 40, 30]\nfill = -2.0";
const PAD_OTHERWISE: &str = "kind = 'crop_or_pad'\nshape = [7, 44, 40]\nfill = 8.0";
const ORIENT: &str = "kind = 'orient'";
const ROTATE: &str = "kind = 'rotate'\ndegrees = 12.5\nfill = -1000.0";
const WINDOW: &str = ANYWHERE[1];
const SCALE: &str = ANYWHERE[3];
const NORMALIZE: &str = ANYWHERE[5];

/// Chains and the number of passes they take.
const FUSED: [(&[&str], usize); 9] = [
    (&[WINDOW, SCALE, NORMALIZE], 1),
    (&[ORIENT, CROP, PAD], 1),
    (&[ORIENT, CROP, WINDOW, PAD, NORMALIZE], 1),
    (&[CROP, PAD, PAD], 1),
    // Two fills of different value are both seen: one gather cannot give both.
    (&[PAD, PAD_OTHERWISE], 2),
    (&[ROTATE, CROP, WINDOW], 1),
    (&[ROTATE, PAD], 2),
    (&["kind = 'median'\nsize = 3", WINDOW, "kind = 'gaussian'\nsigma_voxels = [0.0, 1.0, 1.0]", SCALE], 3),
    (&[CROP, ROTATE, ORIENT, CROP_LATER, WINDOW], 2),
];
const CROP_LATER: &str = "kind = 'crop'\nto = { center = { shape = [2, 9, 14] } }";

#[test]
fn steps_done_in_one_pass_give_what_they_give_one_by_one_on_the_cpu() {
    let Some(gpu) = opened().and_then(|compute| compute.gpu().cloned()) else { return };
    let mut random = Random::new(5);
    for (steps, passes) in FUSED {
        for _ in 0..3 {
            let mut grid = *random_volume(&mut random).grid();
            let shape = [6, 30, 40];
            grid = grid.window([0; 3], shape).unwrap();
            let volume = noise(grid, &mut random);
            let text: String = steps.iter().map(|step| format!("[[step]]\n{step}\n")).collect();
            match toml::from_str::<Chain>(&text).unwrap().output_grid(&grid) {
                // An axis turned to another place can be shorter than the box.
                Err(_) => continue,
                Ok(_) => super::preprocess::compare(&gpu, &volume, &text),
            }
            assert_eq!(planned(steps, &grid).len(), passes, "{text}");
        }
    }
}

#[test]
fn a_plan_says_what_will_run() {
    let grid = Grid::aligned([40, 512, 512], [2.5, 0.7, 0.7]).unwrap();
    let steps =
        [ORIENT, WINDOW, IN_MILLIMETRES[0], "kind = 'crop'\nto = { lungs = { margin_mm = 5.0 } }", SCALE];
    let text: String = steps.iter().map(|step| format!("[[step]]\n{step}\n")).collect();
    let plan = toml::from_str::<Chain>(&text).unwrap().plan(&grid).unwrap().to_string();
    let lines: Vec<_> = plan.lines().collect();
    assert!(lines[0].contains("gather") && lines[0].contains("[orient + window]"), "{plan}");
    assert!(lines[1].contains("along") && lines[1].contains("taps"), "{plan}");
    assert!(plan.contains("read back") && lines.last().unwrap().contains("crop, scale"), "{plan}");
}

#[test]
fn stored_pixels_become_values_slice_by_slice() {
    let Some(gpu) = opened().and_then(|compute| compute.gpu().cloned()) else { return };
    let shape = [3, 5, 7];
    let rescale = vec![[1.0, -1024.0], [0.5, 3.0], [-2.0, 0.25]];
    let mut random = Random::new(9);
    let bits: Vec<u16> = (0..105).map(|_| (random.bits() >> 48) as u16).collect();
    let signed: Vec<i16> = bits.iter().map(|pixel| pixel.cast_signed()).collect();
    let expected = |value: &dyn Fn(usize) -> f32| -> Vec<f32> {
        (0..105).map(|at| value(at) * rescale[at / 35][0] + rescale[at / 35][1]).collect()
    };
    let unsigned_pixels = Int16Pixels::unsigned(&bits, shape, rescale.clone()).unwrap();
    let signed_pixels = Int16Pixels::signed(&signed, shape, rescale.clone()).unwrap();
    let cases = [
        (unsigned_pixels, expected(&|at| f32::from(bits[at]))),
        (signed_pixels, expected(&|at| f32::from(signed[at]))),
    ];
    for (pixels, expected) in cases {
        let mut recording = Recording::default();
        recording.push(pixels.pass());
        assert!(matches!(recording.passes()[0].work, Work::Hounsfield(_)));
        let values = gpu.execute(&recording, gpu.upload_stored(&pixels).unwrap()).unwrap();
        // Every value and product is a multiple of 1/4 below 2^18, which f32 holds exactly.
        assert_eq!(gpu.download(&values).unwrap(), expected);
    }
}

#[test]
fn medians_are_the_very_values_of_the_cpu() {
    let Some(gpu) = opened().and_then(|compute| compute.gpu().cloned()) else { return };
    let volume = random_volume(&mut Random::new(77));
    for step in &ANYWHERE[21..] {
        let chain: Chain = toml::from_str(&format!("[[step]]\n{step}")).unwrap();
        let run = |processor: &Processor| chain.run(volume.clone(), processor).unwrap();
        assert_eq!(run(&Processor::Gpu(gpu.clone())), run(&Processor::Cpu), "{step}");
    }
}

#[test]
fn copies_and_passes_are_measured_on_the_device_and_what_it_cannot_bind_is_refused() {
    let Some(gpu) = opened().and_then(|compute| compute.gpu().cloned()) else { return };
    let grid = Grid::aligned([3, 40, 40], [1.0; 3]).unwrap();
    let volume = noise(grid, &mut Random::new(4));
    let passes = planned(&[IN_MILLIMETRES[3]], &grid);
    let mut values = gpu.upload(volume.as_slice()).unwrap();
    for pass in &passes {
        let seconds = gpu.pass_seconds(pass, &values, 2).unwrap();
        assert!(seconds.is_finite() && seconds > 0.0, "{pass}: {seconds}");
        let mut recording = Recording::default();
        recording.push(pass.clone());
        values = gpu.execute(&recording, values).unwrap();
    }
    assert!(gpu.copy_seconds(4_800, 2).unwrap() > 0.0);
    let little = small(4_096).unwrap();
    let values = little.upload(volume.as_slice()).unwrap();
    let error = little.pass_seconds(&passes[0], &values, 1).unwrap_err();
    assert!(matches!(error, pulmo::gpu::GpuError::TooLarge { .. }), "{error}");
}
