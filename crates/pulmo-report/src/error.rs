//! Why a document cannot be written or read.

use pulmo_metrics::MetricsError;

/// What went wrong with a document.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The document cannot be written.
    #[error("cannot write the document")]
    Write {
        /// Why.
        #[from]
        source: std::io::Error,
    },
    /// The table of predictions cannot be written or is not CSV.
    #[error("cannot write or read the table of predictions")]
    Csv {
        /// Why.
        #[from]
        source: csv::Error,
    },
    /// The metrics cannot be written as JSON.
    #[error("cannot write the metrics as JSON")]
    Json {
        /// Why.
        #[from]
        source: serde_json::Error,
    },
    /// The samples to draw do not fit together.
    #[error("cannot draw the samples")]
    Samples {
        /// Why.
        #[from]
        source: MetricsError,
    },
    /// The first line of the table of predictions is not as it must be.
    #[error("column {column} is named {found:?}, expected {expected}")]
    Header {
        /// Position of the column, from 0.
        column: usize,
        /// The name that belongs there.
        expected: &'static str,
        /// The name found; empty if the column is missing.
        found: String,
    },
    /// A probability is not a number.
    #[error("{found:?} in row {row} is not a number")]
    Number {
        /// Position of the row, from 0.
        row: usize,
        /// The text found.
        found: String,
    },
    /// Two tables of predictions are not about the same labelled cases.
    #[error("the predictions cannot be compared: {what}")]
    Unpaired {
        /// What does not fit.
        what: String,
    },
    /// A row has not one probability per class.
    #[error("row {row} has {found} probabilities, expected {expected}")]
    ProbabilityCount {
        /// Position of the row, from 0.
        row: usize,
        /// Number of classes.
        expected: usize,
        /// Number of probabilities.
        found: usize,
    },
}
