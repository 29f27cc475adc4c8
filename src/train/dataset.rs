//! Cases, read and preprocessed once, kept in memory up to a bound and on disk beyond it.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use ndarray::Array3;

use super::TrainError;
use super::event::Event;
use crate::audit::Signature;
use crate::cohort::{Case, Failure, Opened, Reading, each_case, missing_of};
use crate::dicom::Partial;
use crate::domain::DomainConfig;
use crate::facts::ScanFacts;
use crate::files::{TemporaryFolder, read_npy_volume, while_going, write_npy};
use crate::intake::{Bounds, Loaded};
use crate::preprocess::{Chain, PreprocessError, Processor};

/// Where preprocessed cases are kept.
#[derive(Debug, Clone)]
pub struct Cache {
    /// Most bytes in memory.
    pub bytes: usize,
    /// Folder for what does not fit; it goes with the cases.
    pub folder: PathBuf,
}

/// A cache in use.
struct Store<'a> {
    cache: &'a Cache,
    used: AtomicUsize,
    /// Made when it is first needed.
    folder: Mutex<Option<TemporaryFolder>>,
}

enum Slot {
    Memory(Array3<f32>),
    Disk(PathBuf),
}

/// A case that was read, and where it is kept.
struct Read {
    facts: ScanFacts,
    signature: Signature,
    slot: Result<Slot, TrainError>,
}

/// Preprocessed cases with their labels.
pub struct Dataset {
    slots: Vec<Slot>,
    cases: Vec<Case>,
    labels: Vec<usize>,
    signatures: Vec<Signature>,
    facts: Vec<ScanFacts>,
    /// Of what memory does not hold: it goes with the data set.
    _folder: Option<TemporaryFolder>,
}

/// How cases are read, preprocessed and kept.
#[derive(Debug, Clone)]
pub struct Loading<'a> {
    /// How they are preprocessed.
    pub chain: &'a Chain,
    /// What preprocesses them.
    pub processor: Processor,
    /// What becomes of a series of which files cannot be used.
    pub partial: Partial,
    /// Where they are kept.
    pub cache: Cache,
    /// What will be fitted on them: facts are measured for it.
    pub domain: DomainConfig,
}

/// A case before it is kept.
struct Made {
    facts: ScanFacts,
    voxels: Array3<f32>,
}

impl Loading<'_> {
    /// What the chain makes of a case that was read; what is missing of it is told.
    ///
    /// # Errors
    /// [`Failure`] where a step cannot be done on it.
    fn preprocessed(
        &self,
        case: &Case,
        loaded: Loaded,
        observe: &(dyn Fn(Event) + Sync),
    ) -> Result<Made, Failure> {
        let failure = |error: PreprocessError| Failure {
            path: case.path.clone(),
            code: error.code(),
            what: error.to_string(),
        };
        if let Some(missing) = missing_of(case, &loaded) {
            observe(Event::Warning(&missing.to_string()));
        }
        let facts = match self.domain.fit {
            true => ScanFacts::of(&loaded.volume, &loaded.origin.protocol),
            false => ScanFacts::default(),
        };
        let made = self.chain.run_anyway(loaded.volume, &self.processor).map_err(failure)?;
        for setback in &made.setbacks {
            observe(Event::Warning(&format!("{}: {setback}", case.path)));
        }
        Ok(Made { facts, voxels: made.value.into_parts().1 })
    }

    /// How far cases are read ahead: on a GPU that preprocesses, one by one.
    fn reading(&self) -> Reading {
        let bounds = match self.processor {
            Processor::Cpu => Bounds::default(),
            Processor::Gpu(_) => Bounds { workers: 1, ..Bounds::default() },
        };
        Reading { bounds, partial: self.partial }
    }
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
        loading: &Loading,
        observe: &(dyn Fn(Event) + Sync),
    ) -> Result<Self, TrainError> {
        let done = AtomicUsize::new(0);
        let cache = &loading.cache;
        let store = Store::of(cache).map_err(|source| file_error(&cache.folder, source))?;
        let one = |(index, case): (usize, &Case), opened: Opened| {
            let made = opened.and_then(|(_, loaded)| loading.preprocessed(case, loaded, observe));
            observe(Event::Loaded { done: done.fetch_add(1, Ordering::Relaxed) + 1, total: cases.len() });
            let kept = |Made { facts, voxels }| {
                let signature = Signature::of(&voxels);
                Read { facts, signature, slot: store.keep(voxels, index) }
            };
            (0, made.map(kept))
        };
        let mut read: Vec<Result<Read, Failure>> = Vec::with_capacity(cases.len());
        each_case(cases.iter().map(|(case, _)| *case), loading.reading(), one, |some| {
            read.extend(some);
            ControlFlow::Continue(())
        });
        let mut dataset = Self {
            slots: Vec::new(),
            cases: Vec::new(),
            labels: Vec::new(),
            signatures: Vec::new(),
            facts: Vec::new(),
            _folder: store.folder(),
        };
        let mut first_failure = None;
        for (result, (case, label)) in read.into_iter().zip(cases) {
            match result {
                Ok(Read { facts, signature, slot }) => {
                    dataset.slots.push(slot?);
                    dataset.facts.push(facts);
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

    /// What was measured on each case before it was preprocessed; nothing where no domain is fitted on them.
    pub fn facts(&self) -> &[ScanFacts] {
        &self.facts
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

fn file_error(path: &Path, source: std::io::Error) -> TrainError {
    TrainError::File { path: path.to_path_buf(), source }
}

impl<'a> Store<'a> {
    /// The empty store of a cache; what a run that was killed left in its folder is removed.
    fn of(cache: &'a Cache) -> std::io::Result<Self> {
        if cache.folder.exists() {
            std::fs::remove_dir_all(&cache.folder)?;
        }
        Ok(Self { cache, used: AtomicUsize::new(0), folder: Mutex::default() })
    }

    fn keep(&self, volume: Array3<f32>, index: usize) -> Result<Slot, TrainError> {
        let bytes = volume.len() * size_of::<f32>();
        if self.used.fetch_add(bytes, Ordering::Relaxed) + bytes <= self.cache.bytes {
            return Ok(Slot::Memory(volume));
        }
        self.used.fetch_sub(bytes, Ordering::Relaxed);
        self.make_folder().map_err(|source| file_error(&self.cache.folder, source))?;
        let path = self.cache.folder.join(format!("{index:06}.npy"));
        let (z, y, x) = volume.dim();
        let write = || write_npy(&path, &[z, y, x], volume.as_slice().unwrap_or_default());
        while_going(write).map_err(|error| file_error(&path, std::io::Error::other(error)))?;
        Ok(Slot::Disk(path))
    }

    fn make_folder(&self) -> std::io::Result<()> {
        let mut folder = self.folder.lock().unwrap_or_else(PoisonError::into_inner);
        if folder.is_none() {
            *folder = Some(TemporaryFolder::at(&self.cache.folder)?);
        }
        Ok(())
    }

    /// The folder, if it was needed.
    fn folder(self) -> Option<TemporaryFolder> {
        self.folder.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
