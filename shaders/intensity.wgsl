// Linear map of every value, then a clamp.
//
//   out = clamp((in - subtract) * multiply + add, low, high)
//
// Space: voxel for voxel, input and output have the same shape.

struct Params {
    shape: vec3<u32>,
    subtract: f32,
    multiply: f32,
    add: f32,
    low: f32,
    high: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

#import index

@compute @workgroup_size(32, 4, 2)
fn main(@builtin(global_invocation_id) voxel: vec3<u32>) {
    if is_beyond(voxel, params.shape) {
        return;
    }
    let at = linear_index(voxel, params.shape);
    output[at] = clamp((input[at] - params.subtract) * params.multiply + params.add, params.low, params.high);
}
