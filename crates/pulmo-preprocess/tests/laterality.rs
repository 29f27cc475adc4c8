//! Left stays left and head stays head, from files through the intake to canonical axes: cases 93 and
//! 106 of the reliability plan.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use glam::DVec3;
use pulmo_forge::ct::CtSlice;
use pulmo_forge::load::folder_of;
use pulmo_forge::plane::{Plane, eight_positions};
use pulmo_preprocess::preprocess::{Chain, Processor};
use pulmo_scan::intake::{ReadSettings, find};
use pulmo_scan::volume::Volume;

/// What the files of these slices become: read by the intake, then brought into the patient's axes.
fn canonical(slices: &[CtSlice]) -> Volume {
    let folder = folder_of(slices);
    let items = find(&[folder.path().to_path_buf()]);
    assert_eq!(items.len(), 1);
    let loaded = items[0].load(&ReadSettings::default()).unwrap();
    let chain: Chain = toml::from_str("[[step]]\nkind = \"orient\"\n").unwrap();
    chain.run(loaded.volume, &Processor::Cpu).unwrap()
}

#[test]
fn case_093_all_ways_to_lie_give_the_same_array() {
    let expected = canonical(&Plane::cube(DVec3::X, DVec3::Y));
    assert_eq!(expected.grid().direction(), [DVec3::Z, DVec3::Y, DVec3::X]);
    for (term, row, column) in eight_positions() {
        let found = canonical(&Plane::cube(row, column));
        assert_eq!(found.voxels(), expected.voxels(), "{term}");
        assert!(found.grid().origin_mm().distance(expected.grid().origin_mm()) < 1e-9, "{term}");
    }
    for (row, column) in [(DVec3::Y, DVec3::NEG_Z), (DVec3::X, DVec3::NEG_Z), (DVec3::Z, DVec3::X)] {
        assert_eq!(canonical(&Plane::cube(row, column)).voxels(), expected.voxels(), "{row} {column}");
    }
}

/// The spot in the left lung of the schematic chest lies at x = 80, y = 10 mm: in the canonical array
/// far on the side of large column indices and a little behind the middle row.
#[test]
fn case_106_the_left_lung_is_on_the_left() {
    let planes = eight_positions().map(|(term, row, column)| (term, row, column));
    let reformats = [("sagittal", DVec3::Y, DVec3::NEG_Z), ("coronal", DVec3::X, DVec3::NEG_Z)];
    for (what, row, column) in planes.into_iter().chain(reformats) {
        let volume = canonical(&Plane::chest(row, column));
        let [_, rows, columns] = volume.grid().shape_zyx();
        let bright: Vec<(usize, usize)> = volume
            .voxels()
            .indexed_iter()
            .filter(|(_, hu)| **hu > 500.0)
            .map(|((_, y, x), _)| (y, x))
            .collect();
        let mean = |index: &dyn Fn(&(usize, usize)) -> usize| {
            bright.iter().map(|at| index(at) as f64).sum::<f64>() / bright.len() as f64
        };
        let right_to_left = mean(&|at| at.1) / (columns - 1) as f64;
        let front_to_back = mean(&|at| at.0) / (rows - 1) as f64;
        assert!((right_to_left - 0.5 - 80.0 / 380.0).abs() < 0.02, "{what}: {right_to_left}");
        assert!((front_to_back - 0.5 - 10.0 / 380.0).abs() < 0.02, "{what}: {front_to_back}");
    }
}
