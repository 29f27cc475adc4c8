// Stored pixels of 16 bits, two to a word, as values: each slice has its own slope and intercept
// (DICOM PS3.3 C.11.1.1.2).
//
//   out[v] = ramped(stored[v] * slope[v.z] + intercept[v.z])
//
// Space: voxel for voxel. `rescale` holds (slope, intercept) of each slice; the pixel of the lower index
// lies in the lower half of its word.

struct Params {
    chunk: Chunk,
    ramp: Ramp,
    shape: vec3<u32>,
    is_signed: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<u32>;
@group(0) @binding(2) var<storage, read> rescale: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;

#import index
#import ramp

fn stored(pixel: u32) -> f32 {
    // in_offset counts words here.
    let word = input[pixel / 2u - params.chunk.in_offset];
    let high = word << (16u * (1u - (pixel & 1u)));
    return select(f32(high >> 16u), f32(bitcast<i32>(high) >> 16u), params.is_signed == 1u);
}

@compute @workgroup_size(32, 4, 2)
fn main(@builtin(global_invocation_id) thread: vec3<u32>) {
    let voxel = output_voxel(thread);
    if is_beyond(voxel, params.shape) {
        return;
    }
    let of_slice = rescale[voxel.z];
    let value = stored(linear_index(voxel, params.shape)) * of_slice.x + of_slice.y;
    output[output_index(voxel, params.shape)] = ramped(value);
}
