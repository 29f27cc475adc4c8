// Linear filter along one axis, given as a table of taps: resampling, resizing, smoothing.
//
//   out[i] = ramped(sum over k in 0..width of weight[i * width + k] * in[start[i] + k])
//
// where i runs along `axis` (0 = x, 1 = y, 2 = z) and the other two coordinates stay.
// Space: voxel indices, an index names a voxel's centre. start[i] + width never passes the input's end:
// what happens at the edge is already in the table. Where the planes of a sum do not fit into one dispatch,
// several take turns in order: each goes on from what the one before it wrote, the last adds the ramp.

struct Params {
    chunk: Chunk,
    ramp: Ramp,
    in_shape: vec3<u32>,
    axis: u32,
    out_shape: vec3<u32>,
    width: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read> start: array<u32>;
@group(0) @binding(3) var<storage, read> weight: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<f32>;

#import index
#import ramp

@compute @workgroup_size(32, 4, 2)
fn main(@builtin(global_invocation_id) thread: vec3<u32>) {
    let voxel = output_voxel(thread);
    if is_beyond(voxel, params.out_shape) {
        return;
    }
    let along = vec3<u32>(0u, 1u, 2u) == vec3<u32>(params.axis);
    let one = select(vec3<u32>(0u), vec3<u32>(1u), along);
    let i = dot(one, voxel);
    let stride = linear_index(one, params.in_shape);
    let first = input_index(select(voxel, vec3<u32>(start[i]), along), params.in_shape);
    let out = output_index(voxel, params.out_shape);
    var sum = 0.0;
    var taps = vec2<u32>(0u, params.width);
    if params.axis == 2u {
        let here = vec2<u32>(params.chunk.from_z, params.chunk.to_z);
        taps = clamp(here, vec2<u32>(start[i]), vec2<u32>(start[i] + params.width)) - vec2<u32>(start[i]);
        if params.chunk.from_z > 0u {
            sum = output[out];
        }
    }
    for (var k = taps.x; k < taps.y; k++) {
        sum += weight[i * params.width + k] * input[first + k * stride];
    }
    output[out] = select(sum, ramped(sum), params.chunk.to_z == params.in_shape.z);
}
