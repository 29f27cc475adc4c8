//! Curves over axes from 0 to 1, with a legend under them.

use super::svg::{Axes, Canvas, colour};

pub(super) const WIDTH: f64 = 480.0;
pub(super) const PLOT: Axes = Axes { left: 70.0, top: 44.0, width: 380.0, height: 380.0 };
/// Below the axes' names.
const LEGEND_TOP: f64 = PLOT.top + PLOT.height + 64.0;
pub(super) const LEGEND_STEP: f64 = 20.0;

/// A line, or a ring if it is a single point, and what the legend says of it.
pub(super) struct Curve {
    pub(super) style: String,
    pub(super) points: Vec<[f64; 2]>,
    pub(super) legend: String,
}

/// Axes, curves and, under them, one legend line each.
pub(super) fn plot(title: &str, [x_name, y_name]: [&str; 2], curves: &[Curve]) -> String {
    let mut canvas = Canvas::new([WIDTH, LEGEND_TOP + LEGEND_STEP * curves.len() as f64], title);
    PLOT.draw(&mut canvas, x_name, y_name);
    for (index, Curve { style, points, legend }) in curves.iter().enumerate() {
        let y = LEGEND_TOP + LEGEND_STEP * index as f64;
        let ring = format!("fill=\"#fff\" {style}");
        match points.as_slice() {
            &[[x, at]] => {
                canvas.circle(PLOT.at(x, at), 5.0, &ring);
                canvas.circle([PLOT.left + 13.0, y - 4.0], 5.0, &ring);
            }
            points => {
                let points: Vec<[f64; 2]> = points.iter().map(|&[x, y]| PLOT.at(x, y)).collect();
                canvas.polyline(&points, style);
                canvas.line([PLOT.left, y - 4.0], [PLOT.left + 26.0, y - 4.0], style);
            }
        }
        canvas.text([PLOT.left + 34.0, y], "", legend);
    }
    canvas.finish()
}

pub(super) fn solid(index: usize) -> String {
    format!("stroke=\"{}\" stroke-width=\"2\" stroke-linejoin=\"round\"", colour(index))
}

pub(super) const DASHED: &str = "stroke=\"#888\" stroke-width=\"1.2\" stroke-dasharray=\"5 4\"";
