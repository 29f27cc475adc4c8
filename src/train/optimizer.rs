//! SGD with momentum and AdamW, with a state that is saved and resumed to the last bit.
//!
//! burn's optimizers key their state by parameter ids drawn at random and restore it on a
//! default device, which starts a GPU even in a CPU run. Here the state is a list in the order
//! of the network's parameters.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::TrainError;
use super::groups::{ParameterGroup, Path, factor};
use crate::network::{Network, read_scalar};

/// The rule by which gradients become steps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum OptimizerConfig {
    /// Stochastic gradient descent with Nesterov-free momentum (Polyak 1964).
    Sgd {
        /// Highest learning rate.
        learning_rate: f64,
        /// Share of the previous step that is kept.
        #[serde(default = "sgd_momentum")]
        momentum: f64,
        /// L2 penalty, added to the gradient.
        #[serde(default)]
        weight_decay: f64,
    },
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv:1711.05101).
    Adamw {
        /// Highest learning rate.
        learning_rate: f64,
        /// Decay of the mean of gradients.
        #[serde(default = "beta_1")]
        beta_1: f64,
        /// Decay of the mean of squared gradients.
        #[serde(default = "beta_2")]
        beta_2: f64,
        /// Weight decay, as a share of the weight, times the learning rate.
        #[serde(default)]
        weight_decay: f64,
    },
}

fn sgd_momentum() -> f64 {
    0.9
}

fn beta_1() -> f64 {
    0.9
}

fn beta_2() -> f64 {
    0.999
}

const ADAM_EPSILON: f64 = 1e-8;

impl OptimizerConfig {
    /// The highest learning rate.
    pub fn learning_rate(&self) -> f64 {
        match self {
            Self::Sgd { learning_rate, .. } | Self::Adamw { learning_rate, .. } => *learning_rate,
        }
    }
}

/// An optimizer at work.
#[derive(Debug, Clone)]
pub struct Optimizer {
    config: OptimizerConfig,
    groups: Vec<ParameterGroup>,
    steps: u64,
    /// Per parameter, in the network's order: the running means, flattened.
    moments: Vec<Vec<Tensor<1>>>,
}

impl Optimizer {
    /// An optimizer that has made no step.
    pub fn new(config: OptimizerConfig) -> Self {
        Self { config, groups: Vec::new(), steps: 0, moments: Vec::new() }
    }

    /// An optimizer that goes on after `steps` steps with the moments of [`Self::moments`].
    pub fn resumed(config: OptimizerConfig, steps: u64, moments: Vec<Vec<Tensor<1>>>) -> Self {
        Self { config, groups: Vec::new(), steps, moments }
    }

    /// The optimizer with learning rates of their own for some parameters.
    pub fn with_groups(self, groups: &[ParameterGroup]) -> Self {
        Self { groups: groups.to_vec(), ..self }
    }

    /// The optimizer with its running means on `device`.
    pub fn onto(mut self, device: &Device) -> Self {
        for moments in &mut self.moments {
            *moments = std::mem::take(moments).into_iter().map(|moment| moment.to_device(device)).collect();
        }
        self
    }

    /// Steps made so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The running means of each parameter, in the network's order.
    pub fn moments(&self) -> &[Vec<Tensor<1>>] {
        &self.moments
    }

    /// Returns the network after one step with `share` of the highest learning rate, the gradients
    /// scaled down together where their norm is above `clip_norm` (0 means no limit).
    ///
    /// # Errors
    /// [`TrainError::Device`] where the device fails to give the norm.
    pub fn step(
        &mut self,
        network: Network,
        gradients: GradientsParams,
        share: f64,
        clip_norm: f64,
    ) -> Result<Network, TrainError> {
        let factor =
            if clip_norm > 0.0 { (clip_norm / (norm(&network, &gradients)? + 1e-6)).min(1.0) } else { 1.0 };
        self.steps += 1;
        let first = self.moments.is_empty();
        let mut stepper =
            Stepper { optimizer: self, gradients, share, factor, index: 0, first, path: Path::default() };
        Ok(network.map(&mut stepper))
    }

    /// The new value of a weight, given its gradient and running means, which are updated.
    fn update(
        &self,
        share: f64,
        weight: Tensor<1>,
        gradient: Tensor<1>,
        moments: &mut Vec<Tensor<1>>,
    ) -> Tensor<1> {
        match self.config {
            OptimizerConfig::Sgd { learning_rate, momentum, weight_decay } => {
                let gradient = gradient + weight.clone().mul_scalar(weight_decay);
                let velocity = match moments.pop() {
                    Some(velocity) => velocity.mul_scalar(momentum) + gradient,
                    None => gradient,
                };
                moments.push(velocity.clone());
                weight - velocity.mul_scalar(learning_rate * share)
            }
            OptimizerConfig::Adamw { learning_rate, beta_1, beta_2, weight_decay } => {
                let rate = learning_rate * share;
                let square = gradient.clone() * gradient.clone();
                let (mean, spread) = match (moments.pop(), moments.pop()) {
                    (Some(spread), Some(mean)) => (
                        mean.mul_scalar(beta_1) + gradient.mul_scalar(1.0 - beta_1),
                        spread.mul_scalar(beta_2) + square.mul_scalar(1.0 - beta_2),
                    ),
                    _ => (gradient.mul_scalar(1.0 - beta_1), square.mul_scalar(1.0 - beta_2)),
                };
                moments.extend([mean.clone(), spread.clone()]);
                let steps = i32::try_from(self.steps).unwrap_or(i32::MAX);
                let mean = mean.div_scalar(1.0 - beta_1.powi(steps));
                let spread = spread.div_scalar(1.0 - beta_2.powi(steps));
                let step = mean / spread.sqrt().add_scalar(ADAM_EPSILON);
                weight.mul_scalar(1.0 - rate * weight_decay) - step.mul_scalar(rate)
            }
        }
    }
}

/// Euclidean norm of all gradients together.
fn norm(network: &Network, gradients: &GradientsParams) -> Result<f64, TrainError> {
    struct Norm<'a> {
        gradients: &'a GradientsParams,
        squares: Option<Tensor<1>>,
    }
    impl ModuleVisitor for Norm<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(gradient) = self.gradients.get::<D>(param.id) {
                let square = (gradient.clone() * gradient).sum();
                self.squares = Some(self.squares.take().map_or(square.clone(), |sum| sum + square));
            }
        }
    }
    let mut visitor = Norm { gradients, squares: None };
    network.visit(&mut visitor);
    visitor.squares.map_or(Ok(0.0), |squares| Ok(read_scalar(squares)?.sqrt()))
}

struct Stepper<'a> {
    optimizer: &'a mut Optimizer,
    gradients: GradientsParams,
    share: f64,
    factor: f64,
    index: usize,
    first: bool,
    path: Path,
}

impl ModuleMapper for Stepper<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, container: &str) {
        self.path.exit(container);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let Some(gradient) = self.gradients.remove::<D>(id) else {
            return Param::from_mapped_value(id, tensor, mapper);
        };
        if self.first {
            self.optimizer.moments.push(Vec::new());
        }
        let mut moments = std::mem::take(&mut self.optimizer.moments[self.index]);
        let shape = tensor.shape();
        let flat: Tensor<1> = tensor.inner().flatten(0, D - 1);
        let gradient: Tensor<1> = gradient.flatten(0, D - 1);
        let gradient = if self.factor < 1.0 { gradient.mul_scalar(self.factor) } else { gradient };
        let share = self.share * factor(&self.optimizer.groups, &self.path.name());
        let stepped = self.optimizer.update(share, flat, gradient, &mut moments);
        self.optimizer.moments[self.index] = moments;
        self.index += 1;
        let stepped = Tensor::from_inner(stepped.reshape(shape)).require_grad();
        Param::from_mapped_value(id, stepped, mapper)
    }
}
