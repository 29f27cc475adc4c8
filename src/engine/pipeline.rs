//! The straight line from a path to an observation.

use std::path::PathBuf;

use ndarray::Array3;
use rayon::prelude::*;

use crate::bundle::Bundle;
use crate::dicom::{AssembleSettings, Coverage, Shortfall};
use crate::findings::{Code, Observation, Provenance, Verdict};
use crate::gpu::Compute;
use crate::intake::{self, Item, Settings};
use crate::predict::Predictor;
use crate::preprocess::{Chain, Processor};

/// A bundle on a device, ready to look at files.
#[derive(Debug)]
pub struct Engine {
    chain: Chain,
    predictor: Predictor,
    processor: Processor,
    provenance: Provenance,
}

/// An item that was read and preprocessed, or its verdict.
struct Ready {
    path: PathBuf,
    verdict: Verdict,
    volume: Option<Array3<f32>>,
}

/// What does not hold the lungs as a whole is classified too, but never without the warning `COVERAGE`.
fn settings() -> Settings {
    let coverage = Coverage { shortfall: Shortfall::Warn, ..Coverage::default() };
    let assemble = AssembleSettings { coverage: Some(coverage), ..AssembleSettings::default() };
    Settings { assemble, ..Settings::default() }
}

impl Engine {
    /// Puts `bundle` on the device of `compute`.
    pub fn new(bundle: &Bundle, compute: &Compute) -> Self {
        Self {
            chain: bundle.manifest().chain.clone(),
            predictor: Predictor::new(bundle, compute.device()),
            processor: compute.gpu().map_or(Processor::Cpu, |gpu| Processor::Gpu(gpu.clone())),
            provenance: Provenance {
                bundle: bundle.manifest().name.clone(),
                weights_sha256: bundle.manifest().weights_sha256.clone(),
                pulmo: env!("CARGO_PKG_VERSION").to_owned(),
                device: compute.name().to_owned(),
            },
        }
    }

    /// Looks at every image and series below `paths` and hands each observation to `tell`, in the
    /// order of the paths. Returns how many there were.
    pub fn run(&self, paths: &[PathBuf], tell: impl FnMut(Observation)) -> usize {
        self.observations(paths).map(tell).count()
    }

    /// The observations of every image and series below `paths`, in the order of the paths. A few items
    /// are read ahead; whoever stops asking stops the work.
    pub fn observations<'a>(&'a self, paths: &[PathBuf]) -> impl Iterator<Item = Observation> + use<'a> {
        let mut items = intake::find(paths).into_iter();
        let ready = std::iter::from_fn(move || {
            let few: Vec<Item> = items.by_ref().take(rayon::current_num_threads().max(2)).collect();
            let ready: Vec<Ready> = match self.processor {
                Processor::Cpu => few.par_iter().map(|item| self.prepare(item)).collect(),
                Processor::Gpu(_) => few.iter().map(|item| self.prepare(item)).collect(),
            };
            (!ready.is_empty()).then_some(ready)
        });
        ready.flatten().map(|ready| self.classify(ready))
    }

    /// Reads and preprocesses one item.
    fn prepare(&self, item: &Item) -> Ready {
        let refused =
            |code| Ready { path: item.path.clone(), verdict: Verdict::NotEvaluable(code), volume: None };
        if let Some(verdict) = item.refusal() {
            return Ready { path: item.path.clone(), verdict: verdict.clone(), volume: None };
        }
        let loaded = match item.load(&settings()) {
            Ok(loaded) => loaded,
            Err(error) => return Ready { path: item.path.clone(), verdict: error.verdict(), volume: None },
        };
        match self.chain.run(loaded.volume, &self.processor) {
            Err(error) => refused(error.code().unwrap_or(Code::Device)),
            Ok(volume) => Ready {
                path: item.path.clone(),
                verdict: Verdict::from_warnings(loaded.warnings),
                volume: Some(volume.into_parts().1),
            },
        }
    }

    /// Classifies what was prepared.
    fn classify(&self, ready: Ready) -> Observation {
        let (verdict, prediction) = match ready.volume.map(|volume| self.predictor.predict(&[&volume])) {
            None => (ready.verdict, None),
            Some(Ok(predictions)) => (ready.verdict, predictions.into_iter().next()),
            Some(Err(_)) => (Verdict::NotEvaluable(Code::Device), None),
        };
        Observation { path: ready.path, verdict, prediction, provenance: self.provenance.clone() }
    }
}
