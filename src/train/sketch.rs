//! The grey values of a case in a few numbers.

use ndarray::Array3;

use crate::audit::Properties;

/// Voxels looked at, evenly over the case.
const VOXELS: usize = 1 << 16;
/// Values kept.
const VALUES: usize = 512;
/// Bins of a histogram.
const BINS: usize = 32;

/// What simple classifiers see of a case.
#[derive(Debug, Clone, PartialEq)]
pub struct Glance {
    /// Its grey values.
    pub sketch: Sketch,
    /// How it is stored and made.
    pub properties: Properties,
}

/// Evenly spaced quantiles of a case's preprocessed voxels, rising: its grey values without where
/// they are.
#[derive(Debug, Clone, PartialEq)]
pub struct Sketch(Vec<f32>);

impl Sketch {
    /// The sketch of a preprocessed case.
    pub fn of(volume: &Array3<f32>) -> Self {
        let mut values: Vec<f32> =
            volume.iter().copied().step_by(volume.len().div_ceil(VOXELS).max(1)).collect();
        values.sort_unstable_by(f32::total_cmp);
        let kept = VALUES.min(values.len());
        Self((0..kept).map(|place| values[(2 * place + 1) * values.len() / (2 * kept)]).collect())
    }

    /// The fraction of the values in each bin; a value on an edge is above it.
    fn histogram(&self, edges: &[f32]) -> Vec<f64> {
        let below = |edge: &f32| self.0.partition_point(|value| value < edge);
        let mut bounds: Vec<usize> = edges.iter().map(below).collect();
        bounds.insert(0, 0);
        bounds.push(self.0.len());
        bounds.windows(2).map(|pair| (pair[1] - pair[0]) as f64 / self.0.len().max(1) as f64).collect()
    }
}

/// Histograms over bins that hold equal shares of the voxels of some cases.
#[derive(Debug, Clone)]
pub(super) struct Histograms {
    edges: Vec<f32>,
}

impl Histograms {
    /// The bins of `sketches` taken together.
    pub(super) fn over<'a>(sketches: impl Iterator<Item = &'a Sketch>) -> Self {
        let mut pooled: Vec<f32> = sketches.flat_map(|sketch| sketch.0.iter().copied()).collect();
        pooled.sort_unstable_by(f32::total_cmp);
        let edges = (1..BINS).filter_map(|bin| pooled.get(bin * pooled.len() / BINS).copied()).collect();
        Self { edges }
    }

    /// The histogram of one case; it sums to 1.
    pub(super) fn of(&self, sketch: &Sketch) -> Vec<f64> {
        sketch.histogram(&self.edges)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sketch_is_the_quantiles_wherever_they_lie() {
        let ramp = Array3::from_shape_fn((4, 128, 128), |(z, y, x)| (z * 16384 + y * 128 + x) as f32);
        let mirrored = Array3::from_shape_fn((4, 128, 128), |(z, y, x)| ramp[[3 - z, 127 - y, 127 - x]]);
        let sketch = Sketch::of(&ramp);
        assert_eq!(sketch, Sketch::of(&mirrored));
        assert_eq!((sketch.0.len(), sketch.0[0], sketch.0[511]), (VALUES, 64.0, 65472.0));
    }

    #[test]
    fn bins_hold_equal_shares_of_all_cases() {
        let sketch =
            |low: f32| Sketch::of(&Array3::from_shape_fn((1, 8, 64), |(_, y, x)| low + (y * 64 + x) as f32));
        let (first, second) = (sketch(0.0), sketch(512.0));
        let histograms = Histograms::over([&first, &second].into_iter());
        let (low, high) = (histograms.of(&first), histograms.of(&second));
        assert_eq!(low.len(), BINS);
        assert!((low.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        for (low, high) in low.iter().zip(&high) {
            assert!((low + high - 2.0 / BINS as f64).abs() < 1e-12);
        }
        assert_eq!(low[BINS - 1], 0.0);
    }
}
