// Median of a box around every voxel.
//
//   out[v] = median of in[clamp(v + d)] over all |d| <= radius, axis by axis
//
// Space: voxel indices; the outermost voxels are repeated beyond the edge. The box has an odd number of
// voxels; the median is the value with at most half of them below it and more than half not above it.

struct Params {
    shape: vec3<u32>,
    padding_0: u32,
    radius: vec3<i32>,
    padding_1: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

#import index

// The largest box: 3 x 3 x 3 voxels, more than 5 x 5 in a plane.
const CAPACITY: u32 = 27u;

@compute @workgroup_size(32, 4, 2)
fn main(@builtin(global_invocation_id) voxel: vec3<u32>) {
    if is_beyond(voxel, params.shape) {
        return;
    }
    var values: array<f32, CAPACITY>;
    var count = 0u;
    let last = vec3<i32>(params.shape) - vec3<i32>(1);
    for (var z = -params.radius.z; z <= params.radius.z; z++) {
        for (var y = -params.radius.y; y <= params.radius.y; y++) {
            for (var x = -params.radius.x; x <= params.radius.x; x++) {
                let near = clamp(vec3<i32>(voxel) + vec3<i32>(x, y, z), vec3<i32>(0), last);
                values[count] = input[linear_index(vec3<u32>(near), params.shape)];
                count++;
            }
        }
    }
    let half = count / 2u;
    var median = values[0];
    for (var i = 0u; i < count; i++) {
        var below = 0u;
        var not_above = 0u;
        for (var j = 0u; j < count; j++) {
            below += u32(values[j] < values[i]);
            not_above += u32(values[j] <= values[i]);
        }
        if below <= half && not_above > half {
            median = values[i];
        }
    }
    output[linear_index(voxel, params.shape)] = median;
}
