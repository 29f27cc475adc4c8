// Linear filter along one axis, given as a table of taps: resampling, resizing, smoothing.
//
//   out[i] = ramped(sum over k in 0..width of weight[k * outputs + i] * in[start[i] + k])
//
// where i runs along `axis` (0 = x, 1 = y, 2 = z) and the other two coordinates stay.
// Space: voxel indices, an index names a voxel's centre. start[i] never falls and start[i] + width never passes
// the input's end: what happens at the edge is already in the table. Where the planes of a sum do not fit into one
// dispatch, several take turns in order: each goes on from what the one before it wrote, the last adds the ramp.
//
// Outputs side by side read nearly the same voxels. A workgroup writes a `tile`: first its threads copy what the
// tile needs, at most `span` voxels along the axis, to memory of their own, each voxel once and neighbours in x by
// neighbouring threads; then they sum from there. Where that does not fit `span` is 0 and they sum from the input.

struct Params {
    chunk: Chunk,
    ramp: Ramp,
    in_shape: vec3<u32>,
    axis: u32,
    out_shape: vec3<u32>,
    width: u32,
    tile: vec3<u32>,
    span: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read> start: array<u32>;
@group(0) @binding(3) var<storage, read> weight: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<f32>;

#import index
#import ramp

const THREADS: u32 = 256u;

var<workgroup> near: array<f32, 2048>;

// The voxel at a place in an array of this shape.
fn voxel_at(place: u32, shape: vec3<u32>) -> vec3<u32> {
    return vec3<u32>(place % shape.x, place / shape.x % shape.y, place / (shape.x * shape.y));
}

@compute @workgroup_size(32, 4, 2)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let along = vec3<u32>(0u, 1u, 2u) == vec3<u32>(params.axis);
    let one = select(vec3<u32>(0u), vec3<u32>(1u), along);

    let corner = output_voxel(group * params.tile);
    let beyond = min(corner + params.tile, vec3<u32>(params.out_shape.xy, params.chunk.end_z));
    let first = start[dot(one, corner)];
    let end = select(params.in_shape, vec3<u32>(start[dot(one, beyond) - 1u] + params.width), along);
    let box = select(params.tile, vec3<u32>(params.span), along);
    for (var place = thread; place < box.x * box.y * box.z; place += THREADS) {
        let source = select(corner, vec3<u32>(first), along) + voxel_at(place, box);
        if all(source < end) && is_taken_here(i32(source.z), params.in_shape.z) {
            near[place] = input[input_index(source, params.in_shape)];
        }
    }
    workgroupBarrier();

    let inside = voxel_at(thread, params.tile);
    let voxel = corner + inside;
    if is_beyond(voxel, params.out_shape) {
        return;
    }
    let i = dot(one, voxel);
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
    let outputs = dot(one, params.out_shape);
    if params.span > 0u {
        let base = linear_index(select(inside, vec3<u32>(start[i] - first), along), box);
        let stride = linear_index(one, box);
        for (var k = taps.x; k < taps.y; k++) {
            sum += weight[k * outputs + i] * near[base + k * stride];
        }
    } else {
        let base = input_index(select(voxel, vec3<u32>(start[i]), along), params.in_shape);
        let stride = linear_index(one, params.in_shape);
        for (var k = taps.x; k < taps.y; k++) {
            sum += weight[k * outputs + i] * input[base + k * stride];
        }
    }
    output[out] = select(sum, ramped(sum), params.chunk.to_z == params.in_shape.z);
}
