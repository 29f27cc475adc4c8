//! What mattered: how each range's values went with the scores of the first rung, where all trials are.
//!
//! This is weak evidence: few trials, short courses, other values varying at the same time. So each
//! figure comes with how often chance alone gives one as large, by dealing the scores anew.

use std::collections::BTreeMap;

use super::ranges::{Range, number, value_text};
use super::record::Row;
use crate::random::Random;

/// Deals of the scores.
const DEALS: u64 = 2000;
/// Trials below which nothing is said.
const LEAST_TRIALS: usize = 6;

/// The trials with one choice.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The choice.
    pub choice: String,
    /// Trials.
    pub trials: usize,
    /// Their mean area.
    pub mean_roc_auc: f64,
}

/// How values and scores went together.
#[derive(Debug, Clone, PartialEq)]
pub enum Measure {
    /// Rank correlation of number and area (Spearman 1904, doi:10.2307/1412159).
    Correlation(f64),
    /// Largest difference between the mean areas of two choices, and the choices.
    Spread(f64, Vec<Group>),
}

/// What one range mattered.
#[derive(Debug, Clone, PartialEq)]
pub struct Mattered {
    /// The entry's path.
    pub path: String,
    /// How its values went with the scores.
    pub measure: Measure,
    /// Share of deals of the scores with a figure as large or larger.
    pub chance: f64,
    /// Trials looked at: those drawn and trained.
    pub trials: usize,
}

/// What each range mattered among `rows`, the likeliest to be no chance first; nothing of ranges with too
/// few trials or only one value.
pub(super) fn mattered<'a>(
    paths: &[String],
    ranges: impl Iterator<Item = &'a Range>,
    rows: &[Row],
) -> Vec<Mattered> {
    let judged: Vec<(&Row, f64)> = rows
        .iter()
        .filter(|row| row.trial > 0)
        .filter_map(|row| Some((row, row.validation_roc_auc?)))
        .collect();
    if judged.len() < LEAST_TRIALS {
        return Vec::new();
    }
    let scores: Vec<f64> = judged.iter().map(|(_, score)| *score).collect();
    let of_range = |(index, (path, range)): (usize, (&String, &Range))| {
        let values: Vec<_> = judged.iter().filter_map(|(row, _)| row.values[index].as_ref()).collect();
        let numbers: Option<Vec<f64>> = values.iter().map(|value| number(value)).collect();
        let (measure, chance) = match (range, numbers) {
            (Range::Choices(_), _) | (_, None) => {
                let choices: Vec<String> = values.iter().map(|value| value_text(value)).collect();
                let found = groups(&choices, &scores);
                let chance = chance(&scores, |dealt| spread(&groups(&choices, dealt)))?;
                (Measure::Spread(spread(&found)?, found), chance)
            }
            (_, Some(numbers)) => {
                let chance = chance(&scores, |dealt| spearman(&numbers, dealt).map(f64::abs))?;
                (Measure::Correlation(spearman(&numbers, &scores)?), chance)
            }
        };
        Some(Mattered { path: path.clone(), measure, chance, trials: scores.len() })
    };
    let mut found: Vec<Mattered> = paths.iter().zip(ranges).enumerate().filter_map(of_range).collect();
    found.sort_by(|a, b| a.chance.total_cmp(&b.chance));
    found
}

/// The share of deals, the one at hand among them, whose figure is as large.
fn chance(scores: &[f64], figure: impl Fn(&[f64]) -> Option<f64>) -> Option<f64> {
    let found = figure(scores)?;
    let is_as_large = |deal: &u64| {
        let mut dealt = scores.to_vec();
        Random::keyed(0x6465_616C, &[*deal]).shuffle(&mut dealt);
        figure(&dealt).is_some_and(|other| other >= found - 1e-12)
    };
    Some((1 + (0..DEALS).filter(is_as_large).count()) as f64 / (1 + DEALS) as f64)
}

fn groups(choices: &[String], scores: &[f64]) -> Vec<Group> {
    let mut of_choice: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (choice, score) in choices.iter().zip(scores) {
        of_choice.entry(choice).or_default().push(*score);
    }
    let group = |(choice, scores): (&str, Vec<f64>)| Group {
        choice: choice.to_owned(),
        trials: scores.len(),
        mean_roc_auc: scores.iter().sum::<f64>() / scores.len() as f64,
    };
    of_choice.into_iter().map(group).collect()
}

/// The largest mean less the smallest; `None` for one group.
fn spread(groups: &[Group]) -> Option<f64> {
    let means = || groups.iter().map(|group| group.mean_roc_auc);
    let (low, high) = (means().fold(f64::INFINITY, f64::min), means().fold(f64::NEG_INFINITY, f64::max));
    (groups.len() > 1).then_some(high - low)
}

/// The correlation of ranks, ties having their mean rank; `None` where all values are the same.
fn spearman(first: &[f64], second: &[f64]) -> Option<f64> {
    let (first, second) = (centred_ranks(first), centred_ranks(second));
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let size = (dot(&first, &first) * dot(&second, &second)).sqrt();
    (size > 0.0).then(|| dot(&first, &second) / size)
}

/// Ranks less their mean.
fn centred_ranks(values: &[f64]) -> Vec<f64> {
    let rank = |value: &f64| {
        let below = values.iter().filter(|other| *other < value).count() as f64;
        let same = values.iter().filter(|other| *other == value).count() as f64;
        below + (same - values.len() as f64) / 2.0
    };
    values.iter().map(rank).collect()
}

#[cfg(test)]
mod tests {
    use super::super::record::Outcome;
    use super::*;
    use toml::Value;

    /// ORIGIN: scipy 1.17.1, `scipy.stats.spearmanr([1,2,2,4,5,7], [3,1,4,4,6,5]).statistic`.
    #[test]
    fn correlations_are_those_of_scipy() {
        let rho = spearman(&[1.0, 2.0, 2.0, 4.0, 5.0, 7.0], &[3.0, 1.0, 4.0, 4.0, 6.0, 5.0]).unwrap();
        assert!((rho - SCIPY).abs() < 1e-12, "{rho}");
        assert_eq!(spearman(&[1.0, 1.0], &[0.0, 1.0]), None);
    }

    const SCIPY: f64 = 0.808_823_529_411_764_7;

    fn row(trial: usize, values: [Value; 3], auc: Option<f64>) -> Row {
        Row {
            trial,
            values: values.into_iter().map(Some).collect(),
            rung: 1,
            epochs: 1,
            best_epoch: None,
            validation_roc_auc: auc,
            validation_loss: None,
            minutes: 0.0,
            outcome: Outcome::Trained,
        }
    }

    #[test]
    fn what_decides_the_score_comes_first_and_noise_is_told_as_chance() {
        let numbers = |to: f64| Range::Numbers { bounds: [0.0, to], scale: Default::default() };
        let choices = Range::Choices(vec!["a".into(), "b".into()]);
        let ranges = [numbers(1.0), numbers(1.0), choices];
        let rows: Vec<Row> = (0..25)
            .map(|trial| {
                let mut random = Random::keyed(3, &[trial as u64]);
                let (rate, noise, choice) = (random.unit(), random.unit(), random.below(2));
                let auc = 0.6 + 0.2 * rate + 0.1 * choice as f64;
                // trial 0 was not drawn, one trial diverged: neither counts
                let auc = if trial == 0 { 0.0 } else { auc };
                row(
                    trial,
                    [rate.into(), noise.into(), ["a", "b"][choice].into()],
                    (trial != 7).then_some(auc),
                )
            })
            .collect();
        let paths = ["rate", "noise", "choice"].map(String::from);
        let found = mattered(&paths, ranges.iter(), &rows);
        let by_name = |name: &str| found.iter().find(|one| one.path == name).unwrap();
        assert!(found.iter().all(|one| one.trials == 23));
        assert_eq!(found[2].path, "noise");
        assert!(by_name("noise").chance > 0.05 && by_name("rate").chance < 0.01, "{found:?}");
        assert!(matches!(by_name("rate").measure, Measure::Correlation(rho) if rho > 0.5), "{found:?}");
        let Measure::Spread(spread, groups) = &by_name("choice").measure else { panic!("{found:?}") };
        assert!(*spread > 0.05 && groups.iter().map(|group| group.trials).sum::<usize>() == 23);
        assert!(mattered(&paths, ranges.iter(), &rows[..6]).is_empty());
    }
}
