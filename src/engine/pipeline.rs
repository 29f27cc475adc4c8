//! The straight line from a path to an observation.

use std::path::PathBuf;

use ndarray::Array3;
use rayon::prelude::*;

use crate::bundle::Bundle;
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

impl Engine {
    /// Puts `bundle` on the device of `compute`.
    pub fn new(bundle: &Bundle, compute: &Compute) -> Self {
        Self {
            chain: bundle.manifest().chain.clone(),
            predictor: Predictor::new(bundle, compute),
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
    pub fn run(&self, paths: &[PathBuf], mut tell: impl FnMut(Observation)) -> usize {
        let items = intake::find(paths);
        for few in items.chunks(rayon::current_num_threads().max(2)) {
            let ready: Vec<Ready> = match self.processor {
                Processor::Cpu => few.par_iter().map(|item| self.prepare(item)).collect(),
                Processor::Gpu(_) => few.iter().map(|item| self.prepare(item)).collect(),
            };
            ready.into_iter().for_each(|ready| tell(self.classify(ready)));
        }
        items.len()
    }

    /// Reads and preprocesses one item.
    fn prepare(&self, item: &Item) -> Ready {
        let refused =
            |code| Ready { path: item.path.clone(), verdict: Verdict::NotEvaluable(code), volume: None };
        if let Some(verdict) = item.refusal() {
            return Ready { path: item.path.clone(), verdict: verdict.clone(), volume: None };
        }
        let loaded = match item.load(&Settings::default()) {
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
