//! What the network sees of an item: on the device where it can be, else made by the CPU.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use super::Engine;
use super::ready::{Content, Ready, contained, verdict_of};
use crate::findings::{Grids, ScanOrigin, Setback, Stage, Verdict};
use crate::geometry::Grid;
use crate::gpu::{Gpu, Rescued, rescued};
use crate::preprocess::{PreprocessError, Processor, Resident};
use crate::volume::Volume;

/// An item as the network sees it; or its verdict.
#[derive(Debug)]
pub(crate) struct SeenItem {
    pub(super) path: PathBuf,
    pub(super) origin: ScanOrigin,
    pub(super) verdict: Verdict,
    pub(super) input: Option<Input>,
    pub(super) setbacks: Vec<Setback>,
}

/// What the network sees.
#[derive(Debug)]
pub(super) enum Input {
    /// In the host's memory.
    Host { scan: Grid, input: Box<Volume> },
    /// On the device, with what it was made from.
    Resident { scan: Arc<Volume>, input: Box<Resident> },
}

impl Input {
    pub(super) fn resident(&self) -> Option<&Resident> {
        match self {
            Self::Host { .. } => None,
            Self::Resident { input, .. } => Some(input),
        }
    }

    pub(super) fn grids(&self) -> Grids {
        match self {
            Self::Host { scan, input } => Grids { scan: *scan, seen: *input.grid() },
            Self::Resident { scan, input } => Grids { scan: *scan.grid(), seen: input.grid },
        }
    }
}

impl Engine {
    /// What the network sees of an item that is ready.
    pub(crate) fn see(&self, ready: Ready) -> SeenItem {
        let Ready { path, origin, verdict, content } = ready;
        let input =
            content.map(|content| contained(|| self.input(content).map_err(|error| verdict_of(&error))));
        let (verdict, input, setbacks) = match input.transpose() {
            Ok(None) => (verdict, None, Vec::new()),
            Ok(Some(Rescued { value, setbacks })) => (verdict, Some(value), setbacks),
            Err(verdict) => (verdict, None, Vec::new()),
        };
        SeenItem { path, origin, verdict, input, setbacks }
    }

    fn input(&self, content: Content) -> Result<Rescued<Input>, PreprocessError> {
        match (content, &self.processor) {
            (Content::Input { scan, input }, _) => Ok(Input::Host { scan, input: Box::new(input) }.into()),
            (Content::Volume(volume), Processor::Cpu) => Ok(self.by_cpu(volume)?.into()),
            (Content::Volume(volume), Processor::Gpu(gpu)) => rescued(
                Stage::Preprocess,
                Arc::new(volume),
                |volume| self.by_gpu(volume, gpu),
                |volume| self.by_cpu(Arc::unwrap_or_clone(volume)),
            ),
        }
    }

    fn by_gpu(&self, volume: &Arc<Volume>, gpu: &Gpu) -> Result<Input, PreprocessError> {
        let resident = self.manifest.chain.run_resident(volume, gpu)?;
        Ok(Input::Resident { scan: Arc::clone(volume), input: Box::new(resident) })
    }

    fn by_cpu(&self, volume: Volume) -> Result<Input, PreprocessError> {
        let scan = *volume.grid();
        let input = self.manifest.chain.run(volume, &Processor::Cpu)?;
        Ok(Input::Host { scan, input: Box::new(input) })
    }

    /// The input in the host's memory; what was on the device is made again by the CPU, since the device
    /// may be lost.
    pub(super) fn on_host<'a>(&self, input: &'a Input) -> Result<Cow<'a, Volume>, PreprocessError> {
        match input {
            Input::Host { input, .. } => Ok(Cow::Borrowed(input)),
            Input::Resident { scan, .. } => {
                self.manifest.chain.run(Volume::clone(scan), &Processor::Cpu).map(Cow::Owned)
            }
        }
    }

    /// What the network sees of an item, in the host's memory.
    ///
    /// # Errors
    /// The verdict of an item that was refused.
    pub(crate) fn voxels<'a>(&self, seen: &'a SeenItem) -> Result<Cow<'a, Volume>, Verdict> {
        let Some(input) = &seen.input else { return Err(seen.verdict.clone()) };
        let from_device = |input: &&'a Input| match (input, &self.processor) {
            (Input::Resident { input, .. }, Processor::Gpu(gpu)) => input.on_host(gpu).map(Cow::Owned),
            (input, _) => self.on_host(input),
        };
        let copied = rescued(Stage::Preprocess, input, from_device, |input| self.on_host(input));
        copied.map(|copied| copied.value).map_err(|error| verdict_of(&error))
    }
}
