//! From where to where a fact goes.

use serde::{Deserialize, Serialize};

use super::DomainConfig;
use crate::facts::Fact;
use crate::metrics::percentile;

/// From where to where a fact goes, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactRange {
    /// The lowest value.
    pub least: f64,
    /// The highest value.
    pub most: f64,
}

impl FactRange {
    /// The range of a fact over some cases; `None` without values.
    pub(super) fn of(fact: Fact, mut values: Vec<f64>, config: &DomainConfig) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (least, most) =
            (percentile(&values, 1.0 - config.quantile)?, percentile(&values, config.quantile)?);
        let reach = (config.range_margin * (most - least)).max(fact.slack());
        Some(Self { least: (least - reach).max(lowest(fact)), most: most + reach })
    }

    /// Whether a value is within it.
    pub fn holds(&self, value: f64) -> bool {
        (self.least..=self.most).contains(&value)
    }

    /// The smallest range that holds both.
    #[must_use]
    pub(super) fn with(self, other: Self) -> Self {
        Self { least: self.least.min(other.least), most: self.most.max(other.most) }
    }
}

/// The lowest value that a fact can have.
fn lowest(fact: Fact) -> f64 {
    if matches!(fact, Fact::MediastinumHu | Fact::LungHu) { f64::from(crate::units::AIR_HU) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_that_of_most_cases_and_wider() {
        let values: Vec<f64> = (0..=100).map(f64::from).chain([5000.0]).collect();
        let config = DomainConfig { quantile: 0.98, range_margin: 0.5, ..DomainConfig::default() };
        let range = FactRange::of(Fact::NoiseHu, values, &config).unwrap();
        assert!(range.least == 0.0 && (146.0..150.0).contains(&range.most), "{range:?}");
        let same = FactRange::of(Fact::SliceSpacingMm, vec![2.5; 30], &config).unwrap();
        assert!(same.holds(2.45) && same.holds(2.55) && !same.holds(3.0), "{same:?}");
        assert_eq!(FactRange::of(Fact::NoiseHu, Vec::new(), &config), None);
    }
}
