//! The parameters of each kernel, laid out as its WGSL `Params` (`tests/shaders.rs` compares them).
//!
//! Every `Params` starts with a [`Chunk`] and a [`Ramp`](super::Ramp); then comes what is the kernel's own. WGSL aligns
//! `vec3` to 16 bytes: each is followed by a scalar or by padding that has a name.

use bytemuck::{Pod, Zeroable};

use super::Kernel;

/// Threads of a workgroup along x, y and z, the same in every kernel.
pub const WORKGROUP_XYZ: [u32; 3] = [32, 4, 2];

/// Values that fit into a workgroup's own memory; half of what every device has.
pub const SHARED_VALUES: usize = 2048;

/// A struct that a kernel reads.
pub trait Layout: Pod {
    /// Name and byte offset of each field.
    const FIELDS: &'static [(&'static str, usize)];
}

/// The uniform parameters of one kernel, after its [`Chunk`] and [`Ramp`](super::Ramp).
pub trait KernelParams: Layout {
    /// The kernel they are for.
    const KERNEL: Kernel;
}

macro_rules! layout {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)+ }) => {
        $(#[$doc])*
        #[repr(C)]
        #[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)+ }

        impl $crate::gpu::Layout for $name {
            const FIELDS: &'static [(&'static str, usize)] =
                &[$((stringify!($field), std::mem::offset_of!($name, $field))),+];
        }
    };
}
pub(super) use layout;

macro_rules! kernel_params {
    ($(#[$doc:meta])* $name:ident of $kernel:ident { $($fields:tt)+ }) => {
        layout! { $(#[$doc])* $name { $($fields)+ } }

        impl KernelParams for $name {
            const KERNEL: Kernel = Kernel::$kernel;
        }
    };
}

layout! {
    /// The part of the arrays that one dispatch works on.
    Chunk {
        /// First output plane written.
        first_z: u32,
        /// First output plane beyond.
        end_z: u32,
        /// First source plane taken; only kernels that read anywhere look at it.
        from_z: u32,
        /// First source plane beyond.
        to_z: u32,
        /// 4-byte words of the input before the part that is bound.
        in_offset: u32,
        /// Values of the output before the part that is bound.
        out_offset: u32,
        /// Unused.
        padding_0: u32,
        /// Unused.
        padding_1: u32,
    }
}

kernel_params! {
    /// A ramp by itself.
    IntensityParams of Intensity {
        /// Voxels along x, y, z.
        shape: [u32; 3],
        /// Unused.
        padding: u32,
    }
}

kernel_params! {
    /// Stored pixels of 16 bits; the table is `rescale`.
    HounsfieldParams of Hounsfield {
        /// Voxels along x, y, z.
        shape: [u32; 3],
        /// 1 where pixels are signed, else 0.
        is_signed: u32,
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
        /// Voxels along x, y, z that a workgroup writes, one for each of its threads.
        tile: [u32; 3],
        /// Most voxels along the axis that these need; 0 where they do not fit into [`SHARED_VALUES`].
        span: u32,
    }
}

kernel_params! {
    /// Where each output voxel is copied from.
    GatherParams of Gather {
        /// Voxels of the input along x, y, z.
        in_shape: [u32; 3],
        /// Value of voxels that come from outside the part seen.
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
        /// First input voxel (x, y, z) of the part seen.
        low: [i32; 4],
        /// First input voxel beyond it.
        high: [i32; 4],
    }
}

kernel_params! {
    /// The affine map from output voxels to input positions, by rows.
    AffineParams of Affine {
        /// Voxels of the input along x, y, z.
        in_shape: [u32; 3],
        /// Value of voxels that come from outside the input.
        fill: f32,
        /// Voxels of the output along x, y, z.
        out_shape: [u32; 3],
        /// 0 = nearest, 1 = linear, 2 = cubic.
        interpolation: u32,
        /// Row that gives the input's x from (x, y, z, 1).
        row_x: [f32; 4],
        /// Row that gives the input's y.
        row_y: [f32; 4],
        /// Row that gives the input's z.
        row_z: [f32; 4],
    }
}

kernel_params! {
    /// A median; the reach of its box is a constant of the pipeline.
    MedianParams of Median {
        /// Voxels along x, y, z.
        shape: [u32; 3],
        /// Unused.
        padding: u32,
    }
}

kernel_params! {
    /// An affine pull with an elastic displacement; the table is `displacement`, three values a node.
    WarpParams of Warp {
        /// Voxels of the input along x, y, z.
        in_shape: [u32; 3],
        /// Unused: no position is outside.
        fill: f32,
        /// Voxels of the output along x, y, z.
        out_shape: [u32; 3],
        /// 1 = linear.
        interpolation: u32,
        /// Row that gives the input's x from (x, y, z, 1).
        row_x: [f32; 4],
        /// Row that gives the input's y.
        row_y: [f32; 4],
        /// Row that gives the input's z.
        row_z: [f32; 4],
        /// Nodes along x, y, z; 0 for no displacement.
        nodes: [u32; 3],
        /// Unused.
        padding: u32,
        /// Nodes for each voxel along x, y, z.
        per_cell: [f32; 4],
    }
}

kernel_params! {
    /// Gamma, contrast, brightness, noise and cut-out.
    ToneParams of Tone {
        /// Voxels along x, y, z.
        shape: [u32; 3],
        /// Exponent of positive values.
        exponent: f32,
        /// The case's mean.
        mean: f32,
        /// Factor about the mean.
        gain: f32,
        /// Added to all values.
        offset: f32,
        /// Standard deviation of the noise.
        noise: f32,
        /// First voxel (x, y, z) set to the mean.
        blank_low: [u32; 4],
        /// First voxel beyond.
        blank_high: [u32; 4],
        /// Key of the noise.
        key: [u32; 2],
        /// Unused.
        padding_0: u32,
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
