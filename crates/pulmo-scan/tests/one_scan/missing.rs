//! Partial series: refused with what is missing and where, or allowed by name; never scored silently.

use std::path::Path;

use pulmo_scan::dicom::{assemble, discover};
use pulmo_scan::findings::Code;

use super::{allowing, answers, refusal};
use pulmo_forge::ct::{self, CtSlice, series};
use pulmo_forge::load::folder_of;

/// Ten slices, the files of some of which `spoil` changes.
fn spoilt(which: &[usize], spoil: impl Fn(&Path)) -> tempfile::TempDir {
    let folder = folder_of(&series(10, 2.0));
    which.iter().for_each(|index| spoil(&folder.path().join(format!("{index:03}.dcm"))));
    folder
}

fn cut_to(bytes: usize) -> impl Fn(&Path) {
    move |path| {
        let whole = std::fs::read(path).unwrap();
        std::fs::write(path, &whole[..bytes.min(whole.len())]).unwrap();
    }
}

type Spoil<'a> = (&'a str, &'a dyn Fn(&Path));

#[test]
fn a_series_of_which_a_file_cannot_be_used_is_refused() {
    let whole = series(1, 2.0)[0].bytes().len();
    let garbage = |path: &Path| std::fs::write(path, b"<html>404</html>").unwrap();
    let zeros = |path: &Path| std::fs::write(path, vec![0; 700]).unwrap();
    let number = |text: &'static str| {
        move |path: &Path| {
            let mut slice = CtSlice::at(6.0);
            slice.text(ct::INTERCEPT, "DS", text);
            std::fs::write(path, slice.bytes()).unwrap();
        }
    };
    let spoils: [Spoil; 8] = [
        ("cut in its pixels", &cut_to(whole - 60)),
        ("cut in its header", &cut_to(300)),
        ("cut before its header", &cut_to(140)),
        ("empty", &cut_to(0)),
        ("garbage", &garbage),
        ("zeros", &zeros),
        ("a number with a comma", &number("-1024,0")),
        ("two numbers for one", &number("-1024\\-1024")),
    ];
    let mut planted = 0;
    for (name, spoil) in spoils {
        // in the middle, and at an end, where geometry shows nothing
        for which in [&[3][..], &[9], &[0, 1]] {
            let folder = spoilt(which, spoil);
            assert_eq!(answers(folder.path()), [Err(Code::Partial)], "{name} {which:?}");
            let sentence = refusal(folder.path());
            let counted = format!("{} of 10 files of the series cannot be used (", which.len());
            assert!(sentence.starts_with(&counted), "{sentence}");
            planted += 1;
        }
    }
    assert_eq!(planted, 3 * spoils.len());
    eprintln!("series with planted faults, all refused: {planted}");
}

#[test]
fn places_of_missing_slices_are_told() {
    let sentence = |which: &[usize], bytes| refusal(spoilt(which, cut_to(bytes)).path());
    let whole = series(1, 2.0)[0].bytes().len();
    // by the file's own position, where its header is there still
    assert!(sentence(&[3], whole - 60).ends_with("a slice is missing at z 6.0 mm"));
    assert!(sentence(&[9], whole - 60).ends_with("a slice is missing at z 18.0 mm"));
    assert!(sentence(&[3, 4, 9], whole - 60).ends_with("3 slices are missing from z 6.0 to 18.0 mm"));
    // by the hole that it leaves
    assert!(sentence(&[3], 140).ends_with("a slice is missing at z 6.0 mm"));
    assert!(sentence(&[4, 5], 140).ends_with("2 slices are missing from z 8.0 to 10.0 mm"));
    assert!(sentence(&[9], 140).ends_with("slices may be missing at an end"));
}

#[test]
fn what_is_left_is_used_where_that_is_allowed() {
    let folder = spoilt(&[9], cut_to(140));
    let found = discover(&[folder.path().to_path_buf()]);
    let assembled = assemble(&found.series[0], &allowing()).unwrap();
    assert_eq!(assembled.volume.grid().shape_zyx()[0], 9);
    assert_eq!(assembled.warnings, [Code::Partial]);
    assert!(assembled.warnings[0].message.contains("1 of 10 files"), "{}", assembled.warnings[0]);
    // a hole is no grid, allowed or not
    let folder = spoilt(&[3], cut_to(140));
    let found = discover(&[folder.path().to_path_buf()]);
    assert_eq!(assemble(&found.series[0], &allowing()).err().map(|error| error.code()), Some(Code::Gap));
}

#[test]
fn a_file_that_may_be_of_several_series_is_a_warning_of_each() {
    let folder = folder_of(&series(6, 2.0));
    for (index, mut slice) in series(6, 2.0).into_iter().enumerate() {
        slice.text(ct::SERIES_UID, "UI", "1.2.3.77");
        slice.write(folder.path(), &format!("other{index}.dcm"));
    }
    std::fs::write(folder.path().join("x.dcm"), b"").unwrap();
    let found = discover(&[folder.path().to_path_buf()]);
    assert_eq!(found.series.len(), 2);
    for series in &found.series {
        assert_eq!(assemble(series, &super::keep()).unwrap().warnings, [Code::Partial]);
    }
}

#[test]
fn files_that_were_never_slices_are_no_loss() {
    let folder = folder_of(&series(6, 2.0));
    std::fs::write(folder.path().join("notes.txt"), "read me").unwrap();
    std::fs::write(folder.path().join("VERSION"), "1").unwrap();
    let mut report = CtSlice::at(0.0);
    report.text(ct::SOP_CLASS, "UI", "1.2.840.10008.5.1.4.1.1.88.22");
    report.text(ct::MODALITY, "CS", "SR");
    report.write(folder.path(), "report.dcm");
    let mut localizer = CtSlice::at(60.0);
    localizer.text(ct::IMAGE_TYPE, "CS", "ORIGINAL\\PRIMARY\\LOCALIZER");
    localizer.write(folder.path(), "scout.dcm");
    assert_eq!(answers(folder.path()), [Ok((6, 2.0))]);
}
