// Random changes of brightness: gamma, contrast, brightness, noise and cut-out in one pass.
//
//   c = in[v] ^ exponent where in[v] > 0, else in[v]
//   out[v] = ramped((c - mean) * gain + mean + offset + noise * normal(v))
//   out[v] = ramped(mean) where blank_low <= v < blank_high
//
// Space: voxel for voxel. The normal numbers are keyed by the voxel's index, the case's key and nothing else.

struct Params {
    chunk: Chunk,
    ramp: Ramp,
    shape: vec3<u32>,
    exponent: f32,
    mean: f32,
    gain: f32,
    offset: f32,
    noise: f32,
    blank_low: vec4<u32>,
    blank_high: vec4<u32>,
    key: vec2<u32>,
    padding_0: u32,
    padding_1: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

#import index
#import ramp
#import random

fn toned(value: f32, index: u32) -> f32 {
    var curved = value;
    if params.exponent != 1.0 && value > 0.0 {
        curved = pow(value, params.exponent);
    }
    var changed = (curved - params.mean) * params.gain + params.mean + params.offset;
    if params.noise > 0.0 {
        changed += params.noise * normal(vec4<u32>(index, params.key, 0u));
    }
    return changed;
}

@compute @workgroup_size(32, 4, 2)
fn main(@builtin(global_invocation_id) thread: vec3<u32>) {
    let voxel = output_voxel(thread);
    if is_beyond(voxel, params.shape) {
        return;
    }
    var value = params.mean;
    if any(voxel < params.blank_low.xyz) || any(voxel >= params.blank_high.xyz) {
        value = toned(input[input_index(voxel, params.shape)], linear_index(voxel, params.shape));
    }
    output[output_index(voxel, params.shape)] = ramped(value);
}
