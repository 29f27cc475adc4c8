//! Air-filled tubes with walls: trachea, main bronchi and a tree in each lung.

use super::anatomy::{Anatomy, Side};
use super::growth::grow;
use super::lungs::{LungSpace, Scatter};
use super::shape::Tube;
use pulmo_random::Random;

/// Ends of the bronchial tree in one lung, and how near the pleura they come.
const BRONCHUS_ENDS: Scatter = Scatter { count: 44, margin_mm: 15.0 };

/// The lumens of all airways, from the trachea to the smallest bronchi that CT shows.
pub(super) fn airways(anatomy: &Anatomy, lungs: &LungSpace, random: &mut Random) -> Vec<Tube> {
    let top = anatomy.lung_span_mm()[1] + 40.0;
    let carina = anatomy.at(random.uniform(-2.0, 3.0), 12.0, 32.0);
    let width = random.uniform(0.9, 1.15) * anatomy.habitus.scale.x;
    let neck = anatomy.at(0.0, 2.0, 0.0).with_z(top);
    let mut tubes: Vec<Tube> = Tube::chain(&[neck, carina], 8.0 * width).collect();
    for side in Side::BOTH {
        let drop = if side == Side::Right { 4.0 } else { -6.0 };
        let hilum = anatomy.at(40.0 * side.sign(), 14.0, drop);
        tubes.extend(Tube::chain(&[carina, hilum], 6.0 * width));
        let ends = lungs.scatter(side, BRONCHUS_ENDS, random);
        tubes.extend(grow(hilum, ends, random.uniform(1.0, 1.2), random));
    }
    tubes
}

/// Thickness of the wall around a lumen.
pub(super) fn wall_mm(lumen: &Tube) -> f64 {
    0.5 + 0.13 * lumen.widest_mm()
}
