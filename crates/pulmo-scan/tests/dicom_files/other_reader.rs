//! The gate's reading of real files against that of dicom-rs, which shares no code with it.

use std::path::{Path, PathBuf};

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use dicom_object::{DefaultDicomObject, OpenFileOptions};
use pulmo_scan::dicom::SliceHeader;

use pulmo_forge::data_folder;

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, mut found): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    found.extend(folders.iter().flat_map(|folder| files(folder)));
    found
}

/// Decimal strings, of which some files say nothing but that they are bytes.
fn numbers(object: &DefaultDicomObject, tag: Tag) -> Vec<f64> {
    let bytes = object.element(tag).unwrap().to_bytes().unwrap();
    let text = str::from_utf8(&bytes).unwrap();
    text.split('\\').map(|number| number.trim_matches([' ', '\0']).parse().unwrap()).collect()
}

#[test]
fn headers_of_real_files_are_read_as_dicom_rs_reads_them() {
    let Some(data) = data_folder() else { return };
    let mut compared = 0;
    for path in files(&data.join("conformance")).into_iter().chain(files(&data.join("hazards"))) {
        let Ok(header) = SliceHeader::read(std::fs::File::open(&path).unwrap()) else { continue };
        let Ok(object) = OpenFileOptions::new().read_until(tags::PIXEL_DATA).open_file(&path) else {
            continue;
        };
        let word = |tag| object.element(tag).unwrap().to_int::<u16>().unwrap();
        let format = header.format;
        assert_eq!(
            [format.rows, format.columns, format.bits_allocated, format.bits_stored],
            [tags::ROWS, tags::COLUMNS, tags::BITS_ALLOCATED, tags::BITS_STORED].map(word)
        );
        assert_eq!(format.signed, word(tags::PIXEL_REPRESENTATION) == 1);
        assert_eq!(header.position_mm.to_array().to_vec(), numbers(&object, tags::IMAGE_POSITION_PATIENT));
        assert_eq!(header.pixel_spacing_mm.to_vec(), numbers(&object, tags::PIXEL_SPACING));
        if let Some(rescale) = header.rescale {
            assert_eq!(vec![rescale.slope], numbers(&object, tags::RESCALE_SLOPE));
            assert_eq!(vec![rescale.intercept], numbers(&object, tags::RESCALE_INTERCEPT));
        }
        compared += 1;
    }
    assert!(compared > 80, "{compared} files");
}
