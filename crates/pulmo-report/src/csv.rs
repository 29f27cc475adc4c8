//! `predictions.csv`: one row per image or study.

use std::io::{Read, Write};

use ::csv::{Reader, StringRecord, Writer};

use super::ReportError;
use pulmo_scan::findings::Prediction;

const COLUMNS: [&str; 4] = ["path", "patient_id", "label", "prediction"];
const PROBABILITY: &str = "probability_";

/// What was said of one image or study.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictionRow {
    /// The file or folder.
    pub path: String,
    /// Whose it is; empty where unknown.
    pub patient_id: String,
    /// Name of the class in truth; `None` where unknown.
    pub label: Option<String>,
    /// Name of the class given.
    pub prediction: String,
    /// Probability of each class, in the order of [`Predictions::classes`].
    pub probabilities: Vec<f64>,
}

impl PredictionRow {
    /// The row of a classifier's answer, without patient and label.
    pub fn new(path: impl Into<String>, prediction: &Prediction) -> Self {
        Self {
            path: path.into(),
            patient_id: String::new(),
            label: None,
            prediction: prediction.class.clone(),
            probabilities: prediction.probabilities.iter().copied().map(f64::from).collect(),
        }
    }
}

/// A table of predictions.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Predictions {
    /// Class names.
    pub classes: Vec<String>,
    /// One row per image or study.
    pub rows: Vec<PredictionRow>,
}

impl Predictions {
    /// Writes the table as CSV, header `path,patient_id,label,prediction,probability_<class>,...`.
    /// Probabilities are written so that reading gives the same bits.
    ///
    /// # Errors
    /// Writing fails; a row has not one probability per class.
    pub fn write(&self, out: impl Write) -> Result<(), ReportError> {
        let mut writer = Writer::from_writer(out);
        let probabilities = self.classes.iter().map(|class| format!("{PROBABILITY}{class}"));
        writer.write_record(COLUMNS.map(String::from).into_iter().chain(probabilities))?;
        for (row, PredictionRow { path, patient_id, label, prediction, probabilities }) in
            self.rows.iter().enumerate()
        {
            let (expected, found) = (self.classes.len(), probabilities.len());
            if expected != found {
                return Err(ReportError::ProbabilityCount { row, expected, found });
            }
            let texts =
                [path, patient_id, label.as_deref().unwrap_or_default(), prediction].map(String::from);
            // The shortest digits that read back as the same number, with an exponent where long.
            let numbers = probabilities.iter().map(|probability| format!("{probability:?}"));
            writer.write_record(texts.into_iter().chain(numbers))?;
        }
        Ok(writer.flush()?)
    }

    /// The table that [`Predictions::write`] wrote.
    ///
    /// # Errors
    /// Reading fails; the header is another; a probability is not a number.
    pub fn read(input: impl Read) -> Result<Self, ReportError> {
        let mut reader = Reader::from_reader(input);
        let classes = classes_of(reader.headers()?)?;
        let rows = reader.records().enumerate().map(|(row, record)| read_row(row, &record?));
        Ok(Self { classes, rows: rows.collect::<Result<_, _>>()? })
    }
}

fn classes_of(header: &StringRecord) -> Result<Vec<String>, ReportError> {
    for (column, &expected) in COLUMNS.iter().enumerate() {
        let found = header.get(column).unwrap_or_default();
        if found != expected {
            return Err(ReportError::Header { column, expected, found: found.into() });
        }
    }
    let class = |(column, found): (usize, &str)| match found.strip_prefix(PROBABILITY) {
        Some(class) => Ok(class.to_owned()),
        None => Err(ReportError::Header { column, expected: "probability_<class>", found: found.into() }),
    };
    header.iter().enumerate().skip(COLUMNS.len()).map(class).collect()
}

fn read_row(row: usize, record: &StringRecord) -> Result<PredictionRow, ReportError> {
    let text = |column: usize| record.get(column).unwrap_or_default().to_owned();
    let number = |found: &str| match found.parse() {
        Ok(number) => Ok(number),
        Err(_) => Err(ReportError::Number { row, found: found.into() }),
    };
    Ok(PredictionRow {
        path: text(0),
        patient_id: text(1),
        label: Some(text(2)).filter(|label| !label.is_empty()),
        prediction: text(3),
        probabilities: record.iter().skip(COLUMNS.len()).map(number).collect::<Result<_, _>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Predictions {
        let row = |path: &str, label: Option<&str>, probabilities: [f64; 2]| PredictionRow {
            path: path.into(),
            patient_id: "p1".into(),
            label: label.map(String::from),
            prediction: "benign".into(),
            probabilities: probabilities.to_vec(),
        };
        Predictions {
            classes: vec!["benign".into(), "malignant, proven".into()],
            rows: vec![
                row("a \"quoted\", path.dcm", Some("benign"), [1.0 / 3.0, 2.0 / 3.0]),
                row("b\n.dcm", None, [f64::MIN_POSITIVE, 1.0]),
                row("c.dcm", Some("benign"), [f64::from(0.1f32), 0.1 + 0.2]),
            ],
        }
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        let mut bytes = Vec::new();
        table().write(&mut bytes).unwrap();
        assert_eq!(Predictions::read(bytes.as_slice()).unwrap(), table());
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with("path,patient_id,label,prediction,probability_benign,"), "{text}");
        assert!(text.contains("2.2250738585072014e-308"), "{text}");
    }

    #[test]
    fn wrong_tables_are_refused() {
        let read = |text: &str| Predictions::read(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(read("path,label\n"), "column 1 is named \"label\", expected patient_id");
        let header = "path,patient_id,label,prediction";
        assert_eq!(
            read(&format!("{header},benign\n")),
            "column 4 is named \"benign\", expected probability_<class>"
        );
        assert_eq!(
            read(&format!("{header},probability_a\nx,y,z,a,much\n")),
            "\"much\" in row 0 is not a number"
        );
        let mut short = table();
        short.rows[1].probabilities.pop();
        let error = short.write(Vec::new()).unwrap_err();
        assert!(matches!(error, ReportError::ProbabilityCount { row: 1, expected: 2, found: 1 }));
    }
}
