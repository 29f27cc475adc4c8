// Pulls every voxel from where an affine map and a smooth random displacement say it comes from.
//
//   out[v] = ramped(linear in[clamp(p)]),  p = row * (v.x, v.y, v.z, 1) for each of three rows + d(v)
//   d(v) = sum over 4 x 4 x 4 nodes of the cubic B-spline's weight * displacement[node]
//
// Space: voxel indices (x, y, z), an index names a voxel's centre; node n lies at voxel (n - 1) / per_cell.
// Positions outside are brought to the edge. Without nodes d is zero.

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
    nodes: vec3<u32>,
    padding: u32,
    per_cell: vec4<f32>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read> displacement: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;

#import index
#import ramp
#import sample

fn spline(t: f32) -> vec4<f32> {
    let s = 1.0 - t;
    let t2 = t * t;
    return vec4<f32>(s * s * s, 3.0 * t2 * t - 6.0 * t2 + 4.0, 3.0 * (t + t2 - t2 * t) + 1.0, t2 * t) / 6.0;
}

fn displaced(voxel: vec3<u32>) -> vec3<f32> {
    let cell = vec3<f32>(voxel) * params.per_cell.xyz;
    let base = vec3<u32>(floor(cell));
    let t = cell - floor(cell);
    let wx = spline(t.x);
    let wy = spline(t.y);
    let wz = spline(t.z);
    var sum = vec3<f32>(0.0);
    for (var k = 0u; k < 4u; k++) {
        for (var j = 0u; j < 4u; j++) {
            for (var i = 0u; i < 4u; i++) {
                let node = 3u * linear_index(base + vec3<u32>(i, j, k), params.nodes);
                let d = vec3<f32>(displacement[node], displacement[node + 1u], displacement[node + 2u]);
                sum += wz[k] * wy[j] * wx[i] * d;
            }
        }
    }
    return sum;
}

@compute @workgroup_size(32, 4, 2)
fn main(@builtin(global_invocation_id) thread: vec3<u32>) {
    let voxel = output_voxel(thread);
    if is_beyond(voxel, params.out_shape) {
        return;
    }
    let v = vec4<f32>(vec3<f32>(voxel), 1.0);
    var p = vec3<f32>(dot(params.row_x, v), dot(params.row_y, v), dot(params.row_z, v));
    if params.nodes.x > 0u {
        p += displaced(voxel);
    }
    p = clamp(p, vec3<f32>(0.0), vec3<f32>(params.in_shape) - vec3<f32>(1.0));
    if is_taken_here(source_plane(p), params.in_shape.z) {
        output[output_index(voxel, params.out_shape)] = sampled(p);
    }
}
