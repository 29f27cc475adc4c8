//! The free-response ROC: how many nodules are found at how many false alarms a scan.

use super::MetricsError;

/// False positives a scan at which sensitivity is told, as in LUNA16.
pub const FROC_RATES: [f64; 7] = [0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0];

/// A nodule in truth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// Its centre, in millimetres.
    pub centre_mm: [f64; 3],
    /// A mark hits it within this distance of its centre.
    pub radius_mm: f64,
}

/// A place that a detector points at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mark {
    /// The place, in the space of the targets.
    pub centre_mm: [f64; 3],
    /// How sure the detector is; only the order counts.
    pub score: f64,
}

/// One scan with what is on it and what a detector said.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MarkedScan {
    /// The nodules; a scan may have none.
    pub targets: Vec<Target>,
    /// What the detector points at.
    pub marks: Vec<Mark>,
}

/// One point of the curve: what taking every mark of `score >= threshold` gives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FrocPoint {
    /// False positives a scan.
    pub false_positives: f64,
    /// Share of the nodules that are hit.
    pub sensitivity: f64,
    /// The threshold.
    pub threshold: f64,
}

/// The curve of a detector over scans.
#[derive(Debug, Clone, PartialEq)]
pub struct Froc {
    points: Vec<FrocPoint>,
}

impl Froc {
    /// The curve, one point for each distinct score, from the highest on.
    ///
    /// A mark hits a target where it lies within its radius (on it included); of several targets it hits the nearest.
    /// A target that is hit several times counts once, with the highest score, and its other hits are no false
    /// positives. All other marks are.
    ///
    /// # Errors
    /// [`MetricsError::Empty`] without scans or without any target; [`MetricsError::Score`] where a score is not finite.
    ///
    /// # References
    /// Setio et al. 2017, doi:10.1016/j.media.2017.06.015, section 3.3 (LUNA16).
    pub fn compute(scans: &[MarkedScan]) -> Result<Self, MetricsError> {
        let targets: usize = scans.iter().map(|scan| scan.targets.len()).sum();
        let scores = scans.iter().flat_map(|scan| &scan.marks).map(|mark| mark.score);
        if let Some((sample, found)) = scores.enumerate().find(|(_, score)| !score.is_finite()) {
            return Err(MetricsError::Score { sample, found });
        }
        if targets == 0 {
            return Err(MetricsError::Empty);
        }
        let mut events: Vec<Event> = scans.iter().flat_map(events).collect();
        events.sort_by(|a, b| b.score.total_cmp(&a.score));
        let (mut hits, mut alarms, mut points) = (0.0, 0.0, Vec::new());
        for same in events.chunk_by(|a, b| a.score == b.score) {
            hits += same.iter().filter(|event| event.is_hit).count() as f64;
            alarms += same.iter().filter(|event| !event.is_hit).count() as f64;
            points.push(FrocPoint {
                false_positives: alarms / scans.len() as f64,
                sensitivity: hits / targets as f64,
                threshold: same[0].score,
            });
        }
        Ok(Self { points })
    }

    /// The points of the curve, false positives rising.
    pub fn points(&self) -> &[FrocPoint] {
        &self.points
    }

    /// Sensitivity at a number of false positives a scan: on the straight line between the points before and after it, 0
    /// before the first false positive of a curve that begins with one; the last point's beyond the last.
    pub fn sensitivity_at(&self, false_positives: f64) -> f64 {
        let after = self.points.partition_point(|point| point.false_positives <= false_positives);
        let start = FrocPoint { false_positives: 0.0, sensitivity: 0.0, threshold: f64::INFINITY };
        let before = if after == 0 { &start } else { &self.points[after - 1] };
        let Some(next) = self.points.get(after) else { return before.sensitivity };
        let share =
            (false_positives - before.false_positives) / (next.false_positives - before.false_positives);
        before.sensitivity + share * (next.sensitivity - before.sensitivity)
    }

    /// The competition performance metric: the mean of the sensitivities at [`FROC_RATES`].
    pub fn cpm(&self) -> f64 {
        FROC_RATES.iter().map(|rate| self.sensitivity_at(*rate)).sum::<f64>() / FROC_RATES.len() as f64
    }
}

/// A target's best hit, or a false positive.
struct Event {
    score: f64,
    is_hit: bool,
}

fn events(scan: &MarkedScan) -> Vec<Event> {
    let mut best: Vec<Option<f64>> = vec![None; scan.targets.len()];
    let mut events = Vec::new();
    for mark in &scan.marks {
        match hit(scan, mark) {
            Some(target) => {
                best[target] = Some(best[target].map_or(mark.score, |so_far| so_far.max(mark.score)))
            }
            None => events.push(Event { score: mark.score, is_hit: false }),
        }
    }
    events.extend(best.into_iter().flatten().map(|score| Event { score, is_hit: true }));
    events
}

/// The nearest target within whose radius a mark lies.
fn hit(scan: &MarkedScan, mark: &Mark) -> Option<usize> {
    let apart = |target: &Target| {
        (0..3).map(|axis| (target.centre_mm[axis] - mark.centre_mm[axis]).powi(2)).sum::<f64>().sqrt()
    };
    let within = scan.targets.iter().enumerate().filter(|(_, target)| apart(target) <= target.radius_mm);
    within.min_by(|(_, a), (_, b)| apart(a).total_cmp(&apart(b))).map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(x: f64, score: f64) -> Mark {
        Mark { centre_mm: [x, 0.0, 0.0], score }
    }

    fn target(x: f64, radius_mm: f64) -> Target {
        Target { centre_mm: [x, 0.0, 0.0], radius_mm }
    }

    #[test]
    fn several_hits_of_one_nodule_count_once_and_are_no_false_positives() {
        let scan = MarkedScan {
            targets: vec![target(0.0, 3.0), target(50.0, 5.0)],
            marks: vec![mark(1.0, 0.9), mark(3.0, 0.95), mark(-2.0, 0.2), mark(20.0, 0.5), mark(56.0, 0.4)],
        };
        let empty = MarkedScan { marks: vec![mark(0.0, 0.3)], ..MarkedScan::default() };
        let froc = Froc::compute(&[scan, empty]).unwrap();
        let told: Vec<_> =
            froc.points().iter().map(|point| (point.false_positives, point.sensitivity)).collect();
        assert_eq!(told, [(0.0, 0.5), (0.5, 0.5), (1.0, 0.5), (1.5, 0.5)]);
        assert_eq!(froc.cpm(), 0.5);
    }

    #[test]
    fn sensitivity_between_points_is_on_the_line() {
        let scan = MarkedScan {
            targets: vec![target(0.0, 3.0), target(50.0, 5.0)],
            marks: vec![mark(100.0, 0.9), mark(0.0, 0.8), mark(200.0, 0.7), mark(50.0, 0.6)],
        };
        let froc = Froc::compute(&[scan]).unwrap();
        assert_eq!(
            [0.5, 1.0, 1.5, 2.0, 9.0].map(|rate| froc.sensitivity_at(rate)),
            [0.0, 0.5, 0.5, 1.0, 1.0]
        );
    }

    #[test]
    fn without_nodules_there_is_no_curve() {
        let scan = MarkedScan { targets: Vec::new(), marks: vec![mark(0.0, 1.0)] };
        assert_eq!(Froc::compute(&[scan]), Err(MetricsError::Empty));
        let scan = MarkedScan { targets: vec![target(0.0, 1.0)], marks: vec![mark(0.0, f64::NAN)] };
        assert!(matches!(Froc::compute(&[scan]), Err(MetricsError::Score { sample: 0, .. })));
    }
}
