// Row-major indexing of arrays of shape (x, y, z), x fastest: the Rust side's [z, y, x].
//
// Arrays larger than a binding may be are worked on in chunks of planes: a dispatch writes the output
// planes first_z .. end_z and sees only a part of each array, before which `offset` values are left out.

struct Chunk {
    first_z: u32,
    end_z: u32,
    from_z: u32,
    to_z: u32,
    in_offset: u32,
    out_offset: u32,
    padding_0: u32,
    padding_1: u32,
}

fn output_voxel(thread: vec3<u32>) -> vec3<u32> {
    return thread + vec3<u32>(0u, 0u, params.chunk.first_z);
}

fn is_beyond(voxel: vec3<u32>, shape: vec3<u32>) -> bool {
    return any(voxel.xy >= shape.xy) || voxel.z >= params.chunk.end_z;
}

// Whether the source plane `z`, of `planes` in all, is this dispatch's to take: each is one dispatch's.
fn is_taken_here(z: i32, planes: u32) -> bool {
    let plane = clamp(z, 0, i32(planes) - 1);
    return plane >= i32(params.chunk.from_z) && plane < i32(params.chunk.to_z);
}

fn linear_index(voxel: vec3<u32>, shape: vec3<u32>) -> u32 {
    return (voxel.z * shape.y + voxel.y) * shape.x + voxel.x;
}

fn input_index(voxel: vec3<u32>, shape: vec3<u32>) -> u32 {
    return linear_index(voxel, shape) - params.chunk.in_offset;
}

fn output_index(voxel: vec3<u32>, shape: vec3<u32>) -> u32 {
    return linear_index(voxel, shape) - params.chunk.out_offset;
}
