//! What the lung mask promises, against phantoms whose lungs are known and three series of patients.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test fails by panicking")]

use std::path::Path;

use glam::{DAffine3, DMat3, DVec3};
use ndarray::{Array3, Axis};
use pulmo_scan::dicom::{Coverage, DicomError, check_coverage};
use pulmo_scan::geometry::Grid;
use pulmo_scan::intake::{ReadSettings, find};
use pulmo_scan::lungs::{Lung, Lungs, LungsError};
use pulmo_scan::phantom::{Extra, LungTruth, PhantomSettings, Study};
use pulmo_scan::volume::{Mask, Volume};

const SEED: u64 = 7;

/// A phantom and where its lungs are.
struct Known {
    volume: Volume,
    truth: LungTruth,
}

/// Pixels, millimetres between slices, and what else is in a phantom.
fn phantom((matrix, spacing_mm): (usize, f64), index: usize, extras: &[Extra]) -> Known {
    let settings = PhantomSettings {
        matrix: Some(matrix),
        slice_spacing_mm: Some(spacing_mm),
        extras: extras.to_vec(),
        ..PhantomSettings::default()
    };
    let study = Study::generate(&settings, SEED, index).unwrap();
    Known { volume: study.volume().clone(), truth: Study::lungs(&settings, SEED, index).unwrap() }
}

const FINE: (usize, f64) = (256, 2.0);
const COARSE: (usize, f64) = (192, 3.0);

fn overlap(found: &Mask, truth: &Mask) -> (f64, f64) {
    let both = found.voxels().iter().zip(truth.voxels()).filter(|(a, b)| **a && **b).count() as f64;
    let (found, truth) = (found.count() as f64, truth.count() as f64);
    (2.0 * both / (found + truth), found / truth - 1.0)
}

/// Dice and relative excess of volume of right and left lung, of those that are there.
fn overlaps(known: &Known) -> Vec<(f64, f64)> {
    let lungs = Lungs::of(&known.volume).unwrap();
    let pairs = [(&lungs.right, &known.truth.right), (&lungs.left, &known.truth.left)];
    pairs
        .into_iter()
        .filter_map(|(found, truth)| match (found, truth) {
            (Some(found), Some(truth)) => Some(overlap(&found.mask, truth)),
            (None, None) => None,
            (found, truth) => panic!("found {} where there is {}", found.is_some(), truth.is_some()),
        })
        .collect()
}

#[test]
fn plain_lungs_are_found_within_a_hundredth() {
    for index in 0..2 {
        let known = phantom(FINE, index, &[]);
        for (dice, excess) in overlaps(&known) {
            assert!(dice > 0.99 && excess.abs() < 0.01, "{index}: dice {dice}, excess {excess}");
        }
        let lungs = Lungs::of(&known.volume).unwrap();
        let (dice, _) = overlap(&lungs.airway.unwrap(), &known.truth.airway);
        assert!(dice > 0.94, "airway of {index}: dice {dice}");
    }
}

#[test]
fn what_lies_around_a_patient_changes_no_lung() {
    let around: [&[Extra]; 5] = [
        &[Extra::ArmsRaised, Extra::Emphysema],
        &[Extra::ArmsLowered],
        &[Extra::GappedTable, Extra::Straps, Extra::Pacemaker],
        &[Extra::ArmsLowered, Extra::GappedTable, Extra::NoLeftLung],
        &[Extra::ArmsLowered, Extra::NoRightLung],
    ];
    // Study 2 lies prone.
    for (extras, index) in around.into_iter().zip([0, 2, 1, 3, 0]) {
        for (dice, excess) in overlaps(&phantom(COARSE, index, extras)) {
            assert!(dice > 0.985 && excess.abs() < 0.02, "{extras:?}: dice {dice}, excess {excess}");
        }
    }
}

/// How far down a lung without air reaches beside liver and spleen cannot be seen, so that less is asked.
#[test]
fn effused_and_consolidated_lung_is_lung() {
    let cases: [(&[Extra], usize, f64, f64); 4] = [
        (&[Extra::EffusionRight], 0, 0.97, 0.05),
        (&[Extra::EffusionLeft, Extra::ArmsLowered], 2, 0.94, 0.09),
        (&[Extra::ConsolidationRight], 1, 0.94, 0.05),
        (&[Extra::ConsolidationLeft], 0, 0.90, 0.09),
    ];
    for (extras, index, least, most) in cases {
        for (dice, excess) in overlaps(&phantom(COARSE, index, extras)) {
            assert!(dice > least && excess.abs() < most, "{extras:?}: dice {dice}, excess {excess}");
        }
    }
}

/// The same space in another order of axes: new axis `k` is the stored one `order[k]`, turned round where `turned`.
fn reordered<T: Clone>(values: &Array3<T>, order: [usize; 3], turned: [bool; 3]) -> Array3<T> {
    let mut view = values.view().permuted_axes(order);
    (0..3).filter(|axis| turned[*axis]).for_each(|axis| view.invert_axis(Axis(axis)));
    view.as_standard_layout().into_owned()
}

fn reordered_grid(grid: &Grid, order: [usize; 3], turned: [bool; 3]) -> Grid {
    let shape = order.map(|axis| grid.shape_zyx()[axis]);
    // Columns of the matrix belong to x, y, z, arrays are z, y, x.
    let mut columns = [DVec3::ZERO; 3];
    let mut first = DVec3::ZERO;
    for (new, stored) in order.into_iter().enumerate() {
        let unit = DVec3::AXES[2 - stored];
        columns[2 - new] = if turned[new] { -unit } else { unit };
        first += if turned[new] { unit * (shape[new] as f64 - 1.0) } else { DVec3::ZERO };
    }
    let old_from_new =
        DAffine3::from_mat3_translation(DMat3::from_cols(columns[0], columns[1], columns[2]), first);
    grid.derived(shape, old_from_new).unwrap()
}

#[test]
fn right_and_left_are_the_patients_in_any_order_of_axes() {
    let known = phantom((128, 4.0), 1, &[Extra::EffusionLeft]);
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for (number, order) in orders.into_iter().enumerate() {
        for turned in [[false, number % 2 == 0, true], [true, number % 3 == 0, number % 2 == 1]] {
            let grid = reordered_grid(known.volume.grid(), order, turned);
            let mask = |mask: &Option<Mask>| {
                let voxels = reordered(mask.as_ref().unwrap().voxels(), order, turned);
                Some(Mask::new(grid, voxels).unwrap())
            };
            let turned_round = Known {
                volume: Volume::new(grid, reordered(known.volume.voxels(), order, turned)).unwrap(),
                truth: LungTruth {
                    right: mask(&known.truth.right),
                    left: mask(&known.truth.left),
                    airway: mask(&Some(known.truth.airway.clone())).unwrap(),
                },
            };
            for (dice, _) in overlaps(&turned_round) {
                assert!(dice > 0.93, "{order:?} {turned:?}: dice {dice}");
            }
        }
    }
}

#[test]
fn thirds_hold_a_third_each_and_air_and_tissue_make_the_volume() {
    let known = phantom(COARSE, 2, &[]);
    let lungs = Lungs::of(&known.volume).unwrap();
    for Lung { mask, content, thirds } in [lungs.right.unwrap(), lungs.left.unwrap()] {
        let total = mask.volume_mm3() / 1000.0;
        assert!((content.total_ml() - total).abs() < 0.01 * total);
        assert!(content.tissue_ml > 0.1 * total && content.tissue_ml < 0.4 * total, "{content:?}");
        let z_mm = |slice: usize| {
            let mut voxel = [0.0; 3];
            voxel[2 - thirds.axis] = slice as f64;
            mask.grid().patient_point(DVec3::from(voxel)).z
        };
        assert!(z_mm(thirds.upper.start) > z_mm(thirds.middle.start));
        assert!(z_mm(thirds.middle.start) > z_mm(thirds.lower.start));
        let slices = thirds.upper.len() + thirds.middle.len() + thirds.lower.len();
        assert!(slices > 40 && slices <= mask.grid().shape_zyx()[thirds.axis]);
        for range in [&thirds.upper, &thirds.middle, &thirds.lower] {
            let held: usize = range
                .clone()
                .map(|slice| {
                    mask.voxels().index_axis(Axis(thirds.axis), slice).iter().filter(|in_it| **in_it).count()
                })
                .sum();
            let share = held as f64 / mask.count() as f64;
            assert!((share - 1.0 / 3.0).abs() < 0.02, "{share} in {thirds:?}");
        }
    }
}

#[test]
fn what_has_no_lungs_says_so() {
    let grid = Grid::aligned([30, 60, 60], [5.0; 3]).unwrap();
    let lungs = |volume: Volume| Lungs::of(&volume).unwrap_err();
    assert_eq!(lungs(Volume::from_fn(grid, |_| -1000.0)), LungsError::NoBody);
    assert_eq!(lungs(Volume::from_fn(grid, |_| 40.0)), LungsError::NoLung);
    let picture = Grid::of_picture(64, 64).unwrap();
    assert_eq!(lungs(Volume::from_fn(picture, |_| 40.0)), LungsError::Pixels);
}

/// One lung in the middle of a body, as no patient has it.
#[test]
fn a_lung_in_the_middle_has_no_side() {
    let grid = Grid::aligned([60, 80, 100], [4.0; 3]).unwrap();
    let volume = Volume::from_fn(grid, |[z, y, x]| {
        let from = |index: usize, middle: f64| (index as f64 - middle) * 4.0;
        let (z, y, x) = (from(z, 29.5), from(y, 39.5), from(x, 49.5));
        let is_lung = (x / 60.0).hypot(y / 60.0).hypot(z / 90.0) < 1.0;
        if is_lung {
            -850.0
        } else if (x / 160.0).hypot(y / 110.0) < 1.0 {
            40.0
        } else {
            -1000.0
        }
    });
    assert!(matches!(Lungs::of(&volume), Err(LungsError::Side { .. })));
}

#[test]
fn a_whole_chest_is_told_as_whole_and_a_cut_one_as_cut() {
    let whole: [&[Extra]; 4] = [
        &[Extra::ArmsLowered, Extra::ConsolidationLeft, Extra::EffusionLeft],
        &[Extra::ArmsLowered, Extra::NoRightLung],
        &[Extra::GappedTable, Extra::Straps, Extra::ArmsRaised],
        &[Extra::EffusionRight, Extra::EffusionLeft],
    ];
    for extras in whole {
        let Known { volume, .. } = phantom((200, 3.0), 0, extras);
        check_coverage(&volume, &Coverage::default()).unwrap_or_else(|error| panic!("{extras:?}: {error}"));
        let [slices, rows, columns] = volume.grid().shape_zyx();
        for (from, to) in [(0, slices * 2 / 3), (slices / 3, slices)] {
            let grid = volume.grid().window([from.cast_signed(), 0, 0], [to - from, rows, columns]).unwrap();
            let cut = volume.voxels().slice(ndarray::s![from..to, .., ..]).to_owned();
            let told = check_coverage(&Volume::new(grid, cut).unwrap(), &Coverage::default());
            assert!(matches!(told, Err(DicomError::Coverage { .. })), "{extras:?}, slices {from} to {to}");
        }
    }
}

/// The first three studies of another collection, as sums of their values: what bundles were trained and measured on.
#[test]
fn phantoms_without_extras_are_what_they_were() {
    let settings =
        PhantomSettings { matrix: Some(128), slice_spacing_mm: Some(5.0), ..PhantomSettings::default() };
    for (index, expected) in [-483_164_903.0, -456_654_669.0, -587_943_067.0].into_iter().enumerate() {
        let study = Study::generate(&settings, 4711, index).unwrap();
        let sum: f64 = study.volume().as_slice().iter().map(|hu| f64::from(*hu)).sum();
        assert!((sum / expected - 1.0).abs() < 1e-6, "{sum} of study {index}");
    }
}

#[test]
fn extras_that_exclude_each_other_are_refused() {
    let settings = PhantomSettings {
        matrix: Some(96),
        extras: vec![Extra::NoLeftLung, Extra::NoRightLung],
        ..PhantomSettings::default()
    };
    assert!(Study::generate(&settings, 1, 0).is_err() && Study::lungs(&settings, 1, 0).is_err());
}

#[test]
fn lungs_of_patients_have_plausible_volumes_and_keep_their_pneumonias() {
    let Some(data) = pulmo_forge::data_folder() else { return };
    let data = data.join("covid_ct_md");
    // Denser than -450 HU in the mask: vessels, and in the first two pneumonia.
    for (case, dense_ml) in [("P002", 90.0), ("cap002", 90.0), ("normal001", 70.0)] {
        let item = find(&[data.join(case)]).into_iter().next().unwrap();
        let volume = item.load(&ReadSettings::default()).unwrap().volume;
        let lungs = Lungs::of(&volume).unwrap();
        let (right, left) = (lungs.right.as_ref().unwrap(), lungs.left.as_ref().unwrap());
        let [right_ml, left_ml] = [right, left].map(|lung| lung.content.total_ml());
        assert!((2500.0..7500.0).contains(&(right_ml + left_ml)), "{case}: {right_ml} and {left_ml} ml");
        assert!((1.0..1.7).contains(&(right_ml / left_ml)), "{case}: {right_ml} and {left_ml} ml");
        let airway_ml = lungs.airway.as_ref().unwrap().volume_mm3() / 1000.0;
        assert!((12.0..60.0).contains(&airway_ml), "{case}: airway of {airway_ml} ml");
        let both = lungs.both().unwrap();
        let dense =
            volume.as_slice().iter().zip(both.voxels()).filter(|(hu, inside)| **inside && **hu > -450.0);
        let dense = dense.count() as f64 * volume.grid().voxel_mm3() / 1000.0;
        eprintln!(
            "{case}: {right_ml:.0} and {left_ml:.0} ml, {dense:.0} ml of them dense, airway {airway_ml:.1} ml"
        );
        assert!(dense > dense_ml, "{case}: {dense} ml dense");
        infected_slices_have_lung(&data.join(format!("{case}_slices.csv")), &volume, &both, case);
    }
}

/// Slices in which a reader saw pneumonia, by their height.
fn infected_slices_have_lung(table: &Path, volume: &Volume, lungs: &Mask, case: &str) {
    let text = std::fs::read_to_string(table).unwrap();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let z_mm: f64 = fields[2].parse().unwrap();
        if fields[4] != "1" {
            continue;
        }
        let grid = volume.grid();
        let place = grid.voxel_point(grid.origin_mm().with_z(z_mm)).z.round();
        let slice = (0..grid.shape_zyx()[0]).find(|slice| *slice as f64 == place).unwrap();
        assert!(lungs.voxels().index_axis(Axis(0), slice).iter().any(|inside| *inside), "{case}: {z_mm} mm");
    }
}
