//! Curves over axes from 0 to 1, with a legend under them.

use super::svg::{Axes, Canvas, colour};

/// Pixels of a figure across.
pub(super) const WIDTH: f64 = 480.0;
/// Where the curves are.
pub(super) const PLOT: Axes = Axes { left: 70.0, top: 44.0, width: 380.0, height: 380.0 };
/// Below the axes' names.
const LEGEND_TOP: f64 = PLOT.top + PLOT.height + 64.0;
/// Pixels from one line of the legend to the next.
pub(super) const LEGEND_STEP: f64 = 20.0;

/// A line, or a ring if it is a single point, and what the legend says of it.
pub(super) struct Curve {
    pub(super) style: String,
    pub(super) points: Vec<[f64; 2]>,
    pub(super) legend: String,
}

/// Axes, curves and, under them, one legend line each.
pub(super) fn plot(title: &str, names: [&str; 2], curves: &[Curve]) -> String {
    let mut canvas = Canvas::new([WIDTH, LEGEND_TOP + LEGEND_STEP * curves.len() as f64], title);
    PLOT.draw(&mut canvas, names);
    draw_curves(canvas, curves)
}

/// The same with a y axis from `low` to `high`, the curves in its unit.
pub(super) fn plot_scaled(
    title: &str,
    names: [&str; 2],
    [low, high]: [f64; 2],
    curves: Vec<Curve>,
) -> String {
    let mut canvas = Canvas::new([WIDTH, LEGEND_TOP + LEGEND_STEP * curves.len() as f64], title);
    PLOT.draw_scaled(&mut canvas, names, |tick| format!("{:.2}", low + tick * (high - low)));
    let scaled = |curve: Curve| Curve {
        points: curve.points.into_iter().map(|[x, y]| [x, (y - low) / (high - low)]).collect(),
        ..curve
    };
    draw_curves(canvas, &curves.into_iter().map(scaled).collect::<Vec<_>>())
}

fn draw_curves(mut canvas: Canvas, curves: &[Curve]) -> String {
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

/// The style of the curve at `index`.
pub(super) fn solid(index: usize) -> String {
    format!("stroke=\"{}\" stroke-width=\"2\" stroke-linejoin=\"round\"", colour(index))
}

/// The style of what curves are held against.
pub(super) const DASHED: &str = "stroke=\"#888\" stroke-width=\"1.2\" stroke-dasharray=\"5 4\"";
