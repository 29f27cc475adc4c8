//! Where the features of training cases lie.

use ndarray::{Array1, Array2};

use super::{Covariance, DomainError};

/// A Gaussian for each class, all with one covariance.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureSpace {
    /// `[classes, features]`.
    means: Array2<f64>,
    /// The lower triangle whose product with its transpose is the covariance, `[features, features]`.
    factor: Array2<f64>,
}

/// The features of some cases and their classes.
#[derive(Debug, Clone, Copy)]
pub struct Labelled<'a> {
    /// Of each case.
    pub features: &'a [Vec<f32>],
    /// Of each case, from 0 on.
    pub labels: &'a [usize],
}

impl FeatureSpace {
    /// The space of some cases; a class without any has none.
    ///
    /// # Errors
    /// [`DomainError::NoVariance`] where the features of a class are all the same.
    pub fn fit(cases: Labelled) -> Result<Self, DomainError> {
        let features = cases.features.first().map_or(0, Vec::len);
        let classes = cases.labels.iter().max().map_or(0, |label| label + 1);
        let (mut sums, mut counts) = (Array2::zeros((classes, features)), vec![0usize; classes]);
        let wide = |row: &Vec<f32>| -> Array1<f64> { row.iter().map(|value| f64::from(*value)).collect() };
        for (row, &label) in cases.features.iter().zip(cases.labels) {
            let mut sum = sums.row_mut(label);
            sum += &wide(row);
            counts[label] += 1;
        }
        for (mut sum, &count) in sums.rows_mut().into_iter().zip(&counts) {
            sum /= count.max(1) as f64;
        }
        let mut residuals = Array2::zeros((cases.features.len(), features));
        let rows = residuals.rows_mut().into_iter().zip(cases.features.iter().zip(cases.labels));
        rows.for_each(|(mut residual, (row, &label))| residual.assign(&(wide(row) - sums.row(label))));
        let present: Vec<usize> = (0..classes).filter(|class| counts[*class] > 0).collect();
        let factor = Covariance::shrunk(residuals.view()).factor().ok_or(DomainError::NoVariance)?;
        Self::new(sums.select(ndarray::Axis(0), &present), factor)
    }

    /// A space of its parts.
    ///
    /// # Errors
    /// [`DomainError`] where sizes differ or a value is none that it can be.
    pub(crate) fn new(means: Array2<f64>, factor: Array2<f64>) -> Result<Self, DomainError> {
        let features = means.ncols();
        if factor.dim() != (features, features) {
            let what = "the rows of the covariance's factor";
            return Err(DomainError::Size { what, found: factor.nrows(), expected: features });
        }
        let is_sound = means.iter().chain(&factor).all(|value| value.is_finite())
            && factor.diag().iter().all(|value| *value > 0.0)
            && !means.is_empty();
        if is_sound { Ok(Self { means, factor }) } else { Err(DomainError::Value { what: "the features" }) }
    }

    /// Mahalanobis' distance to the nearest class, over the root of the number of features.
    ///
    /// # Shapes
    /// `features`: as many as the space's.
    pub fn distance(&self, features: &[f32]) -> f64 {
        let squared = |mean: ndarray::ArrayView1<'_, f64>| {
            let away = features.iter().zip(mean).map(|(value, mean)| f64::from(*value) - mean);
            self.whitened(away.collect()).iter().map(|value| value * value).sum::<f64>()
        };
        let nearest = self.means.rows().into_iter().map(squared).fold(f64::INFINITY, f64::min);
        (nearest / self.features() as f64).sqrt()
    }

    /// What the factor makes of `away`, by forward substitution.
    fn whitened(&self, mut away: Vec<f64>) -> Vec<f64> {
        for (row, factor) in self.factor.rows().into_iter().enumerate() {
            let known: f64 = factor.iter().zip(&away[..row]).map(|(factor, known)| factor * known).sum();
            away[row] = (away[row] - known) / factor[row];
        }
        away
    }

    /// How many features it is of.
    pub fn features(&self) -> usize {
        self.means.ncols()
    }

    /// The mean of each class, `[classes, features]`.
    pub(crate) fn means(&self) -> &Array2<f64> {
        &self.means
    }

    /// The covariance's lower triangular factor, `[features, features]`.
    pub(crate) fn factor(&self) -> &Array2<f64> {
        &self.factor
    }
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "the golden values are of 32 bits")]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Case {
        name: String,
        features: Vec<Vec<f64>>,
        labels: Vec<usize>,
        shrinkage: f64,
        covariance: Vec<Vec<f64>>,
        others: Vec<Vec<f64>>,
        distances: Vec<f64>,
    }

    fn narrow(rows: &[Vec<f64>]) -> Vec<Vec<f32>> {
        rows.iter().map(|row| row.iter().map(|value| *value as f32).collect()).collect()
    }

    /// See tests/golden/domain/ORIGIN.md.
    #[test]
    fn covariance_and_distances_are_scikit_learns() {
        let bytes = std::fs::read("tests/golden/domain/golden.json").unwrap();
        let cases: Vec<Case> = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(cases.len(), 3);
        for case in cases {
            let (features, others) = (narrow(&case.features), narrow(&case.others));
            let fitted = FeatureSpace::fit(Labelled { features: &features, labels: &case.labels }).unwrap();
            let covariance = fitted.factor.dot(&fitted.factor.t());
            let expected: Vec<f64> = case.covariance.concat();
            let largest = expected.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
            for (found, expected) in covariance.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-9 * largest, "{}: {found} {expected}", case.name);
            }
            for (other, expected) in others.iter().zip(&case.distances) {
                let found = fitted.distance(other);
                assert!((found - expected).abs() < 1e-9 * expected, "{}: {found} {expected}", case.name);
            }
            let mut residuals = Array2::zeros((features.len(), features[0].len()));
            for (row, (values, label)) in features.iter().zip(&case.labels).enumerate() {
                let mean = fitted.means.row(*label);
                let away = values.iter().zip(mean).map(|(value, mean)| f64::from(*value) - mean);
                residuals.row_mut(row).assign(&away.collect::<Array1<f64>>());
            }
            let shrinkage = Covariance::shrunk(residuals.view()).shrinkage;
            assert!((shrinkage - case.shrinkage).abs() < 1e-9, "{}: {shrinkage}", case.name);
        }
    }

    #[test]
    fn features_that_do_not_vary_have_no_gaussian() {
        let features = vec![vec![1.0, 2.0]; 5];
        let fitted = FeatureSpace::fit(Labelled { features: &features, labels: &[0; 5] });
        assert_eq!(fitted, Err(DomainError::NoVariance));
    }

    #[test]
    fn a_class_without_cases_attracts_nothing() {
        let features: Vec<Vec<f32>> = (0..20).map(|case| vec![10.0 + (case % 5) as f32]).collect();
        let fitted = FeatureSpace::fit(Labelled { features: &features, labels: &[2; 20] }).unwrap();
        assert_eq!(fitted.means.nrows(), 1);
        assert!(fitted.distance(&[0.0]) > 5.0 && fitted.distance(&[12.0]) < 0.1);
    }
}
