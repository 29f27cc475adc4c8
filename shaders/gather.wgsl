// Copies voxels to another place without changing them: reorienting, cropping, padding.
//
//   out[v] = in[first + v.x * step_x + v.y * step_y + v.z * step_z]   where that lies inside the input
//   out[v] = fill                                                    elsewhere
//
// Space: voxel indices (x, y, z). Each step is plus or minus one along one input axis, so that an
// output axis may run along any input axis in either sense.

struct Params {
    in_shape: vec3<u32>,
    fill: f32,
    out_shape: vec3<u32>,
    padding: u32,
    first: vec4<i32>,
    step_x: vec4<i32>,
    step_y: vec4<i32>,
    step_z: vec4<i32>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

#import index

@compute @workgroup_size(32, 4, 2)
fn main(@builtin(global_invocation_id) voxel: vec3<u32>) {
    if is_beyond(voxel, params.out_shape) {
        return;
    }
    let v = vec3<i32>(voxel);
    let source = params.first.xyz + v.x * params.step_x.xyz + v.y * params.step_y.xyz + v.z * params.step_z.xyz;
    var value = params.fill;
    if all(source >= vec3<i32>(0)) && all(source < vec3<i32>(params.in_shape)) {
        value = input[linear_index(vec3<u32>(source), params.in_shape)];
    }
    output[linear_index(voxel, params.out_shape)] = value;
}
