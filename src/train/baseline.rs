//! What a network must beat: the majority, grey values alone, and how the files are made.

use super::TrainError;
use super::evaluate::Evaluated;
use super::event::Event;
use super::logistic::Logistic;
use super::seen::{SeenCase, each_seen};
use super::sketch::{Glance, Histograms};
use crate::audit::{Properties, Shortcut};
use crate::cohort::Case;
use crate::engine::Engine;
use crate::metrics::{Evaluation, EvaluationSettings, Samples, decide};
use crate::random::Random;

/// Training cases read for baselines at most: a few numbers a case need no more.
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
        let evaluation = Evaluation::compute(&samples, &EvaluationSettings::default())?;
        Ok(Self { name: name.to_owned(), samples, evaluation })
    }
}

/// What simple classifiers see of training cases, and the cases with their classes.
#[derive(Debug, Clone)]
pub struct Training {
    classes: Vec<String>,
    cases: Vec<Case>,
    glances: Vec<Glance>,
    labels: Vec<usize>,
}

impl Training {
    /// Reads the training cases as `engine` does, at most 1000 of them, drawn evenly.
    /// Cases that cannot be read or have a label that the bundle does not know are passed over.
    ///
    /// # Errors
    /// [`TrainError::Labels`] where no label is known; [`TrainError::NoCases`] where none could be read.
    pub fn read(
        engine: &Engine,
        cases: &[Case],
        observe: &(dyn Fn(Event) + Sync),
    ) -> Result<Self, TrainError> {
        let classes = &engine.manifest().classes;
        let mut drawn: Vec<&Case> = cases.iter().filter(|case| classes.contains(&case.label)).collect();
        Random::keyed(0, &[0x6261_7365]).shuffle(&mut drawn);
        let drawn: Vec<Case> = drawn.into_iter().take(CASES).cloned().collect();
        if drawn.is_empty() {
            return Err(TrainError::Labels("no training case has a class of the bundle".into()));
        }
        let mut training =
            Self { classes: classes.clone(), cases: Vec::new(), glances: Vec::new(), labels: Vec::new() };
        each_seen(engine, &drawn, observe, |few| {
            for SeenCase { case, glance, .. } in few {
                training.glances.push(glance);
                training.cases.push(case.clone());
                training.labels.extend(classes.iter().position(|class| *class == case.label));
            }
            Vec::new()
        })?;
        Ok(training)
    }

    /// The baselines on what was evaluated: `majority` gives the commonest class of the training
    /// cases, `grey values` is a logistic regression on histograms of 32 bins (for more than two
    /// classes one against the rest), `confound NAME` the property of the files that tells the classes of the
    /// training cases best ([`Shortcut`]), where any differs.
    ///
    /// # Errors
    /// [`TrainError::Metrics`] where the answers do not fit the cases.
    pub fn baselines(&self, evaluated: &Evaluated) -> Result<Vec<Baseline>, TrainError> {
        let truth = &evaluated.samples;
        let share = |class| {
            self.labels.iter().filter(|&&label| label == class).count() as f64 / self.labels.len() as f64
        };
        let shares: Vec<f64> = (0..self.classes.len()).map(share).collect();
        let majority = Baseline::new("majority", truth, vec![shares; truth.labels.len()])?;
        let grey = Baseline::new("grey values", truth, self.grey(&evaluated.glances))?;
        let properties: Vec<Properties> = self.glances.iter().map(|seen| seen.properties.clone()).collect();
        let shortcut = Shortcut::fit(&self.cases, &properties, &self.classes);
        let confound = shortcut.map(|shortcut| {
            let answers = evaluated.glances.iter().map(|seen| shortcut.probabilities(&seen.properties));
            Baseline::new(&format!("confound {}", shortcut.name), truth, answers.collect())
        });
        Ok([majority, grey].into_iter().chain(confound.transpose()?).collect())
    }

    /// Probabilities of each class by grey values alone.
    fn grey(&self, evaluated: &[Glance]) -> Vec<Vec<f64>> {
        let histograms = Histograms::over(self.glances.iter().map(|seen| &seen.sketch));
        let rows: Vec<Vec<f64>> = self.glances.iter().map(|seen| histograms.of(&seen.sketch)).collect();
        let against_rest = |class: usize| {
            Logistic::fit(&rows, &self.labels.iter().map(|&label| label == class).collect::<Vec<_>>())
        };
        let classes = self.classes.len();
        let asked = if classes == 2 { 1..2 } else { 0..classes };
        let models: Vec<Logistic> = asked.map(against_rest).collect();
        let answer = |seen: &Glance| {
            let row = histograms.of(&seen.sketch);
            let found: Vec<f64> = models.iter().map(|model| model.probability(&row)).collect();
            match found.as_slice() {
                &[positive] => vec![1.0 - positive, positive],
                several => several.iter().map(|p| p / several.iter().sum::<f64>().max(1e-300)).collect(),
            }
        };
        evaluated.iter().map(answer).collect()
    }
}
