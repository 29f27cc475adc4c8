//! How a picture must be turned to stand as it was seen.

use image::metadata::Orientation;
use ndarray::{Array2, Axis};

/// The orientation that Exif metadata tell; none where they tell none.
pub(super) fn of_exif(exif: &[u8]) -> Orientation {
    let tiff = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    Orientation::from_exif_chunk(tiff).unwrap_or(Orientation::NoTransforms)
}

/// Pixels `[rows, columns]` turned and mirrored as Exif says (tag 274, values 1 to 8).
pub(super) fn applied(pixels: Array2<f32>, orientation: Orientation) -> Array2<f32> {
    let exif = orientation.to_exif();
    if exif == 1 {
        return pixels;
    }
    let mut turned = if exif >= 5 { pixels.reversed_axes() } else { pixels };
    if matches!(exif, 3 | 4 | 7 | 8) {
        turned.invert_axis(Axis(0));
    }
    if matches!(exif, 2 | 3 | 6 | 7) {
        turned.invert_axis(Axis(1));
    }
    turned.as_standard_layout().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    /// ORIGIN: Pillow 13.0.0: `ImageOps.exif_transpose` of the 3 x 2 picture 1 2 3 / 4 5 6.
    #[test]
    fn each_of_the_eight_stands_upright() {
        let stored = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
        let expected = [
            stored.clone(),
            array![[3.0, 2.0, 1.0], [6.0, 5.0, 4.0]],
            array![[6.0, 5.0, 4.0], [3.0, 2.0, 1.0]],
            array![[4.0, 5.0, 6.0], [1.0, 2.0, 3.0]],
            array![[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]],
            array![[4.0, 1.0], [5.0, 2.0], [6.0, 3.0]],
            array![[6.0, 3.0], [5.0, 2.0], [4.0, 1.0]],
            array![[3.0, 6.0], [2.0, 5.0], [1.0, 4.0]],
        ];
        for (exif, expected) in (1..).zip(expected) {
            let orientation = Orientation::from_exif(exif).unwrap();
            assert_eq!(applied(stored.clone(), orientation), expected, "{exif}");
        }
    }
}
