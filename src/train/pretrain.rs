//! Pre-training without labels; `pulmo train --init` starts from the encoder that comes of it.
//!
//! What a network learns of CT this way is of use where labels are few. Two objectives, by the recipe's loss:
//!
//! - any loss for labels: **instance discrimination**. Each image is a class of its own, to be told in
//!   every changed view of it (Dosovitskiy et al. 2014, arXiv:1406.6909). It works with small batches and
//!   small data sets (Cao, Yu and Wu 2022, arXiv:2201.10728); its head grows with the number of images.
//! - [`Loss::Contrastive`]: two views of an image are to be alike, views of other patients not. Each image
//!   costs two passes, its head is 128 wide whatever the number of images: for some ten thousand and more.
//!
//! The views are drawn by the recipe's augmentation. A part of the patients is held out: the validation
//! loss is the contrastive one of their views, by the head's outputs, for either objective. It only tells
//! how the run goes: the last weights are kept, averaged where the recipe says so, since what starts a
//! training best need not be what tells strangers apart best.

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::SystemTime;

use super::batch::{Batch, Changing, changed_bags};
use super::checkpoint::{Checkpoint, RunIdentity};
use super::dataset::{Cache, Dataset, Loading};
use super::epochs::{EpochPass, EpochStart, Run, Validation, make_folder};
use super::event::{EpochRow, Event};
use super::log::{RunFacts, RunLog};
use super::loss::Targets;
use super::prepared::rows_sha256;
use super::recipe::Recipe;
use super::step::Trainer;
use super::{Loss, TrainError};
use crate::bundle::{save_weights, sha256_hex};
use crate::cohort::{Case, Split, assign};
use crate::dicom::Partial;
use crate::domain::DomainConfig;
use crate::gpu::caught;
use crate::network::{Bags, Compute, Network, NetworkKind, read_scalar};
use crate::preprocess::Processor;
use crate::random::Random;

/// Length of an embedding.
const EMBEDDING: usize = 128;

/// How held-out views are judged where the recipe's loss is for labels.
const CONTRAST: Loss = Loss::Contrastive { temperature: 0.2 };

/// What to pre-train on, and where to put it.
#[derive(Debug, Clone)]
pub struct PretrainJob {
    /// How to train; `classes`, class weights and mixing do not count.
    pub recipe: Recipe,
    /// What to look at; labels do not count. Cases kept for validation or test take no part.
    pub cases: Vec<Case>,
    /// Where checkpoints and weights go.
    pub out: PathBuf,
    /// What to compute on.
    pub compute: Compute,
    /// What becomes of a series of which files cannot be used.
    pub partial: Partial,
}

/// What came of a pre-training.
#[derive(Debug)]
pub struct Pretrained {
    /// `weights.safetensors` in the job's folder: what `pulmo train --init` starts from.
    pub weights: PathBuf,
    /// Every epoch; the validation loss is that of the patients held out.
    pub history: Vec<EpochRow>,
}

/// Pre-trains by a recipe, going on from the newest checkpoint in the job's folder, and writes
/// `weights.safetensors` there. The same recipe, cases and seed give the same weights, bit for bit, on
/// the CPU.
///
/// # Errors
/// [`TrainError`]; what was done up to the last whole epoch stays in the folder.
pub fn pretrain(job: &PretrainJob, observe: &(dyn Fn(Event) + Sync)) -> Result<Pretrained, TrainError> {
    let started = SystemTime::now();
    let recipe = &job.recipe;
    let cases = unseen_elsewhere(&job.cases);
    let splits = assign(&cases, &recipe.split, recipe.seed)?;
    let identity = RunIdentity::of(recipe, None, &rows_sha256(&cases, &splits))?;
    make_folder(&job.out)?;
    let divided = Divided { job, cases: &cases, splits: &splits };
    let (train, held_out) =
        (divided.views(Split::Train, observe)?, divided.views(Split::Validation, observe)?);
    let asked = splits.iter().filter(|split| **split != Split::Test).count();
    let unreadable = asked - train.dataset.len() - held_out.dataset.len();
    let facts = RunFacts::of(&job.compute, recipe.seed, &identity, [cases.len(), unreadable]);
    let log = RunLog::new(&job.out, facts, started);
    let observe = &|event: Event| {
        log.see(&event);
        observe(event);
    };
    let fresh = Network::new(&recipe.network, train.outputs(), recipe.seed)?;
    let run = Run { recipe, out: &job.out, identity: &identity, fresh: &fresh, compute: &job.compute };
    let newest = run.newest()?;
    log.begin()?;
    let pretraining = Pretraining { job, train, held_out };
    let state = run.go_on(newest, observe, |state| pretraining.epoch(state, observe))?;
    let last = || Ok(save_weights(state.average.as_ref().unwrap_or(&state.network))?);
    let weights = run.guarded(state.history.len(), last)?;
    let path = job.out.join("weights.safetensors");
    std::fs::write(&path, &weights).map_err(|source| TrainError::File { path: path.clone(), source })?;
    recipe.write(&job.out)?;
    log.finish(&sha256_hex(&weights))?;
    Ok(Pretrained { weights: path, history: state.history })
}

/// The cases that no one will be validated or tested on, without their splits.
fn unseen_elsewhere(cases: &[Case]) -> Vec<Case> {
    let is_free = |case: &&Case| matches!(case.split, None | Some(Split::Train));
    cases.iter().filter(is_free).map(|case| Case { split: None, ..case.clone() }).collect()
}

/// The cases of a job, each with its split.
struct Divided<'a, 'c> {
    job: &'a PretrainJob,
    cases: &'c [Case],
    splits: &'c [Split],
}

impl<'a> Divided<'a, '_> {
    /// The cases of one split, read and preprocessed.
    fn views(&self, wanted: Split, observe: &(dyn Fn(Event) + Sync)) -> Result<Views<'a>, TrainError> {
        let Self { job, cases, splits } = *self;
        let recipe = &job.recipe;
        let of_split = cases.iter().zip(splits).filter(|(_, split)| **split == wanted);
        let chosen: Vec<(&Case, usize)> = of_split.map(|(case, _)| (case, 0)).collect();
        let share = (recipe.course.cache_mib << 20) / cases.len().max(1) * chosen.len();
        let cache = Cache { bytes: share, folder: job.out.join(format!("cache-{}", wanted.name())) };
        let processor = job.compute.gpu().map_or(Processor::Cpu, |gpu| Processor::Gpu(gpu.clone()));
        let domain = DomainConfig { fit: false, ..recipe.domain };
        let loading = Loading { chain: &recipe.chain, processor, partial: job.partial, cache, domain };
        Views::new(recipe, Dataset::load(&chosen, &loading, observe)?)
    }
}

/// A job with its images.
struct Pretraining<'a> {
    job: &'a PretrainJob,
    train: Views<'a>,
    held_out: Views<'a>,
}

impl Pretraining<'_> {
    /// One pass over the images, then a look at those held out.
    fn epoch(&self, state: Checkpoint, observe: &(dyn Fn(Event) + Sync)) -> Result<Checkpoint, TrainError> {
        let Self { job, train, held_out } = self;
        let recipe = &job.recipe;
        let number = state.history.len() + 1;
        let mut trainer =
            Trainer::new(state.network.clone(), recipe.optimizer, train.outputs(), job.compute.device())
                .counted_by(&job.compute);
        trainer.loss = recipe.course.loss;
        trainer.label_smoothing = recipe.course.label_smoothing;
        trainer.dropout = recipe.network.dropout;
        let mut order: Vec<usize> = (0..train.places.len()).collect();
        Random::keyed(recipe.seed, &[number as u64]).shuffle(&mut order);
        let batch = |images: &[usize]| match recipe.course.loss {
            Loss::Contrastive { .. } => train.twins(images, number, &job.compute),
            Loss::CrossEntropy | Loss::Focal { .. } => train.instances(images, number, &job.compute),
        };
        let pass = EpochPass::over(&order, recipe, EpochStart { state, trainer }, &batch, observe)?;
        let loss = held_out.loss(pass.judged(), &job.compute)?;
        pass.validated(Validation { loss, roc_auc: None }, recipe.course.epochs, observe)
    }
}

/// How held-out views are judged.
fn contrast(recipe: &Recipe) -> Loss {
    match recipe.course.loss {
        loss @ Loss::Contrastive { .. } => loss,
        Loss::CrossEntropy | Loss::Focal { .. } => CONTRAST,
    }
}

/// Images to make views of: slices one by one where the network sees slices, else whole volumes.
struct Views<'a> {
    recipe: &'a Recipe,
    dataset: Dataset,
    /// Case and slice of each image; `None` for the whole volume.
    places: Vec<(usize, Option<usize>)>,
    /// The patient of each case, as a number.
    patients: Vec<usize>,
}

impl<'a> Views<'a> {
    fn new(recipe: &'a Recipe, dataset: Dataset) -> Result<Self, TrainError> {
        let mut places = Vec::new();
        for case in 0..dataset.len() {
            let (slices, ..) = dataset.volume(case)?.dim();
            match recipe.network.kind {
                NetworkKind::Slice => places.extend((0..slices).map(|slice| (case, Some(slice)))),
                _ => places.push((case, None)),
            }
        }
        let ids: Vec<&str> = dataset.cases().iter().map(|case| case.patient_id.as_str()).collect();
        let first = |id: &&str| ids.iter().position(|other| other == id).unwrap_or(0);
        let patients = ids.iter().map(first).collect();
        Ok(Self { recipe, dataset, places, patients })
    }

    /// What the network gives for each image: its class among all, or an embedding.
    fn outputs(&self) -> usize {
        match self.recipe.course.loss {
            Loss::Contrastive { .. } => EMBEDDING,
            Loss::CrossEntropy | Loss::Focal { .. } => self.places.len(),
        }
    }

    /// One view of each of `images`, labelled by the image.
    fn instances(&self, images: &[usize], epoch: usize, compute: &Compute) -> Result<Batch, TrainError> {
        let views = images.iter().map(|&image| self.view(image, [epoch as u64, 0]));
        self.batch(views.collect::<Result<_, _>>()?, images.to_vec(), compute)
    }

    /// Two views of each of `images`, one after the other, labelled by the patient.
    fn twins(&self, images: &[usize], epoch: usize, compute: &Compute) -> Result<Batch, TrainError> {
        let twice = || images.iter().flat_map(|&image| [(image, 0), (image, 1)]);
        let views = twice().map(|(image, twin)| self.view(image, [epoch as u64, twin]));
        let labels = twice().map(|(image, _)| self.patients[self.places[image].0]).collect();
        self.batch(views.collect::<Result<_, _>>()?, labels, compute)
    }

    fn batch(
        &self,
        views: Vec<Changing>,
        labels: Vec<usize>,
        compute: &Compute,
    ) -> Result<Batch, TrainError> {
        Ok(Batch { bags: changed_bags(&views, &self.recipe.network, compute)?, labels, mix: None })
    }

    /// An image, and the change that epoch and twin draw for it.
    fn view(&self, image: usize, [epoch, twin]: [u64; 2]) -> Result<Changing<'_>, TrainError> {
        let (case, slice) = self.places[image];
        let volume = self.dataset.volume(case)?;
        let volume = match slice {
            Some(slice) => Cow::Owned(volume.slice(ndarray::s![slice..=slice, .., ..]).to_owned()),
            None => volume,
        };
        let mut random = Random::keyed(self.recipe.seed, &[epoch, image as u64, twin, 0x7669_6577]);
        let (shape, mean) = (volume.dim().into(), volume.mean().unwrap_or(0.0));
        let change = self.recipe.augment.change(shape, mean, &mut random);
        Ok((volume, change))
    }

    /// The mean contrastive loss of a network on views of all images, the same ones each time.
    fn loss(&self, network: &Network, compute: &Compute) -> Result<f64, TrainError> {
        let images: Vec<usize> = (0..self.places.len()).collect();
        let mut sum = 0.0;
        for images in images.chunks(self.recipe.course.batch_size) {
            let Batch { bags, labels, .. } = self.twins(images, 0, compute)?;
            let targets = Targets { labels: &labels, class_weights: &[], smoothing: 0.0 };
            compute.begin_work()?;
            let loss = caught(|| {
                let bags = Bags { images: bags.images.inner(), ..bags };
                contrast(self.recipe).mean(network.forward(bags).logits, &targets)
            })?;
            sum += read_scalar(loss)? * images.len() as f64;
        }
        Ok(sum / images.len().max(1) as f64)
    }
}
