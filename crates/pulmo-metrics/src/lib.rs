//! How good a classifier is: slices in, numbers out.
//!
//! Conventions are those of scikit-learn wherever it is defined; what is undefined is `None`,
//! never 0, 0.5 or NaN. [`Evaluation::compute`] gives everything about one set of samples, with
//! confidence intervals over patients; the other items are its parts.

mod bootstrap;
mod calibration;
mod calibration_map;
mod comparison;
mod confusion;
mod decision;
mod decision_curve;
mod delong;
mod error;
mod evaluation;
mod froc;
mod grouping;
mod isotonic;
mod normal;
mod operating_point;
mod precision_recall;
mod proportion;
mod ranking;
mod roc;
mod samples;

pub use bootstrap::{Resampled, bootstrap, percentile};
pub use calibration::{CalibrationScores, Reliability, ReliabilityBin, brier_score, calibration_scores};
pub use calibration_map::{CalibrationMap, CalibrationMethod, cross_calibrate};
pub use comparison::{AucComparison, Paired, compare_roc_auc};
pub use confusion::{Confusion, OneVsRest};
pub use decision::decide;
pub use decision_curve::{NetBenefit, decision_curve, decision_thresholds};
pub use delong::{RocAuc, delong};
pub use error::{CalibrationMapError, ChoiceError, MetricsError};
pub use evaluation::{ClassScores, Estimate, Evaluation, EvaluationSettings};
pub use froc::{FROC_RATES, Froc, FrocPoint, Mark, MarkedScan, Target};
pub use operating_point::{OperatingPoint, OperatingRule, Rate};
pub use precision_recall::{PrecisionRecallPoint, average_precision, precision_recall_curve};
pub use proportion::wilson95;
pub use ranking::Ranking;
pub use roc::{RocPoint, best_threshold_youden, roc_auc, roc_curve};
pub use samples::Samples;
