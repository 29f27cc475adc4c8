// Pulls every voxel from where an affine map says it comes from: rotation, scale, shear, flip, shift.
//
//   out[v] = ramped(interpolated in[p]),  p = row * (v.x, v.y, v.z, 1) for each of three rows
//   out[v] = fill where p lies outside the input, half-voxel rim included (0.001 voxel of slack)
//
// Space: voxel indices (x, y, z), an index names a voxel's centre. Inside the rim the outermost voxels
// are repeated. Weights: nearest (0), linear (1), or the cubic of Keys 1981 with a = -0.5 (2).

struct Params {
    chunk: Chunk,
    ramp: Ramp,
    in_shape: vec3<u32>,
    fill: f32,
    out_shape: vec3<u32>,
    interpolation: u32,
    row_x: vec4<f32>,
    row_y: vec4<f32>,
    row_z: vec4<f32>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

#import index
#import ramp
#import sample

@compute @workgroup_size(32, 4, 2)
fn main(@builtin(global_invocation_id) thread: vec3<u32>) {
    let voxel = output_voxel(thread);
    let v = vec4<f32>(vec3<f32>(voxel), 1.0);
    let p = vec3<f32>(dot(params.row_x, v), dot(params.row_y, v), dot(params.row_z, v));
    if is_beyond(voxel, params.out_shape) || !is_taken_here(source_plane(p), params.in_shape.z) {
        return;
    }
    output[output_index(voxel, params.out_shape)] = sampled(p);
}
