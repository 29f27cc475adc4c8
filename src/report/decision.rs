//! Decision curves as a table and as a picture.

use super::plot::{Curve, DASHED, plot_scaled, solid};
use crate::metrics::NetBenefit;

/// The curve as CSV, header `threshold,model,treat_all,treat_none`.
pub fn decision_curve_csv(curve: &[NetBenefit]) -> String {
    let row = |point: &NetBenefit| format!("{},{},{},0\n", point.threshold, point.model, point.treat_all);
    std::iter::once("threshold,model,treat_all,treat_none\n".to_owned())
        .chain(curve.iter().map(row))
        .collect()
}

/// Net benefit of acting on the model, on everybody and on nobody. Far below 0 nothing is drawn.
pub fn decision_curve_svg(curve: &[NetBenefit]) -> String {
    let highest = curve.iter().map(|point| point.model.max(point.treat_all)).fold(0.05, f64::max);
    let range = [-0.25 * highest, highest];
    let points = |benefit: fn(&NetBenefit) -> f64| {
        let all = curve.iter().map(move |point| [point.threshold, benefit(point)]);
        all.filter(|[_, y]| *y >= range[0]).collect()
    };
    let curves = vec![
        Curve { style: solid(0), points: points(|point| point.model), legend: "acting on the model".into() },
        Curve {
            style: solid(1),
            points: points(|point| point.treat_all),
            legend: "acting on everybody".into(),
        },
        Curve {
            style: DASHED.into(),
            points: vec![[0.0, 0.0], [1.0, 0.0]],
            legend: "acting on nobody".into(),
        },
    ];
    plot_scaled("Decision curve", ("threshold probability", "net benefit"), range, curves)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURVE: [NetBenefit; 3] = [
        NetBenefit { threshold: 0.25, model: 0.3, treat_all: 0.2 },
        NetBenefit { threshold: 0.5, model: 0.25, treat_all: -0.05 },
        NetBenefit { threshold: 0.75, model: 0.1, treat_all: -3.0 },
    ];

    #[test]
    fn the_table_has_a_row_a_threshold() {
        let text = decision_curve_csv(&CURVE);
        assert_eq!(text.lines().nth(1), Some("0.25,0.3,0.2,0"));
        assert_eq!(text.lines().count(), 4);
    }

    #[test]
    fn what_lies_far_below_is_not_drawn() {
        let svg = decision_curve_svg(&CURVE);
        assert!(svg.contains(">0.30<") && svg.contains(">-0.07<") || svg.contains(">-0.08<"), "{svg}");
        let counts: Vec<usize> = svg
            .lines()
            .filter_map(|line| line.strip_prefix("<polyline points=\""))
            .map(|line| line.split('"').next().unwrap().split(' ').count())
            .collect();
        assert_eq!(counts, [3, 2, 2]);
        // The highest point of the model is at the top of the plot.
        assert!(svg.contains("points=\"165.00,44.00 "), "{svg}");
    }
}
