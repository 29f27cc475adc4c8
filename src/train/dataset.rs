//! Cases, read and preprocessed once, kept in memory up to a bound and on disk beyond it.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use ndarray::Array3;
use rayon::prelude::*;

use super::TrainError;
use super::event::Event;
use crate::audit::Signature;
use crate::cohort::{self, Case, Failure};
use crate::files::{read_npy_volume, write_npy};
use crate::gpu::GpuError;
use crate::intake::Loaded;
use crate::preprocess::{Chain, PreprocessError, Processor};

/// Where preprocessed cases are kept.
#[derive(Debug, Clone)]
pub struct Cache {
    /// Most bytes in memory.
    pub bytes: usize,
    /// Folder for what does not fit.
    pub folder: PathBuf,
}

enum Slot {
    Memory(Array3<f32>),
    Disk(PathBuf),
}

/// A case that was read, and where it is kept.
struct Read {
    signature: Signature,
    slot: Result<Slot, TrainError>,
}

/// Preprocessed cases with their labels.
pub struct Dataset {
    slots: Vec<Slot>,
    cases: Vec<Case>,
    labels: Vec<usize>,
    signatures: Vec<Signature>,
}

/// Reads one case of a manifest and runs the chain on it.
///
/// # Errors
/// [`Failure`] where it cannot be read, is not evaluable, or holds several series.
fn read_case(
    case: &Case,
    chain: &Chain,
    (processor, observe): (&Processor, &(dyn Fn(Event) + Sync)),
) -> Result<Array3<f32>, Failure> {
    let (_, loaded) = cohort::open(case)?;
    preprocessed(case, loaded, chain, (processor, observe))
}

/// What the chain makes of a case that was read.
///
/// # Errors
/// [`Failure`] where a step cannot be done on it.
pub(super) fn preprocessed(
    case: &Case,
    loaded: Loaded,
    chain: &Chain,
    (processor, observe): (&Processor, &(dyn Fn(Event) + Sync)),
) -> Result<Array3<f32>, Failure> {
    let failure = |error: PreprocessError| Failure {
        path: case.path.clone(),
        code: error.code(),
        what: error.to_string(),
    };
    let told = |reason: GpuError| {
        let what = format!("{}: {reason}; preprocessed on the CPU", case.path);
        observe(Event::Warning(&what));
    };
    let volume = chain.run_anyway(loaded.volume, processor, told).map_err(failure)?;
    Ok(volume.into_parts().1)
}

impl Dataset {
    /// Reads and preprocesses `cases`, in parallel on the CPU; those that fail are told and left out.
    ///
    /// `labels` gives the class of each case.
    ///
    /// # Errors
    /// [`TrainError::NoCases`] where none could be read; [`TrainError::File`] where the cache
    /// cannot be written.
    pub fn load(
        cases: &[(&Case, usize)],
        chain: &Chain,
        processor: &Processor,
        cache: &Cache,
        observe: &(dyn Fn(Event) + Sync),
    ) -> Result<Self, TrainError> {
        let (done, used) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let one = |(index, (case, _)): (usize, &(&Case, usize))| {
            let result = read_case(case, chain, (processor, observe));
            observe(Event::Loaded { done: done.fetch_add(1, Ordering::Relaxed) + 1, total: cases.len() });
            result.map(|array| Read {
                signature: Signature::of(&array),
                slot: keep(array, index, cache, &used),
            })
        };
        let read: Vec<Result<Read, Failure>> = match processor {
            Processor::Cpu => cases.par_iter().enumerate().map(one).collect(),
            Processor::Gpu(_) => cases.iter().enumerate().map(one).collect(),
        };
        let mut dataset =
            Self { slots: Vec::new(), cases: Vec::new(), labels: Vec::new(), signatures: Vec::new() };
        let mut first_failure = None;
        for (result, (case, label)) in read.into_iter().zip(cases) {
            match result {
                Ok(Read { signature, slot }) => {
                    dataset.slots.push(slot?);
                    dataset.signatures.push(signature);
                    dataset.cases.push((*case).clone());
                    dataset.labels.push(*label);
                }
                Err(failure) => {
                    observe(Event::Failed(&failure));
                    first_failure.get_or_insert(failure);
                }
            }
        }
        match first_failure {
            Some(failure) if dataset.slots.is_empty() => {
                Err(TrainError::NoCases { cases: cases.len(), first: failure })
            }
            _ => Ok(dataset),
        }
    }

    /// Cases that could be read.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether no case could be read.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The class of each case.
    pub fn labels(&self) -> &[usize] {
        &self.labels
    }

    /// The cases themselves.
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// What tells each preprocessed case again.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// The preprocessed volume of a case, `[slices, height, width]`.
    ///
    /// # Errors
    /// [`TrainError::File`] where the cache on disk cannot be read.
    pub fn volume(&self, index: usize) -> Result<Cow<'_, Array3<f32>>, TrainError> {
        match &self.slots[index] {
            Slot::Memory(volume) => Ok(Cow::Borrowed(volume)),
            Slot::Disk(path) => {
                read_npy_volume(path, None).map(|volume| Cow::Owned(volume.into_parts().1)).map_err(|error| {
                    TrainError::File { path: path.clone(), source: std::io::Error::other(error) }
                })
            }
        }
    }
}

fn keep(volume: Array3<f32>, index: usize, cache: &Cache, used: &AtomicUsize) -> Result<Slot, TrainError> {
    let bytes = volume.len() * size_of::<f32>();
    if used.fetch_add(bytes, Ordering::Relaxed) + bytes <= cache.bytes {
        return Ok(Slot::Memory(volume));
    }
    used.fetch_sub(bytes, Ordering::Relaxed);
    let path = cache.folder.join(format!("{index:06}.npy"));
    let write = |path: &Path| {
        std::fs::create_dir_all(&cache.folder)?;
        let (z, y, x) = volume.dim();
        write_npy(path, &[z, y, x], volume.as_slice().unwrap_or_default()).map_err(std::io::Error::other)
    };
    write(&path).map_err(|source| TrainError::File { path: path.clone(), source })?;
    Ok(Slot::Disk(path))
}
