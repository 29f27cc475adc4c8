//! What is evaluated: truth, decision and probabilities of each sample.

use super::error::{check_classes, check_length, check_probability};
use super::{MetricsError, Ranking, Reliability};

/// Samples with their truth and what a classifier said. With two classes the second (index 1) is
/// the positive one.
///
/// # Shapes
/// `labels`, `predictions`, `patients`: `[samples]`. `probabilities`: `[samples][classes]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    /// Class names.
    pub classes: Vec<String>,
    /// Class index of each sample in truth.
    pub labels: Vec<usize>,
    /// Class index given to each sample by the classifier.
    pub predictions: Vec<usize>,
    /// Probability of each class.
    pub probabilities: Vec<Vec<f64>>,
    /// Whose sample it is: samples of one patient are resampled together.
    pub patients: Vec<String>,
}

impl Samples {
    /// Whether everything fits together.
    ///
    /// # Errors
    /// No samples; fewer than two classes or two of one name; lists of different length; a class
    /// index out of range; a probability outside `[0, 1]`.
    pub fn validate(&self) -> Result<(), MetricsError> {
        let (classes, samples) = (self.classes.len(), self.labels.len());
        if samples == 0 {
            return Err(MetricsError::Empty);
        }
        if classes < 2 {
            return Err(MetricsError::FewClasses { count: classes });
        }
        let earlier = |(index, name): (usize, &String)| self.classes[..index].contains(name);
        if let Some((_, name)) = self.classes.iter().enumerate().find(|&pair| earlier(pair)) {
            return Err(MetricsError::DuplicateClass { name: name.clone() });
        }
        check_length("predictions", samples, self.predictions.len())?;
        check_length("rows of probabilities", samples, self.probabilities.len())?;
        check_length("patients", samples, self.patients.len())?;
        check_classes("label", &self.labels, classes)?;
        check_classes("prediction", &self.predictions, classes)?;
        for (sample, row) in self.probabilities.iter().enumerate() {
            check_length("probabilities of a sample", classes, row.len())?;
            row.iter().try_for_each(|&found| check_probability(sample, found))?;
        }
        Ok(())
    }

    /// Whether there are two classes, the second of them positive.
    pub fn is_binary(&self) -> bool {
        self.classes.len() == 2
    }

    /// The samples ranked by the probability of `class`, against all other classes.
    ///
    /// # Errors
    /// As [`Samples::validate`]; a class out of range.
    pub fn ranking(&self, class: usize) -> Result<Ranking, MetricsError> {
        self.validate()?;
        check_classes("class ranked by", &[class], self.classes.len())?;
        let scores: Vec<f64> = self.probabilities.iter().map(|row| row[class]).collect();
        let positive: Vec<bool> = self.labels.iter().map(|&label| label == class).collect();
        Ranking::new(&scores, &positive)
    }

    /// How sure each decision was and whether it was right.
    ///
    /// # Errors
    /// As [`Samples::validate`].
    pub fn reliability(&self) -> Result<Reliability, MetricsError> {
        self.validate()?;
        let given = self.predictions.iter().zip(&self.probabilities);
        let confidences: Vec<f64> = given.map(|(&prediction, row)| row[prediction]).collect();
        let pairs = self.predictions.iter().zip(&self.labels);
        let correct: Vec<bool> = pairs.map(|(prediction, label)| prediction == label).collect();
        Reliability::new(&confidences, &correct)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> Samples {
        Samples {
            classes: vec!["benign".into(), "malignant".into()],
            labels: vec![0, 1],
            predictions: vec![0, 1],
            probabilities: vec![vec![0.9, 0.1], vec![0.2, 0.8]],
            patients: vec!["a".into(), "b".into()],
        }
    }

    #[test]
    fn each_mistake_has_its_error() {
        type Break = fn(&mut Samples);
        let cases: [(Break, &str); 8] = [
            (|samples| samples.labels.clear(), "there are no samples to measure"),
            (|samples| samples.classes.truncate(1), "1 classes, at least 2 are needed"),
            (|samples| samples.classes[1] = "benign".into(), "two classes are named \"benign\""),
            (|samples| samples.patients.truncate(1), "1 patients where 2 belong"),
            (|samples| samples.labels[1] = 2, "label of sample 1 is 2, outside 0..2"),
            (|samples| samples.predictions[0] = 7, "prediction of sample 0 is 7, outside 0..2"),
            (
                |samples| samples.probabilities[1][0] = f64::NAN,
                "probability of sample 1 is NaN, outside [0, 1]",
            ),
            (|samples| samples.probabilities[0].truncate(1), "1 probabilities of a sample where 2 belong"),
        ];
        assert_eq!(sound().validate(), Ok(()));
        for (spoil, message) in cases {
            let mut samples = sound();
            spoil(&mut samples);
            assert_eq!(samples.validate().unwrap_err().to_string(), message);
        }
    }
}
