//! GPU work as plain data.

use super::layout::{KernelParams, WORKGROUP_XYZ};
use super::{Kernel, vec3_xyz};

/// A constant table that a kernel reads.
#[derive(Debug, Clone, PartialEq)]
pub enum Table {
    /// Indices of voxels.
    Indices(Vec<u32>),
    /// Weights of voxels.
    Weights(Vec<f32>),
}

impl Table {
    /// The table's bytes as the kernel reads them.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Indices(values) => bytemuck::cast_slice(values),
            Self::Weights(values) => bytemuck::cast_slice(values),
        }
    }
}

/// One dispatch of a kernel: reads what the pass before it wrote, writes one array.
#[derive(Debug, Clone, PartialEq)]
pub struct Pass {
    /// The kernel.
    pub kernel: Kernel,
    /// Its parameters, binding 0.
    pub params: Vec<u8>,
    /// Its constant tables, bindings 2 and on; binding 1 is the array read.
    pub tables: Vec<Table>,
    /// Shape of the array written, the last binding.
    pub out_shape_zyx: [usize; 3],
}

impl Pass {
    /// Workgroups along x, y and z that cover the array written.
    pub fn workgroups_xyz(&self) -> [u32; 3] {
        let shape = vec3_xyz(self.out_shape_zyx);
        std::array::from_fn(|axis| shape[axis].div_ceil(WORKGROUP_XYZ[axis]))
    }

    /// Values written.
    pub fn out_len(&self) -> usize {
        self.out_shape_zyx.iter().product()
    }
}

/// A straight line of passes: the first reads the array given to [`super::Gpu::execute`], each other
/// one what the pass before it wrote.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recording {
    passes: Vec<Pass>,
}

impl Recording {
    /// Adds a pass without tables.
    pub fn push(&mut self, params: impl KernelParams, out_shape_zyx: [usize; 3]) {
        self.push_with_tables(params, Vec::new(), out_shape_zyx);
    }

    /// Adds a pass with constant tables.
    pub fn push_with_tables<P: KernelParams>(
        &mut self,
        params: P,
        tables: Vec<Table>,
        out_shape_zyx: [usize; 3],
    ) {
        let params = bytemuck::bytes_of(&params).to_vec();
        self.passes.push(Pass { kernel: P::KERNEL, params, tables, out_shape_zyx });
    }

    /// The passes in order.
    pub fn passes(&self) -> &[Pass] {
        &self.passes
    }
}
