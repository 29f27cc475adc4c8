// Median of a box around every voxel.
//
//   out[v] = ramped(median of in[clamp(v + d)] over all |d| <= radius, axis by axis)
//
// Space: voxel indices; the outermost voxels are repeated beyond the edge. The box is 3 x 3, 5 x 5 or
// 3 x 3 x 3; its reach is fixed when the pipeline is made, so that the compiler can unroll the network.
//
// Of n / 2 + 2 of the n values neither the smallest nor the largest can be the median: both are
// forgotten, the next value comes in, until one is left (McGuire 2008, "A fast, small-radius GPU median
// filter", ShaderX6).

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

// Reach of the box within a plane and across planes.
override RADIUS: i32 = 1;
override RADIUS_Z: i32 = 1;

// The largest box: 3 x 3 x 3 voxels, more than 5 x 5 in a plane.
var<private> values: array<f32, 27>;

fn order(low: i32, high: i32) {
    let a = values[low];
    let b = values[high];
    values[low] = min(a, b);
    values[high] = max(a, b);
}

@compute @workgroup_size(32, 4, 2)
fn main(@builtin(global_invocation_id) thread: vec3<u32>) {
    let voxel = output_voxel(thread);
    if is_beyond(voxel, params.shape) {
        return;
    }
    var count = 0;
    let last = vec3<i32>(params.shape) - vec3<i32>(1);
    for (var z = -RADIUS_Z; z <= RADIUS_Z; z++) {
        for (var y = -RADIUS; y <= RADIUS; y++) {
            for (var x = -RADIUS; x <= RADIUS; x++) {
                let near = clamp(vec3<i32>(voxel) + vec3<i32>(x, y, z), vec3<i32>(0), last);
                values[count] = input[input_index(vec3<u32>(near), params.shape)];
                count++;
            }
        }
    }
    let side = 2 * RADIUS + 1;
    let box_len = side * side * (2 * RADIUS_Z + 1);
    let high = box_len / 2 + 1;
    for (var low = 0; low < high - 1; low++) {
        for (var other = low + 1; other <= high; other++) {
            order(low, other);
        }
        for (var other = low + 1; other < high; other++) {
            order(other, high);
        }
        // The last round has no value left to bring in.
        values[high] = values[min(high + 1 + low, box_len - 1)];
    }
    output[output_index(voxel, params.shape)] = ramped(values[high - 1]);
}
