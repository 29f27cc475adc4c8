// The input between its voxels. Weights: nearest (0), linear (1), or the cubic of Keys 1981 with
// a = -0.5 (2). Outside the input, half-voxel rim included, the value is `params.fill`.

const SLACK: f32 = 0.001;

fn voxel_value(position: vec3<i32>) -> f32 {
    let inside = clamp(position, vec3<i32>(0), vec3<i32>(params.in_shape) - vec3<i32>(1));
    return input[input_index(vec3<u32>(inside), params.in_shape)];
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
                if wx[i] != 0.0 {
                    sum += w * wx[i] * voxel_value(base + vec3<i32>(i, j, k) - vec3<i32>(1));
                }
            }
        }
    }
    return sum;
}

// The plane a position is counted to; what it reads lies at most two planes away.
fn source_plane(p: vec3<f32>) -> i32 {
    return i32(floor(p.z));
}

fn sampled(p: vec3<f32>) -> f32 {
    let low = vec3<f32>(-0.5 - SLACK);
    let high = vec3<f32>(params.in_shape) - vec3<f32>(0.5 - SLACK);
    if any(p < low) || any(p > high) {
        return params.fill;
    }
    if params.interpolation == 0u {
        return ramped(voxel_value(vec3<i32>(floor(p + vec3<f32>(0.5 + SLACK)))));
    }
    return ramped(interpolated(p));
}
