//! One axial slice while it is painted.

use std::ops::Range;

use glam::{DMat2, DVec2};

use super::shape::{Section, Tube, narrow};
use crate::units::Hounsfield;

/// Where the pixels of a slice lie in the body's axial plane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct SlicePlane {
    /// Pixels along each side.
    pub(super) matrix: usize,
    /// Side of a pixel.
    pub(super) pixel_mm: f64,
    /// Body position of the first pixel's centre.
    pub(super) origin_mm: DVec2,
    /// Unit vectors in the body along which columns (first) and rows (second) grow.
    pub(super) axes: DMat2,
}

/// A slice being painted: later strokes cover earlier ones.
pub(super) struct SliceRaster {
    plane: SlicePlane,
    /// Level of the slice in the body.
    pub(super) z_mm: f64,
    /// Row-major values.
    pub(super) values_hu: Vec<f32>,
}

impl SliceRaster {
    /// A slice of air.
    pub(super) fn new(plane: SlicePlane) -> Self {
        Self { plane, z_mm: 0.0, values_hu: vec![-1000.0; plane.matrix * plane.matrix] }
    }

    /// Makes it a slice of air at level `z_mm`.
    pub(super) fn clear(&mut self, z_mm: f64) {
        self.z_mm = z_mm;
        self.values_hu.fill(-1000.0);
    }

    /// Side of a pixel.
    pub(super) fn pixel_mm(&self) -> f32 {
        narrow(self.plane.pixel_mm)
    }

    /// Paints a section in one value.
    pub(super) fn fill(&mut self, section: &Section, value_hu: Hounsfield) {
        self.shade(section, |_, _| value_hu);
    }

    /// Paints a section with a value that depends on the place.
    pub(super) fn shade(&mut self, section: &Section, ink: impl Fn(f32, f32) -> Hounsfield) {
        self.paint(section, None, |_, _| 1.0, ink);
    }

    /// [`SliceRaster::shade`] for what lies around `hole`: inside it, pixels are left as they were, for
    /// something else to cover.
    pub(super) fn shade_around(
        &mut self,
        hole: &Section,
        section: &Section,
        ink: impl Fn(f32, f32) -> Hounsfield,
    ) {
        self.paint(section, Some(hole), |_, _| 1.0, ink);
    }

    /// [`SliceRaster::shade`] for a section of which something else leaves only a part: `most` is the
    /// largest coverage at a place.
    pub(super) fn shade_part(
        &mut self,
        section: &Section,
        most: impl Fn(f32, f32) -> f32,
        ink: impl Fn(f32, f32) -> Hounsfield,
    ) {
        self.paint(section, None, most, ink);
    }

    fn paint(
        &mut self,
        section: &Section,
        hole: Option<&Section>,
        most: impl Fn(f32, f32) -> f32,
        ink: impl Fn(f32, f32) -> Hounsfield,
    ) {
        let pixel_mm = self.pixel_mm();
        let (columns, rows) = self.pixels(section.centre, section.half_extent());
        let [step_x, step_y] = (self.plane.axes.x_axis * self.plane.pixel_mm).to_array().map(narrow);
        for row in rows {
            let [x, y] = self.place(row, columns.start);
            let Some(span) = section.span([x, y], [step_x, step_y], columns.len()) else { continue };
            let line = &mut self.values_hu[row * self.plane.matrix..][columns.clone()];
            let left_out = hole.and_then(|hole| hole.span([x, y], [step_x, step_y], columns.len()));
            let left_out = left_out.map_or(span.outer.end..span.outer.end, |hole| hole.inner);
            let before = span.outer.start..left_out.start.min(span.outer.end);
            let behind = left_out.end.max(span.outer.start)..span.outer.end;
            for part in [before, behind] {
                for column in part {
                    let (x, y) = (x + column as f32 * step_x, y + column as f32 * step_y);
                    let whole = span.inner.contains(&column);
                    let coverage = if whole { 1.0 } else { section.coverage(x, y, pixel_mm) }.min(most(x, y));
                    if coverage > 0.0 {
                        let value = &mut line[column];
                        *value += coverage * (ink(x, y) - *value);
                    }
                }
            }
        }
    }

    /// Paints a tube: `ink` is told the depth below the surface in millimetres and the value
    /// there, and returns the new one. A tube thinner than a pixel covers only part of it.
    pub(super) fn stroke(&mut self, tube: &Tube, ink: impl Fn(f32, Hounsfield) -> Hounsfield) {
        self.stroke_at(tube, self.z_mm, ink);
    }

    /// [`SliceRaster::stroke`] for a tube in a space whose z is not the slice's own.
    pub(super) fn stroke_at(&mut self, tube: &Tube, z_mm: f64, ink: impl Fn(f32, Hounsfield) -> Hounsfield) {
        let pixel_mm = self.pixel_mm();
        let reach = tube.widest_mm() + self.plane.pixel_mm;
        let Some((start, end)) = between(tube, z_mm, reach) else { return };
        let half = (start - end).abs() / 2.0 + reach;
        let middle = ((start + end) / 2.0).to_array().map(narrow);
        let path = Path::new(tube, z_mm);
        self.visit(middle, half.to_array().map(narrow), |x, y, value| {
            let (distance, radius) = path.distance(x, y);
            let share = (2.0 * radius / pixel_mm).min(1.0);
            let coverage = (0.5 - distance / pixel_mm).min(share);
            if coverage > 0.0 {
                *value += coverage * (ink(-distance, *value) - *value);
            }
        });
    }

    /// Calls `paint` with position and value of each pixel that may lie in a box.
    pub(super) fn visit(
        &mut self,
        centre: [f32; 2],
        half: [f32; 2],
        mut paint: impl FnMut(f32, f32, &mut f32),
    ) {
        let (columns, rows) = self.pixels(centre, half);
        let [step_x, step_y] = (self.plane.axes.x_axis * self.plane.pixel_mm).to_array().map(narrow);
        for row in rows {
            let [x, y] = self.place(row, columns.start);
            let line = &mut self.values_hu[row * self.plane.matrix..][columns.clone()];
            for (column, value) in line.iter_mut().enumerate() {
                let along = column as f32;
                paint(x + along * step_x, y + along * step_y, value);
            }
        }
    }

    /// The columns and rows that may lie in a box of the body.
    fn pixels(&self, centre: [f32; 2], half: [f32; 2]) -> (Range<usize>, Range<usize>) {
        let SlicePlane { matrix, pixel_mm, origin_mm, axes } = self.plane;
        let [centre, half] = [centre, half].map(|[x, y]| DVec2::new(x.into(), y.into()));
        let along = |axis: DVec2| {
            let middle = (centre - origin_mm).dot(axis) / pixel_mm;
            let reach = axis.abs().dot(half) / pixel_mm + 1.0;
            index(middle - reach, matrix)..index(middle + reach + 1.0, matrix)
        };
        (along(axes.x_axis), along(axes.y_axis))
    }

    /// Where in the body a pixel's centre lies.
    fn place(&self, row: usize, column: usize) -> [f32; 2] {
        let SlicePlane { pixel_mm, origin_mm, axes, .. } = self.plane;
        let place = origin_mm + (axes.y_axis * row as f64 + axes.x_axis * column as f64) * pixel_mm;
        place.to_array().map(narrow)
    }
}

/// `position` cut to `0..=length` and rounded down.
#[expect(
    clippy::cast_possible_truncation,
    reason = "cut to the image first; the fraction is dropped on purpose"
)]
#[expect(clippy::cast_sign_loss, reason = "not negative after the cut")]
fn index(position: f64, length: usize) -> usize {
    position.clamp(0.0, length as f64) as usize
}

/// The ends of the part of a tube's axis that lies within `reach` of a level.
fn between(tube: &Tube, z_mm: f64, reach: f64) -> Option<(DVec2, DVec2)> {
    let (low, high) = (z_mm - reach, z_mm + reach);
    let rise = tube.to_mm.z - tube.from_mm.z;
    if tube.from_mm.z.max(tube.to_mm.z) < low || tube.from_mm.z.min(tube.to_mm.z) > high {
        return None;
    }
    let at = |t: f64| tube.from_mm.truncate().lerp(tube.to_mm.truncate(), t.clamp(0.0, 1.0));
    if rise.abs() < 1e-6 {
        return Some((at(0.0), at(1.0)));
    }
    Some((at((low - tube.from_mm.z) / rise), at((high - tube.from_mm.z) / rise)))
}

/// A tube seen from one level, in single precision.
struct Path {
    from: [f32; 3],
    axis: [f32; 3],
    per_length: f32,
    radius: f32,
    widening: f32,
}

impl Path {
    fn new(tube: &Tube, z_mm: f64) -> Self {
        let axis = tube.to_mm - tube.from_mm;
        Self {
            from: [narrow(tube.from_mm.x), narrow(tube.from_mm.y), narrow(z_mm - tube.from_mm.z)],
            axis: axis.to_array().map(narrow),
            per_length: narrow(1.0 / axis.length_squared().max(1e-9)),
            radius: narrow(tube.radius_from_mm),
            widening: narrow(tube.radius_to_mm - tube.radius_from_mm),
        }
    }

    /// As [`Tube::distance_mm`].
    #[inline]
    fn distance(&self, x: f32, y: f32) -> (f32, f32) {
        let [ax, ay, az] = self.axis;
        let (dx, dy, dz) = (x - self.from[0], y - self.from[1], self.from[2]);
        let along = ((dx * ax + dy * ay + dz * az) * self.per_length).clamp(0.0, 1.0);
        let (ox, oy, oz) = (dx - ax * along, dy - ay * along, dz - az * along);
        let radius = self.radius + self.widening * along;
        ((ox * ox + oy * oy + oz * oz).sqrt() - radius, radius)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use glam::DVec3;

    #[test]
    fn a_tube_across_the_slice_covers_its_cross_section() {
        let origin_mm = DVec2::splat(-20.0);
        let mut raster = SliceRaster::new(SlicePlane {
            matrix: 81,
            pixel_mm: 0.5,
            origin_mm,
            axes: DMat2::from_angle(0.1),
        });
        let ends = [DVec3::new(0.0, 10.0, -9.0), DVec3::new(0.0, 10.0, 9.0)];
        Tube::chain(&ends, 4.0).for_each(|tube| raster.stroke(&tube, |_, _| 0.0));
        let area = raster.values_hu.iter().map(|hu| f64::from(hu + 1000.0) / 1000.0 * 0.25).sum::<f64>();
        assert!((area / (std::f64::consts::PI * 16.0) - 1.0).abs() < 0.02, "{area}");
    }
}
