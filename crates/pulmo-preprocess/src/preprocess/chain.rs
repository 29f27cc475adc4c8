//! Steps in order.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, de};

use super::operation::{Operation, volume_of};
use super::{PreprocessError, Problem, Step};
use crate::gpu::{Gpu, GpuBuffer, Int16Pixels, Recording, Rescued, rescued};
use pulmo_scan::findings::Stage;
use pulmo_scan::geometry::Grid;
use pulmo_scan::volume::Volume;

/// Most voxels a step may give: 8 GiB of values, beyond any CT.
pub(super) const MAX_VOXELS: usize = 1 << 31;

/// The steps that turn a volume into what a network reads.
///
/// In TOML each step is a `[[step]]` table with its `kind`:
///
/// ```toml
/// [[step]]
/// kind = "window"
/// center_hu = -600.0
/// width_hu = 1500.0
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    /// The steps, first to last.
    #[serde(rename = "step", default, deserialize_with = "numbered_steps")]
    pub steps: Vec<Step>,
}

/// Deserialises steps with their number put before the error.
fn numbered_steps<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Step>, D::Error> {
    struct Steps;

    impl<'de> de::Visitor<'de> for Steps {
        type Value = Vec<Step>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a list of steps, each with its kind")
        }

        fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Step>, A::Error> {
            let mut steps = Vec::new();
            let numbered = |number: usize| move |error| de::Error::custom(format!("step {number}: {error}"));
            while let Some(step) = list.next_element().map_err(numbered(steps.len() + 1))? {
                steps.push(step);
            }
            Ok(steps)
        }
    }

    deserializer.deserialize_seq(Steps)
}

/// What a chain runs on.
#[derive(Debug, Clone)]
pub enum Processor {
    /// The CPU, all cores.
    Cpu,
    /// An opened GPU.
    Gpu(Arc<Gpu>),
}

/// A preprocessed volume that stays on the device.
#[derive(Debug)]
pub struct Resident {
    /// Where the voxels lie.
    pub grid: Grid,
    /// The values, `[z, y, x]` in row-major order.
    pub values: GpuBuffer,
}

impl Resident {
    /// Returns a copy in the host's memory.
    ///
    /// # Errors
    /// [`PreprocessError`] of step 0 where the device fails.
    pub fn on_host(&self, gpu: &Gpu) -> Result<Volume, PreprocessError> {
        let values = gpu.download(&self.values).map_err(|error| on_device(error.into()))?;
        volume_of(self.grid, values).map_err(on_device)
    }
}

impl Chain {
    /// Says whether every step's spec is allowed.
    ///
    /// # Errors
    /// The first step that is not, with what to change.
    pub fn validate(&self) -> Result<(), PreprocessError> {
        self.numbered().try_for_each(|(place, step)| step.operation().validate().map_err(place))
    }

    /// Whether what the chain gives lies in the patient where its grid says: not where a step turns it.
    pub fn keeps_place(&self) -> bool {
        !self.steps.iter().any(|step| matches!(step, Step::Rotate(_)))
    }

    /// The grid that a volume on `grid` ends on; `None` where a step lets the voxels decide.
    ///
    /// # Errors
    /// The first step that is wrong or does not fit the grid.
    pub fn output_grid(&self, grid: &Grid) -> Result<Option<Grid>, PreprocessError> {
        self.validate()?;
        let mut grid = *grid;
        for (place, step) in self.numbered() {
            match checked_grid(step.operation(), &grid).map_err(place)? {
                Some(next) => grid = next,
                None => return Ok(None),
            }
        }
        Ok(Some(grid))
    }

    /// Takes a volume through all steps.
    ///
    /// # Errors
    /// The first step that is wrong, does not fit the volume or fails on the device.
    pub fn run(&self, volume: Volume, processor: &Processor) -> Result<Volume, PreprocessError> {
        match processor {
            Processor::Cpu => self.run_on_cpu(volume),
            Processor::Gpu(gpu) => self.run_through(&volume, gpu),
        }
    }

    /// As [`Chain::run`], but where a GPU fails the CPU does the work.
    ///
    /// # Errors
    /// The first step that is wrong or does not fit the volume.
    pub fn run_anyway(
        &self,
        volume: Volume,
        processor: &Processor,
    ) -> Result<Rescued<Volume>, PreprocessError> {
        match processor {
            Processor::Cpu => self.run_on_cpu(volume).map(Rescued::from),
            Processor::Gpu(gpu) => rescued(
                Stage::Preprocess,
                volume,
                |volume| self.run_through(volume, gpu),
                |volume| self.run_on_cpu(volume),
            ),
        }
    }

    /// To the device, through all steps, and back.
    fn run_through(&self, volume: &Volume, gpu: &Gpu) -> Result<Volume, PreprocessError> {
        self.run_resident(volume, gpu)?.on_host(gpu)
    }

    fn run_on_cpu(&self, mut volume: Volume) -> Result<Volume, PreprocessError> {
        self.validate()?;
        for (place, step) in self.numbered() {
            let step = step.operation();
            volume = checked_grid(step, volume.grid()).and_then(|_| step.apply_cpu(volume)).map_err(place)?;
        }
        Ok(volume)
    }

    /// Takes a volume through all steps on a GPU and leaves the result there: one upload, then passes.
    /// Steps that depend on the voxels read them back and decide on the CPU.
    ///
    /// # Errors
    /// As [`Chain::run`].
    pub fn run_resident(&self, volume: &Volume, gpu: &Gpu) -> Result<Resident, PreprocessError> {
        self.validate()?;
        let mut line = Line::start(volume, gpu).map_err(on_device)?;
        for (place, step) in self.numbered() {
            line = line.then(step).map_err(place)?;
        }
        let line = line.caught_up().map_err(on_device)?;
        Ok(Resident { grid: line.grid, values: line.values })
    }

    /// The steps, each with what puts its number and kind on a problem.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (impl FnOnce(Problem) -> PreprocessError, &Step)> {
        self.steps.iter().enumerate().map(|(index, step)| {
            let place = move |problem| PreprocessError { step: index + 1, kind: step.kind(), problem };
            (place, step)
        })
    }
}

/// Puts "no step: the device" on a problem.
fn on_device(problem: Problem) -> PreprocessError {
    PreprocessError { step: 0, kind: "device", problem }
}

/// The step's output grid, refused where it is too large to work on.
pub(super) fn checked_grid(step: &dyn Operation, grid: &Grid) -> Result<Option<Grid>, Problem> {
    let next = step.output_grid(grid)?;
    match next.map(|grid| grid.shape_zyx()) {
        Some(shape_zyx) if voxels(shape_zyx) > MAX_VOXELS => {
            Err(Problem::TooManyVoxels { shape_zyx, limit: MAX_VOXELS })
        }
        _ => Ok(next),
    }
}

fn voxels(shape_zyx: [usize; 3]) -> usize {
    shape_zyx.into_iter().fold(1, usize::saturating_mul)
}

/// A volume on its way through the chain on a GPU: what is on the device, and the passes not yet run.
struct Line<'a> {
    gpu: &'a Gpu,
    grid: Grid,
    values: GpuBuffer,
    recording: Recording,
}

impl<'a> Line<'a> {
    fn start(volume: &Volume, gpu: &'a Gpu) -> Result<Self, Problem> {
        let grid = *volume.grid();
        let mut recording = Recording::default();
        let values = match Int16Pixels::of_whole_numbers(volume.as_slice(), grid.shape_zyx()) {
            Some(pixels) => {
                recording.announce("upload".to_owned());
                recording.push(pixels.pass());
                gpu.upload_stored(&pixels)?
            }
            None => gpu.upload(volume.as_slice())?,
        };
        Ok(Self { gpu, grid, values, recording })
    }

    /// Records one step, after a look at the voxels where it needs one.
    fn then(mut self, step: &Step) -> Result<Self, Problem> {
        let mut settled = None;
        let kind = step.kind();
        if step.operation().needs_voxels() {
            self = self.caught_up()?;
            settled = step.operation().settled(&self.volume()?)?;
        }
        let step = settled.as_deref().unwrap_or_else(|| step.operation());
        let next = checked_grid(step, &self.grid)?.ok_or(Problem::NeedsVoxels)?;
        self.recording.announce(kind.to_owned());
        step.record(&self.grid, &mut self.recording)?;
        Ok(Self { grid: next, ..self })
    }

    /// Runs the passes recorded so far.
    fn caught_up(self) -> Result<Self, Problem> {
        let values = self.gpu.execute(&self.recording, self.values)?;
        Ok(Self { values, recording: Recording::default(), ..self })
    }

    fn volume(&self) -> Result<Volume, Problem> {
        volume_of(self.grid, self.gpu.download(&self.values)?)
    }
}
