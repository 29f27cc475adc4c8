//! What a network must beat: the majority, and grey values alone.

use super::TrainError;
use super::evaluate::{Evaluated, read_cases};
use super::event::Event;
use super::logistic::Logistic;
use super::manifest::Case;
use super::sketch::{Histograms, Sketch};
use crate::bundle::Bundle;
use crate::gpu::Compute;
use crate::metrics::{Evaluation, Samples, Settings, decide};
use crate::random::Random;

/// Training cases read for baselines at most: 32 numbers a case need no more.
const CASES: usize = 1000;

/// A simple classifier's answers on the evaluated cases.
#[derive(Debug, Clone)]
pub struct Baseline {
    /// What it looks at.
    pub name: String,
    /// Its answers, in the order of the evaluated cases.
    pub samples: Samples,
    /// What they are worth.
    pub evaluation: Evaluation,
}

impl Baseline {
    /// A baseline that gives each case of `truth` the most probable class of its row.
    ///
    /// # Errors
    /// [`TrainError::Metrics`] where the rows do not fit the cases.
    pub fn new(name: &str, truth: &Samples, probabilities: Vec<Vec<f64>>) -> Result<Self, TrainError> {
        let predictions = probabilities.iter().map(|row| decide(row, None)).collect();
        let samples = Samples { predictions, probabilities, ..truth.clone() };
        let evaluation = Evaluation::compute(&samples, &Settings::default())?;
        Ok(Self { name: name.to_owned(), samples, evaluation })
    }
}

/// Grey values and classes of training cases.
#[derive(Debug, Clone)]
pub struct Training {
    classes: usize,
    sketches: Vec<Sketch>,
    labels: Vec<usize>,
}

impl Training {
    /// Reads the training cases as `bundle` preprocesses them, at most 1000 of them, drawn evenly.
    /// Cases that cannot be read or have a label that the bundle does not know are passed over.
    ///
    /// # Errors
    /// [`TrainError::Labels`] where no label is known; [`TrainError::NoCases`] where none could be read.
    pub fn read(
        bundle: &Bundle,
        cases: &[Case],
        compute: &Compute,
        observe: &(dyn Fn(Event) + Sync),
    ) -> Result<Self, TrainError> {
        let classes = &bundle.manifest().classes;
        let mut drawn: Vec<&Case> = cases.iter().filter(|case| classes.contains(&case.label)).collect();
        Random::keyed(0, &[0x6261_7365]).shuffle(&mut drawn);
        let drawn: Vec<Case> = drawn.into_iter().take(CASES).cloned().collect();
        if drawn.is_empty() {
            return Err(TrainError::Labels("no training case has a class of the bundle".into()));
        }
        let mut training = Self { classes: classes.len(), sketches: Vec::new(), labels: Vec::new() };
        read_cases(bundle, &drawn, (compute, observe), |few| {
            for (case, volume) in few {
                training.sketches.push(Sketch::of(volume));
                training.labels.extend(classes.iter().position(|class| *class == case.label));
            }
            Ok(())
        })?;
        Ok(training)
    }

    /// The baselines on what was evaluated: `majority` gives the commonest class of the training
    /// cases, `grey values` is a logistic regression on histograms of 32 bins (for more than two
    /// classes one against the rest). The best `confound` comes last where one is given.
    ///
    /// # Errors
    /// [`TrainError::Metrics`] where the answers do not fit the cases.
    pub fn baselines(
        &self,
        evaluated: &Evaluated,
        confound: Option<Baseline>,
    ) -> Result<Vec<Baseline>, TrainError> {
        let truth = &evaluated.samples;
        let share = |class| {
            self.labels.iter().filter(|&&label| label == class).count() as f64 / self.labels.len() as f64
        };
        let shares: Vec<f64> = (0..self.classes).map(share).collect();
        let majority = Baseline::new("majority", truth, vec![shares; truth.labels.len()])?;
        let grey = Baseline::new("grey values", truth, self.grey(&evaluated.sketches))?;
        Ok([majority, grey].into_iter().chain(confound).collect())
    }

    /// Probabilities of each class by grey values alone.
    fn grey(&self, evaluated: &[Sketch]) -> Vec<Vec<f64>> {
        let histograms = Histograms::over(&self.sketches);
        let rows: Vec<Vec<f64>> = self.sketches.iter().map(|sketch| histograms.of(sketch)).collect();
        let against_rest = |class: usize| {
            Logistic::fit(&rows, &self.labels.iter().map(|&label| label == class).collect::<Vec<_>>())
        };
        let asked = if self.classes == 2 { 1..2 } else { 0..self.classes };
        let models: Vec<Logistic> = asked.map(against_rest).collect();
        let answer = |sketch: &Sketch| {
            let row = histograms.of(sketch);
            let found: Vec<f64> = models.iter().map(|model| model.probability(&row)).collect();
            match found.as_slice() {
                &[positive] => vec![1.0 - positive, positive],
                several => several.iter().map(|p| p / several.iter().sum::<f64>().max(1e-300)).collect(),
            }
        };
        evaluated.iter().map(answer).collect()
    }
}
