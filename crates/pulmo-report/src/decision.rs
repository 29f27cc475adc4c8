//! Decision curves as a table and as a picture.

use super::plot::{Curve, DASHED, plot_scaled, solid};
use pulmo_metrics::NetBenefit;

/// The curve as CSV, header `threshold,model,treat_all,treat_none`.
pub fn decision_curve_csv(curve: &[NetBenefit]) -> String {
    let row = |point: &NetBenefit| format!("{},{},{},0\n", point.threshold, point.model, point.treat_all);
    std::iter::once("threshold,model,treat_all,treat_none\n".to_owned())
        .chain(curve.iter().map(row))
        .collect()
}

/// Net benefit of acting on the model, on everybody and on nobody.
pub fn decision_curve_svg(curve: &[NetBenefit]) -> String {
    let highest = curve.iter().map(|point| point.model.max(point.treat_all)).fold(0.05, f64::max);
    let range = [-0.25 * highest, highest];
    // What lies lower runs along the foot, and ends where it never comes up again.
    let points = |benefit: fn(&NetBenefit) -> f64| {
        let seen = curve.iter().rposition(|point| benefit(point) > range[0]).map_or(0, |last| last + 2);
        let place = |point: &NetBenefit| [point.threshold, benefit(point).max(range[0])];
        curve.iter().take(seen).map(place).collect()
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
    plot_scaled("Decision curve", ["threshold probability", "net benefit"], range, curves)
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
    fn what_lies_far_below_runs_along_the_foot() {
        let dip = NetBenefit { threshold: 0.6, model: -9.0, treat_all: -1.0 };
        let svg = decision_curve_svg(&[CURVE[0], CURVE[1], dip, CURVE[2]]);
        let lines: Vec<&str> =
            svg.lines().filter_map(|line| line.strip_prefix("<polyline points=\"")).collect();
        let points: Vec<Vec<&str>> =
            lines.iter().map(|line| line.split('"').next().unwrap().split(' ').collect()).collect();
        // The plot's top is at y = 44, its foot at 424; the model comes up again, acting on all does not.
        assert_eq!((points[0][0], points[0][2], points[0].len()), ("165.00,44.00", "298.00,424.00", 4));
        assert_eq!((points[1].last().copied(), points[1].len()), (Some("298.00,424.00"), 3));
    }
}
