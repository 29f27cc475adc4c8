//! Fitting a bundle's domain on the cases that it was trained and validated on.

use std::path::PathBuf;

use super::TrainError;
use super::course::answered;
use super::dataset::{Cache, Dataset, Loading};
use super::event::Event;
use super::job::Job;
use super::prepared::{Prepared, rows_sha256};
use super::recipe::CourseConfig;
use crate::bundle::Bundle;
use crate::cohort::{Case, Split, SplitConfig, assign};
use crate::dicom::Partial;
use crate::domain::{Domain, DomainConfig, DomainError, Known};
use crate::network::Compute;
use crate::predict::Predictor;
use crate::preprocess::Processor;

/// How to fit a domain.
#[derive(Debug, Clone)]
pub struct DomainJob {
    /// What decides its limits.
    pub config: DomainConfig,
    /// Where cases go that memory does not hold, for as long as it takes.
    pub cache: PathBuf,
    /// What to compute on.
    pub compute: Compute,
    /// What becomes of a series of which files cannot be used.
    pub partial: Partial,
}

/// Returns `bundle` with the domain of `cases`, in place of one that it had: fitted on those of split `train`, its limits
/// from those of `val`. Where no case names a split they are divided as training divides them by default, with the seed
/// that the bundle tells. Cases that are not those of the bundle's training are told.
///
/// # Errors
/// [`TrainError`] where cases cannot be divided or read, or are too few.
pub fn fit_domain(
    bundle: &Bundle,
    cases: &[Case],
    how: &DomainJob,
    observe: &(dyn Fn(Event) + Sync),
) -> Result<Bundle, TrainError> {
    let manifest = bundle.manifest();
    let splits = assign(cases, &SplitConfig::default(), manifest.origin.seed)?;
    let data_sha256 = rows_sha256(cases, &splits);
    if data_sha256 != manifest.origin.data_sha256 {
        observe(Event::Warning(
            "the manifest's rows are not those that the bundle was trained on: the domain is theirs, not the bundle's",
        ));
    }
    let read = |wanted: Split| -> Result<Dataset, TrainError> {
        let chosen = cases.iter().zip(&splits).filter(|(_, split)| **split == wanted);
        let class = |case: &Case| manifest.classes.iter().position(|class| *class == case.label);
        let labelled = |case| class(case).map(|class| (case, class)).ok_or_else(|| unknown(case, bundle));
        let chosen = chosen.map(|(case, _)| labelled(case)).collect::<Result<Vec<_>, _>>()?;
        Dataset::load(&chosen, &how.loading(bundle), observe)
    };
    let predictor = Predictor::new(bundle, &how.compute);
    let [train, validation] = [Split::Train, Split::Validation].map(|split| known(&read(split)?, &predictor));
    let domain = Domain::fit(&train?, &validation?, &how.config, data_sha256)?;
    Ok(bundle.clone().with_domain(Some(domain))?)
}

impl DomainJob {
    fn loading<'a>(&self, bundle: &'a Bundle) -> Loading<'a> {
        let processor = self.compute.gpu().map_or(Processor::Cpu, |gpu| Processor::Gpu(gpu.clone()));
        let cache = Cache { bytes: CourseConfig::default().cache_mib << 20, folder: self.cache.clone() };
        Loading {
            chain: &bundle.manifest().chain,
            processor,
            partial: self.partial,
            cache,
            domain: self.config,
        }
    }
}

fn unknown(case: &Case, bundle: &Bundle) -> TrainError {
    let (label, classes) = (&case.label, bundle.manifest().classes.join(", "));
    TrainError::Labels(format!("`{label}` is not a class of the bundle ({classes})"))
}

/// The bundle of a training with the domain that its recipe asks for; where there are too few cases for one, that is
/// told.
pub(super) fn with_domain(
    bundle: Bundle,
    job: &Job,
    data: &Prepared,
    observe: &(dyn Fn(Event) + Sync),
) -> Result<Bundle, TrainError> {
    let config = &job.recipe.domain;
    if !config.fit {
        return Ok(bundle);
    }
    let predictor = Predictor::new(&bundle, &job.compute);
    let [train, validation] = [&data.train, &data.validation].map(|dataset| known(dataset, &predictor));
    match Domain::fit(&train?, &validation?, config, data.rows_sha256.clone()) {
        Ok(domain) => Ok(bundle.with_domain(Some(domain))?),
        Err(error @ (DomainError::FewCases { .. } | DomainError::NoVariance)) => {
            let what = format!("the bundle will not tell what is unlike its training: {error}");
            observe(Event::Warning(&what));
            Ok(bundle)
        }
        Err(error) => Err(error.into()),
    }
}

/// What a bundle's networks make of each case, and what was measured on it.
fn known(dataset: &Dataset, predictor: &Predictor) -> Result<Known, TrainError> {
    let mut known =
        Known { labels: dataset.labels().to_vec(), features: Vec::new(), facts: dataset.facts().to_vec() };
    for answer in answered(predictor, dataset)? {
        known.features.resize_with(answer.features.len(), Vec::new);
        known.features.iter_mut().zip(answer.features).for_each(|(all, features)| all.push(features));
    }
    Ok(known)
}
