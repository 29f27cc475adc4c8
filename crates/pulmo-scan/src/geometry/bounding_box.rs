//! Boxes of voxels.

/// A box of voxels: `start_zyx` included, `end_zyx` excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoundingBox {
    /// First voxel inside, `[z, y, x]`.
    pub start_zyx: [usize; 3],
    /// First voxel beyond, `[z, y, x]`; larger than the start along each axis.
    pub end_zyx: [usize; 3],
}

impl BoundingBox {
    /// The smallest box that holds all voxels given as `[z, y, x]`; `None` where there are none.
    pub fn around(voxels_zyx: impl IntoIterator<Item = [usize; 3]>) -> Option<Self> {
        voxels_zyx.into_iter().fold(None, |boxed, voxel| {
            Some(boxed.map_or(Self::of_voxel(voxel), |so_far: Self| so_far.with(voxel)))
        })
    }

    fn of_voxel(voxel_zyx: [usize; 3]) -> Self {
        Self { start_zyx: voxel_zyx, end_zyx: voxel_zyx.map(|v| v + 1) }
    }

    fn with(self, voxel_zyx: [usize; 3]) -> Self {
        Self {
            start_zyx: std::array::from_fn(|a| self.start_zyx[a].min(voxel_zyx[a])),
            end_zyx: std::array::from_fn(|a| self.end_zyx[a].max(voxel_zyx[a] + 1)),
        }
    }

    /// Voxels along `[z, y, x]`.
    pub fn shape_zyx(&self) -> [usize; 3] {
        std::array::from_fn(|a| self.end_zyx[a] - self.start_zyx[a])
    }

    /// This box grown by `margin_zyx` voxels on each side, cut at a grid of `shape_zyx`.
    pub fn grown(&self, margin_zyx: [usize; 3], shape_zyx: [usize; 3]) -> Self {
        Self {
            start_zyx: std::array::from_fn(|a| self.start_zyx[a].saturating_sub(margin_zyx[a])),
            end_zyx: std::array::from_fn(|a| (self.end_zyx[a] + margin_zyx[a]).min(shape_zyx[a])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_holds_its_voxels_and_no_more() {
        let boxed = BoundingBox::around([[1, 2, 3], [4, 0, 3]]).unwrap();
        assert_eq!(boxed, BoundingBox { start_zyx: [1, 0, 3], end_zyx: [5, 3, 4] });
        assert_eq!(boxed.shape_zyx(), [4, 3, 1]);
        assert_eq!(boxed.grown([1, 1, 9], [5, 9, 9]).end_zyx, [5, 4, 9]);
        assert_eq!(BoundingBox::around([]), None);
    }
}
