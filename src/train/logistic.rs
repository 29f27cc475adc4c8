//! Logistic regression on a few numbers a case: what a network must beat.

/// Newton steps at most; a penalised fit needs about ten.
const STEPS: usize = 100;

/// Weights of numbers that were brought to mean 0 and deviation 1.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Logistic {
    means: Vec<f64>,
    deviations: Vec<f64>,
    /// One weight a number, then the intercept.
    weights: Vec<f64>,
}

impl Logistic {
    /// The weights `w` that make `sum of log losses + |w|^2 / 2` smallest, over standardised numbers
    /// and without a penalty on the intercept: scikit-learn's `LogisticRegression` with `C = 1`.
    ///
    /// # Shapes
    /// `rows`: `[cases][numbers]`. `positive`: `[cases]`.
    ///
    /// # References
    /// Hastie, Tibshirani, Friedman 2009, The Elements of Statistical Learning, section 4.4.
    pub(super) fn fit(rows: &[Vec<f64>], positive: &[bool]) -> Self {
        let count = rows.first().map_or(0, Vec::len);
        let n = rows.len().max(1) as f64;
        let mean = |column: usize| rows.iter().map(|row| row[column]).sum::<f64>() / n;
        let means: Vec<f64> = (0..count).map(mean).collect();
        let variance =
            |column: usize| rows.iter().map(|row| (row[column] - means[column]).powi(2)).sum::<f64>() / n;
        let deviations: Vec<f64> = (0..count).map(|column| variance(column).sqrt()).collect();
        let mut fitted = Self { means, deviations, weights: vec![0.0; count + 1] };
        let inputs: Vec<Vec<f64>> = rows.iter().map(|row| fitted.standardised(row)).collect();
        let hits = positive.iter().filter(|&&is| is).count() as f64;
        // Half a case of either kind keeps the odds finite where there is only one kind.
        fitted.weights[count] = ((hits + 0.5) / (n - hits + 0.5)).ln();
        if hits == 0.0 || hits == n {
            return fitted;
        }
        let truth: Vec<f64> = positive.iter().map(|&is| f64::from(u8::from(is))).collect();
        for _ in 0..STEPS {
            let step = newton_step(&inputs, &truth, &fitted.weights);
            let largest = step.iter().copied().map(f64::abs).fold(0.0, f64::max);
            fitted.weights = descend(&inputs, &truth, &fitted.weights, &step);
            if largest < 1e-10 {
                break;
            }
        }
        fitted
    }

    /// The numbers with mean 0 and deviation 1 (0 where they never varied), and 1 for the intercept.
    fn standardised(&self, row: &[f64]) -> Vec<f64> {
        let scale = |(value, (mean, deviation)): (&f64, (&f64, &f64))| {
            if *deviation > 1e-12 { (value - mean) / deviation } else { 0.0 }
        };
        row.iter().zip(self.means.iter().zip(&self.deviations)).map(scale).chain([1.0]).collect()
    }

    /// The probability that a case with these numbers is positive.
    pub(super) fn probability(&self, row: &[f64]) -> f64 {
        sigmoid(dot(&self.standardised(row), &self.weights))
    }
}

fn sigmoid(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// What is made smallest. The log loss is `ln(1 + e^x) - y x`, written so that nothing overflows.
fn objective(inputs: &[Vec<f64>], truth: &[f64], weights: &[f64]) -> f64 {
    let loss = |(row, y): (&Vec<f64>, &f64)| {
        let logit = dot(row, weights);
        logit.max(0.0) + (-logit.abs()).exp().ln_1p() - y * logit
    };
    let penalised = &weights[..weights.len() - 1];
    inputs.iter().zip(truth).map(loss).sum::<f64>() + dot(penalised, penalised) / 2.0
}

/// The whole step, or the first of its halves that does not climb.
fn descend(inputs: &[Vec<f64>], truth: &[f64], weights: &[f64], step: &[f64]) -> Vec<f64> {
    let start = objective(inputs, truth, weights);
    let mut share = 1.0;
    loop {
        let next: Vec<f64> = weights.iter().zip(step).map(|(w, s)| w + share * s).collect();
        if objective(inputs, truth, &next) <= start || share < 1e-6 {
            return next;
        }
        share /= 2.0;
    }
}

/// Minus the inverse Hessian times the gradient.
fn newton_step(inputs: &[Vec<f64>], truth: &[f64], weights: &[f64]) -> Vec<f64> {
    let size = weights.len();
    let (mut hessian, mut gradient) = (vec![vec![0.0; size]; size], vec![0.0; size]);
    for (row, y) in inputs.iter().zip(truth) {
        let p = sigmoid(dot(row, weights));
        let spread = (p * (1.0 - p)).max(1e-12);
        for i in 0..size {
            gradient[i] += (y - p) * row[i];
            for j in 0..=i {
                hessian[i][j] += spread * row[i] * row[j];
            }
        }
    }
    for i in 0..size - 1 {
        hessian[i][i] += 1.0;
        gradient[i] -= weights[i];
    }
    solve(hessian, gradient)
}

/// Solves `matrix x = right` for a positive definite matrix given by its lower triangle (Cholesky).
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let size = right.len();
    for i in 0..size {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| matrix[i][k] * matrix[j][k]).sum();
            let rest = matrix[i][j] - known;
            matrix[i][j] = if i == j { rest.max(1e-300).sqrt() } else { rest / matrix[j][j] };
        }
    }
    for i in 0..size {
        let known: f64 = (0..i).map(|k| matrix[i][k] * right[k]).sum();
        right[i] = (right[i] - known) / matrix[i][i];
    }
    for i in (0..size).rev() {
        let known: f64 = (i + 1..size).map(|k| matrix[k][i] * right[k]).sum();
        right[i] = (right[i] - known) / matrix[i][i];
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `tests/golden/metrics/ORIGIN.md`: both sides stop where the gradient is rounding.
    #[test]
    fn the_probabilities_are_scikit_learns() {
        let bytes = std::fs::read("tests/golden/metrics/statistics/logistic.json").unwrap();
        let cases: Vec<serde_json::Value> = serde_json::from_slice(&bytes).unwrap();
        for case in cases {
            let rows: Vec<Vec<f64>> = serde_json::from_value(case["rows"].clone()).unwrap();
            let positive: Vec<bool> = serde_json::from_value(case["positive"].clone()).unwrap();
            let expected: Vec<f64> = serde_json::from_value(case["probabilities"].clone()).unwrap();
            let fitted = Logistic::fit(&rows, &positive);
            for (row, expected) in rows.iter().zip(expected) {
                let found = fitted.probability(row);
                assert!((found - expected).abs() < 1e-6, "{}: {found} {expected}", case["name"]);
            }
        }
    }

    #[test]
    fn one_kind_of_cases_gives_its_odds() {
        let fitted = Logistic::fit(&[vec![1.0], vec![2.0]], &[true, true]);
        assert!((fitted.probability(&[5.0]) - 2.5 / 3.0).abs() < 1e-12);
    }
}
