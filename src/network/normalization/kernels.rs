//! The arithmetic of batch normalization on the CPU.
//!
//! Each channel is summed by one thread in a fixed order: the result does not depend on the
//! number of threads.

use rayon::prelude::*;

/// What follows the normalization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::network) enum Then {
    /// Nothing.
    Nothing,
    /// `max(0, x)`.
    Relu,
}

/// Sums run in this many lanes, so that the compiler makes vectors of them.
const LANES: usize = 16;

/// MapSizes of `[batch, channels, pixels]` maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MapSizes {
    /// Images.
    pub batch: usize,
    /// Channels.
    pub channels: usize,
    /// Pixels of one map.
    pub pixels: usize,
}

impl MapSizes {
    /// The maps of one channel, image by image.
    fn channel<'a>(&self, maps: &'a [f32], channel: usize) -> impl Iterator<Item = &'a [f32]> + use<'a> {
        let (pixels, channels) = (self.pixels, self.channels);
        (0..self.batch).map(move |image| {
            let start = (image * channels + channel) * pixels;
            &maps[start..start + pixels]
        })
    }

    fn count(&self) -> f64 {
        (self.batch * self.pixels) as f64
    }
}

/// The sum of `term` over two maps, in lanes.
fn sum(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f64 {
    let mut lanes = [0.0_f32; LANES];
    let (chunks_a, chunks_b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = chunks_a.remainder().iter().zip(chunks_b.remainder());
    let rest: f32 = rest.map(|(a, b)| term(*a, *b)).sum();
    for (a, b) in chunks_a.zip(chunks_b) {
        for lane in 0..LANES {
            lanes[lane] += term(a[lane], b[lane]);
        }
    }
    lanes.iter().map(|lane| f64::from(*lane)).sum::<f64>() + f64::from(rest)
}

/// Returns mean and variance (over all, not all but one) of each channel: first all means.
#[expect(clippy::cast_possible_truncation, reason = "statistics are f32")]
pub(super) fn moments(maps: &[f32], sizes: MapSizes) -> Vec<f32> {
    let of_channel = |channel| {
        let total: f64 = sizes.channel(maps, channel).map(|map| sum(map, map, |x, _| x)).sum();
        let mean = (total / sizes.count()) as f32;
        let squares = sizes
            .channel(maps, channel)
            .map(|map| sum(map, map, |x, _| (x - mean) * (x - mean)))
            .sum::<f64>();
        (mean, (squares / sizes.count()) as f32)
    };
    let (means, variances): (Vec<f32>, Vec<f32>) =
        (0..sizes.channels).into_par_iter().map(of_channel).unzip();
    [means, variances].concat()
}

/// What is done to one channel: `y = scale * (x - mean) + shift`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Channel {
    mean: f32,
    inverse_deviation: f32,
    scale: f32,
    shift: f32,
}

/// The channels' arithmetic from parameters and `[mean.., variance..]`.
pub(super) fn channels(gamma: &[f32], beta: &[f32], moments: &[f32], epsilon: f32) -> Vec<Channel> {
    let (means, variances) = moments.split_at(gamma.len());
    let parameters = gamma.iter().zip(beta).zip(means.iter().zip(variances));
    parameters
        .map(|((gamma, beta), (mean, variance))| {
            let inverse_deviation = 1.0 / (variance + epsilon).sqrt();
            Channel { mean: *mean, inverse_deviation, scale: gamma * inverse_deviation, shift: *beta }
        })
        .collect()
}

impl Channel {
    fn apply(self, x: f32) -> f32 {
        (x - self.mean) * self.scale + self.shift
    }

    /// The gradient before what follows, given that after it.
    fn before(self, x: f32, gradient: f32, then: Then) -> f32 {
        if then == Then::Nothing || self.apply(x) > 0.0 { gradient } else { 0.0 }
    }
}

/// Returns the larger of the two; what is no number stays so, where `f32::max` would hide it.
#[inline(always)]
pub(in crate::network) fn at_least(lowest: f32, value: f32) -> f32 {
    if value < lowest { lowest } else { value }
}

/// Returns the normalized maps.
pub(super) fn forward(maps: &[f32], sizes: MapSizes, channels: &[Channel], then: Then) -> Vec<f32> {
    let lowest = if then == Then::Relu { 0.0 } else { f32::NEG_INFINITY };
    let mut output = vec![0.0; maps.len()];
    let pairs = output.par_chunks_mut(sizes.pixels).zip(maps.par_chunks(sizes.pixels));
    pairs.enumerate().for_each(|(index, (output, map))| {
        let channel = channels[index % sizes.channels];
        output.iter_mut().zip(map).for_each(|(y, x)| *y = at_least(lowest, channel.apply(*x)));
    });
    output
}

/// The gradients of maps, gamma and beta.
pub(super) struct Gradients {
    pub maps: Vec<f32>,
    pub gamma: Vec<f32>,
    pub beta: Vec<f32>,
}

/// Returns the gradients, given that of the output.
#[expect(clippy::cast_possible_truncation, reason = "gradients are f32")]
pub(super) fn backward(
    maps: &[f32],
    gradient: &[f32],
    sizes: MapSizes,
    channels: &[Channel],
    then: Then,
) -> Gradients {
    let of_channel = |index: usize| {
        let channel = channels[index];
        let pairs = || sizes.channel(maps, index).zip(sizes.channel(gradient, index));
        let beta: f64 = pairs().map(|(x, g)| sum(x, g, |x, g| channel.before(x, g, then))).sum();
        let gamma: f64 =
            pairs().map(|(x, g)| sum(x, g, |x, g| channel.before(x, g, then) * (x - channel.mean))).sum();
        ((gamma * f64::from(channel.inverse_deviation)) as f32, beta as f32)
    };
    let (gamma, beta): (Vec<f32>, Vec<f32>) = (0..sizes.channels).into_par_iter().map(of_channel).unzip();
    let count = sizes.count() as f32;
    let mut input = vec![0.0; maps.len()];
    let planes = input.par_chunks_mut(sizes.pixels).zip(maps.par_chunks(sizes.pixels));
    planes.zip(gradient.par_chunks(sizes.pixels)).enumerate().for_each(
        |(index, ((input, map), gradient))| {
            let index = index % sizes.channels;
            let channel = channels[index];
            let mean_gradient = beta[index] / count;
            let slope = gamma[index] / count * channel.inverse_deviation;
            for ((input, x), g) in input.iter_mut().zip(map).zip(gradient) {
                let g = channel.before(*x, *g, then);
                *input = channel.scale * (g - mean_gradient - (x - channel.mean) * slope);
            }
        },
    );
    Gradients { maps: input, gamma, beta }
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "test values are f32")]
mod tests {
    use super::*;
    use crate::random::Random;

    fn values(count: usize, key: u64) -> Vec<f32> {
        let mut random = Random::keyed(2, &[key]);
        (0..count).map(|_| (0.7 + random.normal()) as f32).collect()
    }

    /// The definition in f64: the loss `sum(weight * y)` for maps, gamma and beta.
    fn loss(maps: &[f64], gamma: &[f64], beta: &[f64], weight: &[f32], sizes: MapSizes, then: Then) -> f64 {
        let channel_of = |index: usize| index / sizes.pixels % sizes.channels;
        let count = sizes.count();
        (0..sizes.channels)
            .map(|channel| {
                let of_channel: Vec<usize> = (0..maps.len()).filter(|i| channel_of(*i) == channel).collect();
                let mean = of_channel.iter().map(|i| maps[*i]).sum::<f64>() / count;
                let variance = of_channel.iter().map(|i| (maps[*i] - mean).powi(2)).sum::<f64>() / count;
                let y = |i: usize| {
                    let y = (maps[i] - mean) / (variance + 1e-5).sqrt() * gamma[channel] + beta[channel];
                    if then == Then::Relu { y.max(0.0) } else { y }
                };
                of_channel.iter().map(|i| y(*i) * f64::from(weight[*i])).sum::<f64>()
            })
            .sum()
    }

    #[test]
    fn what_is_no_number_is_not_hidden() {
        let sizes = MapSizes { batch: 1, channels: 1, pixels: 3 };
        let channels = channels(&[1.0], &[0.0], &[0.0, 1.0], 0.0);
        let output = forward(&[f32::NAN, -1.0, 2.0], sizes, &channels, Then::Relu);
        assert!(output[0].is_nan() && output[1..] == [0.0, 2.0], "{output:?}");
    }

    #[test]
    fn forward_and_gradients_follow_the_definition() {
        for (case, then) in [(0, Then::Nothing), (1, Then::Relu), (2, Then::Relu)] {
            let sizes = MapSizes { batch: 3, channels: 2, pixels: 5 + 17 * case };
            let maps = values(sizes.batch * sizes.channels * sizes.pixels, case as u64);
            let weight = values(maps.len(), 10 + case as u64);
            let (gamma, beta) = ([0.8, -1.3], [0.2, 0.1]);
            let found = moments(&maps, sizes);
            let channels = channels(&gamma.map(|g| g as f32), &beta.map(|b| b as f32), &found, 1e-5);
            let output = forward(&maps, sizes, &channels, then);
            let wide: Vec<f64> = maps.iter().map(|x| f64::from(*x)).collect();
            let expected = loss(&wide, &gamma, &beta, &weight, sizes, then);
            let sum: f64 = output.iter().zip(&weight).map(|(y, w)| f64::from(y * w)).sum();
            assert!((sum - expected).abs() < 1e-4 * expected.abs().max(1.0), "{sum} {expected}");

            let gradients = backward(&maps, &weight, sizes, &channels, then);
            let slope = |change: &dyn Fn(f64) -> f64| (change(1e-5) - change(-1e-5)) / 2e-5;
            for index in (0..maps.len()).step_by(3) {
                let by_step = slope(&|step| {
                    let mut moved = wide.clone();
                    moved[index] += step;
                    loss(&moved, &gamma, &beta, &weight, sizes, then)
                });
                let found = f64::from(gradients.maps[index]);
                assert!((found - by_step).abs() < 1e-3, "{found} {by_step}");
            }
            for channel in 0..2 {
                let moved = |values: [f64; 2], step: f64| {
                    let mut values = values;
                    values[channel] += step;
                    values
                };
                let of_gamma = slope(&|step| loss(&wide, &moved(gamma, step), &beta, &weight, sizes, then));
                let of_beta = slope(&|step| loss(&wide, &gamma, &moved(beta, step), &weight, sizes, then));
                assert!(
                    (f64::from(gradients.gamma[channel]) - of_gamma).abs() < 1e-3 * of_gamma.abs().max(1.0)
                );
                assert!((f64::from(gradients.beta[channel]) - of_beta).abs() < 1e-3 * of_beta.abs().max(1.0));
            }
        }
    }
}
