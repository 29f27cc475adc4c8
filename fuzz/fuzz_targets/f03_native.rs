//! F3: any bytes as native Pixel Data of a sound file whose length field lies.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use pulmo_scan::dicom::StoredPixels;

fuzz_target!(|data: &[u8]| {
    let words: Vec<u16> = data.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    let Some(mut file) = pulmo_fuzz::native(16, false, &words) else { return };
    let sound = StoredPixels::read(Cursor::new(&file)).expect("a sound file");
    assert_eq!(sound.words(), words);
    let length = file.len() - data.len() / 2 * 2 - 4;
    let lie = data.first_chunk::<4>().copied().unwrap_or_default();
    file[length..length + 4].copy_from_slice(&lie);
    if let Ok(pixels) = StoredPixels::read(Cursor::new(&file)) {
        assert_eq!(pixels, sound);
    }
});
