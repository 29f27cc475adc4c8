//! A covariance that can be inverted, of few cases in many dimensions.

use ndarray::{Array2, ArrayView2, s};

/// A covariance, shrunk towards equal variances.
#[derive(Debug, Clone, PartialEq)]
pub struct Covariance {
    /// `[features, features]`.
    pub matrix: Array2<f64>,
    /// Share of the equal variances in it, 0 to 1.
    pub shrinkage: f64,
}

impl Covariance {
    /// The covariance of `residuals`, whose means are 0: `(1 - s) S + s m I`, where `S` is the mean of the outer products,
    /// `m` the mean variance, and `s` the estimate of what brings it nearest to the truth (in mean square).
    ///
    /// # Shapes
    /// `residuals`: `[cases, features]`, at least one of each.
    ///
    /// # References
    /// Ledoit and Wolf 2004, A well-conditioned estimator for large-dimensional covariance matrices,
    /// doi:10.1016/S0047-259X(03)00096-4.
    pub fn shrunk(residuals: ArrayView2<'_, f64>) -> Self {
        let (cases, features) = residuals.dim();
        let (n, p) = (cases as f64, features as f64);
        let mut matrix = residuals.t().dot(&residuals) / n;
        let mean_variance = matrix.diag().sum() / p;
        let squares = matrix.iter().map(|value| value * value).sum::<f64>();
        let fourth = |row: ndarray::ArrayView1<'_, f64>| row.dot(&row).powi(2);
        // Squared distance of the sample's covariance from the target, and its expected error.
        let distance = (squares - p * mean_variance.powi(2)) / p;
        let error = (residuals.rows().into_iter().map(fourth).sum::<f64>() / n - squares) / (p * n);
        let error = error.clamp(0.0, distance.max(0.0));
        let shrinkage = if error > 0.0 { error / distance } else { 0.0 };
        matrix *= 1.0 - shrinkage;
        matrix.diag_mut().mapv_inplace(|variance| variance + shrinkage * mean_variance);
        Self { matrix, shrinkage }
    }

    /// The lower triangle `L` with `L Lᵀ` the covariance; `None` where it is not positive definite.
    pub(super) fn factor(&self) -> Option<Array2<f64>> {
        let features = self.matrix.nrows();
        let mut factor = Array2::<f64>::zeros((features, features));
        for row in 0..features {
            for column in 0..=row {
                let known = factor.slice(s![row, ..column]).dot(&factor.slice(s![column, ..column]));
                let rest = self.matrix[[row, column]] - known;
                factor[[row, column]] = match row == column {
                    true if rest > 0.0 => rest.sqrt(),
                    true => return None,
                    false => rest / factor[[column, column]],
                };
            }
        }
        Some(factor)
    }
}
