//! The best that a single property can do: a classifier to beat.

use std::collections::BTreeMap;

use super::confounds::{Cutter, PRIOR_CASES, areas};
use super::{PROPERTIES, Properties, PropertyValue};
use crate::cohort::Case;

/// A classifier by one property of the files: the shares of the classes in the property's bin.
#[derive(Debug, Clone)]
pub struct Shortcut {
    /// The property.
    pub name: &'static str,
    place: usize,
    cutter: Cutter,
    /// Shares of the classes in each bin that training cases fall into.
    shares: BTreeMap<usize, Vec<f64>>,
    /// Shares of the classes in all training cases.
    prior: Vec<f64>,
}

impl Shortcut {
    /// The property that tells the classes of the training cases best, by its area in cross-validation
    /// within them, fitted on all of them. `None` where there are not two classes with at least two
    /// patients each, or no property with two values.
    pub fn fit(cases: &[Case], properties: &[Properties], classes: &[String]) -> Option<Self> {
        let column =
            |place: usize| properties.iter().map(|row| row[place].clone()).collect::<Vec<PropertyValue>>();
        let columns: Vec<Vec<PropertyValue>> = (0..PROPERTIES.len()).map(column).collect();
        let areas = areas(cases, &columns)?;
        // the first of equals
        let better = |best: Option<(usize, f64)>, (place, area): (usize, f64)| match best {
            Some((_, highest)) if highest >= area => best,
            _ => Some((place, area)),
        };
        let known = areas.into_iter().enumerate().filter_map(|(place, area)| Some((place, area?)));
        let (place, _) = known.fold(None, better)?;
        let cutter = Cutter::fit(&columns[place].iter().collect::<Vec<_>>());
        let of_class = |class: &String| cases.iter().filter(|case| case.label == *class).count() as f64;
        let prior: Vec<f64> = classes.iter().map(|class| of_class(class) / cases.len() as f64).collect();
        let start: Vec<f64> = prior.iter().map(|share| share * PRIOR_CASES).collect();
        let mut shares: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        for (case, value) in cases.iter().zip(&columns[place]) {
            let counts = shares.entry(cutter.bin(value)).or_insert_with(|| start.clone());
            if let Some(class) = classes.iter().position(|class| *class == case.label) {
                counts[class] += 1.0;
            }
        }
        for counts in shares.values_mut() {
            let total: f64 = counts.iter().sum();
            counts.iter_mut().for_each(|count| *count /= total);
        }
        Some(Self { name: PROPERTIES[place], place, cutter, shares, prior })
    }

    /// The probability of each class for a case with these properties; what no training case had tells
    /// nothing.
    pub fn probabilities(&self, properties: &Properties) -> Vec<f64> {
        self.shares.get(&self.cutter.bin(&properties[self.place])).unwrap_or(&self.prior).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn properties(name: &str, value: PropertyValue) -> Properties {
        let place = PROPERTIES.iter().position(|known| *known == name).unwrap();
        let mut row: Properties = std::array::from_fn(|_| PropertyValue::Number(1.0));
        row[place] = value;
        row
    }

    #[test]
    fn the_property_that_tells_the_class_is_taken_and_applied() {
        let classes = ["a", "b"].map(String::from);
        let case = |index: usize| Case {
            path: format!("{index}.png"),
            file: "x.png".into(),
            label: classes[index % 2].clone(),
            patient_id: format!("p{index}"),
            split: None,
            attributes: Default::default(),
        };
        let cases: Vec<Case> = (0..20).map(case).collect();
        let kernel = |index: usize| PropertyValue::Word(["sharp", "soft"][index % 2].into());
        let rows: Vec<Properties> = (0..20).map(|index| properties("kernel", kernel(index))).collect();
        let shortcut = Shortcut::fit(&cases, &rows, &classes).unwrap();
        assert_eq!(shortcut.name, "kernel");
        // ten cases and two of the prior, half of them of each class: 11 of 12
        let told = shortcut.probabilities(&rows[0]);
        assert!((told[0] - 11.0 / 12.0).abs() < 1e-12 && (told[1] - 1.0 / 12.0).abs() < 1e-12, "{told:?}");
        let unseen = properties("kernel", PropertyValue::Word("other".into()));
        assert_eq!(shortcut.probabilities(&unseen), [0.5, 0.5]);
        let alike = vec![properties("kernel", PropertyValue::Missing); 20];
        assert!(Shortcut::fit(&cases, &alike, &classes).is_none());
    }
}
