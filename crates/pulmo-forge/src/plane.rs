//! Slices in any plane, their content read at their places in the patient.

use std::collections::BTreeMap;

use glam::DVec3;
use pulmo_scan::volume::Volume;

use super::ct::{self, CtSlice, chest_hu};

/// A plane of square pixels.
#[derive(Debug, Clone, Copy)]
pub struct Plane {
    pub corner: DVec3,
    pub row: DVec3,
    pub column: DVec3,
    pub rows: u16,
    pub columns: u16,
    pub pixel_mm: f64,
}

impl Plane {
    /// An axial plane of 16 x 16 pixels of 1 mm.
    pub fn axial(corner: DVec3) -> Self {
        Self { corner, row: DVec3::X, column: DVec3::Y, rows: 16, columns: 16, pixel_mm: 1.0 }
    }

    /// The slice of `content`, in Hounsfield units by patient position, rounded to whole units.
    pub fn slice(&self, content: impl Fn(DVec3) -> f64) -> CtSlice {
        let Self { corner, row, column, rows, columns, pixel_mm } = *self;
        // decimal strings have 16 characters at most
        let text = |value: &f64| format!("{value:.9}").chars().take(15).collect::<String>();
        let short = |values: &[f64]| values.iter().map(text).collect::<Vec<_>>().join("\\");
        let mut slice = CtSlice::at(0.0);
        slice.text(ct::POSITION, "DS", &short(&corner.to_array()));
        slice.text(ct::ORIENTATION, "DS", &short(&[row.to_array(), column.to_array()].concat()));
        slice.text(ct::PIXEL_SPACING, "DS", &short(&[pixel_mm, pixel_mm]));
        slice.word(ct::ROWS, rows);
        slice.word(ct::COLUMNS, columns);
        slice.pixels = (0..rows)
            .flat_map(|y| (0..columns).map(move |x| (f64::from(x), f64::from(y))))
            .map(|(x, y)| content(corner + row * (x * pixel_mm) + column * (y * pixel_mm)))
            .map(|hu| (hu.round() + 1024.0) as u16)
            .collect();
        slice
    }

    /// 11 slices of 11 x 11 pixels, 2 mm apart in each direction, around the origin: whichever way the
    /// axes run, the same places are read. No two axes are alike.
    pub fn cube(row: DVec3, column: DVec3) -> Vec<CtSlice> {
        let normal = row.cross(column);
        let content = |at: DVec3| -300.0 + 9.0 * at.x + 21.0 * at.y + 33.0 * at.z;
        let slice = |k: i32| {
            let corner = (row + column) * -10.0 + normal * f64::from(2 * k - 10);
            let plane = Self { row, column, rows: 11, columns: 11, pixel_mm: 2.0, ..Self::axial(corner) };
            plane.slice(content)
        };
        (0..11).map(slice).collect()
    }

    /// The schematic chest, cut in this plane at 4 mm.
    pub fn chest(row: DVec3, column: DVec3) -> Vec<CtSlice> {
        let normal = row.cross(column);
        let centre = DVec3::new(0.0, 0.0, 120.0);
        let slice = |k: i32| {
            let corner = centre - (row + column) * 190.0 + normal * f64::from(4 * k - 192);
            let plane = Self { row, column, rows: 96, columns: 96, pixel_mm: 4.0, ..Self::axial(corner) };
            plane.slice(|at| f64::from(chest_hu(at.to_array())))
        };
        (0..97).map(slice).collect()
    }
}

/// Where the spot in the left lung of the schematic chest is.
pub fn spot_mm() -> DVec3 {
    DVec3::new(80.0, 10.0, 120.0)
}

/// Patient Position, and the directions of rows and columns of images that are shown as the gantry
/// sees them: columns run down, and the normal to the end of the patient that is away from the gantry's
/// feet side.
pub fn eight_positions() -> [(&'static str, DVec3, DVec3); 8] {
    [
        ("HFS", DVec3::X, DVec3::Y),
        ("HFP", DVec3::NEG_X, DVec3::NEG_Y),
        ("HFDR", DVec3::Y, DVec3::NEG_X),
        ("HFDL", DVec3::NEG_Y, DVec3::X),
        ("FFS", DVec3::NEG_X, DVec3::Y),
        ("FFP", DVec3::X, DVec3::NEG_Y),
        ("FFDR", DVec3::NEG_Y, DVec3::NEG_X),
        ("FFDL", DVec3::Y, DVec3::X),
    ]
}

/// Each voxel's place in the patient and its value.
pub fn places(volume: &Volume) -> impl Iterator<Item = (DVec3, f32)> + '_ {
    volume
        .voxels()
        .indexed_iter()
        .map(|((z, y, x), hu)| (volume.grid().patient_point(DVec3::new(x as f64, y as f64, z as f64)), *hu))
}

/// Values by place, rounded to whole millimetres.
pub fn values_by_place(volume: &Volume) -> BTreeMap<[i32; 3], i32> {
    places(volume).map(|(at, hu)| (at.round().to_array().map(|mm| mm as i32), hu as i32)).collect()
}
