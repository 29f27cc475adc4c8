// Row-major indexing of arrays of shape (x, y, z), x fastest: the Rust side's [z, y, x].

fn is_beyond(voxel: vec3<u32>, shape: vec3<u32>) -> bool {
    return any(voxel >= shape);
}

fn linear_index(voxel: vec3<u32>, shape: vec3<u32>) -> u32 {
    return (voxel.z * shape.y + voxel.y) * shape.x + voxel.x;
}
