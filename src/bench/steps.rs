//! Preprocessing steps, beside a plain copy.

use std::time::Instant;

use ndarray::Array3;
use rayon::prelude::*;

use super::clock::median_seconds;
use super::{BenchError, BenchSettings, StepRow};
use crate::geometry::Grid;
use crate::preprocess::{Chain, PreprocessError, Problem, Processor};
use crate::volume::Volume;

/// Each step as it would stand in a recipe.
const STEPS: [(&str, &str); 8] = [
    ("window", "kind = \"window\"\ncenter_hu = -600.0\nwidth_hu = 1500.0"),
    ("resample to 1 mm", "kind = \"resample\"\nspacing_mm = [1.0, 1.0, 1.0]"),
    ("resample to 2 mm", "kind = \"resample\"\nspacing_mm = [2.0, 2.0, 2.0]"),
    ("resize in plane to 224", "kind = \"resize\"\nshape = [0, 224, 224]"),
    ("rotate 7 degrees", "kind = \"rotate\"\ndegrees = 7.0\nfill = -1024.0"),
    ("crop to the middle", "kind = \"crop_or_pad\"\nshape = [0, 256, 256]\nfill = -1024.0"),
    ("gaussian 1 mm", "kind = \"gaussian\"\nsigma_mm = [1.0, 1.0, 1.0]"),
    ("median 3 x 3", "kind = \"median\"\nsize = 3"),
];

/// Voxels of a thin-slice chest CT, `[z, y, x]` in millimetres.
const SPACING_MM: [f64; 3] = [1.25, 0.75, 0.75];

/// Returns the bytes read and written in a second by a plain copy of the volume, in units of 10^9.
pub(super) fn copy_bandwidth(processor: &Processor, settings: &BenchSettings) -> Result<f64, BenchError> {
    let count: usize = settings.volume_zyx.iter().product();
    let seconds = match processor {
        Processor::Gpu(gpu) => gpu.copy_seconds(count, settings.runs)?,
        Processor::Cpu => {
            let (from, mut to) = (vec![1.0f32; count], vec![0.0f32; count]);
            let piece = count.div_ceil(rayon::current_num_threads());
            median_seconds::<BenchError>(settings.runs, || {
                let pairs = to.par_chunks_mut(piece).zip(from.par_chunks(piece));
                pairs.for_each(|(to, from)| to.copy_from_slice(from));
                Ok(())
            })?
        }
    };
    Ok(2.0 * 4.0 * count as f64 / seconds / 1e9)
}

/// Measures every step on a volume that is already where it is worked on.
pub(super) fn measure(
    processor: &Processor,
    settings: &BenchSettings,
    copy_gb_per_s: f64,
    tell: &dyn Fn(&str),
) -> Result<Vec<StepRow>, BenchError> {
    let volume =
        volume(settings.volume_zyx).map_err(|problem| PreprocessError { step: 0, kind: "bench", problem })?;
    let mut rows = Vec::new();
    for (name, text) in STEPS {
        tell(name);
        let chain: Chain = toml::from_str(&format!("[[step]]\n{text}\n"))?;
        let voxels_out = chain.output_grid(volume.grid())?.map_or(0, |grid| grid.len());
        let seconds = seconds(&chain, &volume, processor, settings.runs)?;
        let gb_per_s = 4.0 * (volume.grid().len() + voxels_out) as f64 / seconds / 1e9;
        rows.push(StepRow {
            step: name.to_owned(),
            ms: 1000.0 * seconds,
            gb_per_s,
            share_of_copy: gb_per_s / copy_gb_per_s,
        });
    }
    Ok(rows)
}

/// A volume of thin slices with values like those of CT.
pub(super) fn volume(shape_zyx: [usize; 3]) -> Result<Volume, Problem> {
    let grid = Grid::aligned(shape_zyx, SPACING_MM)?;
    let [z, y, x] = shape_zyx;
    let value = |(z, y, x): (usize, usize, usize)| ((z * 31 + y * 17 + x * 7) % 2000) as f32 - 1000.0;
    Ok(Volume::new(grid, Array3::from_shape_fn((z, y, x), value))?)
}

/// Seconds of the chain alone: on a GPU without the upload, on the CPU without the copy that it consumes.
fn seconds(chain: &Chain, volume: &Volume, processor: &Processor, runs: usize) -> Result<f64, BenchError> {
    let Processor::Gpu(gpu) = processor else {
        let (mut copying, mut count) = (0.0, 0);
        let all = median_seconds::<BenchError>(runs, || {
            let begin = Instant::now();
            let copy = volume.clone();
            copying += begin.elapsed().as_secs_f64();
            count += 1;
            chain.run(copy, processor)?;
            Ok(())
        })?;
        return Ok(all - copying / count as f64);
    };
    let on_device = |chain: &Chain| {
        median_seconds::<BenchError>(runs, || {
            chain.run_resident(volume, gpu)?;
            Ok(gpu.wait()?)
        })
    };
    Ok((on_device(chain)? - on_device(&Chain::default())?).max(f64::MIN_POSITIVE))
}
