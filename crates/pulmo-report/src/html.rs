//! `index.html`: one file that shows everything and asks for nothing, neither scripts nor links.

use std::io::Write;

use super::csv::{PredictionRow, Predictions};
use super::gallery::write_gallery;
use super::svg::escape;
use super::table::{CLASS_HEADS, class_rows, interval_text, number_text, summary};
use super::{Figures, GalleryItem, ReportError};
use pulmo_metrics::Evaluation;

/// What the page shows; what is empty or `None` is left out.
#[derive(Debug, Clone, Copy, Default)]
pub struct Page<'a> {
    /// The heading.
    pub title: &'a str,
    /// Paragraphs under it.
    pub intro: &'a [String],
    /// The metrics.
    pub evaluation: Option<&'a Evaluation>,
    /// The figures.
    pub figures: Option<&'a Figures>,
    /// Pictures.
    pub gallery: &'a [GalleryItem],
    /// Predictions, all of which are listed, without patient ids.
    pub predictions: Option<&'a Predictions>,
}

/// Writes the page.
///
/// # Errors
/// Writing fails.
pub fn write_index(mut out: impl Write, page: &Page<'_>) -> Result<(), ReportError> {
    write_head(&mut out, page.title, page.intro)?;
    if let Some(evaluation) = page.evaluation {
        write_metrics(&mut out, evaluation)?;
    }
    if let Some(figures) = page.figures {
        write_figures(&mut out, figures)?;
    }
    write_gallery(&mut out, page.gallery)?;
    if let Some(predictions) = page.predictions {
        write_predictions(&mut out, predictions)?;
    }
    Ok(writeln!(out, "</body>\n</html>")?)
}

/// Everything up to the heading and the paragraphs under it.
pub(super) fn write_head(out: &mut impl Write, title: &str, intro: &[String]) -> Result<(), ReportError> {
    let title = escape(title);
    writeln!(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
    writeln!(out, "<title>{title}</title>\n<style>\n{}</style>\n</head>\n<body>", include_str!("style.css"))?;
    writeln!(out, "<h1>{title}</h1>")?;
    for paragraph in intro {
        writeln!(out, "<p>{}</p>", escape(paragraph))?;
    }
    Ok(())
}

fn write_metrics(out: &mut impl Write, evaluation: &Evaluation) -> Result<(), ReportError> {
    writeln!(out, "<section><h2>Metrics</h2>\n<p class=\"soft\">{}.", escape(&summary(evaluation)))?;
    writeln!(out, "Intervals: 95 %, by resampling patients.</p>")?;
    open_table(out, &["metric", "value", "95 % interval"])?;
    for (name, estimate) in &evaluation.metrics {
        let cells = [(*name).to_owned(), number_text(estimate.value), interval_text(estimate.ci95)];
        write_row(out, "", &cells)?;
    }
    writeln!(out, "</table></div>\n<h2>Classes</h2>")?;
    open_table(out, &CLASS_HEADS)?;
    for row in class_rows(evaluation) {
        write_row(out, "", &row)?;
    }
    Ok(writeln!(out, "</table></div></section>")?)
}

fn write_figures(out: &mut impl Write, figures: &Figures) -> Result<(), ReportError> {
    writeln!(out, "<section><h2>Figures</h2><div class=\"figures\">")?;
    for svg in [&figures.roc, &figures.precision_recall, &figures.confusion, &figures.reliability] {
        writeln!(out, "<figure>{svg}</figure>")?;
    }
    Ok(writeln!(out, "</div></section>")?)
}

fn write_predictions(out: &mut impl Write, predictions: &Predictions) -> Result<(), ReportError> {
    writeln!(out, "<section><h2>Predictions</h2>")?;
    let probabilities = predictions.classes.iter().map(|class| format!("probability of {class}"));
    let texts = ["path", "label", "prediction"].map(String::from);
    open_table(out, &texts.into_iter().chain(probabilities).collect::<Vec<_>>())?;
    for PredictionRow { path, label, prediction, probabilities, .. } in &predictions.rows {
        let wrong = label.as_ref().is_some_and(|label| label != prediction);
        let texts = [path.clone(), label.clone().unwrap_or_default(), prediction.clone()];
        let numbers = probabilities.iter().map(|&probability| number_text(Some(probability)));
        let cells: Vec<String> = texts.into_iter().chain(numbers).collect();
        write_row(out, if wrong { " class=\"wrong\"" } else { "" }, &cells)?;
    }
    Ok(writeln!(out, "</table></div></section>")?)
}

pub(super) fn open_table<S: AsRef<str>>(out: &mut impl Write, heads: &[S]) -> Result<(), ReportError> {
    let cells: String = heads.iter().map(|head| format!("<th>{}</th>", escape(head.as_ref()))).collect();
    Ok(writeln!(out, "<div class=\"scroll\"><table>\n<tr>{cells}</tr>")?)
}

pub(super) fn write_row(out: &mut impl Write, attributes: &str, cells: &[String]) -> Result<(), ReportError> {
    let cells: String = cells.iter().map(|cell| format!("<td>{}</td>", escape(cell))).collect();
    Ok(writeln!(out, "<tr{attributes}>{cells}</tr>")?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::tests::evaluated;

    /// Every tag that is opened is closed, in order, but for those that HTML and SVG leave open.
    fn assert_balanced(html: &str) {
        let mut open: Vec<&str> = Vec::new();
        for tag in html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap()) {
            let name = tag.trim_start_matches('/').split([' ', '\n']).next().unwrap();
            if tag.starts_with('/') {
                assert_eq!(open.pop(), Some(name));
            } else if !tag.ends_with('/') && !["!DOCTYPE", "meta", "img"].contains(&name) {
                open.push(name);
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }

    fn page() -> String {
        let (samples, evaluation) = evaluated(&["benign", "<b>malignant"]);
        let row = |path: &str, label: &str| PredictionRow {
            path: path.into(),
            patient_id: "secret".into(),
            label: Some(label.into()),
            prediction: "benign".into(),
            probabilities: vec![0.75, 0.25],
        };
        let rows = vec![row("a.dcm", "benign"), row("<script>alert(1)</script>", "<b>malignant")];
        let predictions = Predictions { classes: evaluation.classes.clone(), rows };
        let gallery = [GalleryItem { png: b"foobar".to_vec(), caption: "\"x\" & y".into() }];
        let page = Page {
            title: "A & B",
            intro: &["One <two> three.".to_owned()],
            evaluation: Some(&evaluation),
            figures: Some(&Figures::draw(&samples, &evaluation).unwrap()),
            gallery: &gallery,
            predictions: Some(&predictions),
        };
        let mut bytes = Vec::new();
        write_index(&mut bytes, &page).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn the_page_is_whole_and_self_contained() {
        let html = page();
        assert_balanced(&html);
        for part in ["<title>A &amp; B</title>", "roc_auc", "Confusion matrix", "base64,Zm9vYmFy\"", "a.dcm"]
        {
            assert!(html.contains(part), "{part}");
        }
        assert_eq!(html.matches("<tr class=\"wrong\">").count(), 1);
        // The only address is the name of the SVG language.
        assert_eq!(html.matches("http").count(), html.matches("http://www.w3.org/2000/svg").count());
        assert!(!html.contains("href") && !html.contains("url("));
    }

    #[test]
    fn foreign_text_stays_text() {
        let html = page();
        assert!(!html.contains("<script") && !html.contains("<b>") && !html.contains("<two>"));
        assert!(html.contains("alt=\"&quot;x&quot; &amp; y\""));
        assert!(!html.contains("secret"), "patient ids stay out of the page");
    }

    #[test]
    fn an_empty_page_is_still_a_page() {
        let mut bytes = Vec::new();
        write_index(&mut bytes, &Page { title: "Empty", ..Page::default() }).unwrap();
        assert_balanced(&String::from_utf8(bytes).unwrap());
    }
}
