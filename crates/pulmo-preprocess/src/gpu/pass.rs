//! One dispatch of a kernel as plain data.

use super::layout::{
    AffineParams, GatherParams, HounsfieldParams, IntensityParams, KernelParams, MedianParams,
    SeparableParams, ToneParams, WORKGROUP_XYZ, WarpParams,
};
use super::{Kernel, Ramp, vec3_xyz};

/// A constant table that a kernel reads.
#[derive(Debug, Clone, PartialEq)]
pub enum ConstantTable {
    /// Indices of voxels.
    Indices(Vec<u32>),
    /// Weights of voxels.
    Weights(Vec<f32>),
}

impl ConstantTable {
    /// The table's bytes as the kernel reads them.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Indices(values) => bytemuck::cast_slice(values),
            Self::Weights(values) => bytemuck::cast_slice(values),
        }
    }
}

/// Which input planes a pass reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reads {
    /// For each output plane, the first input plane and the first beyond.
    Planes(Vec<[usize; 2]>),
    /// Any plane for any voxel, and at most this many to either side of it.
    Anywhere {
        /// Planes to either side.
        margin: usize,
    },
}

impl Reads {
    /// Each output plane reads the input plane of the same index, and `radius` planes to either side.
    pub fn around(radius: usize, planes: usize) -> Self {
        Self::Planes((0..planes).map(|z| [z.saturating_sub(radius), (z + radius + 1).min(planes)]).collect())
    }
}

/// What a pass does, with its parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Work {
    /// Nothing but its ramp.
    Intensity(IntensityParams),
    /// Stored pixels to values.
    Hounsfield(HounsfieldParams),
    /// A linear filter along one axis.
    Separable(SeparableParams),
    /// Voxels to another place.
    Gather(GatherParams),
    /// An affine pull.
    Affine(AffineParams),
    /// A median; the reach of its box along `[z, y and x]`.
    Median(MedianParams, [u32; 2]),
    /// An affine pull with an elastic displacement.
    Warp(WarpParams),
    /// Gamma, contrast, brightness, noise and cut-out.
    Tone(ToneParams),
}

impl Work {
    /// The kernel that does it.
    pub fn kernel(&self) -> Kernel {
        match self {
            Self::Intensity(_) => IntensityParams::KERNEL,
            Self::Hounsfield(_) => HounsfieldParams::KERNEL,
            Self::Separable(_) => SeparableParams::KERNEL,
            Self::Gather(_) => GatherParams::KERNEL,
            Self::Affine(_) => AffineParams::KERNEL,
            Self::Median(..) => MedianParams::KERNEL,
            Self::Warp(_) => WarpParams::KERNEL,
            Self::Tone(_) => ToneParams::KERNEL,
        }
    }

    /// The kernel's own parameters.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Intensity(params) => bytemuck::bytes_of(params),
            Self::Hounsfield(params) => bytemuck::bytes_of(params),
            Self::Separable(params) => bytemuck::bytes_of(params),
            Self::Gather(params) => bytemuck::bytes_of(params),
            Self::Affine(params) => bytemuck::bytes_of(params),
            Self::Median(params, _) => bytemuck::bytes_of(params),
            Self::Warp(params) => bytemuck::bytes_of(params),
            Self::Tone(params) => bytemuck::bytes_of(params),
        }
    }

    /// What is fixed when the kernel's pipeline is made.
    pub fn constants(&self) -> Vec<(&'static str, u32)> {
        match self {
            Self::Median(_, [radius_z, radius]) => vec![("RADIUS_Z", *radius_z), ("RADIUS", *radius)],
            _ => Vec::new(),
        }
    }

    /// Voxels along x, y and z that a workgroup writes.
    pub fn tile_xyz(&self) -> [u32; 3] {
        if let Self::Separable(params) = self { params.tile } else { WORKGROUP_XYZ }
    }

    /// Bytes of one value of the input.
    pub fn in_value_bytes(&self) -> u64 {
        if matches!(self, Self::Hounsfield(_)) { 2 } else { 4 }
    }
}

/// One dispatch of a kernel: reads what the pass before it wrote, writes one array.
#[derive(Debug, Clone, PartialEq)]
pub struct Pass {
    /// The steps it does, as they were announced.
    pub steps: Vec<String>,
    /// What it does.
    pub work: Work,
    /// The ramp behind it.
    pub ramp: Ramp,
    /// Its constant tables, bindings 2 and on; binding 1 is the array read.
    pub tables: Vec<ConstantTable>,
    /// Which planes it reads.
    pub reads: Reads,
    /// Shape of the array read.
    pub in_shape_zyx: [usize; 3],
    /// Shape of the array written, the last binding.
    pub out_shape_zyx: [usize; 3],
}

impl Pass {
    /// A pass that gives each voxel something from the same voxel of the input.
    pub fn pointwise(work: Work, shape_zyx: [usize; 3]) -> Self {
        Self {
            steps: Vec::new(),
            work,
            ramp: Ramp::IDENTITY,
            tables: Vec::new(),
            reads: Reads::around(0, shape_zyx[0]),
            in_shape_zyx: shape_zyx,
            out_shape_zyx: shape_zyx,
        }
    }

    /// A pass that does nothing but a ramp.
    pub fn intensity(ramp: Ramp, shape_zyx: [usize; 3]) -> Self {
        let params = IntensityParams { shape: vec3_xyz(shape_zyx), padding: 0 };
        Self { ramp, ..Self::pointwise(Work::Intensity(params), shape_zyx) }
    }

    /// Workgroups along x, y and z that cover `planes` planes of the array written.
    pub fn workgroups_xyz(&self, planes: usize) -> [u32; 3] {
        let [_, y, x] = self.out_shape_zyx;
        let shape = vec3_xyz([planes, y, x]);
        let tile = self.work.tile_xyz();
        std::array::from_fn(|axis| shape[axis].div_ceil(tile[axis]))
    }

    /// Values written.
    pub fn out_len(&self) -> usize {
        self.out_shape_zyx.iter().product()
    }
}
