//! The straight line from a path to an observation.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::OnceLock;

use ndarray::Array3;

use super::ahead::{Bounds, each_ahead};
use crate::bundle::{Axis, Bundle};
use crate::dicom::{AssembleSettings, Coverage, Shortfall};
use crate::findings::{Code, Observation, Prediction, Provenance, Verdict};
use crate::gpu::Compute;
use crate::intake::{self, Item, Settings};
use crate::predict::{PredictError, Predictor};
use crate::preprocess::{Chain, PreprocessError, Problem, Processor};
use crate::volume::Volume;

/// A bundle on a device, ready to look at files.
#[derive(Debug)]
pub struct Engine {
    bundle: Bundle,
    chain: Chain,
    predictor: Predictor,
    processor: Processor,
    /// What goes on where the device fails; made when it is first needed.
    on_cpu: OnceLock<Predictor>,
    provenance: Provenance,
}

/// An item that was read and, on the CPU, preprocessed; or its verdict.
struct Ready {
    path: PathBuf,
    verdict: Verdict,
    content: Option<Content>,
}

enum Content {
    /// As read: a GPU preprocesses it.
    Volume(Volume),
    /// What the network sees.
    Input(Array3<f32>),
}

/// Name of the device that goes on where another fails.
const CPU: &str = "cpu";

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
            bundle: bundle.clone(),
            chain: bundle.manifest().chain.clone(),
            predictor: Predictor::new(bundle, compute),
            processor: compute.gpu().map_or(Processor::Cpu, |gpu| Processor::Gpu(gpu.clone())),
            on_cpu: OnceLock::new(),
            provenance: Provenance {
                bundle: bundle.manifest().name.clone(),
                weights_sha256: bundle.manifest().weights_sha256.clone(),
                pulmo: env!("CARGO_PKG_VERSION").to_owned(),
                device: compute.name().to_owned(),
                views: 1,
            },
        }
    }

    /// The same engine, which averages over mirror images along every combination of `axes`.
    pub fn with_mirrors(self, axes: &[Axis]) -> Self {
        let predictor = self.predictor.with_mirrors(axes);
        let provenance = Provenance { views: predictor.views(), ..self.provenance };
        Self { predictor, provenance, ..self }
    }

    /// Looks at every image and series below `paths` and hands each observation to `tell`, in the
    /// order of the paths, until it breaks off. Returns how many there are.
    ///
    /// Files are read ahead on all cores while the device computes. Where a GPU runs out of memory the
    /// batch is halved; what it cannot do at all is done on the CPU, and the observation says so.
    pub fn run(&self, paths: &[PathBuf], mut tell: impl FnMut(Observation) -> ControlFlow<()>) -> usize {
        let items = intake::find(paths);
        let work = |index: usize| {
            let ready = self.prepare(&items[index]);
            (ready.content.as_ref().map_or(0, Content::bytes), ready)
        };
        each_ahead(items.len(), Bounds::default(), work, |readies| {
            self.classify(readies).into_iter().try_for_each(&mut tell)
        });
        items.len()
    }

    /// Reads one item.
    fn prepare(&self, item: &Item) -> Ready {
        let refused = |verdict| Ready { path: item.path.clone(), verdict, content: None };
        if let Some(verdict) = item.refusal() {
            return refused(verdict.clone());
        }
        match contained(|| self.content(item)) {
            Ok((verdict, content)) => Ready { path: item.path.clone(), verdict, content: Some(content) },
            Err(verdict) => refused(verdict),
        }
    }

    fn content(&self, item: &Item) -> Result<(Verdict, Content), Verdict> {
        let loaded = item.load(&settings()).map_err(|error| error.verdict())?;
        let content = match self.processor {
            Processor::Gpu(_) => Content::Volume(loaded.volume),
            Processor::Cpu => Content::Input(self.input(loaded.volume, &Processor::Cpu).map_err(verdict_of)?),
        };
        Ok((Verdict::from_warnings(loaded.warnings), content))
    }

    fn input(&self, volume: Volume, processor: &Processor) -> Result<Array3<f32>, PreprocessError> {
        Ok(self.chain.run(volume, processor)?.into_parts().1)
    }

    /// Classifies items that were read.
    fn classify(&self, readies: Vec<Ready>) -> Vec<Observation> {
        let (mut observations, mut inputs, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for ready in readies {
            let mut verdict = ready.verdict;
            match ready.content.map(|content| self.preprocessed(content)) {
                Some(Ok(input)) => {
                    places.push(observations.len());
                    inputs.push(input);
                }
                Some(Err(error)) => verdict = verdict_of(error),
                None => {}
            }
            let provenance = self.provenance.clone();
            observations.push(Observation { path: ready.path, verdict, prediction: None, provenance });
        }
        let inputs: Vec<&Array3<f32>> = inputs.iter().collect();
        for (place, answer) in places.into_iter().zip(self.answers(&inputs)) {
            let observation: &mut Observation = &mut observations[place];
            match answer {
                Ok((prediction, device)) => {
                    observation.prediction = Some(prediction);
                    observation.provenance.device = device.to_owned();
                }
                Err(code) => observation.verdict = Verdict::NotEvaluable(code),
            }
        }
        observations
    }

    /// What the network sees; made on the CPU where the GPU cannot.
    fn preprocessed(&self, content: Content) -> Result<Array3<f32>, PreprocessError> {
        let volume = match content {
            Content::Input(input) => return Ok(input),
            Content::Volume(volume) => volume,
        };
        match self.input(volume.clone(), &self.processor) {
            Err(PreprocessError { problem: Problem::Gpu(_), .. }) => self.input(volume, &Processor::Cpu),
            other => other,
        }
    }

    /// One answer for each input, with the device that gave it. A batch that the device cannot do is
    /// halved; a single input that it cannot do goes to the CPU.
    fn answers(&self, inputs: &[&Array3<f32>]) -> Vec<Result<(Prediction, &str), Code>> {
        if inputs.is_empty() {
            return Vec::new();
        }
        let failed = match self.predictor.predict(inputs) {
            Ok(predictions) => {
                return predictions.into_iter().map(|p| Ok((p, self.provenance.device.as_str()))).collect();
            }
            Err(error) => error,
        };
        if let (first, second @ [_, ..]) = inputs.split_at(inputs.len() / 2)
            && !first.is_empty()
        {
            return [self.answers(first), self.answers(second)].concat();
        }
        vec![match failed {
            PredictError::Device(_) if self.provenance.device != CPU => self.answer_on_cpu(inputs),
            error => Err(code_of(&error)),
        }]
    }

    fn answer_on_cpu(&self, inputs: &[&Array3<f32>]) -> Result<(Prediction, &str), Code> {
        let predictor = self.on_cpu.get_or_init(|| Predictor::on_cpu(&self.bundle));
        let predictions = predictor.predict(inputs).map_err(|error| code_of(&error))?;
        predictions.into_iter().next().map(|prediction| (prediction, CPU)).ok_or(Code::Device)
    }
}

impl Content {
    fn bytes(&self) -> usize {
        4 * match self {
            Self::Volume(volume) => volume.grid().len(),
            Self::Input(input) => input.len(),
        }
    }
}

/// A fault of ours on one item must not end the run.
fn contained<T>(work: impl FnOnce() -> Result<T, Verdict>) -> Result<T, Verdict> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(Verdict::Poison(Code::Fault)))
}

/// A problem of the chain itself, not of the scan, is told as the device's.
fn verdict_of(error: PreprocessError) -> Verdict {
    Verdict::NotEvaluable(error.code().unwrap_or(Code::Device))
}

fn code_of(error: &PredictError) -> Code {
    match error {
        PredictError::Input(_) => Code::Dimensions,
        _ => Code::Device,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_becomes_a_verdict() {
        assert_eq!(contained(|| Ok(3)), Ok(3));
        let faulty = contained(|| -> Result<(), Verdict> { panic!("a fault made by this test") });
        assert_eq!(faulty, Err(Verdict::Poison(Code::Fault)));
    }
}
