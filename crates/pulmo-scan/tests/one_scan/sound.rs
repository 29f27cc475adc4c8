//! Sound scans are never refused: phantoms in the padding styles of four vendors, and real series.
//!
//! Hounsfield units are expected by the standard's formula on the words that were written; the same family
//! written by pydicom is checked by `tests/golden/padding/family.py`.

use glam::DVec3;
use pulmo_scan::dicom::{AssembleSettings, assemble, discover};
use pulmo_scan::phantom::{PhantomSettings, Study};
use pulmo_scan::volume::Volume;

use pulmo_forge::ct::{self, CtSlice, Value};
use pulmo_forge::load::{folder_of, keep};

/// How a vendor stores values, and what it writes outside the circle of reconstruction.
struct Style {
    vendor: &'static str,
    is_signed: bool,
    bits_stored: u16,
    intercept: i32,
    /// Stored outside the circle.
    outside: i32,
    declared: Option<(&'static str, i32)>,
}

const fn style(vendor: &'static str, is_signed: bool, bits_stored: u16, intercept: i32) -> Style {
    Style { vendor, is_signed, bits_stored, intercept, outside: 0, declared: None }
}

/// As seen in public series of each vendor, and as the first case of LIDC-IDRI has it.
const STYLES: [Style; 7] = [
    Style { outside: -2000, declared: Some(("SS", -2000)), ..style("GE", true, 16, -1024) },
    Style { outside: -1024, declared: Some(("SS", -2000)), ..style("GE, other value", true, 16, -1024) },
    style("Siemens", false, 12, -1024),
    style("Siemens, extended", false, 16, -8192),
    Style { outside: -2000, declared: Some(("US", 63536)), ..style("Philips", true, 16, 0) },
    Style { outside: -2048, ..style("Toshiba / Canon", true, 16, 0) },
    Style { outside: -1500, declared: Some(("SS", -2000)), ..style("LIDC-IDRI", true, 16, 0) },
];

impl Style {
    /// The slices of a volume, and the Hounsfield units that they hold before padding is replaced.
    fn written(&self, volume: &Volume) -> (Vec<CtSlice>, Vec<f32>) {
        let [slices, rows, columns] = volume.grid().shape_zyx();
        let mut written = Vec::new();
        let mut hu = Vec::with_capacity(volume.grid().len());
        for z in 0..slices {
            let mut slice = self.header(volume, z);
            let stored = |index: usize| {
                let [y, x] = [index / columns, index % columns];
                let off = |place: usize, side: usize| place as f64 - (side as f64 - 1.0) / 2.0;
                let is_outside = off(y, rows).hypot(off(x, columns)) > rows as f64 / 2.0;
                let value = volume.voxels()[[z, y, x]] as i32 - self.intercept;
                if is_outside { self.outside } else { value }
            };
            let values: Vec<i32> = (0..rows * columns).map(stored).collect();
            slice.pixels = values.iter().map(|value| *value as u16).collect();
            hu.extend(values.iter().map(|value| (value + self.intercept) as f32));
            written.push(slice);
        }
        (written, hu)
    }

    fn header(&self, volume: &Volume, z: usize) -> CtSlice {
        let grid = volume.grid();
        let [_, rows, columns] = grid.shape_zyx();
        let [_, row_mm, column_mm] = grid.spacing_mm();
        let at = grid.patient_point(DVec3::new(0.0, 0.0, z as f64));
        let [_, down, right] = grid.direction();
        let text = |values: &[f64]| values.iter().map(ToString::to_string).collect::<Vec<_>>().join("\\");
        let mut slice = CtSlice::at(0.0);
        slice.text(ct::POSITION, "DS", &text(&at.to_array()));
        slice.text(ct::ORIENTATION, "DS", &text(&[right.to_array(), down.to_array()].concat()));
        slice.text(ct::PIXEL_SPACING, "DS", &text(&[row_mm, column_mm]));
        slice.word(ct::ROWS, rows as u16);
        slice.word(ct::COLUMNS, columns as u16);
        slice.text(ct::INTERCEPT, "DS", &self.intercept.to_string());
        slice.format(self.bits_stored, u16::from(self.is_signed));
        if let Some((vr, value)) = self.declared {
            slice.elements.insert(ct::PADDING, Value::Words(vr, vec![value as u16]));
        }
        slice
    }
}

#[test]
fn no_sound_scan_of_any_vendor_is_refused() {
    let settings =
        PhantomSettings { matrix: Some(96), slice_spacing_mm: Some(8.0), ..PhantomSettings::default() };
    let mut scans = 0;
    for index in 0..40 {
        let phantom = Study::generate(&settings, 12, index).unwrap();
        for style in &STYLES {
            let (slices, hu) = style.written(phantom.volume());
            let folder = folder_of(&slices);
            let found = discover(&[folder.path().to_path_buf()]).series;
            assert_eq!(found.len(), 1, "{}", style.vendor);
            let kept = assemble(&found[0], &keep());
            let kept = kept.unwrap_or_else(|error| panic!("{}, {index}: {error}", style.vendor));
            assert!(kept.volume.as_slice() == hu, "{}, {index}", style.vendor);
            let with_air = assemble(&found[0], &AssembleSettings::default()).unwrap().volume;
            let least = with_air.as_slice().iter().copied().fold(f32::INFINITY, f32::min);
            assert!(least >= -1100.0, "{}, {index}: {least} HU", style.vendor);
            scans += 1;
        }
    }
    assert_eq!(scans, 40 * STYLES.len());
    eprintln!("sound scans of vendors' styles, all read: {scans}");
}
