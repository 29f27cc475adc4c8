//! Two classifiers on the same samples.

use super::bootstrap::{Resampled, bootstrap};
use super::delong::{Placements, wald95};
use super::error::check_length;
use super::normal::two_sided_p;
use super::roc::weighted_roc_auc;
use super::{EvaluationSettings, MetricsError, Ranking, RocAuc, delong};

/// The scores of two classifiers for the same samples.
///
/// # Shapes
/// Every list: `[samples]`, in the same order.
#[derive(Debug, Clone, Copy)]
pub struct Paired<'a> {
    /// Scores of the first and of the second classifier; high means positive.
    pub scores: [&'a [f64]; 2],
    /// Which samples are positive in truth.
    pub positive: &'a [bool],
    /// Whose each sample is.
    pub patients: &'a [String],
}

/// How the areas under two ROC curves of the same samples differ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AucComparison {
    /// Area of the first and of the second classifier.
    pub areas: [RocAuc; 2],
    /// The second area less the first.
    pub difference: f64,
    /// Standard error of the difference after DeLong, the correlation of the areas included.
    pub standard_error: f64,
    /// The difference +- 1.96 standard errors; `None` where the standard error is 0.
    pub ci95: Option<[f64; 2]>,
    /// The difference in standard errors; `None` where the standard error is 0.
    pub z: Option<f64>,
    /// Probability of a |z| as large as this or larger if the areas were equal.
    pub p: Option<f64>,
    /// The difference over resampled patients.
    pub by_patient: Resampled,
}

/// DeLong's paired test of two areas, and the same difference by resampling patients.
///
/// The test counts every sample as independent; where patients have several, `by_patient` is the
/// interval to rely on. `None` with fewer than two samples of either kind.
///
/// # Errors
/// No samples; lists of different length; a score that is not finite.
///
/// # References
/// DeLong, DeLong, Clarke-Pearson 1988, doi:10.2307/2531595.
pub fn compare_roc_auc(
    paired: &Paired<'_>,
    settings: &EvaluationSettings,
) -> Result<Option<AucComparison>, MetricsError> {
    check_length("patients", paired.positive.len(), paired.patients.len())?;
    let [first, second] = paired.scores.map(|scores| Ranking::new(scores, paired.positive));
    let rankings = [first?, second?];
    let [first, second] = rankings.each_ref().map(Placements::new);
    let [Some(area), Some(other_area)] = rankings.each_ref().map(delong) else { return Ok(None) };
    let Some(shared) = first.covariance(&second) else { return Ok(None) };
    let difference = other_area.value - area.value;
    let variance = area.standard_error.powi(2) + other_area.standard_error.powi(2) - 2.0 * shared;
    // Equal rankings leave rounding of this size, which must not become a large z.
    let standard_error = if variance > 1e-15 { variance.sqrt() } else { 0.0 };
    let z = (standard_error > 0.0).then(|| difference / standard_error);
    let [by_patient] = bootstrap(paired.patients, settings.resamples, settings.seed, |weights| {
        let [first, second] = rankings.each_ref().map(|ranking| weighted_roc_auc(ranking, weights));
        [first.zip(second).map(|(first, second)| second - first)]
    });
    Ok(Some(AucComparison {
        areas: [area, other_area],
        difference,
        standard_error,
        ci95: wald95(difference, standard_error, [-1.0, 1.0]),
        z,
        p: z.map(two_sided_p),
        by_patient,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulmo_random::Random;

    fn patients(count: usize) -> Vec<String> {
        (0..count).map(|patient| patient.to_string()).collect()
    }

    #[test]
    fn a_classifier_does_not_differ_from_itself() {
        let mut random = Random::new(3);
        let positive: Vec<bool> = (0..200).map(|_| random.chance(0.4)).collect();
        let scores: Vec<f64> = positive.iter().map(|&is| random.normal() + f64::from(u8::from(is))).collect();
        let bent: Vec<f64> = scores.iter().map(|score| score.exp()).collect();
        let paired = Paired { scores: [&scores, &bent], positive: &positive, patients: &patients(200) };
        let found = compare_roc_auc(&paired, &EvaluationSettings::default()).unwrap().unwrap();
        assert_eq!((found.difference, found.standard_error, found.z, found.p), (0.0, 0.0, None, None));
        assert_eq!(found.by_patient.ci95, Some([0.0, 0.0]));
    }

    #[test]
    fn p_is_uniform_where_nothing_differs() {
        // 300 pairs of equally good classifiers: a test at 5 % should reject 15 of them; 3 to 27 is
        // three standard deviations.
        let mut rejected = 0;
        for seed in 0..300 {
            let mut random = Random::new(seed);
            let positive: Vec<bool> = (0..80).map(|sample| sample % 2 == 0).collect();
            let shared: Vec<f64> =
                positive.iter().map(|&is| random.normal() + f64::from(u8::from(is))).collect();
            let [a, b] = [(); 2].map(|()| shared.iter().map(|s| s + random.normal()).collect::<Vec<_>>());
            let paired = Paired { scores: [&a, &b], positive: &positive, patients: &patients(80) };
            let settings = EvaluationSettings { resamples: 0, ..EvaluationSettings::default() };
            let found = compare_roc_auc(&paired, &settings).unwrap().unwrap();
            rejected += usize::from(found.p.unwrap() < 0.05);
        }
        assert!((3..=27).contains(&rejected), "{rejected}");
    }

    #[test]
    fn one_kind_of_samples_cannot_be_compared() {
        let paired = Paired { scores: [&[0.1, 0.2]; 2], positive: &[true, true], patients: &patients(2) };
        assert_eq!(compare_roc_auc(&paired, &EvaluationSettings::default()), Ok(None));
        let short = Paired { patients: &patients(1), ..paired };
        assert!(matches!(
            compare_roc_auc(&short, &EvaluationSettings::default()),
            Err(MetricsError::Length { what: "patients", .. })
        ));
    }
}
