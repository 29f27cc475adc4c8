//! Slices as pictures, for people to look at.

use image::{DynamicImage, GrayImage, ImageFormat, RgbImage};
use ndarray::ArrayView2;

use super::PictureError;
use crate::geometry::Grid;

/// Returns a slice `[rows, columns]` as an 8-bit gray PNG, `low` and below black, `high` and above
/// white, made smaller to at most `longest_side` pixels.
///
/// # Errors
/// [`PictureError`] where the slice is empty or too large for a picture.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=255")]
pub fn write_png(
    slice: ArrayView2<'_, f32>,
    [low, high]: [f32; 2],
    longest_side: u32,
) -> Result<Vec<u8>, PictureError> {
    let (rows, columns) = slice.dim();
    let (Ok(height), Ok(width)) = (u32::try_from(rows), u32::try_from(columns)) else {
        return Err(PictureError::TooLarge);
    };
    let gray =
        slice.iter().map(|value| ((value - low) / (high - low) * 255.0).round().clamp(0.0, 255.0) as u8);
    Grid::of_picture(rows, columns)?;
    let picture = GrayImage::from_raw(width, height, gray.collect()).ok_or(PictureError::TooLarge)?;
    let picture = if height.max(width) > longest_side {
        DynamicImage::from(picture).thumbnail(longest_side, longest_side).into_luma8()
    } else {
        picture
    };
    encoded(&picture.into())
}

/// Most that heat covers of the picture below it.
const COVER: f32 = 0.6;

/// Returns a picture `[rows, columns]`, gray from its lowest to its highest value, as an 8-bit colour PNG
/// with `heat` of the same shape over it: nothing where that is 0 or less, then red, and yellow at `most`.
///
/// # Errors
/// [`PictureError`] where the picture is empty or too large, or `heat` has another shape.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "shares of 255, in 0..=255")]
pub fn write_overlay(
    picture: ArrayView2<'_, f32>,
    heat: ArrayView2<'_, f32>,
    most: f32,
) -> Result<Vec<u8>, PictureError> {
    let (rows, columns) = picture.dim();
    let (Ok(height), Ok(width)) = (u32::try_from(rows), u32::try_from(columns)) else {
        return Err(PictureError::TooLarge);
    };
    Grid::of_picture(rows, columns)?;
    let low = picture.iter().copied().fold(f32::INFINITY, f32::min);
    let range = (picture.iter().copied().fold(f32::NEG_INFINITY, f32::max) - low).max(f32::MIN_POSITIVE);
    let colours = picture.iter().zip(heat).flat_map(|(value, heat)| {
        let gray = (value - low) / range;
        let share = if *heat > 0.0 && most > 0.0 { (heat / most).min(1.0) } else { 0.0 };
        let over = |colour: f32| gray + COVER * share.sqrt() * (colour - gray);
        [over(1.0), over(share), over(0.0)].map(|part| (part.clamp(0.0, 1.0) * 255.0).round() as u8)
    });
    let picture = RgbImage::from_raw(width, height, colours.collect()).ok_or(PictureError::TooLarge)?;
    encoded(&picture.into())
}

fn encoded(picture: &DynamicImage) -> Result<Vec<u8>, PictureError> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).map_err(PictureError::from)?;
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn a_window_maps_to_black_and_white() {
        let png = write_png(array![[-2000.0, 0.0], [500.0, 3000.0]].view(), [0.0, 1000.0], 64).unwrap();
        let back = image::load_from_memory(&png).unwrap().into_luma8();
        assert_eq!(back.into_raw(), [0, 0, 128, 255]);
        assert!(write_png(ndarray::Array2::zeros((0, 3)).view(), [0.0, 1.0], 64).is_err());
    }

    #[test]
    fn heat_lies_over_the_picture_where_it_is_positive() {
        let picture = array![[0.0, 100.0], [50.0, 100.0]];
        let png = write_overlay(picture.view(), array![[0.0, -1.0], [0.0, 2.0]].view(), 2.0).unwrap();
        let back = image::load_from_memory(&png).unwrap().into_rgb8();
        assert_eq!(back.into_raw(), [0, 0, 0, 255, 255, 255, 128, 128, 128, 255, 255, 102]);
        assert!(write_overlay(picture.view(), array![[1.0]].view(), 1.0).is_err());
    }

    #[test]
    fn a_large_slice_becomes_smaller_and_keeps_its_shape() {
        let png = write_png(ndarray::Array2::ones((100, 50)).view(), [0.0, 1.0], 20).unwrap();
        let back = image::load_from_memory(&png).unwrap();
        assert_eq!((back.height(), back.width()), (20, 10));
    }
}
