//! Whether a single property of the files predicts the class.
//!
//! Each property is cut into bins (eighths of the training cases, or its words; one more bin for
//! what is missing), each bin scores its share of the class among the training cases, and the
//! scores are judged on patients that they were not made on. A score on five folds of few patients
//! is noise too, and the best of thirteen is the luckiest: so the labels are dealt anew many times,
//! in runs as long as patients, and a property counts only above what the best of all properties
//! reaches by chance in 95 % of the deals (Westfall and Young 1993, the maxT procedure).

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::PropertyValue;
use crate::cohort::{Case, folds, labels};
use pulmo_metrics::bootstrap;
use pulmo_random::Random;

/// Area from which a property counts as a shortcut, however sure it is: below, it is worth little.
pub const LEAST_AUC: f64 = 0.6;

/// Folds, where each class has that many patients.
const FOLDS: usize = 5;
/// Bins of a number.
const BINS: usize = 8;
/// Training cases of the class's own share that each bin starts with.
pub(super) const PRIOR_CASES: f64 = 2.0;
/// Deals of the labels.
const DEALS: usize = 200;
/// Resamples of the patients for the intervals.
const RESAMPLES: usize = 500;

/// What one property says of the class.
#[derive(Debug, Clone, PartialEq)]
pub struct Confound {
    /// The property.
    pub name: &'static str,
    /// Cross-validated area under the ROC curve within folds, the mean over classes for more than
    /// two; `None` for a property with one value.
    pub auc: Option<f64>,
    /// 95 % interval over patients.
    pub ci95: Option<[f64; 2]>,
    /// Whether it predicts the class: above chance and at least [`LEAST_AUC`].
    pub predicts: bool,
}

/// What the properties say of the class.
#[derive(Debug, Clone, PartialEq)]
pub struct Confounds {
    /// Folds used.
    pub folds: usize,
    /// What the best of the properties stays below in 95 % of the deals of the labels.
    pub chance_auc: f64,
    /// Every property, the most telling first.
    pub properties: Vec<Confound>,
}

impl Confounds {
    /// Judges every property: `columns[p][case]` are the values of the property `names[p]`.
    /// `None` where there are not two classes with at least two patients each.
    pub fn measure(cases: &[Case], names: &[&'static str], columns: &[Vec<PropertyValue>]) -> Option<Self> {
        let (table, truth) = Table::of(cases)?;
        let columns: Vec<Option<Column>> = columns.iter().map(|values| table.column(values)).collect();
        let chance_auc = chance(&table, &columns, cases, &truth);
        let patients: Vec<String> = cases.iter().map(|case| case.patient_id.clone()).collect();
        let judge = |(name, column): (&&'static str, &Option<Column>)| {
            let Some(column) = column else {
                return Confound { name, auc: None, ci95: None, predicts: false };
            };
            let auc = table.auc(column, &truth, None);
            let [resampled] =
                bootstrap(&patients, RESAMPLES, 0, |weights| [table.auc(column, &truth, Some(weights))]);
            let predicts = auc.is_some_and(|auc| auc > chance_auc && auc >= LEAST_AUC);
            Confound { name, auc, ci95: resampled.ci95, predicts }
        };
        let mut properties: Vec<Confound> = names.par_iter().zip(&columns).map(judge).collect();
        let auc = |confound: &Confound| confound.auc.unwrap_or(0.0);
        properties.sort_by(|a, b| auc(b).total_cmp(&auc(a)));
        Some(Self { folds: table.folds, chance_auc, properties })
    }
}

/// The 95th percentile of the best property's area over deals of the labels.
fn chance(table: &Table, columns: &[Option<Column>], cases: &[Case], truth: &[usize]) -> f64 {
    let mut of_patient: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, case) in cases.iter().enumerate() {
        of_patient.entry(&case.patient_id).or_default().push(index);
    }
    let patients: Vec<Vec<usize>> = of_patient.into_values().collect();
    let best_of_deal = |deal: usize| {
        let mut givers: Vec<&Vec<usize>> = patients.iter().collect();
        Random::keyed(0x6465_616C, &[deal as u64]).shuffle(&mut givers);
        let given = givers.into_iter().flatten().map(|&case| truth[case]);
        let mut dealt = truth.to_vec();
        patients.iter().flatten().zip(given).for_each(|(&case, label)| dealt[case] = label);
        let areas = columns.iter().flatten().filter_map(|column| table.auc(column, &dealt, None));
        areas.fold(0.5, f64::max)
    };
    let mut best: Vec<f64> = (0..DEALS).into_par_iter().map(best_of_deal).collect();
    best.sort_by(f64::total_cmp);
    best.get(DEALS * 95 / 100).copied().unwrap_or(0.5)
}

/// The cross-validated area of each property; `None` as [`Confounds::measure`].
pub(super) fn areas(cases: &[Case], columns: &[Vec<PropertyValue>]) -> Option<Vec<Option<f64>>> {
    let (table, truth) = Table::of(cases)?;
    let area = |values: &Vec<PropertyValue>| table.auc(&table.column(values)?, &truth, None);
    Some(columns.iter().map(area).collect())
}

/// How the cases are divided.
struct Table {
    fold_of: Vec<usize>,
    folds: usize,
    classes: usize,
}

/// A property with more than one value, cut into bins by the training cases of each fold.
struct Column {
    /// `[fold][case]`.
    bins: Vec<Vec<usize>>,
    /// Bins of any fold at most.
    count: usize,
}

impl Table {
    /// The division of `cases` by patient, and the class of each.
    fn of(cases: &[Case]) -> Option<(Self, Vec<usize>)> {
        let classes = labels(cases);
        let (folds, fold_of) =
            (2..=FOLDS).rev().find_map(|count| Some((count, folds(cases, count, 0).ok()?)))?;
        if classes.len() < 2 {
            return None;
        }
        let label = |case: &Case| classes.iter().position(|class| *class == case.label);
        Some((Self { fold_of, folds, classes: classes.len() }, cases.iter().filter_map(label).collect()))
    }

    fn column(&self, values: &[PropertyValue]) -> Option<Column> {
        if values.iter().all(|value| Some(value) == values.first()) {
            return None;
        }
        let of_fold = |fold: usize| {
            let is_training = |case: &usize| self.fold_of[*case] != fold;
            let training: Vec<&PropertyValue> =
                (0..values.len()).filter(is_training).map(|case| &values[case]).collect();
            let cutter = Cutter::fit(&training);
            values.iter().map(|value| cutter.bin(value)).collect::<Vec<_>>()
        };
        let bins: Vec<Vec<usize>> = (0..self.folds).map(of_fold).collect();
        let count = bins.iter().flatten().max().map_or(0, |last| last + 1);
        Some(Column { bins, count })
    }

    /// Mean over classes of the area within folds; with two classes that of the second. Cases
    /// count `weights` times when judged.
    fn auc(&self, column: &Column, truth: &[usize], weights: Option<&[u32]>) -> Option<f64> {
        let classes = if self.classes == 2 { 1..2 } else { 0..self.classes };
        let count = classes.len() as f64;
        let areas = classes.map(|class| self.class_auc(column, truth, weights, class));
        Some(areas.sum::<Option<f64>>()? / count)
    }

    fn class_auc(
        &self,
        column: &Column,
        truth: &[usize],
        weights: Option<&[u32]>,
        class: usize,
    ) -> Option<f64> {
        let (mut area, mut pairs) = (0.0, 0.0);
        for fold in 0..self.folds {
            let (mut train, mut test) = (vec![[0.0; 2]; column.count], vec![[0.0; 2]; column.count]);
            for (case, &bin) in column.bins[fold].iter().enumerate() {
                let kind = usize::from(truth[case] == class);
                if self.fold_of[case] == fold {
                    test[bin][kind] += weights.map_or(1.0, |weights| f64::from(weights[case]));
                } else {
                    train[bin][kind] += 1.0;
                }
            }
            let (fold_area, fold_pairs) = area_of(&train, &test);
            area += fold_area;
            pairs += fold_pairs;
        }
        (pairs > 0.0).then(|| area / pairs)
    }
}

/// Pairs of test cases of both kinds in the right order by their bins' scores, ties half; and all pairs.
fn area_of(train: &[[f64; 2]], test: &[[f64; 2]]) -> (f64, f64) {
    let [negatives, positives] = train.iter().fold([0.0; 2], |sum, bin| [sum[0] + bin[0], sum[1] + bin[1]]);
    let prior = positives / (negatives + positives).max(1.0);
    let score = |bin: &[f64; 2]| (bin[1] + PRIOR_CASES * prior) / (bin[0] + bin[1] + PRIOR_CASES);
    let mut scored: Vec<(f64, [f64; 2])> = train.iter().map(score).zip(test.iter().copied()).collect();
    scored.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut area, mut below) = (0.0, 0.0);
    for tied in scored.chunk_by(|a, b| a.0 == b.0) {
        let [negatives, positives] =
            tied.iter().fold([0.0; 2], |sum, (_, bin)| [sum[0] + bin[0], sum[1] + bin[1]]);
        area += positives * (below + negatives / 2.0);
        below += negatives;
    }
    (area, below * test.iter().map(|bin| bin[1]).sum::<f64>())
}

/// Bins fitted on training cases: 0 for what is missing or was never seen, then numbers, then words.
#[derive(Debug, Clone)]
pub(super) struct Cutter {
    edges: Vec<f64>,
    words: BTreeSet<String>,
}

impl Cutter {
    pub(super) fn fit(training: &[&PropertyValue]) -> Self {
        let number = |value: &&PropertyValue| {
            if let PropertyValue::Number(number) = value { Some(*number) } else { None }
        };
        let mut numbers: Vec<f64> = training.iter().filter_map(number).collect();
        numbers.sort_by(f64::total_cmp);
        let quantile = |part: usize| numbers.get(part * numbers.len() / BINS).copied();
        let mut edges: Vec<f64> = (1..BINS).filter_map(quantile).collect();
        edges.dedup();
        let word = |value: &&PropertyValue| {
            if let PropertyValue::Word(word) = value { Some(word.clone()) } else { None }
        };
        Self { edges, words: training.iter().filter_map(word).collect() }
    }

    pub(super) fn bin(&self, value: &PropertyValue) -> usize {
        match value {
            PropertyValue::Missing => 0,
            PropertyValue::Number(number) => 1 + self.edges.partition_point(|edge| edge <= number),
            PropertyValue::Word(word) => {
                let place = self.words.iter().position(|known| known == word);
                place.map_or(0, |place| BINS + 1 + place)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `patients` patients with two cases each; every second patient is of the second class.
    fn cohort(patients: usize) -> Vec<Case> {
        let case = |index: usize| Case {
            path: format!("{index}.png"),
            file: "x.png".into(),
            label: ["a", "b"][index / 2 % 2].into(),
            patient_id: format!("p{:03}", index / 2),
            split: None,
            attributes: Default::default(),
        };
        (0..2 * patients).map(case).collect()
    }

    fn measured(patients: usize, value: impl Fn(usize, &mut Random) -> PropertyValue) -> (Confound, f64) {
        let cases = cohort(patients);
        let mut random = Random::new(5);
        let column: Vec<PropertyValue> =
            (0..cases.len()).map(|case| value(case / 2 % 2, &mut random)).collect();
        let confounds = Confounds::measure(&cases, &["it"], &[column]).unwrap();
        (confounds.properties[0].clone(), confounds.chance_auc)
    }

    #[test]
    fn a_word_or_number_that_is_the_class_is_found() {
        let (word, _) = measured(20, |class, _| PropertyValue::Word(["png", "jpg"][class].into()));
        assert!(word.predicts && word.auc == Some(1.0), "{word:?}");
        // in the middle for one class, outside for the other: no line would tell them apart
        let (number, _) = measured(40, |class, random| {
            let side = if random.chance(0.5) { 1.0 } else { -1.0 };
            PropertyValue::Number(random.unit() + if class == 1 { 3.0 * side } else { 0.0 })
        });
        assert!(number.predicts && number.auc.unwrap() > 0.9, "{number:?}");
        let (missing, _) =
            measured(
                20,
                |class, _| if class == 0 { PropertyValue::Missing } else { PropertyValue::Number(1.0) },
            );
        assert!(missing.predicts);
    }

    #[test]
    fn noise_stays_within_chance_however_small_the_set() {
        for patients in [6, 20, 200] {
            let (noise, chance) = measured(patients, |_, random| PropertyValue::Number(random.unit()));
            assert!(!noise.predicts, "{patients} patients: {noise:?}, chance {chance}");
        }
        let (_, small) = measured(6, |_, random| PropertyValue::Number(random.unit()));
        let (_, large) = measured(200, |_, random| PropertyValue::Number(random.unit()));
        assert!(small > 0.7 && (0.5..0.6).contains(&large), "{small}, {large}");
    }

    #[test]
    fn one_value_says_nothing() {
        let (constant, _) = measured(20, |_, _| PropertyValue::Number(512.0));
        assert_eq!((constant.auc, constant.predicts), (None, false));
        assert!(Confounds::measure(&cohort(2), &[], &[]).is_none());
    }

    #[test]
    fn the_area_counts_pairs_and_ties_half() {
        // scores rise from the first bin to the second: positives 1 and 2, negatives 1 and 1
        let train = [[9.0, 1.0], [1.0, 9.0]];
        assert_eq!(area_of(&train, &[[1.0, 1.0], [1.0, 2.0]]), (0.5 + 2.0 + 1.0, 6.0));
    }
}
