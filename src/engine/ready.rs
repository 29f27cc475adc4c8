//! What can be done of an item before its turn on the device, by many threads at once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use super::{Engine, Outside};
use crate::facts::ScanFacts;
use crate::findings::{Code, Reason, ScanOrigin, Verdict};
use crate::geometry::Grid;
use crate::intake::{Item, Loaded};
use crate::preprocess::{PreprocessError, Processor};
use crate::volume::Volume;

/// An item that was read and, where the CPU does that, preprocessed; or its verdict.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(super) path: PathBuf,
    pub(super) origin: ScanOrigin,
    pub(super) verdict: Verdict,
    pub(super) content: Option<Content>,
}

#[derive(Debug)]
pub(super) enum Content {
    /// As read: a GPU preprocesses it.
    Volume(Volume),
    /// What the network sees.
    Input { scan: Grid, input: Volume },
}

impl Ready {
    /// Bytes that it takes.
    pub(crate) fn bytes(&self) -> usize {
        let voxels = match &self.content {
            Some(Content::Volume(volume)) => volume.grid().len(),
            Some(Content::Input { input, .. }) => input.grid().len(),
            None => 0,
        };
        size_of::<f32>() * voxels
    }
}

impl Engine {
    /// Reads an item as this engine reads all.
    ///
    /// # Errors
    /// The verdict of one that cannot be used.
    pub(crate) fn load(&self, item: &Item) -> Result<Loaded, Verdict> {
        match item.refusal() {
            Some(verdict) => Err(verdict.clone()),
            None => contained(|| item.load(&self.settings()).map_err(|error| error.verdict())),
        }
    }

    /// Preprocesses what was loaded, where the CPU does that.
    pub(crate) fn ready(&self, path: PathBuf, loaded: Result<Loaded, Verdict>) -> Ready {
        let Loaded { volume, warnings, origin, .. } = match loaded {
            Ok(loaded) => loaded,
            Err(verdict) => return Ready { path, origin: ScanOrigin::default(), verdict, content: None },
        };
        let content = contained(|| {
            let verdict = self.within(&volume, &origin, warnings)?;
            let content = self.content(volume).map_err(|error| verdict_of(&error))?;
            Ok((verdict, content))
        });
        match content {
            Ok((verdict, content)) => Ready { path, origin, verdict, content: Some(content) },
            Err(verdict) => Ready { path, origin, verdict, content: None },
        }
    }

    /// The verdict with its warnings of a scan whose facts are within the bundle's domain, or may be outside.
    fn within(
        &self,
        volume: &Volume,
        origin: &ScanOrigin,
        mut warnings: Vec<Reason>,
    ) -> Result<Verdict, Verdict> {
        if let Some(domain) = &self.domain {
            let outside = domain.facts_outside(&ScanFacts::of(volume, &origin.protocol));
            if self.outside == Outside::Refuse && !outside.is_empty() {
                return Err(Verdict::OutOfDistribution(outside));
            }
            warnings.extend(outside);
        }
        Ok(Verdict::from_warnings(warnings))
    }

    fn content(&self, volume: Volume) -> Result<Content, PreprocessError> {
        match self.processor {
            Processor::Gpu(_) => Ok(Content::Volume(volume)),
            Processor::Cpu => {
                let scan = *volume.grid();
                Ok(Content::Input { scan, input: self.manifest.chain.run(volume, &Processor::Cpu)? })
            }
        }
    }
}

/// A fault of ours on one item must not end the run.
pub(super) fn contained<T>(work: impl FnOnce() -> Result<T, Verdict>) -> Result<T, Verdict> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(Verdict::Poison(Code::Fault.into())))
}

/// A problem of the chain itself, not of the scan, is told as the device's.
pub(super) fn verdict_of(error: &PreprocessError) -> Verdict {
    Verdict::NotEvaluable(Reason::new(error.code().unwrap_or(Code::Device), error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_becomes_a_verdict() {
        assert_eq!(contained(|| Ok(3)), Ok(3));
        let faulty = contained(|| -> Result<(), Verdict> { panic!("a fault made by this test") });
        assert_eq!(faulty, Err(Verdict::Poison(Code::Fault.into())));
    }
}
