//! F9: slices at any positions and of any directions, not numbers included: a grid of finite numbers,
//! or an error.
#![no_main]

use glam::DVec3;
use libfuzzer_sys::fuzz_target;
use pulmo_scan::dicom::{GeometrySettings, Slice, Stack};

fuzz_target!(|input: ([f64; 8], Vec<[f64; 3]>)| {
    let ([a, b, c, d, e, f, row_mm, column_mm], positions) = input;
    let Some(sound) = pulmo_fuzz::slice() else { return };
    let slices: Vec<Slice> = positions
        .into_iter()
        .take(500)
        .map(|position| {
            let mut header = sound.clone();
            header.position_mm = DVec3::from_array(position);
            header.row_direction = DVec3::new(a, b, c);
            header.column_direction = DVec3::new(d, e, f);
            header.pixel_spacing_mm = [row_mm, column_mm];
            Slice { path: Default::default(), frame: None, header }
        })
        .collect();
    if let Ok(stack) = Stack::new(&slices, &GeometrySettings::default()) {
        assert!(stack.grid.origin_mm().is_finite());
        assert!(stack.grid.spacing_mm().iter().all(|mm| mm.is_finite() && *mm > 0.0));
    }
});
