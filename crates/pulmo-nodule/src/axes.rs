//! Long and short axis in the axial plane.

use glam::DVec2;
use ndarray::{Array3, ArrayView2, Axis};

use pulmo_scan::units::Millimetres;

/// The long and the short axis, in the plane in which the long one is longest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct AxialAxes {
    pub(crate) long_mm: Millimetres,
    pub(crate) short_mm: Millimetres,
}

/// Two points of the outline, which a diameter joins.
#[derive(Debug, Clone, Copy)]
struct Diameter {
    from: DVec2,
    to: DVec2,
}

impl Diameter {
    fn length(&self) -> f64 {
        self.from.distance(self.to)
    }
}

/// The axes of what fills more than half of its voxels, `[z, y, x]` of a side of `voxel_mm`; `None` where nothing does.
///
/// The long axis is the longest line between two points of the outline in any axial plane, the short one the longest
/// perpendicular to it in the same plane. The outline runs between voxels, where they are half filled.
pub(crate) fn axes(filled: &Array3<f32>, voxel_mm: Millimetres) -> Option<AxialAxes> {
    let outlines = filled.axis_iter(Axis(0)).map(|plane| outline(&plane));
    let longest = |outline: Vec<DVec2>| longest(&outline, |_, _| true).map(|long| (outline, long));
    let (outline, long) =
        outlines.filter_map(longest).max_by(|(_, a), (_, b)| a.length().total_cmp(&b.length()))?;
    let along = (long.to - long.from).normalize_or_zero();
    // Half a voxel of slant: the outline's points lie less than a voxel apart.
    let is_across = |from: DVec2, to: DVec2| (to - from).dot(along).abs() <= 0.5;
    let short = self::longest(&outline, is_across).map_or(0.0, |short| short.length());
    Some(AxialAxes { long_mm: long.length() * voxel_mm, short_mm: short * voxel_mm })
}

/// The longest line between two points for which `may` be joined.
fn longest(points: &[DVec2], may: impl Fn(DVec2, DVec2) -> bool) -> Option<Diameter> {
    let pairs = points.iter().enumerate().flat_map(|(index, from)| {
        points[index + 1..].iter().map(move |to| Diameter { from: *from, to: *to })
    });
    pairs.filter(|pair| may(pair.from, pair.to)).max_by(|a, b| a.length().total_cmp(&b.length()))
}

/// Where the plane is half filled, on the lines between neighbouring voxels, `(x, y)` in voxels.
fn outline(plane: &ArrayView2<'_, f32>) -> Vec<DVec2> {
    let mut points = Vec::new();
    let (rows, columns) = plane.dim();
    for ((y, x), here) in plane.indexed_iter() {
        let at = DVec2::new(x as f64, y as f64);
        for (step, next) in [(DVec2::X, (y, x + 1)), (DVec2::Y, (y + 1, x))] {
            if next.0 < rows && next.1 < columns {
                points.extend(crossing(*here, plane[next]).map(|share| at + step * share));
            }
        }
    }
    points
}

/// How far between two voxels one half is crossed.
fn crossing(here: f32, next: f32) -> Option<f64> {
    ((here > 0.5) != (next > 0.5)).then(|| f64::from((0.5 - here) / (next - here)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ellipse_has_the_axes_it_was_drawn_with() {
        let turn = DVec2::from_angle(0.6);
        let filled = Array3::from_shape_fn((9, 40, 40), |(z, y, x)| {
            let at = turn.rotate(DVec2::new(x as f64 - 19.3, y as f64 - 20.1));
            let shrink = 1.0 - (z as f64 - 4.0).abs() / 10.0;
            let level = ((at.x / (10.0 * shrink)).powi(2) + (at.y / (6.0 * shrink)).powi(2)).sqrt();
            // About one voxel wide.
            crate::narrow::narrow((0.5 + (1.0 - level) * 8.0).clamp(0.0, 1.0))
        });
        let found = axes(&filled, 0.7).unwrap();
        assert!((found.long_mm - 14.0).abs() < 0.3 && (found.short_mm - 8.4).abs() < 0.3, "{found:?}");
    }

    #[test]
    fn what_fills_nothing_has_no_axes() {
        assert_eq!(axes(&Array3::from_elem((3, 4, 5), 0.4), 1.0), None);
    }
}
