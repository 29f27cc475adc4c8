//! The learning rate over the course of a training.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// How the learning rate changes after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decay {
    /// Half a cosine down to `final_share` (Loshchilov and Hutter 2017, arXiv:1608.03983).
    #[default]
    Cosine,
    /// None.
    Constant,
    /// A tenth of the rate for every `plateau_epochs` in turn without a lower validation loss.
    Plateau,
}

/// A learning-rate schedule: linear warm-up, then a decay.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScheduleConfig {
    /// How the rate falls after the warm-up.
    pub decay: Decay,
    /// Epochs, possibly fractional, over which the rate rises from nothing.
    pub warmup_epochs: f64,
    /// The last learning rate as a share of the highest.
    pub final_share: f64,
    /// For `plateau`: epochs without a lower validation loss after which the rate falls.
    pub plateau_epochs: usize,
}

impl Default for ScheduleConfig {
    fn default() -> Self {
        Self { decay: Decay::Cosine, warmup_epochs: 1.0, final_share: 0.01, plateau_epochs: 10 }
    }
}

impl ScheduleConfig {
    /// Returns the share of the highest learning rate at a moment of the training, both in
    /// epochs since its start; `losses` are the validation losses of the epochs done.
    pub fn share(&self, epoch: f64, epochs: f64, losses: &[f64]) -> f64 {
        if epoch < self.warmup_epochs {
            return (epoch / self.warmup_epochs).max(1e-3);
        }
        match self.decay {
            Decay::Constant => 1.0,
            Decay::Plateau => self.plateau_share(losses),
            Decay::Cosine => {
                let progress = (epoch - self.warmup_epochs) / (epochs - self.warmup_epochs).max(1e-9);
                let cosine = 0.5 * (1.0 + (PI * progress.clamp(0.0, 1.0)).cos());
                self.final_share + (1.0 - self.final_share) * cosine
            }
        }
    }

    fn plateau_share(&self, losses: &[f64]) -> f64 {
        let (mut share, mut lowest, mut waited) = (1.0, f64::INFINITY, 0);
        for loss in losses {
            waited = if *loss < lowest { 0 } else { waited + 1 };
            lowest = lowest.min(*loss);
            if waited >= self.plateau_epochs.max(1) {
                (share, waited) = (share * 0.1, 0);
            }
        }
        f64::max(share, self.final_share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_then_falls() {
        let schedule = ScheduleConfig { warmup_epochs: 2.0, final_share: 0.1, ..Default::default() };
        assert!((schedule.share(1.0, 10.0, &[]) - 0.5).abs() < 1e-12);
        assert!((schedule.share(2.0, 10.0, &[]) - 1.0).abs() < 1e-12);
        assert!((schedule.share(6.0, 10.0, &[]) - 0.55).abs() < 1e-12);
        assert!((schedule.share(10.0, 10.0, &[]) - 0.1).abs() < 1e-12);
    }

    #[test]
    fn the_rate_falls_where_the_loss_does_not() {
        let schedule = ScheduleConfig {
            decay: Decay::Plateau,
            warmup_epochs: 0.0,
            final_share: 0.001,
            plateau_epochs: 2,
        };
        let share = |losses: &[f64]| schedule.share(5.0, 10.0, losses);
        assert!((share(&[3.0, 2.0, 2.5, 1.9]) - 1.0).abs() < 1e-12);
        assert!((share(&[3.0, 2.0, 2.5, 2.1]) - 0.1).abs() < 1e-12);
        assert!((share(&[3.0, 2.0, 2.5, 2.1, 1.0, 2.0, 2.0]) - 0.01).abs() < 1e-12);
        assert!((share(&[1.0; 30]) - 0.001).abs() < 1e-12);
    }
}
