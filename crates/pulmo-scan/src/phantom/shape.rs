//! Analytic shapes: flat sections of organs, solids that have one at each level, and tubes.

use std::ops::Range;

use glam::{DVec2, DVec3};

/// The nearest `f32`: painting works in single precision, geometry in double.
#[expect(clippy::cast_possible_truncation, reason = "precision is what is given up")]
pub(super) fn narrow(value: f64) -> f32 {
    value as f32
}

/// 0 below `low`, 1 above `high`, a smooth cubic between.
pub(super) fn smoothstep(low: f64, high: f64, value: f64) -> f64 {
    let t = ((value - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// `count` unit vectors spread evenly over the sphere (a Fibonacci lattice).
pub(super) fn sphere_directions(count: usize) -> impl Iterator<Item = DVec3> {
    let golden = std::f64::consts::PI * (3.0 - 5f64.sqrt());
    (0..count).map(move |i| {
        let z = 1.0 - (2.0 * i as f64 + 1.0) / count as f64;
        let (sin, cos) = (golden * i as f64).sin_cos();
        let radius = (1.0 - z * z).sqrt();
        DVec3::new(radius * cos, radius * sin, z)
    })
}

/// The exponent `n` of a superellipse `|u/a|^n + |v/b|^n = 1`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Power {
    /// An ellipse.
    Two,
    /// Fuller than an ellipse, as trunks and lungs are.
    TwoHalf,
    /// Nearly a rounded box.
    Four,
}

impl Power {
    fn exponent(self) -> f32 {
        match self {
            Self::Two => 2.0,
            Self::TwoHalf => 2.5,
            Self::Four => 4.0,
        }
    }

    /// `t^(n-1)` of a non-negative `t`.
    #[inline]
    fn slope(self, t: f32) -> f32 {
        match self {
            Self::Two => t,
            Self::TwoHalf => t * t.sqrt(),
            Self::Four => t * t * t,
        }
    }
}

/// A superellipse in the axial plane, in body millimetres.
#[derive(Debug, Clone, Copy)]
pub(super) struct Section {
    pub(super) centre: [f32; 2],
    semi: [f32; 2],
    cos: f32,
    sin: f32,
    power: Power,
}

impl Section {
    /// The superellipse of semi-axes `semi_mm` around `centre_mm`, turned by `tilt` radians from x
    /// towards y.
    pub(super) fn new(centre_mm: DVec2, semi_mm: DVec2, tilt: f64, power: Power) -> Self {
        let semi = semi_mm.max(DVec2::splat(0.05));
        Self {
            centre: centre_mm.to_array().map(narrow),
            semi: semi.to_array().map(narrow),
            cos: narrow(tilt.cos()),
            sin: narrow(tilt.sin()),
            power,
        }
    }

    /// The same section with both semi-axes longer by `by_mm` (shorter where negative).
    pub(super) fn grown(self, by_mm: f32) -> Self {
        Self { semi: self.semi.map(|a| (a + by_mm).max(0.05)), ..self }
    }

    /// Half the sides of a box around the section, along x and y.
    pub(super) fn half_extent(&self) -> [f32; 2] {
        let [a, b] = self.semi;
        [a * self.cos.abs() + b * self.sin.abs(), a * self.sin.abs() + b * self.cos.abs()]
    }

    #[inline]
    fn unit(&self, x: f32, y: f32) -> [f32; 2] {
        let (dx, dy) = (x - self.centre[0], y - self.centre[1]);
        [
            (dx * self.cos + dy * self.sin).abs() / self.semi[0],
            (dy * self.cos - dx * self.sin).abs() / self.semi[1],
        ]
    }

    /// Less than 1 inside, 1 on the outline, more outside.
    #[inline]
    pub(super) fn level(&self, x: f32, y: f32) -> f32 {
        let [u, v] = self.unit(x, y);
        self.power.slope(u) * u + self.power.slope(v) * v
    }

    /// How much of a pixel of side `pixel_mm` at a point the section covers, 0 to 1: a ramp over
    /// the distance to the outline, which is taken to first order (level over its gradient).
    #[inline]
    pub(super) fn coverage(&self, x: f32, y: f32, pixel_mm: f32) -> f32 {
        let [u, v] = self.unit(x, y);
        let (slope_u, slope_v) = (self.power.slope(u), self.power.slope(v));
        let level = slope_u * u + slope_v * v;
        let gradient = self.power.exponent()
            * ((slope_u / self.semi[0]).powi(2) + (slope_v / self.semi[1]).powi(2)).sqrt();
        (0.5 - (level - 1.0) / (gradient * pixel_mm).max(1e-6)).clamp(0.0, 1.0)
    }
}

/// Which pixels of a row a section covers: `inner` wholly, the rest of `outer` perhaps in part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) outer: Range<usize>,
    pub(super) inner: Range<usize>,
}

impl Section {
    /// The pixels covered of a row of `count`, the first at `start`, each `step` from the last;
    /// `None` where there are none. The level is convex along a line, so that two searches on
    /// either side of its lowest point find all.
    pub(super) fn span(&self, start: [f32; 2], step: [f32; 2], count: usize) -> Option<Span> {
        let pixel_mm = (step[0] * step[0] + step[1] * step[1]).sqrt();
        let band = self.power.exponent() * pixel_mm / self.semi[0].min(self.semi[1]);
        let level = |i: usize| self.level(start[0] + i as f32 * step[0], start[1] + i as f32 * step[1]);
        let mut lowest = self.lowest_of_ellipse(start, step).min(count.max(1) - 1);
        if self.power != Power::Two && level(lowest) > 1.0 - band {
            lowest = first_where(0, count.max(1) - 1, |i| level(i + 1) >= level(i));
        }
        let (outside, inside) = (1.0 + 3.0 * band, 1.0 - band);
        let reach = |limit: f32| {
            let first = first_where(0, lowest, |i| level(i) <= limit);
            first..first_where(lowest + 1, count, |i| level(i) > limit)
        };
        if count == 0 || level(lowest) > outside {
            return None;
        }
        let inner = if level(lowest) < inside { reach(inside) } else { lowest..lowest };
        Some(Span { outer: reach(outside), inner })
    }
}

impl Section {
    /// The pixel of a row where the level would be lowest if the section were an ellipse.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "floats saturate; then cut to the row"
    )]
    fn lowest_of_ellipse(&self, start: [f32; 2], step: [f32; 2]) -> usize {
        let turn = |x: f32, y: f32| {
            [(x * self.cos + y * self.sin) / self.semi[0], (y * self.cos - x * self.sin) / self.semi[1]]
        };
        let [u, v] = turn(start[0] - self.centre[0], start[1] - self.centre[1]);
        let [du, dv] = turn(step[0], step[1]);
        (-(u * du + v * dv) / (du * du + dv * dv)).round() as usize
    }
}

/// The first of `low..high` from which on `holds` is true; `high` where it never is.
fn first_where(low: usize, high: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (low, high);
    while low < high {
        let middle = low.midpoint(high);
        if holds(middle) { high = middle } else { low = middle + 1 }
    }
    low
}

/// How a solid's section shrinks away from its middle level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Profile {
    /// To a point at both ends.
    Ellipsoid,
    /// To a point at the upper end; below the middle the section stays.
    Dome,
}

/// An organ whose axial sections are superellipses.
#[derive(Debug, Clone, Copy)]
pub(super) struct Solid {
    /// Middle of the largest section.
    pub(super) centre_mm: DVec3,
    /// Half the extent along x and y of the largest section, and along z.
    pub(super) semi_mm: DVec3,
    /// Turn of the sections, radians from x towards y.
    pub(super) tilt: f64,
    /// Shift of the sections' centres per millimetre towards the head.
    pub(super) lean: DVec2,
    pub(super) power: Power,
    pub(super) profile: Profile,
}

impl Solid {
    /// An ellipsoid that neither turns nor leans.
    pub(super) fn ellipsoid(centre_mm: DVec3, semi_mm: DVec3) -> Self {
        let (power, profile) = (Power::Two, Profile::Ellipsoid);
        Self { centre_mm, semi_mm, tilt: 0.0, lean: DVec2::ZERO, power, profile }
    }

    /// The section at a level; `None` above or below the solid.
    pub(super) fn section(&self, z_mm: f64) -> Option<Section> {
        let up = z_mm - self.centre_mm.z;
        let t = if self.profile == Profile::Dome { up.max(0.0) } else { up } / self.semi_mm.z;
        let scale = (1.0 - t * t).max(0.0).sqrt();
        let centre = self.centre_mm.truncate() + self.lean * up;
        (scale > 0.0).then(|| Section::new(centre, self.semi_mm.truncate() * scale, self.tilt, self.power))
    }
}

/// A straight tube whose radius changes evenly from one end to the other, with round ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tube {
    pub(super) from_mm: DVec3,
    pub(super) to_mm: DVec3,
    pub(super) radius_from_mm: f64,
    pub(super) radius_to_mm: f64,
}

/// How far a point lies from a tube.
pub(super) struct TubeDistance {
    /// From its surface, negative inside.
    pub(super) surface_mm: f64,
    /// The tube's radius there.
    pub(super) radius_mm: f64,
}

impl Tube {
    /// The tubes that join `points_mm`, all of one radius.
    pub(super) fn chain(points_mm: &[DVec3], radius_mm: f64) -> impl Iterator<Item = Self> {
        points_mm.windows(2).map(move |pair| Self {
            from_mm: pair[0],
            to_mm: pair[1],
            radius_from_mm: radius_mm,
            radius_to_mm: radius_mm,
        })
    }

    /// How far a point lies from the tube.
    pub(super) fn distance(&self, point_mm: DVec3) -> TubeDistance {
        let axis = self.to_mm - self.from_mm;
        let along = ((point_mm - self.from_mm).dot(axis) / axis.length_squared().max(1e-9)).clamp(0.0, 1.0);
        let radius = self.radius_from_mm + (self.radius_to_mm - self.radius_from_mm) * along;
        let surface_mm = (point_mm - self.from_mm - axis * along).length() - radius;
        TubeDistance { surface_mm, radius_mm: radius }
    }

    /// The larger of its radii.
    pub(super) fn widest_mm(&self) -> f64 {
        self.radius_from_mm.max(self.radius_to_mm)
    }

    /// The same tube with its wall moved outwards.
    pub(super) fn grown(self, by_mm: f64) -> Self {
        Self { radius_from_mm: self.radius_from_mm + by_mm, radius_to_mm: self.radius_to_mm + by_mm, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_is_a_ramp_across_the_outline() {
        let disc = Section::new(DVec2::new(3.0, 0.0), DVec2::splat(10.0), 0.7, Power::Two);
        assert_eq!(disc.coverage(3.0, 0.0, 1.0), 1.0);
        assert!((disc.coverage(13.0, 0.0, 1.0) - 0.5).abs() < 0.01);
        assert!((disc.coverage(13.25, 0.0, 1.0) - 0.25).abs() < 0.03);
        assert_eq!(disc.coverage(14.0, 0.0, 1.0), 0.0);
    }

    #[test]
    fn a_span_misses_no_pixel_and_calls_none_whole_that_is_not() {
        for (tilt, power) in [(0.0, Power::Two), (0.4, Power::TwoHalf), (-0.9, Power::Four)] {
            let section = Section::new(DVec2::new(1.0, 2.0), DVec2::new(30.0, 11.0), tilt, power);
            for row in -50..50i16 {
                let (start, step) = ([-60.0, f32::from(row) - 0.02 * 60.0], [1.0, 0.02]);
                let covered =
                    |i: usize| section.coverage(start[0] + i as f32, start[1] + i as f32 * 0.02, 1.0);
                let span = section.span(start, step, 120).unwrap_or(Span { outer: 0..0, inner: 0..0 });
                assert!(
                    (0..120).filter(|i| !span.outer.contains(i)).all(|i| covered(i) == 0.0),
                    "{row} {span:?}"
                );
                assert!(span.inner.clone().all(|i| covered(i) == 1.0), "{row} {span:?}");
            }
        }
    }

    #[test]
    fn a_dome_keeps_its_section_below_its_middle() {
        let mut solid = Solid::ellipsoid(DVec3::ZERO, DVec3::splat(10.0));
        assert!(solid.section(11.0).is_none() && solid.section(-11.0).is_none());
        assert!((solid.section(6.0).unwrap().half_extent()[0] - 8.0).abs() < 1e-5);
        solid.profile = Profile::Dome;
        assert!((solid.section(-50.0).unwrap().half_extent()[0] - 10.0).abs() < 1e-5);
    }

    #[test]
    fn a_tapered_tube_knows_its_radius() {
        let tube =
            Tube { from_mm: DVec3::ZERO, to_mm: DVec3::Z * 10.0, radius_from_mm: 2.0, radius_to_mm: 1.0 };
        let TubeDistance { surface_mm: distance, radius_mm: radius } =
            tube.distance(DVec3::new(4.0, 0.0, 5.0));
        assert!((radius - 1.5).abs() < 1e-12 && (distance - 2.5).abs() < 1e-12);
    }
}
