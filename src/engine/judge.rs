//! From what the network sees to an observation.

use std::borrow::Cow;

use super::input::{Input, SeenItem};
use super::{Engine, Outside};
use crate::findings::{Code, HeatMap, Observation, Prediction, Provenance, Reason, Remedy, Stage, Verdict};
use crate::gpu::{GpuError, Ladder, Rescued, rescued};
use crate::predict::{Inference, PredictError};
use crate::preprocess::Resident;
use crate::volume::Volume;

/// Name of the device that goes on where another fails.
const CPU: &str = "cpu";

/// What the network says of one input.
type Judgement = Result<Rescued<Inference>, PredictError>;

impl Engine {
    /// The observation of each item, all classified together.
    pub(crate) fn judge(&self, seen: Vec<SeenItem>) -> Vec<Observation> {
        let inputs: Vec<&Input> = seen.iter().filter_map(|seen| seen.input.as_ref()).collect();
        let mut answers = self.answers(&inputs).into_iter();
        let mut answer = |seen: &SeenItem| seen.input.as_ref().and_then(|_| answers.next());
        let answers: Vec<Option<Judgement>> = seen.iter().map(&mut answer).collect();
        seen.into_iter().zip(answers).map(|(seen, answer)| self.observation(seen, answer)).collect()
    }

    /// The observation of one item.
    pub(crate) fn judge_one(&self, seen: SeenItem) -> Observation {
        let answer = seen.input.as_ref().and_then(|input| self.answers(&[input]).pop());
        self.observation(seen, answer)
    }

    /// One answer for each input.
    fn answers(&self, inputs: &[&Input]) -> Vec<Judgement> {
        let by_cpu = |input: &&Input| self.on_cpu().answer(&[self.made_by_cpu(input)?.voxels()]);
        let ladder = Ladder {
            stage: Stage::Predict,
            device: &|inputs: &[&Input]| self.by_device(inputs),
            cpu: &|inputs: &[&Input]| Ok(inputs.iter().map(by_cpu).collect::<Result<Vec<_>, _>>()?.concat()),
        };
        ladder.each(inputs)
    }

    /// The device's answers for a batch.
    fn by_device(&self, inputs: &[&Input]) -> Result<Vec<Inference>, PredictError> {
        let residents: Option<Vec<&Resident>> = inputs.iter().map(|input| input.resident()).collect();
        if let Some(residents) = residents {
            return self.predictor.answer_resident(&residents);
        }
        let hosts = inputs.iter().map(|input| self.made_by_cpu(input)).collect::<Result<Vec<_>, _>>()?;
        self.predictor.answer(&hosts.iter().map(|host| host.voxels()).collect::<Vec<_>>())
    }

    /// The input in the host's memory. What the device could preprocess, the CPU can.
    fn made_by_cpu<'a>(&self, input: &'a Input) -> Result<Cow<'a, Volume>, GpuError> {
        self.on_host(input).map_err(|error| GpuError::Failed { message: error.to_string() })
    }

    fn observation(&self, seen: SeenItem, answer: Option<Judgement>) -> Observation {
        let SeenItem { path, origin, verdict, input, setbacks } = seen;
        let refused = Observation {
            path,
            pseudonyms: self.pseudonyms(&origin),
            origin,
            verdict,
            prediction: None,
            grids: None,
            heat_map: None,
            nodules: None,
            setbacks,
            provenance: self.provenance.clone(),
        };
        match (input, answer) {
            (Some(input), Some(Ok(answer))) => self.with_prediction(refused, &input, answer),
            (_, Some(Err(error))) => {
                let reason = Reason::new(code_of(&error), error.to_string());
                Observation { verdict: Verdict::NotEvaluable(reason), ..refused }
            }
            (_, None) | (None, _) => refused,
        }
    }

    /// The observation with what the network says, unless what it sees is outside the bundle's domain; and shows where, if
    /// that was asked for.
    fn with_prediction(
        &self,
        mut observation: Observation,
        input: &Input,
        answer: Rescued<Inference>,
    ) -> Observation {
        let Rescued { value: Inference { prediction, features }, setbacks } = answer;
        if setbacks.iter().any(|setback| setback.remedy == Remedy::Cpu) {
            observation.provenance = Provenance { device: CPU.to_owned(), ..observation.provenance };
        }
        observation.setbacks.extend(setbacks);
        match self.domain.as_ref().and_then(|domain| domain.features_outside(&features)) {
            Some(outside) if self.outside == Outside::Refuse => {
                return Observation { verdict: Verdict::OutOfDistribution(vec![outside]), ..observation };
            }
            Some(outside) => observation.verdict = observation.verdict.warned(outside),
            None => {}
        }
        observation.grids = Some(input.grids());
        match self.shows.then(|| self.heat_map(input, &prediction)).transpose() {
            Ok(None) => {}
            Ok(Some(Rescued { value, setbacks })) => {
                observation.heat_map = Some(value);
                observation.setbacks.extend(setbacks);
            }
            Err(error) => {
                let what = format!("the heat map could not be made: {error}");
                observation.verdict = observation.verdict.warned(Reason::new(Code::HeatMap, what));
            }
        }
        Observation { prediction: Some(prediction), ..observation }
    }

    /// Where the input speaks for a class.
    fn heat_map(&self, input: &Input, prediction: &Prediction) -> Result<Rescued<HeatMap>, PredictError> {
        let class = self.predictor.class_to_show(prediction);
        let by_device = |input: &&Input| match input {
            Input::Host { input, .. } => self.predictor.heat_map(input, class),
            Input::Resident { input, .. } => self.predictor.heat_map_resident(input, class),
        };
        let by_cpu = |input: &Input| self.on_cpu().heat_map(self.made_by_cpu(input)?.as_ref(), class);
        rescued(Stage::HeatMap, input, by_device, by_cpu)
    }
}

fn code_of(error: &PredictError) -> Code {
    match error {
        PredictError::Input(_) => Code::Dimensions,
        _ => Code::Device,
    }
}
