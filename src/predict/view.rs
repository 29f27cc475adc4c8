//! A volume as it is, or its mirror image.

use std::borrow::Cow;

use ndarray::{Array3, Axis as ArrayAxis};

use crate::bundle::Axis;

/// The axes along which a volume is mirrored before it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct View {
    pub(super) x: bool,
    pub(super) y: bool,
    pub(super) z: bool,
}

impl View {
    /// Every combination of `axes`, the volume as it is first.
    pub(super) fn combinations(axes: &[Axis]) -> Vec<Self> {
        axes.iter().fold(vec![Self::default()], |views, axis| {
            let mirrored = |view: &Self| match axis {
                Axis::X => Self { x: true, ..*view },
                Axis::Y => Self { y: true, ..*view },
                Axis::Z => Self { z: true, ..*view },
            };
            let more: Vec<Self> = views.iter().map(mirrored).filter(|view| !views.contains(view)).collect();
            [views, more].concat()
        })
    }

    /// The volume `[z, y, x]` as this view shows it.
    pub(super) fn of<'a>(&self, volume: &'a Array3<f32>) -> Cow<'a, Array3<f32>> {
        if *self == Self::default() {
            return Cow::Borrowed(volume);
        }
        let mut mirrored = volume.view();
        for (axis, is_mirrored) in [self.z, self.y, self.x].into_iter().enumerate() {
            if is_mirrored {
                mirrored.invert_axis(ArrayAxis(axis));
            }
        }
        Cow::Owned(mirrored.as_standard_layout().into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_are_all_combinations_once() {
        let views = View::combinations(&[Axis::X, Axis::Z]);
        assert_eq!(views.len(), 4);
        assert_eq!(views[0], View::default());
        assert!(views.contains(&View { x: true, y: false, z: true }));
        assert_eq!(View::combinations(&[Axis::X, Axis::X]).len(), 2);
    }

    #[test]
    fn a_mirrored_volume_reads_backwards() {
        let volume = Array3::from_shape_fn((2, 2, 3), |(z, y, x)| (100 * z + 10 * y + x) as f32);
        let view = View { x: true, y: false, z: true };
        let seen = view.of(&volume);
        assert_eq!(seen[[0, 1, 0]], 112.0);
        assert!(seen.is_standard_layout());
        assert_eq!(view.of(&seen).as_ref(), &volume);
    }
}
