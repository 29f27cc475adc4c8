//! Quantum noise and blur of a reconstruction kernel.

use super::shape::narrow;
use crate::units::{Hounsfield, Millimetres};
use pulmo_random::Random;

/// How a reconstruction kernel blurs a slice and colours its noise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sharpness {
    /// Standard deviation of the point spread in the plane.
    pub(super) blur_mm: Millimetres,
    /// Standard deviation of the grain of the noise.
    pub(super) grain_mm: Millimetres,
    /// Share of the noise's low frequencies that the kernel takes out, 0 to 1.
    pub(super) band_pass: f32,
}

/// One thread's buffers for finishing slices of one size.
pub(super) struct Finisher {
    matrix: usize,
    blur: Vec<f32>,
    fine: Vec<f32>,
    coarse: Vec<f32>,
    band_pass: f32,
    noise: Vec<f32>,
    coarse_noise: Vec<f32>,
    scratch: Vec<f32>,
}

impl Finisher {
    pub(super) fn new(matrix: usize, pixel_mm: Millimetres, sharpness: Sharpness) -> Self {
        let plane = || vec![0.0; matrix * matrix];
        Self {
            matrix,
            blur: gaussian(sharpness.blur_mm / pixel_mm),
            fine: gaussian(sharpness.grain_mm / pixel_mm),
            coarse: gaussian(2.2 * sharpness.grain_mm / pixel_mm),
            band_pass: sharpness.band_pass,
            noise: plane(),
            coarse_noise: plane(),
            scratch: plane(),
        }
    }

    /// Blurs a slice and adds noise of standard deviation `sigma_hu` at the middle, less outwards.
    pub(super) fn finish(&mut self, slice_hu: &mut [f32], sigma_hu: Hounsfield, random: &mut Random) {
        convolve(slice_hu, &mut self.scratch, self.matrix, &self.blur);
        self.noise.fill_with(|| white(random));
        self.coarse_noise.copy_from_slice(&self.noise);
        convolve(&mut self.noise, &mut self.scratch, self.matrix, &self.fine);
        convolve(&mut self.coarse_noise, &mut self.scratch, self.matrix, &self.coarse);
        let gain = sigma_hu / self.norm();
        let half = self.matrix as f32 / 2.0;
        let rows = slice_hu.chunks_exact_mut(self.matrix).zip(self.noise.chunks_exact(self.matrix));
        let rows = rows.zip(self.coarse_noise.chunks_exact(self.matrix));
        for (row, ((values, fine), coarse)) in rows.enumerate() {
            let down = (row as f32 - half) / half;
            for (column, ((value, fine), coarse)) in values.iter_mut().zip(fine).zip(coarse).enumerate() {
                let along = (column as f32 - half) / half;
                let local = 1.1 - 0.4 * (down * down + along * along);
                *value += gain * local * (fine - self.band_pass * coarse);
            }
        }
    }

    /// Standard deviation that the band-pass leaves of white noise of standard deviation 1.
    fn norm(&self) -> f32 {
        let dot = |a: &[f32], b: &[f32]| {
            let (a, b) = if a.len() < b.len() { (a, b) } else { (b, a) };
            let offset = (b.len() - a.len()) / 2;
            a.iter().zip(&b[offset..]).map(|(x, y)| x * y).sum::<f32>().powi(2)
        };
        let (fine, coarse, share) = (&self.fine, &self.coarse, self.band_pass);
        (dot(fine, fine) - 2.0 * share * dot(fine, coarse) + share * share * dot(coarse, coarse)).sqrt()
    }
}

/// Mean 0, standard deviation 1, from four 16-bit uniform numbers (Irwin-Hall).
#[inline]
fn white(random: &mut Random) -> f32 {
    let bits = random.bits();
    let sum = (bits & 0xFFFF) + ((bits >> 16) & 0xFFFF) + ((bits >> 32) & 0xFFFF) + (bits >> 48);
    // The sum has mean 2 * 65535 and variance 4 * 65536^2 / 12.
    (sum as f32 - 131_070.0) * (1.732_050_8 / 65_536.0)
}

/// Weights of a Gaussian cut at 2.5 standard deviations; their sum is 1.
fn gaussian(sigma_pixels: f64) -> Vec<f32> {
    let reach = (1..8).find(|r| f64::from(*r) >= 2.5 * sigma_pixels).unwrap_or(8);
    let weight = |k: i32| (-0.5 * (f64::from(k) / sigma_pixels.max(0.1)).powi(2)).exp();
    let sum: f64 = (-reach..=reach).map(weight).sum();
    (-reach..=reach).map(|k| narrow(weight(k) / sum)).collect()
}

/// Convolves a square plane with `weights` along rows, then along columns; edges are repeated.
fn convolve(plane: &mut [f32], scratch: &mut [f32], matrix: usize, weights: &[f32]) {
    let reach = weights.len() / 2;
    let mut padded = vec![0.0f32; matrix + 2 * reach];
    for (from, to) in plane.chunks_exact(matrix).zip(scratch.chunks_exact_mut(matrix)) {
        padded[..reach].fill(from[0]);
        padded[reach..reach + matrix].copy_from_slice(from);
        padded[reach + matrix..].fill(from[matrix - 1]);
        to.fill(0.0);
        for (shift, weight) in weights.iter().enumerate() {
            to.iter_mut().zip(&padded[shift..]).for_each(|(to, from)| *to += weight * from);
        }
    }
    for (row, to) in plane.chunks_exact_mut(matrix).enumerate() {
        to.fill(0.0);
        for (shift, weight) in weights.iter().enumerate() {
            let source = (row + shift).saturating_sub(reach).min(matrix - 1);
            let from = &scratch[source * matrix..][..matrix];
            to.iter_mut().zip(from).for_each(|(to, from)| *to += weight * from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_has_the_spread_asked_for_in_the_middle() {
        let matrix = 128;
        for (grain_mm, band_pass) in [(0.45, 0.6), (0.9, 0.3), (0.2, 0.0)] {
            let sharpness = Sharpness { blur_mm: 0.6, grain_mm, band_pass };
            let mut slice = vec![-50.0; matrix * matrix];
            Finisher::new(matrix, 0.8, sharpness).finish(&mut slice, 20.0, &mut Random::new(3));
            let middle: Vec<f32> =
                (44..84).flat_map(|row| slice[row * matrix + 44..row * matrix + 84].to_vec()).collect();
            let mean = middle.iter().sum::<f32>() / 1600.0;
            let sigma = (middle.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / 1600.0).sqrt();
            assert!((mean + 50.0).abs() < 3.0, "{mean}");
            assert!((sigma / (20.0 * 1.07) - 1.0).abs() < 0.08, "{sigma}");
        }
    }
}
