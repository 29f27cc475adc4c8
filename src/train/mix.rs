//! Mixing the images of a batch with each other, and their labels with them.

use std::ops::Range;

use burn::tensor::{Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::recipe_error::RecipeError;
use crate::random::Random;

/// How much images are mixed; for networks of single images.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MixConfig {
    /// Whole images are averaged with a share drawn from Beta(a, a); 0 means never (Zhang et al. 2018,
    /// arXiv:1710.09412).
    pub mixup: f64,
    /// A rectangle comes from another image, its area drawn from Beta(a, a); 0 means never (Yun et al.
    /// 2019, doi:10.1109/ICCV.2019.00612). With both, each batch takes one of them.
    pub cutmix: f64,
}

/// One draw for a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Mix {
    /// For each image, the image it is mixed with.
    pub partner: Vec<usize>,
    /// Share of the image's own label.
    pub share: f64,
    /// Rows and columns that come from the partner; `None` where whole images are averaged.
    pub region: Option<[Range<usize>; 2]>,
}

impl MixConfig {
    /// Says whether the values are allowed.
    ///
    /// # Errors
    /// [`RecipeError::Value`].
    pub fn validate(&self) -> Result<(), RecipeError> {
        [("[course.mix] mixup", self.mixup), ("[course.mix] cutmix", self.cutmix)].into_iter().try_for_each(
            |(field, alpha)| {
                RecipeError::check((0.0..=1.0).contains(&alpha), field, alpha, "between 0 and 1")
            },
        )
    }

    /// Whether nothing is mixed.
    pub fn is_off(&self) -> bool {
        self.mixup <= 0.0 && self.cutmix <= 0.0
    }

    /// A draw for `images` images of `sides` rows and columns; `None` where nothing is mixed.
    pub fn draw(&self, images: usize, sides: [usize; 2], random: &mut Random) -> Option<Mix> {
        if self.is_off() {
            return None;
        }
        let is_cutmix = self.mixup <= 0.0 || (self.cutmix > 0.0 && random.chance(0.5));
        let alpha = if is_cutmix { self.cutmix } else { self.mixup };
        let share = symmetric_beta(alpha, random);
        let mut partner: Vec<usize> = (0..images).collect();
        random.shuffle(&mut partner);
        if !is_cutmix {
            return Some(Mix { partner, share, region: None });
        }
        let side_share = (1.0 - share).sqrt();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a side")]
        let region = sides.map(|side| {
            let length = (side_share * side as f64).round() as usize;
            let start = random.below(side - length + 1);
            start..start + length
        });
        let area = region.iter().map(ExactSizeIterator::len).product::<usize>();
        let share = 1.0 - area as f64 / sides.iter().product::<usize>() as f64;
        Some(Mix { partner, share, region: Some(region) })
    }
}

/// A draw from Beta(a, a) for `a` up to 1 (Jöhnk 1964, doi:10.1007/BF02613706).
fn symmetric_beta(alpha: f64, random: &mut Random) -> f64 {
    loop {
        let [x, y] = [0, 1].map(|_| random.uniform(0.0, 1.0).powf(1.0 / alpha));
        if x + y > 0.0 && x + y <= 1.0 {
            return x / (x + y);
        }
    }
}

impl Mix {
    /// The mixed images.
    ///
    /// # Shapes
    /// `[images, channels, rows, columns]` to the same.
    pub(super) fn apply(&self, images: Tensor<4>) -> Tensor<4> {
        let order: Vec<i64> = self.partner.iter().filter_map(|index| i64::try_from(*index).ok()).collect();
        let order = TensorData::new(order, [self.partner.len()]);
        let order = Tensor::<1, Int>::from_data(order, &images.device());
        let partners = images.clone().select(0, order);
        match &self.region {
            None => images * self.share + partners * (1.0 - self.share),
            Some([rows, columns]) if rows.is_empty() || columns.is_empty() => images,
            Some([rows, columns]) => {
                let [count, channels, _, _] = images.dims();
                let place = [0..count, 0..channels, rows.clone(), columns.clone()];
                images.slice_assign(place.clone(), partners.slice(place))
            }
        }
    }

    /// The partners' labels.
    pub(super) fn partner_labels(&self, labels: &[usize]) -> Vec<usize> {
        self.partner.iter().map(|partner| labels[*partner]).collect()
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::network::read_tensor;

    #[test]
    fn beta_has_its_mean_and_variance() {
        let mut random = Random::new(3);
        let draws: Vec<f64> = (0..20_000).map(|_| symmetric_beta(0.4, &mut random)).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        // Of Beta(a, a): 1/2 and 1 / (4 (2 a + 1)).
        assert!((mean - 0.5).abs() < 0.01 && (variance - 1.0 / 7.2).abs() < 0.005, "{mean} {variance}");
    }

    #[test]
    fn images_and_labels_are_mixed_alike() {
        let images =
            Tensor::<4>::from_data([[[[0.0, 0.0], [0.0, 0.0]]], [[[1.0, 1.0], [1.0, 1.0]]]], &Device::flex());
        let whole = Mix { partner: vec![1, 0], share: 0.75, region: None };
        assert_eq!(
            read_tensor(whole.apply(images.clone())).unwrap(),
            [0.25, 0.25, 0.25, 0.25, 0.75, 0.75, 0.75, 0.75]
        );
        let cut = Mix { region: Some([0..1, 1..2]), ..whole };
        assert_eq!(read_tensor(cut.apply(images)).unwrap(), [0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0]);
        assert_eq!(cut.partner_labels(&[5, 7]), [7, 5]);
    }

    #[test]
    fn the_share_is_the_area_that_stays() {
        let config = MixConfig { mixup: 0.0, cutmix: 1.0 };
        let mut random = Random::new(5);
        for _ in 0..50 {
            let mix = config.draw(4, [30, 20], &mut random).unwrap();
            let [rows, columns] = mix.region.clone().unwrap();
            assert!(rows.end <= 30 && columns.end <= 20);
            assert!((mix.share - (1.0 - (rows.len() * columns.len()) as f64 / 600.0)).abs() < 1e-12);
        }
        assert_eq!(MixConfig::default().draw(4, [30, 20], &mut random), None);
    }
}
