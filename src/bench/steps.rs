//! Preprocessing steps, beside a plain copy.

use std::time::Instant;

use ndarray::Array3;
use rayon::prelude::*;

use super::clock::{median_counted, median_seconds};
use super::{Bandwidth, BenchError, BenchEvent, BenchSettings, PassRow, StepRow};
use crate::geometry::Grid;
use crate::gpu::{Gpu, GpuBuffer, Int16Pixels, Pass, Recording};
use crate::preprocess::augment::{Change, Elastic, Tone, Warp};
use crate::preprocess::{Chain, Planned, PreprocessError, Problem, Processor};
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

/// Bytes of a value.
const VALUE: u64 = 4;

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
    watch: &dyn Fn(BenchEvent),
) -> Result<Vec<StepRow>, BenchError> {
    let volume =
        volume(settings.volume_zyx).map_err(|problem| PreprocessError { step: 0, kind: "bench", problem })?;
    let subject = Subject { volume: &volume, runs: settings.runs, copy_gb_per_s };
    let mut rows = Vec::new();
    for (name, text) in STEPS {
        watch(BenchEvent::Next(name));
        let chain: Chain = toml::from_str(&format!("[[step]]\n{text}\n"))?;
        rows.push(match processor {
            Processor::Cpu => subject.on_cpu(name, &chain)?,
            Processor::Gpu(gpu) => subject.on_gpu(name, &chain, gpu)?,
        });
    }
    if let Processor::Gpu(gpu) = processor {
        watch(BenchEvent::Next("passes of no step"));
        rows.extend(subject.of_stored_pixels(gpu)?);
        rows.push(subject.of_augmentation(gpu)?);
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

/// An array on the device that holds it.
struct OnDevice<'a> {
    gpu: &'a Gpu,
    values: GpuBuffer,
}

/// What is worked on, and what it is compared with.
struct Subject<'a> {
    volume: &'a Volume,
    runs: usize,
    copy_gb_per_s: f64,
}

impl Subject<'_> {
    fn bandwidth(&self, bytes: u64, seconds: f64) -> Bandwidth {
        let gb_per_s = bytes as f64 / seconds / 1e9;
        Bandwidth { ms: 1000.0 * seconds, gb_per_s, share_of_copy: gb_per_s / self.copy_gb_per_s }
    }

    /// The chain on the CPU, without the copy that it consumes.
    fn on_cpu(&self, name: &str, chain: &Chain) -> Result<StepRow, BenchError> {
        let voxels_out = chain.output_grid(self.volume.grid())?.map_or(0, |grid| grid.len());
        let seconds = median_counted::<BenchError>(self.runs, || {
            let copy = self.volume.clone();
            let begin = Instant::now();
            chain.run(copy, &Processor::Cpu)?;
            Ok(begin.elapsed())
        })?;
        let bandwidth = self.bandwidth(VALUE * (self.volume.grid().len() + voxels_out) as u64, seconds);
        Ok(StepRow { step: name.to_owned(), bandwidth, passes: Vec::new() })
    }

    /// The chain's passes by the device's own time, without upload and read-back.
    fn on_gpu(&self, name: &str, chain: &Chain, gpu: &Gpu) -> Result<StepRow, BenchError> {
        let plan = chain.plan(self.volume.grid())?;
        let pass = |item| match item {
            Planned::Pass(pass) => Some(*pass),
            _ => None,
        };
        let passes: Vec<Pass> = plan.items.into_iter().filter_map(pass).collect();
        self.of_passes(name, &passes, OnDevice { gpu, values: gpu.upload(self.volume.as_slice())? })
    }

    /// Each pass on what the one before it left.
    fn of_passes(&self, name: &str, passes: &[Pass], on_device: OnDevice) -> Result<StepRow, BenchError> {
        let OnDevice { gpu, mut values } = on_device;
        let (mut rows, mut sum) = (Vec::new(), 0.0);
        for pass in passes {
            let seconds = gpu.pass_seconds(pass, &values, self.runs)?;
            sum += seconds;
            rows.push(PassRow {
                pass: in_words(pass),
                bandwidth: self.bandwidth(bytes_in(pass) + bytes_out(pass), seconds),
            });
            let mut recording = Recording::default();
            recording.push(pass.clone());
            values = gpu.execute(&recording, values)?;
        }
        let bytes = passes.first().map_or(0, bytes_in) + passes.last().map_or(0, bytes_out);
        Ok(StepRow { step: name.to_owned(), bandwidth: self.bandwidth(bytes, sum), passes: rows })
    }

    /// What is done to a series that was uploaded as it was stored; `None` where the voxels are no such series.
    fn of_stored_pixels(&self, gpu: &Gpu) -> Result<Option<StepRow>, BenchError> {
        let shape_zyx = self.volume.grid().shape_zyx();
        let Some(pixels) = Int16Pixels::of_whole_numbers(self.volume.as_slice(), shape_zyx) else {
            return Ok(None);
        };
        let values = gpu.upload_stored(&pixels)?;
        Ok(Some(self.of_passes("stored pixels to HU", &[pixels.pass()], OnDevice { gpu, values })?))
    }

    /// What changes a case in training.
    fn of_augmentation(&self, gpu: &Gpu) -> Result<StepRow, BenchError> {
        let elastic = Elastic { sigma_voxels: [2.0; 3], cell_voxels: [32.0; 3], key: [3, 4] };
        let (sine, cosine) = 7.0_f32.to_radians().sin_cos();
        let turned = [[cosine, sine, 0.0, 0.0], [-sine, cosine, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]];
        let change = Change {
            warp: Warp { rows: turned, elastic: Some(elastic) },
            tone: Tone { exponent: 1.1, gain: 1.2, noise: 0.1, key: [5, 6], ..Tone::default() },
            ..Change::default()
        };
        let mut recording = Recording::default();
        change.record(self.volume.grid().shape_zyx(), &mut recording);
        let values = gpu.upload(self.volume.as_slice())?;
        self.of_passes("augmentation", recording.passes(), OnDevice { gpu, values })
    }
}

fn bytes_in(pass: &Pass) -> u64 {
    pass.in_shape_zyx.iter().product::<usize>() as u64 * pass.work.in_value_bytes()
}

fn bytes_out(pass: &Pass) -> u64 {
    pass.out_len() as u64 * VALUE
}

/// The kernel and the shapes.
fn in_words(pass: &Pass) -> String {
    let text = pass.to_string();
    let what = text.split(", then ").next().and_then(|text| text.split("  [").next()).unwrap_or(&text);
    what.split_whitespace().collect::<Vec<_>>().join(" ")
}
