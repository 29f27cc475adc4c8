//! Growing a tree of tubes from a root to places it must reach.

use glam::DVec3;

use super::shape::Tube;
use pulmo_random::Random;

/// Grows a tree of tapered tubes from `root_mm` that ends at each of `ends_mm`.
///
/// At each fork the places still to be reached are parted across their longest direction, and
/// the next fork lies on the way to the middle of each part. Radii follow Murray's law
/// (doi:10.1073/pnas.12.3.207): a tube that feeds `n` ends has `n^(1/3)` times the end radius.
pub(super) fn grow(
    root_mm: DVec3,
    mut ends_mm: Vec<DVec3>,
    end_radius_mm: f64,
    random: &mut Random,
) -> Vec<Tube> {
    let mut tree = Tree { tubes: Vec::with_capacity(2 * ends_mm.len()), end_radius_mm, random };
    tree.branch(root_mm, &mut ends_mm);
    tree.tubes
}

struct Tree<'a> {
    tubes: Vec<Tube>,
    end_radius_mm: f64,
    random: &'a mut Random,
}

impl Tree<'_> {
    fn branch(&mut self, from_mm: DVec3, ends_mm: &mut [DVec3]) {
        let count = ends_mm.len();
        let radius = self.end_radius_mm * (count as f64).cbrt();
        let push = |tubes: &mut Vec<Tube>, to_mm: DVec3, taper: f64| {
            tubes.push(Tube { from_mm, to_mm, radius_from_mm: radius, radius_to_mm: radius * taper });
        };
        if let [end] = ends_mm {
            push(&mut self.tubes, *end, 0.5);
        }
        if count < 2 {
            return;
        }
        let middle = ends_mm.iter().sum::<DVec3>() / count as f64;
        let way = middle - from_mm;
        let [x, y, z] = [(); 3].map(|()| self.random.normal());
        let fork =
            from_mm + way * self.random.uniform(0.28, 0.48) + DVec3::new(x, y, z) * way.length() * 0.05;
        push(&mut self.tubes, fork, 0.93);
        let across = longest_direction(ends_mm, middle);
        ends_mm.sort_by(|a, b| a.dot(across).total_cmp(&b.dot(across)));
        let part = 1 + self.random.below(count - 1).midpoint((count - 1) / 2);
        let (first, second) = ends_mm.split_at_mut(part.clamp(1, count - 1));
        self.branch(fork, first);
        self.branch(fork, second);
    }
}

/// The direction in which points spread most: a few steps of power iteration on their scatter.
fn longest_direction(points: &[DVec3], middle: DVec3) -> DVec3 {
    let mut direction = DVec3::new(0.5, 0.6, 0.7);
    for _ in 0..6 {
        let pulled: DVec3 = points.iter().map(|p| (*p - middle) * (*p - middle).dot(direction)).sum();
        direction = pulled.try_normalize().unwrap_or(direction);
    }
    direction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_reaches_every_end_and_thins_towards_it() {
        let mut random = Random::new(5);
        let ends: Vec<DVec3> =
            (0..100).map(|_| DVec3::from_array([(); 3].map(|()| random.uniform(0.0, 80.0)))).collect();
        let tubes = grow(DVec3::ZERO, ends.clone(), 0.5, &mut random);
        assert_eq!(tubes.len(), 2 * ends.len() - 1);
        assert!(ends.iter().all(|end| tubes.iter().any(|tube| tube.to_mm == *end)));
        assert!((tubes[0].radius_from_mm - 0.5 * 100f64.cbrt()).abs() < 1e-12);
        assert!(tubes.iter().all(|tube| tube.radius_to_mm < tube.radius_from_mm));
    }
}
