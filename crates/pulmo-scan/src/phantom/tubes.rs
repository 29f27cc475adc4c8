//! Many tubes, found by the level they cross.

use glam::DVec3;

use super::shape::Tube;

const BIN_MM: f64 = 4.0;

/// Tubes sorted into bins by level, so that a slice looks only at those that may cross it.
pub(super) struct Tubes {
    tubes: Vec<Tube>,
    bins: Vec<Vec<usize>>,
    low_mm: f64,
}

impl Tubes {
    pub(super) fn new(tubes: Vec<Tube>) -> Self {
        let span = |tube: &Tube| {
            let (low, high) = (tube.from_mm.z.min(tube.to_mm.z), tube.from_mm.z.max(tube.to_mm.z));
            // A millimetre and a half more on either side: the ramp of a pixel.
            (low - tube.widest_mm() - 1.5, high + tube.widest_mm() + 1.5)
        };
        let low_mm = tubes.iter().map(|tube| span(tube).0).fold(f64::INFINITY, f64::min);
        let mut bins: Vec<Vec<usize>> = Vec::new();
        for (index, tube) in tubes.iter().enumerate() {
            let (low, high) = span(tube);
            for bin in bin_of(low - low_mm)..=bin_of(high - low_mm) {
                if bins.len() <= bin {
                    bins.resize(bin + 1, Vec::new());
                }
                bins[bin].push(index);
            }
        }
        Self { tubes, bins, low_mm }
    }

    /// The tubes that may cross a level, in the order given.
    pub(super) fn crossing(&self, z_mm: f64) -> impl Iterator<Item = &Tube> {
        let bin = if z_mm < self.low_mm { None } else { self.bins.get(bin_of(z_mm - self.low_mm)) };
        bin.into_iter().flatten().map(|index| &self.tubes[*index])
    }

    /// Distance from a place to the surface of the nearest tube at least `radius_mm` wide there;
    /// infinite where there is none.
    pub(super) fn clearance_mm(&self, place_mm: DVec3, radius_mm: f64) -> f64 {
        let distances = self.tubes.iter().map(|tube| tube.distance(place_mm));
        let wide = distances.filter(|distance| distance.radius_mm >= radius_mm);
        wide.map(|distance| distance.surface_mm).fold(f64::INFINITY, f64::min)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a few hundred at most; floats saturate"
)]
fn bin_of(above_mm: f64) -> usize {
    (above_mm / BIN_MM) as usize
}
