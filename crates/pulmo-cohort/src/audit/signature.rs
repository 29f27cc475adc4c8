//! What tells an image again: the hash of its pixels, and a small copy that survives another
//! encoding or another size.

use ndarray::{Array3, ArrayView2, Axis};
use sha2::{Digest, Sha256};

/// Correlation of the small copies from which two images are near duplicates.
///
/// Measured on COVID-CT (543 pictures): the same picture at 60 x 70 % of its size and JPEG quality
/// 40 correlates by 0.980 or more with the original, half of them by more than 0.998; pictures of
/// different patients by at most 0.898 (146 522 pairs, 99.99 % of them below 0.81). Neighbouring
/// slices of one patient reach 0.983, so they count as near duplicates too, and rightly.
pub const NEAR_CORRELATION: f32 = 0.95;

/// Most bits of the difference hash in which near duplicates differ; the re-encoded copies above
/// differ in at most 4 of the 64.
pub const NEAR_HASH_BITS: u32 = 12;

/// Side of the small copy.
const SIDE: usize = 64;

/// What tells an image or a volume again.
#[derive(Debug, Clone, PartialEq)]
pub struct Signature {
    /// SHA-256 of shape and values.
    digest: [u8; 32],
    views: Vec<View>,
}

/// One slice, small.
#[derive(Debug, Clone, PartialEq)]
struct View {
    /// Difference hash: whether each of 8 x 8 cells is brighter than its left neighbour.
    hash: u64,
    /// 64 x 64 means, centred and of length 1; `None` for a slice of one value.
    unit: Option<Vec<f32>>,
}

impl Signature {
    /// The signature of decoded values, `[slices, rows, columns]`: of the one slice of a picture, of
    /// the slices at a quarter, a half and three quarters of a volume.
    pub fn of(voxels: &Array3<f32>) -> Self {
        let (slices, rows, columns) = voxels.dim();
        let mut hasher = Sha256::new();
        for side in [slices, rows, columns] {
            hasher.update((side as u64).to_le_bytes());
        }
        let mut bytes = Vec::with_capacity(4 * rows * columns);
        for slice in voxels.axis_iter(Axis(0)) {
            bytes.clear();
            bytes.extend(slice.iter().flat_map(|value| value.to_le_bytes()));
            hasher.update(&bytes);
        }
        let shown = if slices < 4 { vec![slices / 2] } else { vec![slices / 4, slices / 2, 3 * slices / 4] };
        let views = shown.into_iter().filter(|_| !voxels.is_empty());
        let views = views.map(|slice| View::of(voxels.index_axis(Axis(0), slice))).collect();
        Self { digest: hasher.finalize().into(), views }
    }

    /// Whether both have the same shape and the same values.
    pub fn is_same(&self, other: &Self) -> bool {
        self.digest == other.digest
    }

    /// The least correlation of the small copies of corresponding slices, where it is high enough
    /// for near duplicates ([`NEAR_CORRELATION`]); `None` otherwise.
    pub fn near(&self, other: &Self) -> Option<f32> {
        let alike = |(a, b): (&View, &View)| (a.hash ^ b.hash).count_ones() <= NEAR_HASH_BITS;
        let pairs = || self.views.iter().zip(&other.views);
        if self.views.is_empty() || self.views.len() != other.views.len() || !pairs().all(alike) {
            return None;
        }
        let correlation = |(a, b): (&View, &View)| {
            let (a, b) = (a.unit.as_ref()?, b.unit.as_ref()?);
            Some(a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>())
        };
        let least = pairs().map(correlation).try_fold(1.0f32, |least, next| Some(least.min(next?)))?;
        (least >= NEAR_CORRELATION).then_some(least)
    }
}

impl View {
    fn of(slice: ArrayView2<'_, f32>) -> Self {
        let small = shrink(&slice, [SIDE, SIDE]);
        let mean = small.iter().sum::<f32>() / small.len() as f32;
        let centred: Vec<f32> = small.iter().map(|value| value - mean).collect();
        let length = centred.iter().map(|value| value * value).sum::<f32>().sqrt();
        let is_flat = length <= 1e-4 * mean.abs().max(f32::MIN_POSITIVE);
        let unit = (!is_flat).then(|| centred.iter().map(|value| value / length).collect());
        Self { hash: difference_hash(&small), unit }
    }
}

/// One bit for each of 8 rows of 8 neighbouring pairs of 9 cells.
fn difference_hash(small: &[f32]) -> u64 {
    let Ok(image) = ArrayView2::from_shape((SIDE, SIDE), small) else { return 0 };
    let cells = shrink(&image, [8, 9]);
    cells
        .chunks_exact(9)
        .flat_map(|row| row.windows(2))
        .fold(0, |hash, pair| hash << 1 | u64::from(pair[1] > pair[0]))
}

/// Means over `shape` equal cells of a slice, row by row; cells may cut pixels.
fn shrink(slice: &ArrayView2<'_, f32>, [rows, columns]: [usize; 2]) -> Vec<f32> {
    let (height, width) = slice.dim();
    let (down, across) = (shares(height, rows), shares(width, columns));
    let mut cells = Vec::with_capacity(rows * columns);
    for lines in &down {
        let line: Vec<f32> =
            (0..width).map(|x| lines.iter().map(|&(y, share)| share * slice[[y, x]]).sum()).collect();
        cells.extend(
            across.iter().map(|pixels| pixels.iter().map(|&(x, share)| share * line[x]).sum::<f32>()),
        );
    }
    cells
}

/// For each of `cells` equal parts of a line of `len` pixels: its pixels and their shares, which sum to 1.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positions lie within the line")]
fn shares(len: usize, cells: usize) -> Vec<Vec<(usize, f32)>> {
    let step = len as f64 / cells as f64;
    let of_cell = |cell: usize| {
        let (start, end) = (cell as f64 * step, (cell + 1) as f64 * step);
        let pixels = start as usize..(end.ceil() as usize).min(len);
        let covered = |pixel: usize| (end.min(pixel as f64 + 1.0) - start.max(pixel as f64)).max(0.0) / step;
        pixels.map(|pixel| (pixel, covered(pixel) as f32)).collect()
    };
    (0..cells).map(of_cell).collect()
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "test values are f32")]
mod tests {
    use super::*;
    use pulmo_random::Random;

    /// A smooth picture with blobs drawn from `seed`.
    fn picture(seed: u64, rows: usize, columns: usize) -> Array3<f32> {
        let mut random = Random::new(seed);
        let blobs: Vec<[f64; 3]> =
            (0..12).map(|_| [random.unit(), random.unit(), random.uniform(-1.0, 1.0)]).collect();
        Array3::from_shape_fn((1, rows, columns), |(_, y, x)| {
            let (y, x) = (y as f64 / rows as f64, x as f64 / columns as f64);
            let value: f64 = blobs
                .iter()
                .map(|[by, bx, height]| height * (-((y - by).powi(2) + (x - bx).powi(2)) / 0.02).exp())
                .sum();
            (128.0 + 80.0 * value) as f32
        })
    }

    #[test]
    fn another_size_is_near_another_picture_is_not() {
        let (large, small) = (Signature::of(&picture(1, 200, 180)), Signature::of(&picture(1, 90, 120)));
        assert!(large.near(&small).unwrap() > 0.99 && !large.is_same(&small));
        assert_eq!(large.near(&Signature::of(&picture(2, 200, 180))), None);
        assert!(large.is_same(&Signature::of(&picture(1, 200, 180))));
    }

    #[test]
    fn a_brighter_copy_is_near() {
        let brighter = picture(1, 50, 50).mapv(|value| 1.2 * value + 7.0);
        assert!(Signature::of(&picture(1, 50, 50)).near(&Signature::of(&brighter)).unwrap() > 0.999);
    }

    #[test]
    fn empty_pictures_are_the_same_but_never_near() {
        let [black, white] = [0.0, 255.0].map(|value| Signature::of(&Array3::from_elem((1, 40, 40), value)));
        assert_eq!((black.near(&white), black.near(&black)), (None, None));
        assert!(black.is_same(&black) && !black.is_same(&white));
    }

    #[test]
    fn cells_cover_the_line_evenly() {
        for (len, cells) in [(10, 4), (3, 8), (64, 9)] {
            let shares = shares(len, cells);
            assert!(
                shares
                    .iter()
                    .all(|cell| (cell.iter().map(|(_, share)| share).sum::<f32>() - 1.0).abs() < 1e-5)
            );
        }
        let ramp = Array3::from_shape_fn((1, 4, 4), |(_, _, x)| x as f32);
        assert_eq!(shrink(&ramp.index_axis(Axis(0), 0), [1, 2]), [0.5, 2.5]);
    }
}
