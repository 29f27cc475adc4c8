//! The largest volume of the promise, 512 x 512 x 1000, through a whole chain in chunks.

use std::time::Instant;

use pulmo::geometry::Grid;
use pulmo::gpu::Gpu;
use pulmo::preprocess::{Chain, Processor};
use pulmo::volume::Volume;

use super::safety::found;

const STEPS: &str = "[[step]]\nkind = 'gaussian'\nsigma_mm = [1.0, 1.0, 1.0]\n\
                     [[step]]\nkind = 'rotate'\ndegrees = 7.0\nfill = -1000.0\n\
                     [[step]]\nkind = 'crop'\nto = { center = { shape = [0, 256, 320] } }\n\
                     [[step]]\nkind = 'window'\ncenter_hu = -600.0\nwidth_hu = 1500.0\n";

/// Whole numbers between -1000 and 999, uploaded as 16 bits: smooth waves and a pattern of single voxels.
fn volume(shape_zyx: [usize; 3]) -> Volume {
    let grid = Grid::aligned(shape_zyx, [1.0, 0.7, 0.7]).unwrap();
    let wave = |index: usize, length: f32| (index as f32 / length).sin();
    let waves = [97.0, 31.0, 43.0];
    let tables: Vec<Vec<f32>> =
        (0..3).map(|axis| (0..shape_zyx[axis]).map(|index| wave(index, waves[axis])).collect()).collect();
    Volume::from_fn(grid, |[z, y, x]| {
        let smooth = 900.0 * tables[0][z] * tables[1][y] * tables[2][x];
        smooth.round() + ((z * 31 + y * 17 + x * 7) % 100) as f32
    })
}

/// The process's most memory so far, in GiB; `None` where the system does not tell.
fn peak_gib() -> Option<f64> {
    pulmo_system::peak_bytes().map(|bytes| bytes as f64 / f64::from(1 << 30))
}

#[test]
#[ignore = "takes minutes and 6 GB on a software adapter: \
            cargo test --release --test gpu -- --ignored --nocapture large"]
fn a_thousand_slices_of_512_run_in_chunks_and_agree_with_the_cpu() {
    let Some(found) = found() else { return };
    let mut limits = found.adapter.limits();
    // Eight times less than the volume has bytes.
    limits.max_storage_buffer_binding_size = limits.max_storage_buffer_binding_size.min(1 << 27);
    let gpu = Processor::Gpu(Gpu::open_within(found, limits).unwrap());
    let chain: Chain = toml::from_str(STEPS).unwrap();
    let volume = volume([1000, 512, 512]);
    let timed = |processor: &Processor, volume: Volume| {
        let start = Instant::now();
        (chain.run(volume, processor).unwrap(), start.elapsed())
    };
    let (on_gpu, gpu_time) = timed(&gpu, volume.clone());
    let gpu_peak = peak_gib();
    let (on_cpu, cpu_time) = timed(&Processor::Cpu, volume);
    assert_eq!((on_gpu.grid(), on_gpu.grid().shape_zyx()), (on_cpu.grid(), [1000, 256, 320]));
    let pairs = on_gpu.as_slice().iter().zip(on_cpu.as_slice());
    let worst = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    eprintln!(
        "largest difference {worst:e} of 0..1; adapter {gpu_time:.1?}, CPU {cpu_time:.1?}; \
         most memory {gpu_peak:.1?} GiB, {:.1?} with the CPU's",
        peak_gib()
    );
    // As for single steps: 1e-3 of the range.
    assert!(worst <= 1e-3, "{worst}");
}
