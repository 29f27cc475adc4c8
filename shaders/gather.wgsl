// Copies voxels to another place: reorienting, flipping, cropping, padding, and any row of these.
//
//   out[v] = ramped(in[p]),  p = first + v.x * step_x + v.y * step_y + v.z * step_z   where low <= p < high
//   out[v] = fill                                                                    elsewhere
//
// Space: voxel indices (x, y, z). Each step is plus or minus one along one input axis, so that an
// output axis may run along any input axis in either sense. low .. high is the part of the input seen.

struct Params {
    chunk: Chunk,
    ramp: Ramp,
    in_shape: vec3<u32>,
    fill: f32,
    out_shape: vec3<u32>,
    padding: u32,
    first: vec4<i32>,
    step_x: vec4<i32>,
    step_y: vec4<i32>,
    step_z: vec4<i32>,
    low: vec4<i32>,
    high: vec4<i32>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

#import index
#import ramp

@compute @workgroup_size(32, 4, 2)
fn main(@builtin(global_invocation_id) thread: vec3<u32>) {
    let voxel = output_voxel(thread);
    let v = vec3<i32>(voxel);
    let p = params.first.xyz + v.x * params.step_x.xyz + v.y * params.step_y.xyz + v.z * params.step_z.xyz;
    if is_beyond(voxel, params.out_shape) || !is_taken_here(p.z, params.in_shape.z) {
        return;
    }
    var value = params.fill;
    if all(p >= params.low.xyz) && all(p < params.high.xyz) {
        value = ramped(input[input_index(vec3<u32>(p), params.in_shape)]);
    }
    output[output_index(voxel, params.out_shape)] = value;
}
