// The linear map and clamp that every kernel puts behind its own work: windows, scalings and the like
// cost no pass of their own.
//
//   ramped(v) = clamp((v - subtract) * multiply + add, low, high)

struct Ramp {
    subtract: f32,
    multiply: f32,
    add: f32,
    low: f32,
    high: f32,
    padding_0: f32,
    padding_1: f32,
    padding_2: f32,
}

fn ramped(value: f32) -> f32 {
    let ramp = params.ramp;
    return clamp((value - ramp.subtract) * ramp.multiply + ramp.add, ramp.low, ramp.high);
}
