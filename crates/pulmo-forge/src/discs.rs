//! A task that is learned in seconds: discs in noise.

use std::path::{Path, PathBuf};

use ndarray::Array2;
use pulmo_random::Random;
use pulmo_scan::files::write_npy;

/// A recipe that learns the discs.
pub const RECIPE: &str = r#"
name = "discs"
classes = ["empty", "disc"]
seed = 7

[network]
kind = "slice"
dropout = 0.1
encoder = { widths = [8, 16], depths = [1, 1], pooling = "average_max" }

[chain]
step = [{ kind = "clip", low = 0.0, high = 1.0 }]

[augment]
flip_x = 0.5
shift = 0.1
noise = 0.05

[optimizer]
kind = "adamw"
learning_rate = 0.01

[course]
epochs = 6
batch_size = 8
average_decay = 0.9
clip_norm = 5.0
"#;

/// Pictures of noise, every second one with a bright disc; returns the manifest's path.
pub fn discs(folder: &Path, count: usize) -> PathBuf {
    std::fs::create_dir_all(folder).unwrap();
    let mut manifest = "path,label,patient_id\n".to_owned();
    for index in 0..count {
        let mut random = Random::keyed(5, &[index as u64]);
        let centre = [random.uniform(6.0, 18.0), random.uniform(6.0, 18.0)];
        let picture = Array2::from_shape_fn((24, 24), |(y, x)| {
            let inside = (y as f64 - centre[0]).hypot(x as f64 - centre[1]) < 4.0;
            let disc = if inside && index % 2 == 1 { 0.5 } else { 0.0 };
            (0.3 + disc + 0.1 * random.normal()) as f32
        });
        let name = format!("{index}.npy");
        write_npy(&folder.join(&name), &[24, 24], picture.as_slice().unwrap()).unwrap();
        manifest += &format!("{name},{},p{}\n", ["empty", "disc"][index % 2], index / 2 * 2 + index % 2);
    }
    let path = folder.join("manifest.csv");
    std::fs::write(&path, manifest).unwrap();
    path
}
