//! The cases of a run, divided, checked, read and preprocessed: what several trainings can share.

use super::TrainError;
use super::dataset::{Cache, Dataset, Loading};
use super::event::Event;
use super::job::Job;
use super::leaks::{check_images, check_patients};
use super::recipe::{ClassWeights, Recipe};
use super::recipe_error::RecipeError;
use crate::bundle::sha256_hex;
use crate::cohort::{Case, Split, absent_classes, assign, labels, rows_text};
use crate::preprocess::{Chain, Processor};

/// The training and validation cases of a job and their classes.
pub struct Prepared {
    pub(super) classes: Vec<String>,
    pub(super) train: Dataset,
    pub(super) validation: Dataset,
    /// The split of each case of the job.
    pub(super) splits: Vec<Split>,
    /// SHA-256 of the manifest's rows with their splits.
    pub(super) rows_sha256: String,
    chain: Chain,
}

impl Prepared {
    /// Divides, reads and preprocesses the cases of a job; what memory does not hold goes to `cache`
    /// in its folder.
    ///
    /// # Errors
    /// [`TrainError`] where the cases cannot be divided or read, or where a split leaks.
    pub fn read(job: &Job, observe: &(dyn Fn(Event) + Sync)) -> Result<Self, TrainError> {
        let recipe = &job.recipe;
        let splits = assign(&job.cases, &recipe.split, recipe.seed)?;
        check_patients(&job.cases, &splits, job.leaks, observe)?;
        let classes = classes(recipe, &job.cases)?;
        check_sizes(&classes, &job.cases, &splits, observe)?;
        let [train, validation] = load(job, &splits, &classes, observe)?;
        if let Some(class) = (0..classes.len()).find(|class| !train.labels().contains(class)) {
            return Err(TrainError::Labels(format!(
                "no readable training case has the label `{}`",
                classes[class]
            )));
        }
        check_images(&train, &validation, job.leaks, observe)?;
        let rows_sha256 = rows_sha256(&job.cases, &splits);
        Ok(Self { classes, train, validation, splits, rows_sha256, chain: recipe.chain.clone() })
    }

    /// The chain that preprocessed them.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Whether these are the cases that `job` asks for.
    pub(super) fn check(&self, job: &Job) -> Result<(), TrainError> {
        let recipe = &job.recipe;
        let splits = assign(&job.cases, &recipe.split, recipe.seed)?;
        let is_same = self.rows_sha256 == rows_sha256(&job.cases, &splits)
            && self.classes == classes(recipe, &job.cases)?
            && self.chain == recipe.chain;
        if is_same { Ok(()) } else { Err(RecipeError::OtherCases.into()) }
    }

    /// Training and validation cases that could not be read.
    pub(super) fn unreadable(&self) -> usize {
        let asked = self.splits.iter().filter(|split| **split != Split::Test).count();
        asked - self.train.len() - self.validation.len()
    }
}

/// SHA-256 of a manifest's rows with their splits.
pub(super) fn rows_sha256(cases: &[Case], splits: &[Split]) -> String {
    let rows = cases.iter().zip(splits).map(|(case, split)| (case, Some(*split)));
    sha256_hex(rows_text(rows).as_bytes())
}

/// The training and the validation cases.
fn load(
    job: &Job,
    splits: &[Split],
    classes: &[String],
    observe: &(dyn Fn(Event) + Sync),
) -> Result<[Dataset; 2], TrainError> {
    let of_split = |wanted: Split| -> Vec<(&Case, usize)> {
        let chosen = job.cases.iter().zip(splits).filter(|(_, split)| **split == wanted);
        chosen
            .filter_map(|(case, _)| Some((case, classes.iter().position(|class| *class == case.label)?)))
            .collect()
    };
    let processor = job.compute.gpu().map_or(Processor::Cpu, |gpu| Processor::Gpu(gpu.clone()));
    let (train, validation) = (of_split(Split::Train), of_split(Split::Validation));
    let bytes = job.recipe.course.cache_mib << 20;
    let train_bytes = bytes / (train.len() + validation.len()).max(1) * train.len();
    let read = |cases: &[(&Case, usize)], name: &str, bytes| {
        let cache = Cache { bytes, folder: job.out.join(format!("cache-{name}")) };
        let (chain, processor, domain) = (&job.recipe.chain, processor.clone(), job.recipe.domain);
        Dataset::load(cases, &Loading { chain, processor, partial: job.partial, cache, domain }, observe)
    };
    Ok([read(&train, "train", train_bytes)?, read(&validation, "val", bytes - train_bytes)?])
}

/// Checks before anything is read that there are cases of every class to train on, and tells a class that another
/// split lacks.
fn check_sizes(
    classes: &[String],
    cases: &[Case],
    splits: &[Split],
    observe: &(dyn Fn(Event) + Sync),
) -> Result<(), TrainError> {
    let train = || cases.iter().zip(splits).filter(|(_, split)| **split == Split::Train);
    if let Some(class) = classes.iter().find(|class| !train().any(|(case, _)| case.label == **class)) {
        return Err(TrainError::Labels(format!("no training case has the label `{class}`")));
    }
    for (class, split) in absent_classes(cases, splits) {
        let what = format!(
            "no case of split `{}` has the label `{class}`: no ROC AUC can be told of it",
            split.name()
        );
        observe(Event::Warning(&what));
    }
    Ok(())
}

fn classes(recipe: &Recipe, cases: &[Case]) -> Result<Vec<String>, TrainError> {
    let found = labels(cases);
    let classes = if recipe.classes.is_empty() { found.clone() } else { recipe.classes.clone() };
    if let Some(unknown) = found.iter().find(|label| !classes.contains(label)) {
        return Err(TrainError::Labels(format!(
            "the manifest has the label `{unknown}`, which is not among the recipe's classes ({})",
            classes.join(", ")
        )));
    }
    if classes.len() < 2 {
        return Err(TrainError::Labels(
            "the manifest has only one label; training needs at least two".into(),
        ));
    }
    if let ClassWeights::Given(weights) = &recipe.course.class_weights
        && weights.len() != classes.len()
    {
        let (weights, classes) = (weights.len(), classes.len());
        return Err(RecipeError::ClassWeights { weights, classes }.into());
    }
    Ok(classes)
}
