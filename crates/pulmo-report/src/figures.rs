//! The figures of an evaluation, as SVG documents.

use super::ReportError;
use super::matrix::confusion_svg;
use super::plot::{Curve, DASHED, LEGEND_STEP, PLOT, WIDTH, plot, solid};
use super::svg::{Axes, Canvas, Turned};
use super::table::{estimate_text, number_text};
use pulmo_metrics::{
    ClassScores, Evaluation, PrecisionRecallPoint, Reliability, RocPoint, Samples, precision_recall_curve,
    roc_curve,
};

/// Four figures, each an SVG document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// Receiver operating characteristic.
    pub roc: String,
    /// Precision against recall.
    pub precision_recall: String,
    /// Confusion matrix.
    pub confusion: String,
    /// Reliability diagram.
    pub reliability: String,
}

impl Figures {
    /// The figures of `samples`, with the numbers of their `evaluation` in the legends. For two
    /// classes the curves are those of the positive one, for more there is one per class. An
    /// undefined curve is missing and its legend says so.
    ///
    /// # Errors
    /// As [`Samples::validate`].
    pub fn draw(samples: &Samples, evaluation: &Evaluation) -> Result<Self, ReportError> {
        samples.validate()?;
        Ok(Self {
            roc: roc_svg(samples, evaluation)?,
            precision_recall: precision_recall_svg(samples, evaluation)?,
            confusion: confusion_svg(&evaluation.classes, evaluation.confusion.counts()),
            reliability: reliability_svg(&samples.reliability()?, evaluation),
        })
    }
}

/// The classes that get a curve.
fn drawn_classes(samples: &Samples) -> std::ops::Range<usize> {
    if samples.is_binary() { 1..2 } else { 0..samples.classes.len() }
}

/// The area under a curve, which stands in its legend.
#[derive(Clone, Copy)]
enum CurveArea {
    Roc,
    PrecisionRecall,
}

impl CurveArea {
    fn name(self) -> &'static str {
        match self {
            Self::Roc => "AUC",
            Self::PrecisionRecall => "average precision",
        }
    }

    /// The metric's name in an evaluation.
    fn metric(self) -> &'static str {
        match self {
            Self::Roc => "roc_auc",
            Self::PrecisionRecall => "average_precision",
        }
    }

    fn of_class(self, scores: &ClassScores) -> Option<f64> {
        match self {
            Self::Roc => scores.roc_auc,
            Self::PrecisionRecall => scores.average_precision,
        }
    }
}

/// `class: value`, with the interval where there is only one curve.
fn legend(evaluation: &Evaluation, class: usize, area: CurveArea) -> String {
    let own = area.of_class(&evaluation.per_class[class]);
    let text = match evaluation.metric(area.metric()).filter(|_| evaluation.positive.is_some()) {
        Some(estimate) => estimate_text(estimate),
        None => number_text(own),
    };
    format!("{}, {} {text}", evaluation.classes[class], area.name())
}

fn roc_svg(samples: &Samples, evaluation: &Evaluation) -> Result<String, ReportError> {
    let mut curves = Vec::new();
    for (index, class) in drawn_classes(samples).enumerate() {
        let points = roc_curve(&samples.ranking(class)?).unwrap_or_default();
        let place = |point: &RocPoint| [point.false_positive_rate, point.true_positive_rate];
        curves.push(Curve {
            style: solid(index),
            points: points.iter().map(place).collect(),
            legend: legend(evaluation, class, CurveArea::Roc),
        });
    }
    let diagonal = vec![[0.0, 0.0], [1.0, 1.0]];
    curves.push(Curve { style: DASHED.into(), points: diagonal, legend: "chance, AUC 0.500".into() });
    curves.extend(operating_point(evaluation));
    let names = ["false positive rate (1 - specificity)", "true positive rate (recall)"];
    Ok(plot("Receiver operating characteristic", names, &curves))
}

/// Where the decisions on two classes lie on the curve.
fn operating_point(evaluation: &Evaluation) -> Option<Curve> {
    let scores = evaluation.per_class.get(1).filter(|_| evaluation.positive.is_some())?;
    let point = [1.0 - scores.specificity?, scores.recall?];
    let threshold = evaluation.threshold.map_or_else(String::new, |value| format!(", threshold {value:.4}"));
    let style = "stroke=\"#D55E00\" stroke-width=\"2\"".to_owned();
    Some(Curve { style, points: vec![point], legend: format!("decisions{threshold}") })
}

/// The curve as the steps whose area is the average precision.
fn stairs(points: &[PrecisionRecallPoint]) -> Vec<[f64; 2]> {
    let corner = |pair: &[PrecisionRecallPoint]| {
        [[pair[0].recall, pair[1].precision], [pair[1].recall, pair[1].precision]]
    };
    points.windows(2).flat_map(corner).collect()
}

fn precision_recall_svg(samples: &Samples, evaluation: &Evaluation) -> Result<String, ReportError> {
    let mut curves = Vec::new();
    for (index, class) in drawn_classes(samples).enumerate() {
        let points = precision_recall_curve(&samples.ranking(class)?).unwrap_or_default();
        curves.push(Curve {
            style: solid(index),
            points: stairs(&points),
            legend: legend(evaluation, class, CurveArea::PrecisionRecall),
        });
    }
    if let Some(positive) = evaluation.positive {
        let prevalence = positive as f64 / evaluation.n as f64;
        let points = vec![[0.0, prevalence], [1.0, prevalence]];
        curves.push(Curve {
            style: DASHED.into(),
            points,
            legend: format!("chance, prevalence {prevalence:.3}"),
        });
    }
    Ok(plot("Precision and recall", ["recall", "precision"], &curves))
}

fn reliability_svg(reliability: &Reliability, evaluation: &Evaluation) -> String {
    let mut canvas = Canvas::new([WIDTH, 552.0], "Reliability");
    let upper = Axes { height: 320.0, ..PLOT };
    upper.draw(&mut canvas, ["confidence (probability of the class given)", "accuracy"]);
    let lower = Axes { top: upper.top + upper.height + 54.0, height: 70.0, ..PLOT };
    let bins = reliability.bins();
    let fullest = bins.iter().map(|bin| bin.count).max().unwrap_or(0).max(1);
    for bin in &bins {
        let relative = bin.count as f64 / fullest as f64;
        if let Some((confidence, accuracy)) = bin.confidence.zip(bin.accuracy) {
            canvas.rectangle(
                bar(&upper, [bin.low, bin.high], accuracy),
                "fill=\"#0072B2\" fill-opacity=\"0.75\"",
            );
            let style = "stroke=\"#D55E00\" stroke-width=\"2\"";
            canvas.line(upper.at(confidence, accuracy), upper.at(confidence, confidence), style);
        }
        canvas.rectangle(bar(&lower, [bin.low, bin.high], relative), "fill=\"#888\"");
    }
    canvas.line(upper.at(0.0, 0.0), upper.at(1.0, 1.0), DASHED);
    lower.frame(&mut canvas);
    let [x, y] = lower.at(0.0, 0.5);
    canvas.turned_text(Turned::up([x - 42.0, y]), "text-anchor=\"middle\" font-size=\"13\"", "count");
    canvas.text([x - 8.0, lower.top + 8.0], "text-anchor=\"end\"", &fullest.to_string());
    canvas.text([x - 8.0, lower.top + lower.height], "text-anchor=\"end\"", "0");
    let error = evaluation.metric("expected_calibration_error").map_or_else(String::new, estimate_text);
    let foot = lower.top + lower.height + 26.0;
    canvas.text([PLOT.left, foot], "", &format!("expected calibration error {error}"));
    canvas.text([PLOT.left, foot + LEGEND_STEP], "", "orange: from mean confidence to accuracy, bin by bin");
    canvas.finish()
}

/// The place of a bar of `height` over `low..high`, with a hair's space beside it.
fn bar(axes: &Axes, [low, high]: [f64; 2], height: f64) -> [f64; 4] {
    let ([x, y], [end, _]) = (axes.at(low, height), axes.at(high, height));
    [x + 0.75, y, end - x - 1.5, height * axes.height]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::tests::evaluated;

    #[test]
    fn curves_are_drawn_with_their_numbers() {
        let (samples, evaluation) = evaluated(&["benign", "<malignant>"]);
        let figures = Figures::draw(&samples, &evaluation).unwrap();
        let area = estimate_text(evaluation.metric("roc_auc").unwrap());
        assert!(figures.roc.contains(&format!("&lt;malignant&gt;, AUC {area}")), "{}", figures.roc);
        // From (0, 0), the lower left corner of the plot, to (1, 1), the upper right one.
        assert!(figures.roc.contains("points=\"70.00,424.00 ") && figures.roc.contains(" 450.00,44.00\""));
        for svg in [&figures.roc, &figures.precision_recall, &figures.confusion, &figures.reliability] {
            assert!(!svg.contains("<malignant>") && !svg.contains("NaN") && svg.starts_with("<svg "));
        }
    }

    #[test]
    fn an_undefined_curve_is_missing_and_said_so() {
        let (samples, evaluation) = evaluated(&["normal", "benign", "malignant"]);
        let figures = Figures::draw(&samples, &evaluation).unwrap();
        assert!(figures.roc.contains("malignant, AUC undefined"));
        assert_eq!(figures.roc.matches("<polyline").count(), 3, "two curves and the diagonal");
    }

    #[test]
    fn stairs_start_at_recall_zero() {
        let point = |recall, precision| PrecisionRecallPoint { precision, recall, threshold: 0.5 };
        let points = [point(0.0, 1.0), point(0.5, 0.8), point(1.0, 0.4)];
        assert_eq!(stairs(&points), [[0.0, 0.8], [0.5, 0.8], [0.5, 0.4], [1.0, 0.4]]);
    }
}
