// Pulls every voxel from where an affine map says it comes from.
//
//   out[v] = interpolated in[p],  p = row * (v.x, v.y, v.z, 1) for each of three rows
//   out[v] = fill where p lies outside the input, half-voxel rim included (0.001 voxel of slack)
//
// Space: voxel indices (x, y, z), an index names a voxel's centre. Inside the rim the outermost voxels
// are repeated. Weights: nearest (0), linear (1), or the cubic of Keys 1981 with a = -0.5 (2).

struct Params {
    shape: vec3<u32>,
    fill: f32,
    row_x: vec4<f32>,
    row_y: vec4<f32>,
    row_z: vec4<f32>,
    interpolation: u32,
    padding_0: u32,
    padding_1: u32,
    padding_2: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

#import index

const SLACK: f32 = 0.001;

fn voxel_value(position: vec3<i32>) -> f32 {
    let inside = clamp(position, vec3<i32>(0), vec3<i32>(params.shape) - vec3<i32>(1));
    return input[linear_index(vec3<u32>(inside), params.shape)];
}

// Weights of the four voxels around a point `t` beyond the second of them.
fn weights(t: f32) -> vec4<f32> {
    if params.interpolation == 2u {
        let t2 = t * t;
        let t3 = t2 * t;
        return vec4<f32>(
            -0.5 * t3 + t2 - 0.5 * t,
            1.5 * t3 - 2.5 * t2 + 1.0,
            -1.5 * t3 + 2.0 * t2 + 0.5 * t,
            0.5 * t3 - 0.5 * t2,
        );
    }
    return vec4<f32>(0.0, 1.0 - t, t, 0.0);
}

fn interpolated(p: vec3<f32>) -> f32 {
    let base = vec3<i32>(floor(p));
    let t = p - floor(p);
    let wx = weights(t.x);
    let wy = weights(t.y);
    let wz = weights(t.z);
    var sum = 0.0;
    for (var k = 0; k < 4; k++) {
        for (var j = 0; j < 4; j++) {
            let w = wz[k] * wy[j];
            if w == 0.0 {
                continue;
            }
            for (var i = 0; i < 4; i++) {
                sum += w * wx[i] * voxel_value(base + vec3<i32>(i, j, k) - vec3<i32>(1));
            }
        }
    }
    return sum;
}

@compute @workgroup_size(32, 4, 2)
fn main(@builtin(global_invocation_id) voxel: vec3<u32>) {
    if is_beyond(voxel, params.shape) {
        return;
    }
    let v = vec4<f32>(vec3<f32>(voxel), 1.0);
    let p = vec3<f32>(dot(params.row_x, v), dot(params.row_y, v), dot(params.row_z, v));
    let low = vec3<f32>(-0.5 - SLACK);
    let high = vec3<f32>(params.shape) - vec3<f32>(0.5 - SLACK);
    var value = params.fill;
    if all(p >= low) && all(p <= high) {
        if params.interpolation == 0u {
            value = voxel_value(vec3<i32>(floor(p + vec3<f32>(0.5 + SLACK))));
        } else {
            value = interpolated(p);
        }
    }
    output[linear_index(voxel, params.shape)] = value;
}
