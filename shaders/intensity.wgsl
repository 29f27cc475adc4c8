// The ramp by itself: a linear map of every value, then a clamp.
//
//   out[v] = ramped(in[v])
//
// Space: voxel for voxel, input and output have the same shape.

struct Params {
    chunk: Chunk,
    ramp: Ramp,
    shape: vec3<u32>,
    padding: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

#import index
#import ramp

@compute @workgroup_size(32, 4, 2)
fn main(@builtin(global_invocation_id) thread: vec3<u32>) {
    let voxel = output_voxel(thread);
    if is_beyond(voxel, params.shape) {
        return;
    }
    output[output_index(voxel, params.shape)] = ramped(input[input_index(voxel, params.shape)]);
}
