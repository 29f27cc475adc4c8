//! From the cases of a data set to the batches of an epoch, changed on the device that trains.

use std::borrow::Cow;

use ndarray::Array3;
use rayon::prelude::*;

use super::TrainError;
use super::dataset::Dataset;
use super::mix::Mix;
use super::recipe::{Recipe, Sampling};
use crate::gpu::{Gpu, GpuBuffer, GpuError, Recording, caught};
use crate::network::Compute;
use crate::network::{Bags, NetworkConfig};
use crate::preprocess::augment::Change;
use crate::random::Random;

/// The labelled bags of one step.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The images.
    pub bags: Bags,
    /// Class of each bag.
    pub labels: Vec<usize>,
    /// How the images are mixed with each other; `None` where they are not.
    pub mix: Option<Mix>,
}

/// A preprocessed case and what becomes of it.
pub type Changing<'a> = (Cow<'a, Array3<f32>>, Change);

/// Returns the bags of changed cases, on the device of `compute` and ready for gradients. On a GPU the
/// cases are uploaded, changed by passes and handed to the network there; nothing is read back.
///
/// # Shapes
/// As [`Bags::new`].
///
/// # Errors
/// [`TrainError::Network`] where the shapes do not fit, [`TrainError::Device`] where the device fails.
pub fn changed_bags(
    cases: &[Changing],
    config: &NetworkConfig,
    compute: &Compute,
) -> Result<Bags, TrainError> {
    let Bags { images, counts } = match compute.gpu() {
        None => {
            let changed: Vec<_> = cases.par_iter().map(|(case, change)| change.apply(case)).collect();
            caught(|| Bags::new(&changed.iter().collect::<Vec<_>>(), config, compute.device()))??
        }
        Some(gpu) => {
            let changed = cases.iter().map(|case| changed_on(gpu, case)).collect::<Result<Vec<_>, _>>()?;
            let shapes = cases.iter().map(|(case, _)| case.dim().into());
            Bags::resident(&changed.iter().zip(shapes).collect::<Vec<_>>(), config, compute)?
        }
    };
    Ok(caught(|| Bags { images: images.autodiff(), counts })?)
}

fn changed_on(gpu: &Gpu, (case, change): &Changing) -> Result<GpuBuffer, GpuError> {
    let mut recording = Recording::default();
    change.record(case.dim().into(), &mut recording);
    let case = case.as_standard_layout();
    gpu.execute(&recording, gpu.upload(case.as_slice().unwrap_or_default())?)
}

/// What forms the batches of one epoch. Everything random is drawn by epoch and case.
pub(super) struct Batches<'a> {
    pub(super) recipe: &'a Recipe,
    pub(super) cases: &'a Dataset,
    pub(super) compute: &'a Compute,
    /// The epoch, from 1.
    pub(super) epoch: usize,
}

impl Batches<'_> {
    fn random(&self, counters: &[u64]) -> Random {
        Random::keyed(self.recipe.seed, &[&[self.epoch as u64], counters].concat())
    }

    /// The cases of the epoch, in order.
    pub(super) fn order(&self) -> Vec<usize> {
        let (labels, mut random) = (self.cases.labels(), self.random(&[]));
        let mut order: Vec<usize> = (0..labels.len()).collect();
        match self.recipe.course.sampling {
            Sampling::Shuffled => random.shuffle(&mut order),
            Sampling::Balanced => {
                let count = labels.iter().max().map_or(0, |last| last + 1);
                let of_class = |class: usize| -> Vec<usize> {
                    order.iter().copied().filter(|case| labels[*case] == class).collect()
                };
                let classes: Vec<Vec<usize>> = (0..count).map(of_class).collect();
                for case in &mut order {
                    let class = &classes[random.below(classes.len())];
                    *case = class[random.below(class.len())];
                }
            }
        }
        order
    }

    /// The batch of these cases.
    pub(super) fn of(&self, cases: &[usize]) -> Result<Batch, TrainError> {
        let changing = cases.par_iter().map(|case| self.changing(*case)).collect::<Result<Vec<_>, _>>()?;
        let bags = changed_bags(&changing, &self.recipe.network, self.compute)?;
        let [images, _, rows, columns] = bags.images.dims();
        let first = cases.first().copied().unwrap_or(0) as u64;
        let mut random = self.random(&[first, 0x6D69_7865]);
        let mix = self.recipe.course.mix.draw(images, [rows, columns], &mut random);
        Ok(Batch { bags, labels: cases.iter().map(|&case| self.cases.labels()[case]).collect(), mix })
    }

    fn changing(&self, index: usize) -> Result<Changing<'_>, TrainError> {
        let case = self.cases.volume(index)?;
        let (shape, mean) = (case.dim().into(), case.mean().unwrap_or(0.0));
        let mut random = self.random(&[index as u64, 0x6175_676D]);
        Ok((case, self.recipe.augment.change(shape, mean, &mut random)))
    }
}
