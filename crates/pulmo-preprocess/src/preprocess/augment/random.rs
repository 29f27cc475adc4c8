//! Random numbers by counter, the same as in `shaders/common/random.wgsl` bit for bit.

/// pcg4d (Jarzynski and Olano 2020, "Hash functions for GPU rendering", JCGT 9(3)).
fn pcg4d(counter: [u32; 4]) -> [u32; 4] {
    let start = counter.map(|word| word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    stirred(stirred(start).map(|word| word ^ (word >> 16)))
}

fn stirred([mut x, mut y, mut z, mut w]: [u32; 4]) -> [u32; 4] {
    x = x.wrapping_add(y.wrapping_mul(w));
    y = y.wrapping_add(z.wrapping_mul(x));
    z = z.wrapping_add(x.wrapping_mul(y));
    w = w.wrapping_add(y.wrapping_mul(z));
    [x, y, z, w]
}

/// A number of mean 0 and standard deviation 1, nearly normal: the scaled sum of the hash's eight halves.
pub(super) fn normal(counter: [u32; 4]) -> f32 {
    let sum: u32 = pcg4d(counter).iter().map(|word| (word & 0xFFFF) + (word >> 16)).sum();
    #[expect(clippy::cast_precision_loss, reason = "below 2^24")]
    let sum = sum as f32;
    (sum - 262_140.0) * 1.868_812_4e-5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_pcg4d() {
        // ORIGIN: the formula of the paper written out with Python's integers modulo 2^32, 2026-11-21.
        assert_eq!(pcg4d([0, 0, 0, 0]), ZERO);
        assert_eq!(pcg4d([1, 2, 3, 4]), ONE_TO_FOUR);
    }

    const ZERO: [u32; 4] = [0x0F02_F829, 0x2D56_8769, 0x32B0_C43B, 0xD325_48EA];
    const ONE_TO_FOUR: [u32; 4] = [0x3622_CD16, 0xF114_71D8, 0xE110_9B3F, 0x02B9_4C2F];

    #[test]
    fn moments_are_those_of_a_normal() {
        let draws: Vec<f64> = (0..100_000).map(|n| f64::from(normal([n, 7, 1, 0]))).collect();
        let moment = |power: i32| draws.iter().map(|x| x.powi(power)).sum::<f64>() / draws.len() as f64;
        assert!(moment(1).abs() < 0.01, "{}", moment(1));
        assert!((moment(2) - 1.0).abs() < 0.02, "{}", moment(2));
        assert!(moment(3).abs() < 0.05, "{}", moment(3));
        assert!((moment(4) - 2.85).abs() < 0.1, "{}", moment(4));
    }
}
