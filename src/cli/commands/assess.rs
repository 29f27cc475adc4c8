//! What `pulmo evaluate` tells beside the metrics: patients, baselines, operating points, parts.

use anyhow::Context;

use super::shared::{cases_of_split, loading_bar, watch_loading};
use crate::cli::args::{EvaluateArgs, Level};
use crate::cli::exit::UsageError;
use crate::cli::printer;
use crate::cohort::{Case, Split, read_manifest};
use crate::engine::Engine;
use crate::metrics::{
    AucComparison, Evaluation, EvaluationSettings, OperatingPoint, Paired, Samples, compare_roc_auc,
    decision_curve, decision_thresholds,
};
use crate::report::{Assessment, BaselineRow, ChosenPoint, Subgroup};
use crate::train::{Evaluated, Training, evaluate};

/// What was asked, of which bundle on what device.
pub(super) struct Assessor<'a> {
    pub(super) args: &'a EvaluateArgs,
    pub(super) engine: &'a Engine,
}

impl Assessor<'_> {
    /// Whether what was asked can be done, before the long run.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let EvaluateArgs { data, by, choose_on, split, .. } = self.args;
        if let Some(chosen_on) = choose_on {
            if self.engine.manifest().classes.len() != 2 {
                return Err(UsageError("--choose-on: operating points need two classes".into()).into());
            }
            let same = split.as_deref().map(Split::parse) == Some(Split::parse(chosen_on));
            if same || split.is_none() {
                let what = "--choose-on must name another split than --split, which must be given";
                return Err(UsageError(what.into()).into());
            }
            cases_of_split(data, chosen_on)?;
        }
        let cases = read_manifest(data)?;
        let unknown = |column: &&String| !cases.iter().any(|case| case.attributes.contains_key(*column));
        match by.iter().find(unknown) {
            Some(column) => Err(UsageError(format!("--by {column}: the manifest has no such column")).into()),
            None => Ok(()),
        }
    }

    /// Everything that was asked of the evaluated cases.
    pub(super) fn assess(&self, evaluated: &Evaluated) -> anyhow::Result<Assessment> {
        let unit = self.at_level(&evaluated.samples)?;
        let patient_level = match self.args.level {
            Level::Image => None,
            Level::Patient => Some(Evaluation::compute(&unit, &self.settings())?),
        };
        let decision_curve = match unit.is_binary() {
            true => decision_curve(&unit.ranking(1)?, &decision_thresholds()),
            false => Vec::new(),
        };
        Ok(Assessment {
            patient_level,
            baselines: self.baselines(evaluated)?,
            operating_points: self.operating_points(&unit)?,
            decision_curve,
            subgroups: self.subgroups(evaluated)?,
            ..evaluated.evaluation.clone().into()
        })
    }

    fn settings(&self) -> EvaluationSettings {
        let threshold = self.engine.manifest().threshold.map(f64::from);
        EvaluationSettings { threshold, ..EvaluationSettings::default() }
    }

    /// The samples of the level asked for.
    fn at_level(&self, samples: &Samples) -> anyhow::Result<Samples> {
        match self.args.level {
            Level::Image => Ok(samples.clone()),
            Level::Patient => samples.by_patient(self.settings().threshold).context("--level patient"),
        }
    }

    fn operating_points(&self, unit: &Samples) -> anyhow::Result<Vec<ChosenPoint>> {
        let Some(split) = &self.args.choose_on else { return Ok(Vec::new()) };
        let cases = cases_of_split(&self.args.data, split)?;
        let bar = loading_bar();
        let other = evaluate(self.engine, &cases, &watch_loading(&bar))?;
        bar.finish_and_clear();
        let other = self.at_level(&other.samples)?;
        let ranking = other.ranking(1)?;
        let mut points = Vec::new();
        for &rule in &self.args.at {
            let Some(threshold) = rule.choose(&ranking) else {
                printer::say(&format!("{rule}: no threshold on {split} reaches it"));
                continue;
            };
            let at = |samples| OperatingPoint::at(threshold, samples, &EvaluationSettings::default());
            points.push(ChosenPoint {
                rule,
                chosen_on: split.clone(),
                chosen: at(&other)?,
                applied: at(unit)?,
            });
        }
        Ok(points)
    }

    /// The baselines where there are training cases apart from the evaluated ones.
    fn baselines(&self, evaluated: &Evaluated) -> anyhow::Result<Vec<BaselineRow>> {
        let evaluated_split = self.args.split.as_deref().and_then(Split::parse);
        let apart = evaluated_split.is_some_and(|split| split != Split::Train);
        let mut training: Vec<Case> = read_manifest(&self.args.data)?;
        training.retain(|case| case.split == Some(Split::Train));
        if !apart || training.is_empty() {
            printer::say("no baselines: they need training cases in the manifest and --split val or test");
            return Ok(Vec::new());
        }
        let bar = loading_bar();
        let training = Training::read(self.engine, &training, &watch_loading(&bar))?;
        bar.finish_and_clear();
        let baselines = training.baselines(evaluated)?;
        let row = |baseline: crate::train::Baseline| -> anyhow::Result<BaselineRow> {
            let gain = gain(&evaluated.samples, &baseline.samples)?;
            Ok(BaselineRow { name: baseline.name, evaluation: baseline.evaluation, gain })
        };
        baselines.into_iter().map(row).collect()
    }

    fn subgroups(&self, evaluated: &Evaluated) -> anyhow::Result<Vec<Subgroup>> {
        let mut found = Vec::new();
        for column in &self.args.by {
            let value = |case: &Case| case.attributes.get(column).cloned().unwrap_or_default();
            let values: Vec<String> = evaluated.scored.iter().map(|scored| value(&scored.case)).collect();
            for (value, samples) in evaluated.samples.by_group(&values) {
                let evaluation = Evaluation::compute(&samples, &self.settings())?;
                found.push(Subgroup { column: column.clone(), value, evaluation });
            }
        }
        Ok(found)
    }
}

/// How much larger the area of `ours` is than that of `theirs`, for two classes.
fn gain(ours: &Samples, theirs: &Samples) -> anyhow::Result<Option<AucComparison>> {
    if !ours.is_binary() {
        return Ok(None);
    }
    let [theirs, scores] =
        [theirs, ours].map(|samples| samples.probabilities.iter().map(|row| row[1]).collect::<Vec<f64>>());
    let positive: Vec<bool> = ours.labels.iter().map(|&label| label == 1).collect();
    let paired = Paired { scores: [&theirs, &scores], positive: &positive, patients: &ours.patients };
    Ok(compare_roc_auc(&paired, &EvaluationSettings::default())?)
}
