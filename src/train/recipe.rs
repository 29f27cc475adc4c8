//! The recipe: everything that decides a training, except the data.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::TrainError;
use super::augment::AugmentConfig;
use super::groups::ParameterGroup;
use super::loss::Loss;
use super::mix::MixConfig;
use super::optimizer::OptimizerConfig;
use super::recipe_error::RecipeError;
use super::schedule::ScheduleConfig;
use crate::cohort::{Case, SplitConfig, labels, positive_last};
use crate::domain::DomainConfig;
use crate::network::{NetworkConfig, NetworkKind};
use crate::preprocess::Chain;

/// How classes of different size count in the loss.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassWeights {
    /// Every case counts the same.
    Equal,
    /// Every class counts the same: weight `n / (classes * n_class)`.
    #[default]
    Balanced,
    /// As given, in the order of the classes.
    Given(Vec<f32>),
}

/// Where two-class probabilities become the positive class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdRule {
    /// Where sensitivity + specificity is largest on the validation cases (Youden 1950).
    #[default]
    Youden,
    /// At one half.
    Half,
}

/// Which training cases an epoch goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// Every case once, in a new order.
    #[default]
    Shuffled,
    /// As many cases, drawn with replacement so that every class comes up alike.
    Balanced,
}

/// The course of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CourseConfig {
    /// Passes over the training cases at most.
    pub epochs: usize,
    /// Cases for each step.
    pub batch_size: usize,
    /// Epochs without a better validation AUC after which training stops; 0 means never.
    pub patience: usize,
    /// Which cases an epoch goes through.
    pub sampling: Sampling,
    /// Batches whose gradients are added up for one step of the optimizer.
    pub accumulate: usize,
    /// What training makes small.
    pub loss: Loss,
    /// How images of a batch are mixed with each other.
    pub mix: MixConfig,
    /// How classes count in the loss.
    pub class_weights: ClassWeights,
    /// Share of the label given to all classes alike (Szegedy et al. 2016).
    pub label_smoothing: f32,
    /// Largest norm of all gradients together; larger ones are scaled down. 0 means no limit.
    pub clip_norm: f64,
    /// Weight of the past in the averaged weights that are validated and kept; 0 means none
    /// (Polyak and Juditsky 1992).
    pub average_decay: f64,
    /// How the decision threshold of two classes is found.
    pub threshold: ThresholdRule,
    /// Most memory for preprocessed cases, in MiB; what does not fit is kept on disk.
    pub cache_mib: usize,
}

impl Default for CourseConfig {
    fn default() -> Self {
        Self {
            epochs: 50,
            batch_size: 16,
            patience: 0,
            sampling: Sampling::Shuffled,
            accumulate: 1,
            loss: Loss::CrossEntropy,
            mix: MixConfig::default(),
            class_weights: ClassWeights::Balanced,
            label_smoothing: 0.0,
            clip_norm: 0.0,
            average_decay: 0.0,
            threshold: ThresholdRule::Youden,
            cache_mib: 4096,
        }
    }
}

impl CourseConfig {
    fn validate(&self) -> Result<(), RecipeError> {
        for (field, count) in [
            ("[course] epochs", self.epochs),
            ("[course] batch_size", self.batch_size),
            ("[course] accumulate", self.accumulate),
        ] {
            RecipeError::check(count > 0, field, count, "at least 1")?;
        }
        self.mix.validate()?;
        match self.loss {
            Loss::Focal { gamma } => {
                let field = "[course] the focal loss's gamma";
                RecipeError::check((0.0..=10.0).contains(&gamma), field, gamma, "between 0 and 10")?;
            }
            Loss::Contrastive { temperature } => {
                let is_allowed = (0.05..=10.0).contains(&temperature);
                let field = "[course] the contrastive loss's temperature";
                RecipeError::check(is_allowed, field, temperature, "between 0.05 and 10")?;
            }
            Loss::CrossEntropy => {}
        }
        if let ClassWeights::Given(weights) = &self.class_weights {
            let is_weight = |weight: &f32| weight.is_finite() && *weight >= 0.0;
            let are_weights = weights.iter().all(is_weight) && weights.iter().sum::<f32>() > 0.0;
            let allowed = "numbers of 0 or more, and not all 0";
            RecipeError::check(are_weights, "[course] class_weights", format!("{weights:?}"), allowed)?;
        }
        let (smoothing, decay, allowed) =
            (self.label_smoothing, self.average_decay, "at least 0 and below 1");
        RecipeError::check((0.0..1.0).contains(&smoothing), "[course] label_smoothing", smoothing, allowed)?;
        RecipeError::check((0.0..1.0).contains(&decay), "[course] average_decay", decay, allowed)
    }
}

/// Everything that decides a training, except the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Name of the bundle that comes of it.
    pub name: String,
    /// One sentence for the model card.
    #[serde(default)]
    pub description: String,
    /// Class names; for two classes the second is the positive one. Empty means the labels of the
    /// manifest in alphabetical order.
    #[serde(default)]
    pub classes: Vec<String>,
    /// Decides everything random: weights, split, order and augmentation.
    #[serde(default)]
    pub seed: u64,
    /// The network.
    pub network: NetworkConfig,
    /// Preprocessing, the same in training and inference.
    pub chain: Chain,
    /// Random changes to training cases.
    #[serde(default)]
    pub augment: AugmentConfig,
    /// The optimizer.
    pub optimizer: OptimizerConfig,
    /// Parameters that learn at a rate of their own or not at all, as `[[group]]`.
    #[serde(default, rename = "group", skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<ParameterGroup>,
    /// The learning rate's course.
    #[serde(default)]
    pub schedule: ScheduleConfig,
    /// Epochs, batches, loss.
    #[serde(default)]
    pub course: CourseConfig,
    /// How the bundle's domain is fitted, outside of which it scores nothing.
    #[serde(default, skip_serializing_if = "DomainConfig::is_default")]
    pub domain: DomainConfig,
    /// How cases are divided where the manifest does not say.
    #[serde(default)]
    pub split: SplitConfig,
    /// Ranges for `pulmo tune`; training does not look at them, and no written recipe has them.
    #[serde(default, skip_serializing)]
    pub tune: Option<toml::Table>,
}

impl Recipe {
    /// Reads and checks a recipe.
    ///
    /// # Errors
    /// [`TrainError::Recipe`] says which field is wrong and what it must be.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| TrainError::File { path: path.to_owned(), source })?;
        let checked = |recipe: Self| recipe.validate().map(|()| recipe);
        let read = toml::from_str(&text).map_err(RecipeError::from).and_then(checked);
        read.map_err(|problem| TrainError::Recipe { path: path.to_owned(), problem: problem.into() })
    }

    /// The recipe with the class called `positive` last of two, be they the recipe's or the labels of `cases`. Class
    /// weights that are given stay with their classes.
    ///
    /// # Errors
    /// [`TrainError::Cohort`] where there are not two classes, or none of that name.
    pub fn with_positive(self, positive: &str, cases: &[Case]) -> Result<Self, TrainError> {
        let before = if self.classes.is_empty() { labels(cases) } else { self.classes.clone() };
        let classes = positive_last(&before, positive)?;
        let mut course = self.course;
        if let ClassWeights::Given(weights) = &mut course.class_weights
            && classes != before
        {
            weights.reverse();
        }
        Ok(Self { classes, course, ..self })
    }

    /// The recipe as TOML, without `[tune]`.
    ///
    /// # Errors
    /// [`TrainError::Recipe`] where TOML has no form for it.
    pub fn text(&self) -> Result<String, TrainError> {
        Ok(toml::to_string_pretty(self).map_err(RecipeError::from)?)
    }

    /// Writes `recipe.toml` into the folder of a run.
    pub(super) fn write(&self, out: &Path) -> Result<(), TrainError> {
        let path = out.join("recipe.toml");
        std::fs::write(&path, self.text()?).map_err(|source| TrainError::File { path, source })
    }

    /// Checks the values that types cannot.
    ///
    /// # Errors
    /// [`RecipeError`] names the field, what it holds and what it may hold.
    pub fn validate(&self) -> Result<(), RecipeError> {
        self.network.validate()?;
        self.chain.validate()?;
        self.course.validate()?;
        if !self.course.mix.is_off() && self.network.kind != NetworkKind::Slice {
            return Err(RecipeError::MixedStudies);
        }
        let rate = self.optimizer.learning_rate();
        let is_rate = rate.is_finite() && rate > 0.0;
        RecipeError::check(is_rate, "[optimizer] learning_rate", rate, "positive")?;
        self.groups.iter().try_for_each(ParameterGroup::validate)?;
        check_domain(&self.domain)?;
        if self.classes.len() == 1 { Err(RecipeError::OneClass) } else { Ok(()) }
    }
}

/// Checks the values of `[domain]`.
fn check_domain(domain: &DomainConfig) -> Result<(), RecipeError> {
    let (quantile, range, distance) = (domain.quantile, domain.range_margin, domain.distance_margin);
    let is_share = (0.5..=1.0).contains(&quantile);
    RecipeError::check(is_share, "[domain] quantile", quantile, "between 0.5 and 1")?;
    let is_margin = range.is_finite() && range >= 0.0;
    RecipeError::check(is_margin, "[domain] range_margin", range, "0 or more")?;
    let is_factor = distance.is_finite() && distance > 0.0;
    RecipeError::check(is_factor, "[domain] distance_margin", distance, "positive")
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECIPE: &str = "name = 'x'\n\
                          network = { kind = 'slice', encoder = { widths = [4], depths = [1] } }\n\
                          chain = { step = [{ kind = 'clip', low = 0.0, high = 1.0 }] }\n\
                          optimizer = { kind = 'adamw', learning_rate = 0.01 }\n";

    fn recipe(more: &str) -> Recipe {
        toml::from_str(&format!("{RECIPE}{more}")).unwrap()
    }

    fn cases() -> Vec<Case> {
        let case = |label: &str| Case {
            path: format!("{label}.png"),
            file: format!("{label}.png").into(),
            label: label.into(),
            patient_id: label.into(),
            split: None,
            attributes: Default::default(),
        };
        ["nodule", "other"].map(case).to_vec()
    }

    #[test]
    fn the_positive_class_goes_last_and_takes_its_weight_along() {
        let weighted = || recipe("[course]\nclass_weights = { given = [3.0, 1.0] }");
        let turned = weighted().with_positive("nodule", &cases()).unwrap();
        assert_eq!(turned.classes, ["other", "nodule"]);
        assert_eq!(turned.course.class_weights, ClassWeights::Given(vec![1.0, 3.0]));
        let kept = weighted().with_positive("other", &cases()).unwrap();
        assert_eq!(kept.classes, ["nodule", "other"]);
        assert_eq!(kept.course.class_weights, ClassWeights::Given(vec![3.0, 1.0]));
        let named = Recipe { classes: vec!["ill".into(), "well".into()], ..recipe("") };
        assert_eq!(named.clone().with_positive("ill", &cases()).unwrap().classes, ["well", "ill"]);
        let error = named.with_positive("nodule", &cases()).unwrap_err().to_string();
        assert!(error.ends_with("the classes are ill, well"), "{error}");
    }

    #[test]
    fn weights_that_weigh_nothing_are_refused() {
        for wrong in ["[0.0, 0.0]", "[-1.0, 2.0]", "[nan, 1.0]", "[]"] {
            let recipe = recipe(&format!("[course]\nclass_weights = {{ given = {wrong} }}"));
            let error = recipe.validate().unwrap_err();
            let RecipeError::Value { field: "[course] class_weights", given, .. } = &error else {
                panic!("{error}")
            };
            assert_eq!(given.to_lowercase(), wrong);
        }
        assert_eq!(recipe("[course]\nclass_weights = { given = [0.0, 2.0] }").validate(), Ok(()));
    }
}
