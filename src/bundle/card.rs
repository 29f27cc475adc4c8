//! The model card: what a reader must know before using a bundle.

use super::{Calibration, Manifest};
use crate::domain::Boundary;
use crate::metrics::CalibrationMap;
use crate::network::NetworkKind;

/// Returns a model card as Markdown, for a network of `parameters` parameters.
pub(super) fn model_card(manifest: &Manifest, kind: NetworkKind, parameters: usize) -> String {
    let origin = &manifest.origin;
    let input = match kind {
        NetworkKind::Slice => "single images",
        NetworkKind::Volume => "whole CT series (the volume at once)",
        NetworkKind::Mil => "whole CT series (all slices, pooled by gated attention)",
    };
    let threshold = match manifest.threshold {
        Some(threshold) => format!("`{}` from a probability of {threshold}", manifest.classes[1]),
        None => "the most probable class".to_owned(),
    };
    let auc = match origin.validation_roc_auc {
        Some(auc) => {
            format!("{auc:.4} on the {} cases that the weights were chosen on", origin.validation_cases)
        }
        None => "undefined (the validation cases hold one class)".to_owned(),
    };
    let calibration = match &manifest.calibration {
        Some(Calibration { map: CalibrationMap::Temperature { temperature }, cases, .. }) => {
            format!("temperature {temperature:.3}, fitted on {cases} cases")
        }
        Some(Calibration { map: CalibrationMap::Isotonic { .. }, cases, .. }) => {
            format!("isotonic, fitted on {cases} cases")
        }
        None => "none: the softmax of the network".to_owned(),
    };
    let domain = match &manifest.domain {
        Some(Boundary { train_cases, validation_cases, .. }) => {
            format!(
                "measured on {train_cases} training and {validation_cases} validation cases; what is unlike them is refused"
            )
        }
        None => "not measured: every scan is scored, however unlike the training cases".to_owned(),
    };
    format!(
        "# {name}\n\n{description}\n\n\
         **Not a medical device.** For research only; not for diagnosis or treatment.\n\n\
         | | |\n|---|---|\n\
         | Input | {input} |\n\
         | Classes | {classes} |\n\
         | Decision | {threshold} |\n\
         | Calibration | {calibration} |\n\
         | Domain | {domain} |\n\
         | Parameters | {parameters} |\n\
         | Weights (SHA-256) | `{hash}` |\n\
         | Trained on | {train} cases, seed {seed}, {device}, pulmo {pulmo} |\n\
         | Weights kept | epoch {epoch} |\n\
         | ROC AUC | {auc} |\n\n\
         The figure above comes from the cases that the epoch was chosen on, so it is optimistic: measure the \
         bundle on cases of your own (`pulmo evaluate`) before you rely on it.\n",
        name = manifest.name,
        description = manifest.description,
        classes = manifest.classes.join(", "),
        hash = manifest.weights_sha256,
        train = origin.train_cases,
        seed = origin.seed,
        device = origin.device,
        pulmo = origin.pulmo,
        epoch = origin.epoch,
    )
}
