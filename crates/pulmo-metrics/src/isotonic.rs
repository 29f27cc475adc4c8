//! The rising curve nearest to some points.

/// Samples of neighbouring scores that share one value.
#[derive(Debug, Clone, Copy)]
struct Block {
    scores: [f64; 2],
    sum: f64,
    count: f64,
}

impl Block {
    fn mean(&self) -> f64 {
        self.sum / self.count
    }
}

/// The rising function of the scores with the smallest sum of squared errors to `targets`, as the
/// ends of its flat pieces: scores, and the values there. Samples of one score share a value.
///
/// Both lists have one length and no infinities.
///
/// # References
/// Pool adjacent violators: Barlow, Bartholomew, Bremner, Brunk 1972, Statistical Inference under
/// Order Restrictions, section 1.2.
pub(super) fn fit(scores: &[f64], targets: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let mut points: Vec<(f64, f64)> = scores.iter().copied().zip(targets.iter().copied()).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut blocks: Vec<Block> = Vec::new();
    for tied in points.chunk_by(|a, b| a.0 == b.0) {
        let sum = tied.iter().map(|point| point.1).sum();
        let mut block = Block { scores: [tied[0].0; 2], sum, count: tied.len() as f64 };
        while let Some(last) = blocks.pop_if(|last| last.mean() >= block.mean()) {
            block = Block {
                scores: [last.scores[0], block.scores[1]],
                sum: last.sum + block.sum,
                count: last.count + block.count,
            };
        }
        blocks.push(block);
    }
    let ends = |block: &Block| {
        let [low, high] = block.scores;
        let corners = [(low, block.mean()), (high, block.mean())];
        corners.into_iter().take(if low < high { 2 } else { 1 })
    };
    blocks.iter().flat_map(ends).unzip()
}

/// The value at `score`, linear between the points and constant beyond them; `scores` rise.
pub(super) fn interpolate(scores: &[f64], values: &[f64], score: f64) -> f64 {
    let above = scores.partition_point(|&known| known < score);
    match (
        above.checked_sub(1).and_then(|below| Some((scores.get(below)?, values.get(below)?))),
        values.get(above),
    ) {
        (Some((low, from)), Some(to)) => from + (to - from) * (score - low) / (scores[above] - low),
        (None, Some(only)) | (Some((_, only)), None) => *only,
        (None, None) => score,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn violators_are_pooled() {
        let (scores, values) = fit(&[0.1, 0.2, 0.3, 0.4, 0.4], &[0.0, 1.0, 0.0, 1.0, 1.0]);
        assert_eq!((scores, values), (vec![0.1, 0.2, 0.3, 0.4], vec![0.0, 0.5, 0.5, 1.0]));
    }

    #[test]
    fn between_the_points_it_is_linear_and_beyond_them_constant() {
        let at = |score| interpolate(&[0.2, 0.6], &[0.1, 0.9], score);
        assert_eq!([at(0.0), at(0.2), at(0.6), at(1.0)], [0.1, 0.1, 0.9, 0.9]);
        assert!((at(0.4) - 0.5).abs() < 1e-15);
        assert_eq!(interpolate(&[0.5], &[0.3], 0.7), 0.3);
    }
}
