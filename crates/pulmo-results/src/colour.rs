//! Colours.

/// A colour of the screen (sRGB).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Colour(pub(crate) [u8; 3]);

/// Both lungs apart, and the nodules: told apart by all with colour blindness (Okabe and Ito, 2008).
pub(crate) const LEFT_LUNG: Colour = Colour([86, 180, 233]);
pub(crate) const RIGHT_LUNG: Colour = Colour([0, 158, 115]);
pub(crate) const NODULE: Colour = Colour([230, 159, 0]);
pub(crate) const BLACK: Colour = Colour([0, 0, 0]);
pub(crate) const WHITE: Colour = Colour([255, 255, 255]);
pub(crate) const EVIDENCE: Colour = Colour([213, 94, 0]);

/// White of the profile connection space, D50.
const WHITE_XYZ: [f64; 3] = [0.964_22, 1.0, 0.825_21];

/// XYZ of linear sRGB, adapted to D50 by Bradford's matrix (IEC 61966-2-1, ICC.1:2022 annex E).
const XYZ_FROM_RGB: [[f64; 3]; 3] = [
    [0.436_074_7, 0.385_064_9, 0.143_080_4],
    [0.222_504_5, 0.716_878_6, 0.060_616_9],
    [0.013_932_2, 0.097_104_5, 0.714_173_3],
];

impl Colour {
    /// Returns the colour as DICOM stores CIELab values: L* from 0 to 100, a* and b* from -128 to 127, each as 0 to
    /// 65535.
    ///
    /// # References
    /// DICOM PS3.3 C.10.7.1.1.
    pub(crate) fn cielab(self) -> [u16; 3] {
        let linear = self.0.map(|byte| linear(f64::from(byte) / 255.0));
        let xyz = XYZ_FROM_RGB.map(|row| row.iter().zip(linear).map(|(a, b)| a * b).sum::<f64>());
        let [x, y, z] = std::array::from_fn(|axis| cube_root(xyz[axis] / WHITE_XYZ[axis]));
        let lightness = 116.0 * y - 16.0;
        let [a, b] = [500.0 * (x - y), 200.0 * (y - z)];
        [stored(lightness / 100.0), stored((a + 128.0) / 255.0), stored((b + 128.0) / 255.0)]
    }
}

fn linear(value: f64) -> f64 {
    if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

/// The function of CIE 15 that is a cube root but near black.
fn cube_root(value: f64) -> f64 {
    let delta: f64 = 6.0 / 29.0;
    if value > delta.powi(3) { value.cbrt() } else { value / (3.0 * delta.powi(2)) + 4.0 / 29.0 }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clipped to 16 bits")]
fn stored(share: f64) -> u16 {
    (share * 65535.0).round().clamp(0.0, 65535.0) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ORIGIN: Pillow 13.0.0, `ImageCms.buildTransform(sRGB, LAB, 'RGB', 'LAB', renderingIntent=1)`; within 1 of the
    /// 255 steps that it gives.
    #[test]
    fn colours_are_those_of_a_colour_management_system() {
        for (rgb, lab) in [
            ([128, 174, 128], [171, 105, 147]),
            ([255, 0, 0], [138, 209, 198]),
            ([90, 160, 230], [162, 121, 85]),
            ([255, 200, 60], [214, 139, 201]),
            ([200, 200, 200], [206, 128, 128]),
        ] {
            let found = Colour(rgb).cielab().map(|value| f64::from(value) / 257.0);
            let is_near = found.iter().zip(lab).all(|(found, lab)| (found - f64::from(lab)).abs() <= 1.0);
            assert!(is_near, "{rgb:?}: {found:?}, not {lab:?}");
        }
    }
}
