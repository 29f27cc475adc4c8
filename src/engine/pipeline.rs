//! The straight line from a path to an observation.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::OnceLock;

use crate::bundle::{Axis, Bundle};
use crate::dicom::{AssembleSettings, Coverage, Links, Partial, SecretKey, Shortfall};
use crate::findings::{
    Code, Grids, HeatMap, Observation, Prediction, Provenance, Pseudonyms, Reason, ScanOrigin, Verdict,
};
use crate::geometry::Grid;
use crate::gpu::GpuError;
use crate::intake::{Bounds, Claim, Item, Search, Settings, each_ahead};
use crate::network::Compute;
use crate::predict::{PredictError, Predictor, rescued};
use crate::preprocess::{Chain, PreprocessError, Problem, Processor, Resident};
use crate::volume::Volume;

/// A bundle on a device, ready to look at files.
#[derive(Debug)]
pub struct Engine {
    chain: Chain,
    predictor: Predictor,
    processor: Processor,
    /// What goes on where the device fails; made when it is first needed.
    on_cpu: OnceLock<Predictor>,
    provenance: Provenance,
    /// Whether heat maps are made.
    shows: bool,
    partial: Partial,
    key: Option<SecretKey>,
}

/// Why an engine makes no heat maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// What the chain turned lies no longer where its grid says.
    #[error("the bundle's preprocessing has a `rotate` step, so that no heat map can be laid on the scan")]
    Rotated,
}

/// An item that was read and, on the CPU, preprocessed; or its verdict.
struct Ready {
    path: PathBuf,
    origin: ScanOrigin,
    verdict: Verdict,
    content: Option<Content>,
}

enum Content {
    /// As read: a GPU preprocesses it.
    Volume(Volume),
    /// What the network sees.
    Input { scan: Grid, input: Volume },
}

/// Name of the device that goes on where another fails.
const CPU: &str = "cpu";

/// What does not hold the lungs as a whole is classified too, but never without the warning `COVERAGE`.
fn settings(partial: Partial) -> Settings {
    let coverage = Coverage { shortfall: Shortfall::Warn, ..Coverage::default() };
    let assemble = AssembleSettings { coverage: Some(coverage), partial, ..AssembleSettings::default() };
    Settings { assemble, ..Settings::default() }
}

impl Engine {
    /// Puts `bundle` on the device of `compute`.
    pub fn new(bundle: &Bundle, compute: &Compute) -> Self {
        Self {
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
            shows: false,
            partial: Partial::default(),
            key: None,
        }
    }

    /// The same engine, which also names patient, study and series of each scan by this key.
    pub fn with_key(self, key: SecretKey) -> Self {
        Self { key: Some(key), ..self }
    }

    /// The same engine, which does this with a series of which files cannot be used; by default it refuses it.
    pub fn with_partial(self, partial: Partial) -> Self {
        Self { partial, ..self }
    }

    /// The same engine, which averages over mirror images along every combination of `axes`.
    pub fn with_mirrors(self, axes: &[Axis]) -> Self {
        let predictor = self.predictor.with_mirrors(axes);
        let provenance = Provenance { views: predictor.views(), ..self.provenance };
        Self { predictor, provenance, ..self }
    }

    /// The same engine, which also tells where each scan speaks for the positive class of two, or for the
    /// class given of more. This takes about as long again.
    ///
    /// # Errors
    /// [`EngineError::Rotated`] where the bundle's chain turns what it is given.
    pub fn with_heat_maps(self) -> Result<Self, EngineError> {
        if !self.chain.keeps_place() {
            return Err(EngineError::Rotated);
        }
        Ok(Self { shows: true, ..self })
    }

    /// Looks at every image and series below `paths` and hands each observation to `tell`, in the
    /// order of the paths, until it breaks off. Returns how many there are.
    ///
    /// Files are read ahead on all cores while the device computes. Where a GPU runs out of memory the
    /// batch is halved; what it cannot do at all is done on the CPU, and the observation says so.
    pub fn run(&self, paths: &[PathBuf], tell: impl FnMut(Observation) -> ControlFlow<()>) -> usize {
        self.run_on(&mut Search::new(paths, Links::Files), tell)
    }

    /// As [`run`](Self::run), on what is left of a search.
    pub fn run_on(&self, search: &mut Search, mut tell: impl FnMut(Observation) -> ControlFlow<()>) -> usize {
        let mut count = 0;
        let work = |item: Item, claim: &mut Claim| {
            claim.reserve(item.promised_bytes());
            let ready = self.prepare(&item);
            claim.settle(ready.content.as_ref().map_or(0, Content::bytes));
            ready
        };
        each_ahead(search.inspect(|_| count += 1), Bounds::default(), work, |readies| {
            self.classify(readies).into_iter().try_for_each(&mut tell)
        });
        count
    }

    /// Reads one item.
    fn prepare(&self, item: &Item) -> Ready {
        let path = || item.path.clone();
        let refused = |verdict| Ready { path: path(), origin: ScanOrigin::default(), verdict, content: None };
        if let Some(verdict) = item.refusal() {
            return refused(verdict.clone());
        }
        match contained(|| self.content(item)) {
            Ok((verdict, origin, content)) => Ready { path: path(), origin, verdict, content: Some(content) },
            Err(verdict) => refused(verdict),
        }
    }

    fn content(&self, item: &Item) -> Result<(Verdict, ScanOrigin, Content), Verdict> {
        let loaded = item.load(&settings(self.partial)).map_err(|error| error.verdict())?;
        let content = match self.processor {
            Processor::Gpu(_) => Content::Volume(loaded.volume),
            Processor::Cpu => {
                let scan = *loaded.volume.grid();
                let input =
                    self.chain.run(loaded.volume, &Processor::Cpu).map_err(|error| verdict_of(&error))?;
                Content::Input { scan, input }
            }
        };
        Ok((Verdict::from_warnings(loaded.warnings), loaded.origin, content))
    }

    /// Classifies items that were read.
    fn classify(&self, readies: Vec<Ready>) -> Vec<Observation> {
        let (mut observations, mut inputs, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for ready in readies {
            let mut verdict = ready.verdict;
            match ready.content.map(|content| self.input_of(content)) {
                Some(Ok(input)) => {
                    places.push(observations.len());
                    inputs.push(input);
                }
                Some(Err(error)) => verdict = verdict_of(&error),
                None => {}
            }
            let provenance = self.provenance.clone();
            observations.push(Observation {
                path: ready.path,
                pseudonyms: self.pseudonyms(&ready.origin),
                origin: ready.origin,
                verdict,
                prediction: None,
                grids: None,
                heat_map: None,
                provenance,
            });
        }
        for ((place, input), answer) in places.into_iter().zip(&inputs).zip(self.answers(&inputs)) {
            let observation: &mut Observation = &mut observations[place];
            match answer {
                Ok((prediction, device)) => {
                    observation.grids = Some(input.grids());
                    match self.shows.then(|| self.heat_map(input, &prediction)).transpose() {
                        Ok(map) => observation.heat_map = map,
                        Err(error) => {
                            let warning = Reason::new(
                                Code::HeatMap,
                                format!("the heat map could not be made: {error}"),
                            );
                            observation.verdict = observation.verdict.clone().warned(warning);
                        }
                    }
                    observation.prediction = Some(prediction);
                    observation.provenance.device = device.to_owned();
                }
                Err(reason) => observation.verdict = Verdict::NotEvaluable(reason),
            }
        }
        observations
    }

    /// Names for the patient, study and series of a scan, where there is a key.
    fn pseudonyms(&self, origin: &ScanOrigin) -> Pseudonyms {
        let key = self.key.as_ref().zip(origin.identity.as_ref());
        key.map(|(key, identity)| key.pseudonyms(identity)).unwrap_or_default()
    }

    /// What the network sees; where it can be, left on the device, else made on the CPU.
    fn input_of(&self, content: Content) -> Result<Input, PreprocessError> {
        let volume = match content {
            Content::Input { scan, input } => return Ok(Input::Host { scan, input: Box::new(input) }),
            Content::Volume(volume) => volume,
        };
        if let Processor::Gpu(gpu) = &self.processor {
            match self.chain.run_resident(&volume, gpu) {
                Ok(resident) => return Ok(Input::Resident(Box::new((resident, volume)))),
                Err(PreprocessError { problem: Problem::Gpu(_), .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let scan = *volume.grid();
        Ok(Input::Host { scan, input: Box::new(self.chain.run(volume, &Processor::Cpu)?) })
    }

    /// One answer for each input, with the device that gave it.
    fn answers(&self, inputs: &[Input]) -> Vec<Result<(Prediction, &str), Reason>> {
        if inputs.is_empty() {
            return Vec::new();
        }
        let device = self.provenance.device.as_str();
        let by = |name: &'static str, predictions: Vec<Prediction>| -> Vec<(Prediction, &'static str)> {
            predictions.into_iter().map(|prediction| (prediction, name)).collect()
        };
        let on_device = |inputs: &[Input]| Ok(by("", self.asked(inputs)?));
        let on_cpu = |inputs: &[Input]| {
            let predictions = inputs.iter().map(|input| self.asked_on_cpu(input));
            Ok(by(CPU, predictions.collect::<Result<_, PredictError>>()?))
        };
        match rescued(inputs, &on_device, &on_cpu, &mut |_| {}) {
            Ok(answers) => {
                let named = |(prediction, name): (Prediction, &'static str)| {
                    Ok((prediction, if name == CPU { CPU } else { device }))
                };
                answers.into_iter().map(named).collect()
            }
            // One of them does not fit to the others or to the network: each for itself.
            Err(_) if inputs.len() > 1 => inputs.chunks(1).flat_map(|input| self.answers(input)).collect(),
            Err(error) => vec![Err(Reason::new(code_of(&error), error.to_string()))],
        }
    }

    /// The device's predictions for a batch.
    fn asked(&self, inputs: &[Input]) -> Result<Vec<Prediction>, PredictError> {
        let residents: Option<Vec<&Resident>> = inputs.iter().map(Input::resident).collect();
        match residents {
            Some(residents) => self.predictor.predict_resident(&residents),
            None => {
                let hosts = inputs.iter().map(|input| self.on_host(input)).collect::<Result<Vec<_>, _>>()?;
                self.predictor.predict(&hosts.iter().map(|host| host.voxels()).collect::<Vec<_>>())
            }
        }
    }

    /// The CPU's prediction for what the device failed at.
    fn asked_on_cpu(&self, input: &Input) -> Result<Prediction, PredictError> {
        let predictor = self.on_cpu.get_or_init(|| self.predictor.moved_to_cpu());
        let host = self.on_host(input)?;
        let prediction = predictor.predict(&[host.voxels()])?.into_iter().next();
        prediction.ok_or(PredictError::NotFinite)
    }

    /// Where the input speaks for a class; by the CPU where the device fails.
    fn heat_map(&self, input: &Input, prediction: &Prediction) -> Result<HeatMap, PredictError> {
        let class = self.predictor.class_to_show(prediction);
        let on_device = match input {
            Input::Host { input, .. } => self.predictor.heat_map(input, class),
            Input::Resident(both) => self.predictor.heat_map_resident(&both.0, class),
        };
        let on_cpu = || {
            let predictor = self.on_cpu.get_or_init(|| self.predictor.moved_to_cpu());
            predictor.heat_map(self.on_host(input)?.as_ref(), class)
        };
        on_device.or_else(|_| on_cpu())
    }

    /// The input in the host's memory; what was on the device is made again by the CPU, since the device
    /// may be lost.
    fn on_host<'a>(&self, input: &'a Input) -> Result<Cow<'a, Volume>, PredictError> {
        match input {
            Input::Host { input, .. } => Ok(Cow::Borrowed(input)),
            Input::Resident(both) => {
                let made = self.chain.run(both.1.clone(), &Processor::Cpu);
                // What the device could preprocess, the CPU can.
                made.map(Cow::Owned).map_err(|error| GpuError::Failed { message: error.to_string() }.into())
            }
        }
    }
}

/// What the network sees.
enum Input {
    /// In the host's memory.
    Host { scan: Grid, input: Box<Volume> },
    /// On the device, with what it was made from.
    Resident(Box<(Resident, Volume)>),
}

impl Input {
    fn resident(&self) -> Option<&Resident> {
        match self {
            Self::Host { .. } => None,
            Self::Resident(both) => Some(&both.0),
        }
    }

    fn grids(&self) -> Grids {
        match self {
            Self::Host { scan, input } => Grids { scan: *scan, seen: *input.grid() },
            Self::Resident(both) => Grids { scan: *both.1.grid(), seen: both.0.grid },
        }
    }
}

impl Content {
    fn bytes(&self) -> usize {
        4 * match self {
            Self::Volume(volume) => volume.grid().len(),
            Self::Input { input, .. } => input.grid().len(),
        }
    }
}

/// A fault of ours on one item must not end the run.
fn contained<T>(work: impl FnOnce() -> Result<T, Verdict>) -> Result<T, Verdict> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(Verdict::Poison(Code::Fault.into())))
}

/// A problem of the chain itself, not of the scan, is told as the device's.
fn verdict_of(error: &PreprocessError) -> Verdict {
    Verdict::NotEvaluable(Reason::new(error.code().unwrap_or(Code::Device), error.to_string()))
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
        assert_eq!(faulty, Err(Verdict::Poison(Code::Fault.into())));
    }
}
