//! The running average of weights over training steps (Polyak and Juditsky 1992).

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;

use crate::network::Network;

struct Collect(Vec<Tensor<1>>);

impl ModuleVisitor for Collect {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.push(param.val().flatten(0, D - 1));
    }
}

struct Blend {
    newer: std::vec::IntoIter<Tensor<1>>,
    decay: f64,
}

impl ModuleMapper for Blend {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let newer = self.newer.next();
        param.map(|older| match newer {
            None => older,
            Some(newer) => {
                let newer = newer.reshape(older.shape());
                older.mul_scalar(self.decay) + newer.mul_scalar(1.0 - self.decay)
            }
        })
    }
}

/// Returns `decay * older + (1 - decay) * newer` for every weight and running statistic.
pub(super) fn blend(older: Network, newer: &Network, decay: f64) -> Network {
    let mut collected = Collect(Vec::new());
    newer.visit(&mut collected);
    older.map(&mut Blend { newer: collected.0.into_iter(), decay })
}

/// Returns the decay for a step: small at first, so that the start is soon forgotten.
pub(super) fn decay_at(step: u64, decay: f64) -> f64 {
    let step = step as f64;
    decay.min((1.0 + step) / (10.0 + step))
}
