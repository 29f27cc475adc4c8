//! The parameters of each kernel, laid out as its WGSL `Params` (`tests/shaders.rs` compares them).
//!
//! WGSL aligns `vec3` to 16 bytes: each is followed by a scalar or by padding that has a name.

use bytemuck::{Pod, Zeroable};

use super::Kernel;

/// Threads of a workgroup along x, y and z, the same in every kernel.
pub const WORKGROUP_XYZ: [u32; 3] = [32, 4, 2];

/// The uniform parameters of one kernel.
pub trait KernelParams: Pod {
    /// The kernel they are for.
    const KERNEL: Kernel;
    /// Name and byte offset of each field.
    const FIELDS: &'static [(&'static str, usize)];
}

macro_rules! kernel_params {
    ($(#[$doc:meta])* $name:ident of $kernel:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)+ }) => {
        $(#[$doc])*
        #[repr(C)]
        #[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)+ }

        impl KernelParams for $name {
            const KERNEL: Kernel = Kernel::$kernel;
            const FIELDS: &'static [(&'static str, usize)] =
                &[$((stringify!($field), std::mem::offset_of!($name, $field))),+];
        }
    };
}

kernel_params! {
    /// `clamp((in - subtract) * multiply + add, low, high)`.
    IntensityParams of Intensity {
        /// Voxels along x, y, z.
        shape: [u32; 3],
        /// Taken from each value first.
        subtract: f32,
        /// Factor.
        multiply: f32,
        /// Added after the factor.
        add: f32,
        /// Lower bound of the result.
        low: f32,
        /// Upper bound of the result.
        high: f32,
    }
}

kernel_params! {
    /// One axis of a linear filter; its tables are `start` and `weight`.
    SeparableParams of Separable {
        /// Voxels of the input along x, y, z.
        in_shape: [u32; 3],
        /// The axis filtered: 0 = x, 1 = y, 2 = z.
        axis: u32,
        /// Voxels of the output along x, y, z.
        out_shape: [u32; 3],
        /// Taps for each output voxel.
        width: u32,
    }
}

kernel_params! {
    /// Where each output voxel is copied from.
    GatherParams of Gather {
        /// Voxels of the input along x, y, z.
        in_shape: [u32; 3],
        /// Value of voxels that come from outside the input.
        fill: f32,
        /// Voxels of the output along x, y, z.
        out_shape: [u32; 3],
        /// Unused.
        padding: u32,
        /// Input voxel (x, y, z) of the output's voxel 0.
        first: [i32; 4],
        /// Step in the input for one step along the output's x.
        step_x: [i32; 4],
        /// Step in the input for one step along the output's y.
        step_y: [i32; 4],
        /// Step in the input for one step along the output's z.
        step_z: [i32; 4],
    }
}

kernel_params! {
    /// The affine map from output voxels to input positions, by rows.
    RotateParams of Rotate {
        /// Voxels along x, y, z, of input and output.
        shape: [u32; 3],
        /// Value of voxels that come from outside the input.
        fill: f32,
        /// Row that gives the input's x from (x, y, z, 1).
        row_x: [f32; 4],
        /// Row that gives the input's y.
        row_y: [f32; 4],
        /// Row that gives the input's z.
        row_z: [f32; 4],
        /// 0 = nearest, 1 = linear, 2 = cubic.
        interpolation: u32,
        /// Unused.
        padding_0: u32,
        /// Unused.
        padding_1: u32,
        /// Unused.
        padding_2: u32,
    }
}

kernel_params! {
    /// The box of a median.
    MedianParams of Median {
        /// Voxels along x, y, z.
        shape: [u32; 3],
        /// Unused.
        padding_0: u32,
        /// Reach of the box along x, y, z.
        radius: [i32; 3],
        /// Unused.
        padding_1: u32,
    }
}

/// An index or shape `[z, y, x]` as WGSL's `vec3<u32>(x, y, z)`. Sides beyond `u32` become its
/// largest value, which no device accepts.
pub fn vec3_xyz(zyx: [usize; 3]) -> [u32; 3] {
    let [z, y, x] = zyx.map(|side| u32::try_from(side).unwrap_or(u32::MAX));
    [x, y, z]
}
