//! What is told of padding that headers do not declare, or declare wrongly.

use super::Padding;
use super::hounsfield::Converted;
use super::number_text::bounded_text;
use crate::findings::{Code, Reason};
use crate::units::Hounsfield;

/// What was seen of padding in the slices of a series, beside what their headers declare rightly.
#[derive(Debug, Clone, Default)]
pub(super) struct SeenPadding {
    /// Values that headers do not declare.
    values_hu: Vec<Hounsfield>,
    undeclared_in: usize,
    disbelieved_in: usize,
}

impl SeenPadding {
    /// Adds what was seen in one slice.
    pub(super) fn add(&mut self, converted: &Converted) {
        self.disbelieved_in += usize::from(converted.is_disbelieved);
        let Some(value) = converted.undeclared_hu else { return };
        self.undeclared_in += 1;
        if !self.values_hu.contains(&value) {
            self.values_hu.push(value);
        }
    }

    /// What a user should know of it, for a series of so many slices.
    pub(super) fn warning(&self, slices: usize, treatment: Padding) -> Option<Reason> {
        let became = if treatment == Padding::Air { "became air" } else { "are kept as they are" };
        let values: Vec<String> = self.values_hu.iter().map(|hu| bounded_text((*hu).into(), hu)).collect();
        let undeclared = (self.undeclared_in > 0).then(|| {
            format!(
                "pixels of {} HU in {} of {slices} slices, which the header does not declare as padding, were \
                 taken for it and {became}",
                values.join(", "),
                self.undeclared_in
            )
        });
        let disbelieved = (self.disbelieved_in > 0).then(|| {
            format!(
                "the padding declared in {} of {slices} slices has values of tissue and was not used",
                self.disbelieved_in
            )
        });
        let sentences: Vec<String> = undeclared.into_iter().chain(disbelieved).collect();
        (!sentences.is_empty()).then(|| Reason::new(Code::Padding, sentences.join("; ")))
    }
}
