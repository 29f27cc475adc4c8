//! Calibration as a part of a graph.

use crate::metrics::CalibrationMap;
use crate::onnx::{Edge, Graph, OnnxError, Operator};

/// The axis of the classes.
const CLASSES: i64 = 1;

/// Calibrated probabilities of logits and of their softmax, all `[cases, classes]`.
pub(super) fn calibrated(
    graph: &mut Graph,
    map: &CalibrationMap,
    logits: &Edge,
    probabilities: &Edge,
) -> Result<Edge, OnnxError> {
    match map {
        #[expect(clippy::cast_possible_truncation, reason = "probabilities are f32")]
        CalibrationMap::Temperature { temperature } => {
            let inverse = graph.number("inverse_temperature", temperature.recip() as f32);
            let cooled = graph.node(Operator::Mul, &[logits, &inverse]);
            Ok(graph.node(Operator::Softmax { axis: CLASSES }, &[&cooled]))
        }
        CalibrationMap::Isotonic { scores, probabilities: values } => {
            isotonic(graph, &Ramps::new(scores, values), probabilities)
        }
    }
}

/// A curve that is linear between points and constant beyond them, as a value and ramps above it: from `lows` on, each
/// rises by `rises` within `widths`.
struct Ramps {
    first: f32,
    lows: Vec<f32>,
    widths: Vec<f32>,
    rises: Vec<f32>,
}

impl Ramps {
    /// The ramps of a curve through these points. Between two neighbouring 32-bit numbers a step is a ramp, so that what
    /// is on either side of it stays there.
    #[expect(clippy::cast_possible_truncation, reason = "probabilities are f32")]
    fn new(scores: &[f64], values: &[f64]) -> Self {
        let first = values.first().map_or(0.0, |value| *value as f32);
        // One that rises by nothing, for a curve of a single point.
        let mut ramps = Self { first, lows: vec![0.0], widths: vec![1.0], rises: vec![0.0] };
        for (scores, values) in scores.windows(2).zip(values.windows(2)) {
            let low = at_most(scores[0]);
            ramps.lows.push(low);
            ramps.widths.push((-at_most(-scores[1]) - low).max(f32::MIN_POSITIVE));
            ramps.rises.push((values[1] - values[0]) as f32);
        }
        ramps
    }
}

/// The largest 32-bit number that is not above `value`.
#[expect(clippy::cast_possible_truncation, reason = "what is rounded up is taken back")]
fn at_most(value: f64) -> f32 {
    let near = value as f32;
    if f64::from(near) > value { near.next_down() } else { near }
}

/// The curve's value at the probability of the second of two classes, and what is left to the first.
fn isotonic(graph: &mut Graph, ramps: &Ramps, probabilities: &Edge) -> Result<Edge, OnnxError> {
    let count = ramps.lows.len();
    let lows = graph.weight("lows", &[1, count], ramps.lows.clone())?;
    let widths = graph.weight("widths", &[1, count], ramps.widths.clone())?;
    let rises = graph.weight("rises", &[count, 1], ramps.rises.clone())?;
    let [zero, one, first] =
        [("zero", 0.0), ("one", 1.0), ("first", ramps.first)].map(|(name, value)| graph.number(name, value));
    let [start, end, axes] =
        [("start", 1), ("end", 2), ("axes", CLASSES)].map(|(name, value)| graph.integers(name, &[value]));
    let score = graph.node(Operator::Slice, &[probabilities, &start, &end, &axes]);
    let above = graph.node(Operator::Sub, &[&score, &lows]);
    let share = graph.node(Operator::Div, &[&above, &widths]);
    let share = graph.node(Operator::Clip, &[&share, &zero, &one]);
    let risen = graph.node(Operator::MatMul, &[&share, &rises]);
    let second = graph.node(Operator::Add, &[&risen, &first]);
    let other = graph.node(Operator::Sub, &[&one, &second]);
    Ok(graph.node(Operator::Concat { axis: CLASSES }, &[&other, &second]))
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "test values are f32")]
mod tests {
    use super::*;

    impl Ramps {
        fn at(&self, score: f32) -> f32 {
            let ramps = self.lows.iter().zip(&self.widths).zip(&self.rises);
            let risen = ramps.map(|((low, width), rise)| ((score - low) / width).clamp(0.0, 1.0) * rise);
            self.first + risen.sum::<f32>()
        }
    }

    /// The ramps give what the map gives, also on either side of a step as narrow as 64-bit numbers allow.
    #[test]
    fn ramps_are_the_curve() {
        let threshold = f64::from(0.37_f32);
        let plain = (vec![0.1, threshold, 0.62, 0.9], vec![0.0, 0.25, 0.25, 0.8]);
        let stepped = (vec![0.1, threshold.next_down(), threshold, 0.9], vec![0.05, 0.2, 0.6, 0.8]);
        let twice = (vec![0.2, threshold, threshold, 0.9], vec![0.1, 0.2, 0.7, 0.8]);
        let single = (vec![0.4], vec![0.3]);
        for (scores, probabilities) in [plain, stepped, twice, single] {
            let ramps = Ramps::new(&scores, &probabilities);
            let map = CalibrationMap::Isotonic { scores: scores.clone(), probabilities };
            let grid = (0..=1000_u16).map(|step| f32::from(step) / 1000.0);
            let near = scores.iter().map(|score| *score as f32);
            let near = near.flat_map(|score| [score.next_down(), score, score.next_up()]);
            for score in grid.chain(near) {
                let wanted = map.apply(&[f64::from(1.0 - score), f64::from(score)])[1];
                assert!((f64::from(ramps.at(score)) - wanted).abs() < 1e-6, "{scores:?} at {score}");
            }
        }
    }
}
