//! Whether the values of a volume file are those of a CT.
//!
//! A DICOM header declares its padding and says that values are Hounsfield units; a volume file
//! says neither, so its values must speak for themselves.

use super::IntakeError;
use crate::dicom::{AssembleSettings, LEAST_HU, Padding, Plateau, check_volume, plateau};
use crate::findings::{Code, Reason};
use crate::geometry::Unit;
use crate::units::{AIR_HU, Hounsfield};
use crate::volume::Volume;

/// Returns a volume that keeps the rules of [`check_volume`], and what was dealt with.
///
/// Where more than 1 value in 1000 lies below -1100 HU and all but so few of these are one and the same, as
/// tools leave them outside the circle of reconstruction, they are padding: they become air, with a
/// warning. Pictures and arrays without millimetres need finite values only.
pub(super) fn checked(
    volume: Volume,
    settings: &AssembleSettings,
) -> Result<(Volume, Vec<Reason>), IntakeError> {
    let not_finite = volume.as_slice().iter().filter(|value| !value.is_finite()).count();
    if not_finite > 0 {
        return Err(IntakeError::NotFinite { values: not_finite });
    }
    if volume.grid().unit() == Unit::Pixel {
        return Ok((volume, Vec::new()));
    }
    let Some(Plateau { value: padding_hu, count: voxels }) = padding_of(volume.as_slice()) else {
        let warnings = check_volume(&volume, settings)?;
        return Ok((volume, warnings));
    };
    let kept = (settings.padding == Padding::Keep).then(|| volume.clone());
    let with_air = volume.map(|value| if value == padding_hu { AIR_HU } else { value });
    let mut warnings = check_volume(&with_air, settings)?;
    let message = match settings.padding {
        Padding::Air => "were taken for padding and became air",
        Padding::Keep => "were taken for padding",
    };
    warnings.push(Reason::new(Code::Padding, format!("{voxels} voxels of {padding_hu} HU {message}")));
    Ok((kept.unwrap_or(with_air), warnings))
}

/// The one value of voxels that lie below what CT gives, where these are not few, and how many there are.
fn padding_of(values: &[Hounsfield]) -> Option<Plateau<Hounsfield>> {
    let below = values.iter().filter(|value| **value < LEAST_HU);
    plateau(below.map(|value| (*value, 1)), values.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Grid;

    fn judged(values: [f32; 4], padding: Padding) -> Result<(Vec<f32>, Vec<Reason>), Code> {
        let grid = Grid::aligned([3, 2, 2], [1.0; 3]).unwrap();
        let volume = Volume::from_fn(grid, |[_, y, x]| values[2 * y + x]);
        let settings = AssembleSettings { padding, ..AssembleSettings::default() };
        let (volume, codes) = checked(volume, &settings).map_err(|error| error.code())?;
        Ok((volume.as_slice()[..4].to_vec(), codes))
    }

    #[test]
    fn values_speak_for_themselves() {
        let air = Padding::Air;
        assert_eq!(judged([-1000.0, 0.0, 40.0, 300.0], air), Ok((vec![-1000.0, 0.0, 40.0, 300.0], vec![])));
        let padded = [-3024.0, -3024.0, 40.0, 300.0];
        assert_eq!(
            judged(padded, air),
            Ok((vec![-1024.0, -1024.0, 40.0, 300.0], vec![Code::Padding.into()]))
        );
        assert_eq!(judged(padded, Padding::Keep), Ok((padded.to_vec(), vec![Code::Padding.into()])));
        assert_eq!(judged([-3024.0, -2024.0, 40.0, 300.0], air), Err(Code::HuRange));
        assert_eq!(judged([-1000.0, 0.0, 40.0, 9000.0], air), Err(Code::HuRange));
        assert_eq!(judged([-1000.0, 0.0, 40.0, f32::NAN], air), Err(Code::HuRange));
        assert_eq!(judged([-1000.0; 4], air), Err(Code::Content));
        // a label map, and a slice scaled to 0..1
        assert_eq!(judged([0.0, 1.0, 2.0, 33.0], air), Err(Code::OutOfDomain));
        assert_eq!(judged([0.0, 0.25, 0.5, 1.0], air), Err(Code::OutOfDomain));
    }

    #[test]
    fn plain_arrays_need_finite_values_only() {
        let checked = |value| {
            let volume = Volume::from_fn(Grid::of_picture(1, 2).unwrap(), |_| value);
            checked(volume, &AssembleSettings::default())
        };
        assert!(checked(1e9).is_ok());
        assert!(checked(f32::INFINITY).is_err());
    }
}
