//! A volume as it is, or its mirror image.

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

    /// The axes along which it is mirrored: 0 for z, 1 for y, 2 for x.
    pub(super) fn axes(&self) -> Vec<usize> {
        let mirrored = [self.z, self.y, self.x];
        (0..3).filter(|axis| mirrored[*axis]).collect()
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
    fn axes_are_counted_from_z_on() {
        assert_eq!(View { x: true, y: false, z: true }.axes(), [0, 2]);
        assert_eq!(View::default().axes(), [0; 0]);
    }
}
