//! Scans with lungs and nodules of known place, and what is written of them.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    unreachable_pub,
    reason = "a test fails by panicking, its values are small, and each test uses a part of this"
)]

use std::path::{Path, PathBuf};

use glam::{DAffine3, DMat3, DVec3};
use ndarray::Array3;
use pulmo_forge::ct::{self, CtSlice};
use pulmo_forge::enhanced::Enhanced;
use pulmo_forge::load::{assembled, folder_of, found, keep};
use pulmo_results::{
    Algorithm, LungSegments, MeasuredNodule, ScanResults, SegmentationForm, WrittenAt, write_results,
};
use pulmo_scan::dicom::{AssembleSettings, Irregular};
use pulmo_scan::findings::{LungThird, NoduleKind, ScanOrigin, Side};
use pulmo_scan::geometry::Grid;
use pulmo_scan::phantom::{PhantomSettings, Study};
use pulmo_scan::volume::{Mask, Volume};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A scan on disk, and what is known of it.
pub struct Case {
    pub name: &'static str,
    pub source: TempDir,
    pub origin: ScanOrigin,
    pub volume: Volume,
    pub lungs: Option<[Mask; 2]>,
    pub nodules: Vec<MeasuredNodule>,
}

pub fn algorithm() -> Algorithm {
    let parameters = vec!["bundle=test".to_owned(), "weights_sha256=00ff".to_owned()];
    Algorithm { name: "pulmo".to_owned(), version: "0.1.0".to_owned(), parameters }
}

pub fn written() -> WrittenAt {
    WrittenAt::new(1_709_251_200, 60).unwrap()
}

impl Case {
    /// Writes the results into a folder.
    pub fn write(&self, folder: &Path, form: SegmentationForm) -> Vec<PathBuf> {
        let algorithm = algorithm();
        write_results(folder, &self.results(&algorithm), form).unwrap()
    }

    pub fn results<'a>(&'a self, algorithm: &'a Algorithm) -> ScanResults<'a> {
        let lungs = self.lungs.as_ref();
        ScanResults {
            origin: &self.origin,
            volume: &self.volume,
            lungs: lungs.map(|[left, right]| LungSegments { left: Some(left), right: Some(right) }),
            nodules: &self.nodules,
            heat_map: None,
            algorithm,
            written: written(),
        }
    }

    /// What an outside reader must find, told without any of the code that wrote it.
    pub fn truth(&self) -> Value {
        let grid = self.volume.grid();
        let affine = grid.patient_from_voxel();
        let axes = [affine.matrix3.x_axis, affine.matrix3.y_axis, affine.matrix3.z_axis, affine.translation];
        let lungs = self.lungs.iter().flatten();
        let masks: Vec<&Mask> =
            lungs.chain(self.nodules.iter().filter_map(|nodule| nodule.mask.as_ref())).collect();
        json!({
            "shape_zyx": grid.shape_zyx(),
            "axes_xyz_and_origin_mm": axes.map(|axis| axis.to_array()),
            "lungs": self.lungs.is_some(),
            "segments": masks.iter().map(|mask| places(grid, mask)).collect::<Vec<_>>(),
            "nodules": self.nodules.iter().map(nodule_truth).collect::<Vec<_>>(),
        })
    }
}

/// Voxels of a mask as indices of the volume, `[z, y, x]`.
fn places(grid: &Grid, mask: &Mask) -> Vec<[usize; 3]> {
    let inside = mask.voxels().indexed_iter().filter(|(_, inside)| **inside);
    let place = |((z, y, x), _): ((usize, usize, usize), &bool)| {
        let at = mask.grid().patient_point(DVec3::new(x as f64, y as f64, z as f64));
        grid.voxel_near(at.to_array()).unwrap()
    };
    inside.map(place).collect()
}

fn nodule_truth(nodule: &MeasuredNodule) -> Value {
    json!({
        "centre_mm": nodule.centre_mm,
        "has_mask": nodule.mask.is_some(),
        "side": nodule.side.map(|side| format!("{side:?}")),
        "zone": nodule.zone.map(|zone| format!("{zone:?}")),
        "density": nodule.density.map(|density| format!("{density:?}")),
        "volume_mm3": nodule.volume_mm3,
        "long_axis_mm": nodule.long_axis_mm,
        "short_axis_mm": nodule.short_axis_mm,
        "mean_diameter_mm": nodule.mean_diameter_mm,
        "mean_hu": nodule.mean_hu,
        "probability": nodule.probability,
    })
}

/// The voxels of a grid whose centres lie within a ball, on a window of the grid.
pub fn ball(grid: &Grid, centre_mm: [f64; 3], diameter_mm: f64) -> Mask {
    let centre = DVec3::from(centre_mm);
    let [depth, height, width] = grid.shape_zyx();
    let near: Vec<[usize; 3]> = (0..depth)
        .flat_map(|z| (0..height).flat_map(move |y| (0..width).map(move |x| [z, y, x])))
        .filter(|[z, y, x]| {
            let at = grid.patient_point(DVec3::new(*x as f64, *y as f64, *z as f64));
            at.distance(centre) <= diameter_mm / 2.0
        })
        .collect();
    let low: [usize; 3] = std::array::from_fn(|axis| near.iter().map(|place| place[axis]).min().unwrap());
    let high: [usize; 3] = std::array::from_fn(|axis| near.iter().map(|place| place[axis]).max().unwrap());
    let shape: [usize; 3] = std::array::from_fn(|axis| high[axis] - low[axis] + 1);
    let mut voxels = Array3::from_elem(shape, false);
    for place in near {
        voxels[std::array::from_fn::<usize, 3, _>(|axis| place[axis] - low[axis])] = true;
    }
    Mask::new(grid.window(low.map(|at| at as isize), shape).unwrap(), voxels).unwrap()
}

/// A nodule with everything told.
pub fn nodule(grid: &Grid, centre_mm: [f64; 3], diameter_mm: f64) -> MeasuredNodule {
    let mask = ball(grid, centre_mm, diameter_mm);
    MeasuredNodule {
        side: Some(if centre_mm[0] > 0.0 { Side::Left } else { Side::Right }),
        zone: Some(LungThird::Middle),
        long_axis_mm: Some(diameter_mm + 0.25),
        short_axis_mm: Some(diameter_mm - 0.25),
        mean_diameter_mm: Some(diameter_mm),
        volume_mm3: Some(mask.volume_mm3()),
        mean_hu: Some(-42.5),
        probability: Some(0.875),
        density: Some(NoduleKind::PartSolid),
        mask: Some(mask),
        ..MeasuredNodule::at(centre_mm)
    }
}

/// Both lungs of a volume as halves of what is neither air outside nor tissue: rough, and known.
pub fn lungs(volume: &Volume) -> [Mask; 2] {
    let grid = *volume.grid();
    [1.0, -1.0].map(|side| {
        let inside = |[z, y, x]: [usize; 3]| {
            let at = grid.patient_point(DVec3::new(x as f64, y as f64, z as f64));
            let hu = volume.voxels()[[z, y, x]];
            (-950.0..-600.0).contains(&hu) && at.x * side > 0.0
        };
        let [depth, height, width] = grid.shape_zyx();
        let voxels = Array3::from_shape_fn((depth, height, width), |(z, y, x)| inside([z, y, x]));
        Mask::new(grid, voxels).unwrap()
    })
}

/// A phantom with nodules, as it is read from its files.
pub fn phantom() -> Case {
    let settings =
        PhantomSettings { matrix: Some(128), slice_spacing_mm: Some(5.0), ..PhantomSettings::default() };
    let study = [0, 1].map(|index| Study::generate(&settings, 7, index).unwrap());
    let study = study.into_iter().find(|study| !study.truth().nodules.is_empty()).unwrap();
    let source = tempfile::tempdir().unwrap();
    study.write(source.path()).unwrap();
    let scan = assembled(&found(&source)[0], &keep()).unwrap();
    let grid = *scan.volume.grid();
    let of_truth = |truth: &pulmo_scan::phantom::NoduleTruth| MeasuredNodule {
        side: Some(truth.side),
        ..nodule(&grid, truth.centre_mm, truth.diameter_mm)
    };
    let nodules = study.truth().nodules.iter().map(of_truth).collect();
    let lungs = Some(lungs(&scan.volume));
    Case { name: "phantom", source, origin: scan.origin, volume: scan.volume, lungs, nodules }
}

/// Where slices of the schematic chest lie.
#[derive(Clone, Copy)]
pub struct Stack {
    pub along: DVec3,
    pub down: DVec3,
    /// From one slice to the next.
    pub step_mm: DVec3,
    /// Between rows, between columns.
    pub spacing_mm: [f64; 2],
}

/// Axial slices.
pub const AXIAL: Stack =
    Stack { along: DVec3::X, down: DVec3::Y, step_mm: DVec3::new(0.0, 0.0, 8.0), spacing_mm: [8.0, 8.0] };

/// Slices of the schematic chest, 40 rows of 44 columns, which say all that a hospital's do.
pub fn slices(count: usize, stack: Stack) -> Vec<CtSlice> {
    let Stack { along, down, step_mm, spacing_mm: [between_rows, between_columns] } = stack;
    let middle = DVec3::new(0.0, 0.0, 120.0);
    let corner = middle
        - along * between_columns * 21.5
        - down * between_rows * 19.5
        - step_mm * (count as f64 - 1.0) / 2.0;
    (0..count)
        .map(|index| {
            let corner = corner + step_mm * index as f64;
            let mut slice = CtSlice::at(index as f64);
            slice.word(ct::ROWS, 40);
            slice.word(ct::COLUMNS, 44);
            slice.text(ct::PIXEL_SPACING, "DS", &format!("{between_rows}\\{between_columns}"));
            slice.text(ct::POSITION, "DS", &numbers(&corner.to_array()));
            slice.text(ct::ORIENTATION, "DS", &numbers(&[along.to_array(), down.to_array()].concat()));
            let place = |pixel: usize| {
                corner
                    + along * between_columns * (pixel % 44) as f64
                    + down * between_rows * (pixel / 44) as f64
            };
            slice.pixels =
                (0..40 * 44).map(|pixel| (ct::chest_hu(place(pixel).to_array()) + 1024) as u16).collect();
            hospital(&mut slice, index);
            slice
        })
        .collect()
}

fn numbers(values: &[f64]) -> String {
    values.iter().map(|value| format!("{value:.8}")).collect::<Vec<_>>().join("\\")
}

fn hospital(slice: &mut CtSlice, index: usize) {
    for (tag, vr, text) in [
        ((0x0008, 0x0018), "UI", format!("1.2.9.{}", index + 1).as_str()),
        ((0x0008, 0x0020), "DA", "20240229"),
        ((0x0008, 0x0030), "TM", "101112"),
        ((0x0008, 0x0050), "SH", "A4711"),
        ((0x0008, 0x0070), "LO", "Maker"),
        ((0x0008, 0x0090), "PN", "Referring^Physician"),
        ((0x0008, 0x1090), "LO", "Model 7"),
        ((0x0008, 0x1030), "LO", "CT chest"),
        ((0x0010, 0x0010), "PN", "Doe^Jane"),
        ((0x0010, 0x0020), "LO", "4711"),
        ((0x0010, 0x0030), "DA", "19500102"),
        ((0x0010, 0x0040), "CS", "F"),
        ((0x0010, 0x1010), "AS", "074Y"),
        ((0x0020, 0x0010), "SH", "4711"),
    ] {
        slice.text(tag, vr, text);
    }
}

/// The case of these slices: lungs, a nodule with a mask in each, and one that is a point alone.
pub fn case(name: &'static str, slices: &[CtSlice]) -> Case {
    let source = folder_of(slices);
    let settings = AssembleSettings { irregular: Irregular::Resample, ..keep() };
    let scan = assembled(&found(&source)[0], &settings).unwrap();
    let (grid, lungs) = (*scan.volume.grid(), Some(lungs(&scan.volume)));
    let nodules = vec![
        nodule(&grid, [78.0, 11.0, 118.0], 30.0),
        nodule(&grid, [-71.0, 21.0, 140.0], 25.0),
        MeasuredNodule { probability: Some(0.25), ..MeasuredNodule::at([60.0, -20.0, 100.0]) },
    ];
    Case { name, source, origin: scan.origin, volume: scan.volume, lungs, nodules }
}

/// The same scan on another grid.
pub fn on_grid(mut case: Case, name: &'static str, grid: Grid) -> Case {
    case.name = name;
    case.volume = Volume::from_fn(grid, |[z, y, x]| {
        ct::chest_hu(grid.patient_point(DVec3::new(x as f64, y as f64, z as f64)).to_array()) as f32
    });
    case.lungs = Some(lungs(&case.volume));
    for nodule in &mut case.nodules {
        nodule.mask = nodule.mask.as_ref().map(|_| ball(&grid, nodule.centre_mm, 28.0));
    }
    case
}

/// A stack that lies along no axis of the patient, of pixels that are no squares.
pub fn oblique() -> Stack {
    let turned = DMat3::from_rotation_z(0.2) * DMat3::from_rotation_x(0.3);
    let [along, down, normal] = [turned.x_axis, turned.y_axis, turned.z_axis];
    Stack { along, down, step_mm: normal * 7.0, spacing_mm: [9.0, 7.0] }
}

/// Sources of every kind that there may be.
pub fn cases() -> Vec<Case> {
    let axial = || slices(30, AXIAL);
    let mut all = vec![phantom(), case("axial", &axial())];
    let japanese = b"Yamada^Tarou=\x1B$B;3ED\x1B(B^\x1B$BB@O:\x1B(B=\x1B$B$d$^$@\x1B(B^\x1B$B$?$m$&\x1B(B";
    let mut reversed = slices(32, oblique());
    reversed.reverse();
    for slice in &mut reversed {
        slice.text((0x0008, 0x0005), "CS", "\\ISO 2022 IR 87");
        slice.bytes_of((0x0010, 0x0010), "PN", japanese);
        slice.text((0x0008, 0x0201), "SH", "+0900");
        slice.text((0x0028, 0x2110), "CS", "01");
        slice.text((0x0028, 0x2112), "DS", "8");
        slice.text((0x0028, 0x2114), "CS", "ISO_10918_1");
    }
    all.push(case("oblique_reversed_japanese", &reversed));
    let mut bare = axial();
    for slice in &mut bare {
        for tag in [
            0x0010_0010_u32,
            0x0010_0020,
            0x0010_0030,
            0x0010_0040,
            0x0008_0020,
            0x0008_0030,
            0x0008_0050,
            0x0008_0070,
        ] {
            slice.elements.remove(&((tag >> 16) as u16, tag as u16));
        }
    }
    all.push(case("nameless", &bare));
    all.push(case("enhanced", &[Enhanced::of(&axial()).slice()]));
    let tilted = Stack { step_mm: DVec3::new(0.0, 2.0, 8.0), ..AXIAL };
    all.push(case("tilted", &slices(30, tilted)));
    let grid = *all[1].volume.grid();
    let finer = grid.resized([40, 60, 66]).unwrap();
    all.push(on_grid(case("", &axial()), "resampled", finer));
    // rows from head to feet, columns from right to left, slices from back to front
    let axes = DMat3::from_cols(-DVec3::X * 4.0, -DVec3::Z * 5.0, -DVec3::Y * 6.0);
    let coronal =
        Grid::new([40, 50, 90], DAffine3::from_mat3_translation(axes, DVec3::new(180.0, 120.0, 245.0)));
    all.push(on_grid(case("", &axial()), "coronal", coronal.unwrap()));
    let mut none = case("nothing_found", &axial());
    (none.lungs, none.nodules) = (None, Vec::new());
    all.push(none);
    let mut many = case("three_hundred", &axial());
    let grid = *many.volume.grid();
    many.nodules = (0..300)
        .map(|index| {
            let [z, y, x] =
                [index / 100 * 9 + 2, index / 10 % 10 * 4 + 1, index % 10 * 4 + 2].map(|at| at as f64);
            nodule(&grid, grid.patient_point(DVec3::new(x, y, z)).to_array(), 12.0)
        })
        .collect();
    all.push(many);
    all
}
