//! How many trials get how many epochs.

/// One rung of the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rung {
    /// Trials at most; fewer where trials before failed.
    pub trials: usize,
    /// Epochs of each.
    pub epochs: usize,
}

/// The rungs for `trials` trials, the last with all `epochs`: each has `eta` times fewer trials than the
/// one before and about `eta` times the epochs, the first at least `first_epochs` where they are given.
///
/// # References
/// Jamieson and Talwalkar 2016, arXiv:1502.07943; Li et al. 2018, arXiv:1603.06560, algorithm 1.
pub fn rungs(trials: usize, eta: usize, epochs: usize, first_epochs: Option<usize>) -> Vec<Rung> {
    let least = first_epochs.unwrap_or(1).max(1);
    let may_halve = |power: &usize| {
        let enough = first_epochs.is_some() || *power <= trials;
        enough && least.saturating_mul(*power) <= epochs
    };
    let powers = std::iter::successors(Some(1), |power: &usize| power.checked_mul(eta.max(2)));
    let powers: Vec<usize> = powers.take_while(may_halve).collect();
    let last = powers.last().copied().unwrap_or(1);
    let rung = |power: usize| {
        let share = last / power;
        // half up
        Rung { trials: (trials / power).max(1), epochs: ((2 * epochs + share) / (2 * share)).max(least) }
    };
    if powers.is_empty() { vec![Rung { trials, epochs }] } else { powers.into_iter().map(rung).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ladder(trials: usize, eta: usize, epochs: usize, first: Option<usize>) -> Vec<(usize, usize)> {
        rungs(trials, eta, epochs, first).into_iter().map(|rung| (rung.trials, rung.epochs)).collect()
    }

    #[test]
    fn each_rung_has_fewer_trials_and_more_epochs() {
        assert_eq!(ladder(27, 3, 81, None), [(27, 3), (9, 9), (3, 27), (1, 81)]);
        assert_eq!(ladder(27, 3, 160, None), [(27, 6), (9, 18), (3, 53), (1, 160)]);
        assert_eq!(ladder(10, 2, 40, Some(10)), [(10, 10), (5, 20), (2, 40)]);
        assert_eq!(ladder(8, 2, 100, Some(30)), [(8, 50), (4, 100)]);
    }

    #[test]
    fn short_courses_have_fewer_rungs() {
        assert_eq!(ladder(27, 3, 2, None), [(27, 2)]);
        assert_eq!(ladder(27, 3, 5, None), [(27, 2), (9, 5)]);
        assert_eq!(ladder(4, 3, 9, Some(100)), [(4, 9)]);
        assert_eq!(ladder(2, 3, 30, None), [(2, 30)]);
    }
}
