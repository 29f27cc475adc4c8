//! A bundle's domain, and what lies outside.

use std::collections::{BTreeMap, BTreeSet};

use super::{Boundary, DomainConfig, DomainError, FactRange, FeatureSpace, Labelled};
use crate::facts::{Fact, ScanFacts};
use crate::findings::{Code, Reason};
use crate::metrics::percentile;

/// Fewest training and fewest validation cases that make a domain.
const LEAST_CASES: usize = 20;

/// What a bundle was trained on.
#[derive(Debug, Clone, PartialEq)]
pub struct Domain {
    boundary: Boundary,
    /// Of each network.
    spaces: Vec<FeatureSpace>,
}

/// What is known of some cases, in one order.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The class of each case.
    pub labels: Vec<usize>,
    /// What each network makes of each case: `[networks][cases][features]`.
    pub features: Vec<Vec<Vec<f32>>>,
    /// What was measured on each case.
    pub facts: Vec<ScanFacts>,
}

impl Domain {
    /// The domain of a bundle with these training and validation cases, which the manifest's rows of `data_sha256` say.
    ///
    /// # Errors
    /// [`DomainError`] where there are too few cases, or features that do not vary.
    pub fn fit(
        train: &Known,
        validation: &Known,
        config: &DomainConfig,
        data_sha256: String,
    ) -> Result<Self, DomainError> {
        for (what, known) in [("training", train), ("validation", validation)] {
            let found = known.labels.len();
            if found < LEAST_CASES {
                return Err(DomainError::FewCases { what, found, least: LEAST_CASES });
            }
        }
        let fit = |features: &Vec<Vec<f32>>| FeatureSpace::fit(Labelled { features, labels: &train.labels });
        let spaces = train.features.iter().map(fit).collect::<Result<Vec<_>, _>>()?;
        let limit = |(space, features): (&FeatureSpace, &Vec<Vec<f32>>)| {
            let mut distances: Vec<f64> = features.iter().map(|features| space.distance(features)).collect();
            distances.sort_by(f64::total_cmp);
            config.distance_margin * percentile(&distances, config.quantile).unwrap_or(f64::NAN)
        };
        let boundary = Boundary {
            sha256: String::new(),
            train_cases: train.labels.len(),
            validation_cases: validation.labels.len(),
            data_sha256,
            limits: spaces.iter().zip(&validation.features).map(limit).collect(),
            ranges: ranges(train.facts.iter().chain(&validation.facts), config),
        };
        Self::new(boundary, spaces)
    }

    /// A domain of its parts.
    ///
    /// # Errors
    /// [`DomainError`] where they do not fit together.
    pub(crate) fn new(boundary: Boundary, spaces: Vec<FeatureSpace>) -> Result<Self, DomainError> {
        boundary.validate(spaces.len())?;
        Ok(Self { boundary, spaces })
    }

    /// The domain of an ensemble of the networks of some bundles, whose facts may be those of any.
    pub(crate) fn of_all(domains: &[&Self]) -> Option<Self> {
        let (first, others) = domains.split_first()?;
        let mut boundary = first.boundary.clone();
        for other in others.iter().map(|domain| &domain.boundary) {
            boundary.sha256.clear();
            boundary.train_cases = boundary.train_cases.max(other.train_cases);
            boundary.validation_cases += other.validation_cases;
            if boundary.data_sha256 != other.data_sha256 {
                boundary.data_sha256.clear();
            }
            boundary.limits.extend(&other.limits);
            let both = boundary
                .ranges
                .iter()
                .filter_map(|(fact, range)| other.ranges.get(fact).map(|other| (*fact, range.with(*other))));
            boundary.ranges = both.collect();
        }
        let spaces = domains.iter().flat_map(|domain| domain.spaces.iter().cloned()).collect();
        Some(Self { boundary, spaces })
    }

    /// The same, whose file has this hash.
    pub(crate) fn with_sha256(mut self, sha256: String) -> Self {
        self.boundary.sha256 = sha256;
        self
    }

    /// What of it people can read.
    pub fn boundary(&self) -> &Boundary {
        &self.boundary
    }

    /// Where the features of each network lie.
    pub fn spaces(&self) -> &[FeatureSpace] {
        &self.spaces
    }

    /// The facts by which a scan is outside, with their figures; none where it is within.
    pub fn facts_outside(&self, facts: &ScanFacts) -> Vec<Reason> {
        let judged = self.boundary.ranges.iter().filter_map(|(fact, range)| {
            let value = facts.value(*fact)?;
            (!range.holds(value)).then(|| outside(*fact, value, range))
        });
        judged.collect()
    }

    /// Why a case with these features, `[networks][features]`, is outside; `None` where it is within.
    pub fn features_outside(&self, features: &[Vec<f32>]) -> Option<Reason> {
        let distances: Vec<f64> =
            self.spaces.iter().zip(features).map(|(space, features)| space.distance(features)).collect();
        let shares = distances.iter().zip(&self.boundary.limits).map(|(distance, limit)| distance / limit);
        let share = shares.sum::<f64>() / distances.len().max(1) as f64;
        if share <= 1.0 {
            return None;
        }
        let message = match (distances.as_slice(), self.boundary.limits.as_slice()) {
            ([distance], [limit]) => format!(
                "the network's features lie {} from those of the nearest class in training, where the limit is {}",
                figure(*distance),
                figure(*limit)
            ),
            _ => format!(
                "the features of {} networks lie {} times as far from training as their limits, in the mean",
                distances.len(),
                figure(share)
            ),
        };
        Some(Reason::new(Code::DomainFeatures, message))
    }
}

/// The range of each fact that was measured on some case.
fn ranges<'a>(
    facts: impl Iterator<Item = &'a ScanFacts> + Clone,
    config: &DomainConfig,
) -> BTreeMap<Fact, FactRange> {
    let measured: BTreeSet<Fact> = facts.clone().flat_map(ScanFacts::measured).collect();
    let range = |fact: Fact| {
        let values = facts.clone().filter_map(|facts| facts.value(fact)).collect();
        FactRange::of(fact, values, config).map(|range| (fact, range))
    };
    measured.into_iter().filter_map(range).collect()
}

fn outside(fact: Fact, value: f64, range: &FactRange) -> Reason {
    let (words, unit) = (fact.words(), fact.unit());
    let [value, least, most] = [value, range.least, range.most].map(figure);
    Reason::new(
        fact.code(),
        format!("{words}: {value}{unit}, where the bundle knows {least} to {most}{unit}"),
    )
}

/// A number with the digits that count.
fn figure(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middling if middling >= 10.0 => format!("{value:.1}"),
        small if small >= 1.0 || small == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "small values drawn for a test")]
mod tests {
    use super::*;
    use crate::findings::ScanProtocol;
    use crate::geometry::Grid;
    use crate::random::Random;
    use crate::volume::Volume;

    /// Facts of an empty scan with slices at this distance.
    fn facts(slice_spacing_mm: f64) -> ScanFacts {
        let grid = Grid::aligned([40, 20, 20], [slice_spacing_mm, 5.0, 5.0]).unwrap();
        ScanFacts::of(&Volume::from_fn(grid, |_| -1000.0), &ScanProtocol::default())
    }

    fn known(random: &mut Random, cases: usize) -> Known {
        let mut row = || -> Vec<f32> { (0..4).map(|_| random.normal() as f32).collect() };
        Known {
            labels: (0..cases).map(|case| case % 2).collect(),
            features: vec![(0..cases).map(|_| row()).collect(); 2],
            facts: (0..cases).map(|case| facts(2.0 + (case % 3) as f64 / 10.0)).collect(),
        }
    }

    fn fitted() -> Domain {
        let mut random = Random::new(1);
        let [train, validation] = [200, 50].map(|cases| known(&mut random, cases));
        Domain::fit(&train, &validation, &DomainConfig::default(), "rows".into()).unwrap()
    }

    #[test]
    fn a_scan_is_told_outside_with_its_figures() {
        let domain = fitted();
        assert!(domain.facts_outside(&facts(2.1)).is_empty());
        let told = domain.facts_outside(&facts(5.0));
        assert_eq!(told, [Code::DomainSliceSpacing]);
        assert_eq!(
            told[0].message,
            "distance between slices: 5.00 mm, where the bundle knows 1.90 to 2.30 mm"
        );
        assert!(domain.facts_outside(&ScanFacts::default()).is_empty(), "what is not known says nothing");
    }

    #[test]
    fn networks_speak_where_the_mean_of_their_shares_is_beyond_their_limits() {
        let domain = fitted();
        let near = vec![0.1f32, -0.2, 0.3, 0.0];
        let limit = domain.boundary.limits[0];
        let far = |times: f64| vec![(2.0 * times * limit) as f32, 0.0, 0.0, 0.0];
        assert_eq!(domain.features_outside(&[near.clone(), near.clone()]), None);
        assert_eq!(domain.features_outside(&[near.clone(), far(1.5)]), None, "the mean is below 1");
        let told = domain.features_outside(&[near, far(3.0)]).unwrap();
        assert_eq!(told, Code::DomainFeatures);
        assert!(told.message.contains("2 networks"), "{}", told.message);
        assert!(domain.features_outside(&[vec![f32::NAN; 4], vec![f32::NAN; 4]]).is_some());
    }

    #[test]
    fn few_cases_make_no_domain() {
        let mut random = Random::new(2);
        let [few, many] = [19, 40].map(|cases| known(&mut random, cases));
        let error = Domain::fit(&many, &few, &DomainConfig::default(), String::new()).unwrap_err();
        assert_eq!(error, DomainError::FewCases { what: "validation", found: 19, least: LEAST_CASES });
    }

    #[test]
    fn an_ensemble_holds_what_any_of_its_bundles_holds() {
        let (first, mut second) = (fitted(), fitted());
        second.boundary.ranges.insert(Fact::SliceSpacingMm, FactRange { least: 4.0, most: 6.0 });
        second.boundary.ranges.remove(&Fact::Slices);
        let both = Domain::of_all(&[&first, &second]).unwrap();
        assert!(both.facts_outside(&facts(5.0)).is_empty());
        assert_eq!((both.spaces.len(), both.boundary.limits.len()), (4, 4));
        assert_eq!(both.boundary.ranges.get(&Fact::Slices), None, "one of them knows nothing of it");
    }
}
