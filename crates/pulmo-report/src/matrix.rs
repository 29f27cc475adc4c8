//! The confusion matrix as a picture.

use super::svg::{Canvas, Turned};

const TOP: f64 = 48.0;
/// Pixels that a character of a class name takes, about.
const CHARACTER: f64 = 7.0;
/// Longer class names are cut.
const NAME_LENGTH: usize = 18;

fn short(name: &str) -> String {
    if name.chars().count() <= NAME_LENGTH {
        return name.to_owned();
    }
    name.chars().take(NAME_LENGTH - 1).chain(['…']).collect()
}

/// The matrix, rows the truth, each cell with its count and its fraction of the row (none for a class
/// without samples). The darker, the larger the fraction.
pub(super) fn confusion_svg(classes: &[String], counts: &[Vec<u64>]) -> String {
    let cell = (360.0 / classes.len() as f64).clamp(44.0, 120.0);
    let side = cell * classes.len() as f64;
    let names: Vec<String> = classes.iter().map(|name| short(name)).collect();
    let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0) as f64 * CHARACTER;
    // The names beside the rows lie flat, those under the columns rise by 35 degrees.
    let (left, under) = (longest + 46.0, longest * 0.6 + 44.0);
    let mut canvas = Canvas::new([left + side + 40.0, TOP + side + under + 16.0], "Confusion matrix");
    for (row, counts) in counts.iter().enumerate() {
        let total: u64 = counts.iter().sum();
        for (column, &count) in counts.iter().enumerate() {
            let fraction = (total > 0).then(|| count as f64 / total as f64);
            let corner = [left + cell * column as f64, TOP + cell * row as f64];
            MatrixCell { corner, side: cell, count, fraction }.draw(&mut canvas);
        }
    }
    for (index, name) in names.iter().enumerate() {
        let middle = cell * (index as f64 + 0.5);
        canvas.text([left - 10.0, TOP + middle + 4.0], "text-anchor=\"end\"", name);
        let place = Turned { at: [left + middle + 4.0, TOP + side + 16.0], degrees: -35.0 };
        canvas.turned_text(place, "text-anchor=\"end\"", name);
    }
    let style = "text-anchor=\"middle\" font-size=\"13\"";
    canvas.rectangle([left, TOP, side, side], "fill=\"none\" stroke=\"#444\"");
    canvas.text([left + side / 2.0, TOP + side + under], style, "prediction");
    canvas.turned_text(Turned::up([18.0, TOP + side / 2.0]), style, "truth");
    canvas.finish()
}

/// One cell of the matrix.
struct MatrixCell {
    /// Its upper left corner, and its side in pixels.
    corner: [f64; 2],
    side: f64,
    count: u64,
    /// Its share of the row.
    fraction: Option<f64>,
}

impl MatrixCell {
    fn draw(&self, canvas: &mut Canvas) {
        let Self { corner: [x, y], side, count, fraction } = *self;
        canvas.rectangle(
            [x, y, side, side],
            &format!("fill=\"{}\" stroke=\"#fff\"", shade(fraction.unwrap_or(0.0))),
        );
        let ink = if fraction > Some(0.55) { "#fff" } else { "#222" };
        let (x, y) = (x + side / 2.0, y + side / 2.0);
        let size = if side < 60.0 { 12 } else { 17 };
        let style = format!("text-anchor=\"middle\" font-size=\"{size}\" fill=\"{ink}\"");
        canvas.text([x, y], &style, &count.to_string());
        if let Some(fraction) = fraction {
            let style = format!("text-anchor=\"middle\" font-size=\"11\" fill=\"{ink}\"");
            canvas.text([x, y + 17.0], &style, &format!("{fraction:.2}"));
        }
    }
}

/// White to dark blue.
fn shade(fraction: f64) -> String {
    let between = |light: f64, dark: f64| light + (dark - light) * fraction.clamp(0.0, 1.0);
    format!("rgb({:.0},{:.0},{:.0})", between(245.0, 8.0), between(248.0, 69.0), between(252.0, 130.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_hold_counts_and_fractions_of_the_row() {
        let classes = ["a & b".to_owned(), "a class with a very long name".to_owned(), "absent".to_owned()];
        let svg = confusion_svg(&classes, &[vec![3, 1, 0], vec![0, 17, 0], vec![0, 0, 0]]);
        assert!(svg.contains(">0.75<") && svg.contains(">0.25<") && svg.contains(">17<"));
        assert!(svg.contains("a &amp; b") && svg.contains("a class with a ve…"));
        assert!(svg.contains("rgb(8,69,130)"));
        assert_eq!(
            svg.matches(">0.00<").count(),
            3,
            "one in the first row, two in the second, none in the third"
        );
    }
}
