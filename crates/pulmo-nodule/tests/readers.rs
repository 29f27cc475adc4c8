//! Nodules are outlined as readers outline them: 99 nodules of LIDC-IDRI with one reader's mask each.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, prints figures, and its values are small"
)]

use std::io::Read;
use std::path::Path;

use ndarray::Array3;
use pulmo_nodule::Segmentation;
use pulmo_scan::geometry::Grid;
use pulmo_scan::volume::Volume;

const SIDE: usize = 51;

/// One nodule with its reader's mask.
struct Case {
    name: String,
    volume: Volume,
    mask: Array3<bool>,
}

fn array(path: &Path, name: &str) -> Array3<u8> {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut bytes = Vec::new();
    archive.by_name(&format!("{name}.npy")).unwrap().read_to_end(&mut bytes).unwrap();
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    assert!(!String::from_utf8_lossy(&bytes[10..header]).contains("'fortran_order': True"));
    Array3::from_shape_vec((SIDE, SIDE, SIDE), bytes[header..].to_vec()).unwrap()
}

/// The set's values are no HU; air, fat, lung and soft tissue lie where a window of -1200 to 400 HU puts them.
fn cases(folder: &Path) -> Vec<Case> {
    let index = std::fs::read_to_string(folder.join("index.csv")).unwrap();
    let names = index.lines().skip(1).map(|line| line.split(',').next().unwrap().to_owned());
    let case = |name: String| {
        let path = folder.join(&name);
        let hu = array(&path, "image").mapv(|value| f32::from(value) / 255.0 * 1600.0 - 1200.0);
        let volume = Volume::new(Grid::aligned([SIDE; 3], [1.0; 3]).unwrap(), hu).unwrap();
        Case { name, volume, mask: array(&path, "mask").mapv(|value| value > 0) }
    };
    names.map(case).collect()
}

/// How well one nodule was outlined.
struct Agreement {
    dice: f64,
    volume_ratio: f64,
}

fn agreement(case: &Case) -> Agreement {
    let truth = case.mask.iter().filter(|inside| **inside).count() as f64;
    // The masks' middles lie at voxel 26 along each axis, to a voxel.
    let Ok(found) = Segmentation::at(&case.volume, [26.0; 3], None) else {
        return Agreement { dice: 0.0, volume_ratio: 0.0 };
    };
    let mask = found.mask_on(case.volume.grid()).unwrap();
    let is_truth = |(z, y, x): (usize, usize, usize)| {
        let place = mask.grid().patient_point([x as f64, y as f64, z as f64].into());
        case.mask[case.volume.grid().voxel_near(place.to_array()).unwrap()]
    };
    let both = mask.voxels().indexed_iter().filter(|(at, own)| **own && is_truth(*at)).count() as f64;
    Agreement { dice: 2.0 * both / (mask.count() as f64 + truth), volume_ratio: found.volume_mm3() / truth }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[test]
fn most_nodules_are_outlined_as_a_reader_does() {
    let Some(data) = pulmo_forge::data_folder() else { return };
    let cases = cases(&data.join("nodules_3d"));
    let agreements: Vec<Agreement> = cases.iter().map(agreement).collect();
    for (case, agreement) in cases.iter().zip(&agreements) {
        println!("{} dice {:.3} volume {:.2}", case.name, agreement.dice, agreement.volume_ratio);
    }
    let dice =
        |first: usize, step: usize| median(agreements.iter().skip(first).step_by(step).map(|one| one.dice));
    let volume = median(agreements.iter().map(|one| one.volume_ratio));
    let missed = agreements.iter().filter(|one| one.dice < 0.5).count();
    println!("median Dice {:.3}, of every other {:.3} and {:.3}", dice(0, 1), dice(0, 2), dice(1, 2));
    println!("volume: median {volume:.2} of the reader's; Dice below 0.5: {missed} of {}", cases.len());
    assert!(dice(0, 1) >= 0.70, "{}", dice(0, 1));
    assert!((0.7..=1.1).contains(&volume), "{volume}");
}
