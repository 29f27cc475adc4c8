//! Blood vessels: the trunks between the lungs and a tree of arteries and one of veins in each.

use super::anatomy::{Anatomy, Side};
use super::growth::grow;
use super::lungs::{LungSpace, Scatter};
use super::shape::Tube;
use pulmo_random::Random;

/// Ends of the arteries and of the veins in one lung, and how near the pleura they come.
const ARTERY_ENDS: Scatter = Scatter { count: 640, margin_mm: 2.5 };
const VEIN_ENDS: Scatter = Scatter { count: 440, margin_mm: 2.5 };

/// The arteries and veins inside both lungs, grown from the hila.
pub(super) fn lung_vessels(anatomy: &Anatomy, lungs: &LungSpace, random: &mut Random) -> Vec<Tube> {
    let mut tubes = Vec::new();
    for side in Side::BOTH {
        let artery_root = anatomy.at(44.0 * side.sign(), 6.0, 6.0);
        let vein_root = anatomy.at(36.0 * side.sign(), 10.0, -14.0);
        for (root, ends) in [(artery_root, ARTERY_ENDS), (vein_root, VEIN_ENDS)] {
            let ends = lungs.scatter(side, ends, random);
            let end_radius = random.uniform(0.45, 0.57);
            tubes.extend(grow(root, ends, end_radius, random));
        }
    }
    tubes
}

/// Aorta, caval veins, pulmonary trunk and its branches, and the veins' way into the heart.
pub(super) fn trunks(anatomy: &Anatomy) -> Vec<Tube> {
    let [base, apex] = anatomy.lung_span_mm().map(|z| z / anatomy.habitus.scale.z);
    let spine = |z: f64| anatomy.spine_y(z * anatomy.habitus.scale.z) / anatomy.habitus.scale.y;
    let paths: [(f64, &[[f64; 3]]); 9] = [
        // ascending aorta, arch, descending aorta
        (
            14.0,
            &[
                [-2.0, -26.0, -20.0],
                [-14.0, -28.0, 10.0],
                [-12.0, -22.0, 40.0],
                [0.0, -8.0, 54.0],
                [14.0, 8.0, 52.0],
                [22.0, spine(38.0) - 12.0, 36.0],
            ],
        ),
        (
            11.0,
            &[
                [22.0, spine(38.0) - 12.0, 36.0],
                [23.0, spine(0.0) - 14.0, 0.0],
                [18.0, spine(base) - 22.0, base],
                [12.0, spine(base) - 26.0, base - 60.0],
            ],
        ),
        // branches of the arch, to neck and arms
        (5.5, &[[-6.0, -14.0, 56.0], [-16.0, -8.0, 85.0], [-24.0, -4.0, apex + 30.0]]),
        (4.0, &[[6.0, 0.0, 58.0], [14.0, -2.0, 90.0], [18.0, 2.0, apex + 30.0]]),
        (4.5, &[[14.0, 8.0, 56.0], [22.0, 8.0, 90.0], [40.0, 6.0, apex + 10.0]]),
        // superior and inferior vena cava
        (
            8.5,
            &[[-22.0, -4.0, apex + 30.0], [-24.0, -14.0, 60.0], [-26.0, -16.0, 0.0], [-24.0, -14.0, -30.0]],
        ),
        (10.0, &[[-22.0, 2.0, -50.0], [-22.0, 6.0, base], [-16.0, 14.0, base - 60.0]]),
        // pulmonary trunk and right artery; left artery
        (
            10.0,
            &[
                [14.0, -38.0, -10.0],
                [18.0, -24.0, 16.0],
                [0.0, -6.0, 14.0],
                [-28.0, 0.0, 10.0],
                [-44.0, 6.0, 6.0],
            ],
        ),
        (9.0, &[[18.0, -24.0, 16.0], [26.0, -4.0, 24.0], [44.0, 6.0, 6.0]]),
    ];
    let path = |(radius, points): &(f64, &[[f64; 3]])| {
        let places: Vec<_> = points.iter().map(|[x, y, z]| anatomy.at(*x, *y, *z)).collect();
        Tube::chain(&places, *radius * anatomy.habitus.scale.x).collect::<Vec<_>>()
    };
    let veins = Side::BOTH.map(|side| {
        let places = [anatomy.at(36.0 * side.sign(), 10.0, -14.0), anatomy.at(6.0, 8.0, -22.0)];
        Tube::chain(&places, 7.0).collect::<Vec<_>>()
    });
    paths.iter().map(path).chain(veins).flatten().collect()
}
