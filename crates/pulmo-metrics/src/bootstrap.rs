//! Confidence intervals by resampling patients.
//!
//! Scans of one patient are not independent; drawing scans would make the interval too narrow.
//! So whole patients are drawn, with replacement, and each scan counts as often as its patient
//! was drawn.

use std::collections::BTreeMap;

use pulmo_random::Random;

/// How one statistic varied over the resamples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resampled {
    /// The 2.5th and the 97.5th percentile of the defined values; `None` if fewer than half of
    /// the resamples gave a value, or with fewer than two patients.
    pub ci95: Option<[f64; 2]>,
    /// How many resamples gave a value; the others are left out.
    pub defined: usize,
}

/// The index of each sample's patient, patients numbered in the order of their sorted names, so
/// that the order of the samples changes nothing.
fn patient_indices(patients: &[String]) -> Vec<usize> {
    let mut numbers: BTreeMap<&str, usize> = patients.iter().map(|name| (name.as_str(), 0)).collect();
    numbers.values_mut().enumerate().for_each(|(index, number)| *number = index);
    patients.iter().filter_map(|name| numbers.get(name.as_str()).copied()).collect()
}

/// 95 % percentile intervals of `N` statistics over `resamples` draws (0 for no interval), each of
/// as many patients as there are, with replacement. The same seed gives the same intervals.
///
/// `patients` holds whose each sample is. `statistics` is given how often each sample counts and
/// returns the values, `None` where undefined.
///
/// # References
/// Efron and Tibshirani 1993, An Introduction to the Bootstrap, section 13.3; Field and Welsh
/// 2007, doi:10.1111/j.1467-9868.2007.00593.x (the cluster bootstrap).
pub fn bootstrap<const N: usize>(
    patients: &[String],
    resamples: usize,
    seed: u64,
    statistics: impl Fn(&[u32]) -> [Option<f64>; N],
) -> [Resampled; N] {
    let patient_of = patient_indices(patients);
    let count = patient_of.iter().max().map_or(0, |last| last + 1);
    let mut values = [const { Vec::new() }; N];
    for resample in 0..resamples {
        let mut random = Random::keyed(seed, &[resample as u64]);
        let mut drawn = vec![0u32; count];
        (0..count).for_each(|_| drawn[random.below(count)] += 1);
        let weights: Vec<u32> = patient_of.iter().map(|&patient| drawn[patient]).collect();
        for (values, value) in values.iter_mut().zip(statistics(&weights)) {
            values.extend(value);
        }
    }
    values.map(|mut values| {
        values.sort_by(f64::total_cmp);
        let enough = count > 1 && 2 * values.len() >= resamples;
        let ci95 = percentile(&values, 0.025).zip(percentile(&values, 0.975)).filter(|_| enough);
        Resampled { ci95: ci95.map(|(low, high)| [low, high]), defined: values.len() }
    })
}

/// The value below which `fraction` of the sorted `values` lie, linear between neighbours (type 7
/// of Hyndman and Fan 1996, numpy's default); `None` without values.
pub fn percentile(values: &[f64], fraction: f64) -> Option<f64> {
    let position = fraction * values.len().checked_sub(1)? as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "floor of an index in range")]
    let index = position.floor() as usize;
    let low = *values.get(index)?;
    let high = values.get(index + 1).copied().unwrap_or(low);
    Some(low + (position - index as f64) * (high - low))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weighted_mean(samples: &[f64], weights: &[u32]) -> Option<f64> {
        let total: f64 = weights.iter().map(|&weight| f64::from(weight)).sum();
        (total > 0.0)
            .then(|| samples.iter().zip(weights).map(|(x, &w)| x * f64::from(w)).sum::<f64>() / total)
    }

    #[test]
    fn percentiles_are_linear_between_neighbours() {
        assert_eq!(percentile(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.25), Some(2.0));
        assert_eq!(percentile(&[1.0, 2.0], 0.75), Some(1.75));
        assert_eq!((percentile(&[7.0], 0.975), percentile(&[], 0.5)), (Some(7.0), None));
    }

    fn patients(count: usize, scans: usize) -> Vec<String> {
        (0..count * scans).map(|scan| format!("{:04}", scan / scans)).collect()
    }

    #[test]
    fn the_interval_of_a_mean_is_as_wide_as_theory_says() {
        let mut random = Random::new(11);
        let samples: Vec<f64> = (0..400).map(|_| random.normal()).collect();
        let [resampled] = bootstrap(&patients(400, 1), 2000, 0, |weights| [weighted_mean(&samples, weights)]);
        let [low, high] = resampled.ci95.unwrap();
        // 2 * 1.96 / sqrt(400) for unit variance; 15 % for the sample's own variance and the draws.
        assert!((high - low - 0.196).abs() < 0.03, "width {}", high - low);
        let mean = weighted_mean(&samples, &[1; 400]).unwrap();
        assert!(low < mean && mean < high);
    }

    #[test]
    fn copies_of_a_patient_do_not_narrow_the_interval() {
        let mut random = Random::new(12);
        let single: Vec<f64> = (0..50).map(|_| random.normal()).collect();
        let copied: Vec<f64> = single.iter().flat_map(|&x| [x; 8]).collect();
        let interval = |scans: usize, samples: &[f64]| {
            let [resampled] =
                bootstrap(&patients(50, scans), 500, 3, |weights| [weighted_mean(samples, weights)]);
            resampled.ci95.unwrap()
        };
        let ([a, b], [c, d]) = (interval(1, &single), interval(8, &copied));
        assert!((a - c).abs() < 1e-12 && (b - d).abs() < 1e-12);
    }

    #[test]
    fn undefined_resamples_are_counted_and_too_many_give_no_interval() {
        // Defined only where patient 0 was drawn: about 1 - (3/4)^4 = 0.68 of the resamples.
        let [often] = bootstrap(&patients(4, 1), 500, 1, |weights| [(weights[0] > 0).then_some(1.0)]);
        assert!((300..390).contains(&often.defined) && often.ci95 == Some([1.0, 1.0]), "{often:?}");
        let [never, seldom] =
            bootstrap(&patients(4, 1), 500, 1, |weights| [None, (weights[0] > 2).then_some(1.0)]);
        assert_eq!(never, Resampled { ci95: None, defined: 0 });
        assert!(seldom.defined > 0 && seldom.ci95.is_none());
    }

    #[test]
    fn one_patient_or_no_resamples_give_no_interval() {
        let [one] = bootstrap(&patients(1, 3), 100, 0, |_| [Some(1.0)]);
        assert_eq!(one, Resampled { ci95: None, defined: 100 });
        let [none] = bootstrap(&patients(2, 1), 0, 0, |_| [Some(1.0)]);
        assert_eq!(none.ci95, None);
    }

    #[test]
    fn patients_are_numbered_by_name() {
        let names = ["b", "a", "b", "c"].map(String::from);
        assert_eq!(patient_indices(&names), [1, 0, 1, 2]);
    }
}
