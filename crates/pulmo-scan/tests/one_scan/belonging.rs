//! What one series is: patient, study, UID, frame of reference and orientation, as far as they are known.

use pulmo_scan::findings::Code;

use super::{answers, refusal};
use pulmo_forge::ct::{self, CtSlice, series};
use pulmo_forge::load::{folder_of, hu};

const PATIENT_ID: (u16, u16) = (0x0010, 0x0020);
const STUDY_UID: (u16, u16) = (0x0020, 0x000D);
const SERIES_NUMBER: (u16, u16) = (0x0020, 0x0011);

/// Eight slices of which those that `which` names are changed.
fn changed(which: impl Fn(usize) -> bool, change: impl Fn(&mut CtSlice, usize)) -> Vec<CtSlice> {
    let mut slices = series(8, 2.0);
    for (index, slice) in slices.iter_mut().enumerate().filter(|(index, _)| which(*index)) {
        change(slice, index);
    }
    slices
}

fn every_second(change: impl Fn(&mut CtSlice, usize)) -> Vec<CtSlice> {
    changed(|index| index % 2 == 1, change)
}

fn second_half(change: impl Fn(&mut CtSlice, usize)) -> Vec<CtSlice> {
    changed(|index| index >= 4, change)
}

fn answers_of(slices: &[CtSlice]) -> Vec<Result<(usize, f64), Code>> {
    answers(folder_of(slices).path())
}

const WHOLE: [Result<(usize, f64), Code>; 1] = [Ok((8, 2.0))];
const HALVES: [Result<(usize, f64), Code>; 2] = [Ok((4, 2.0)), Ok((4, 2.0))];
const DOUBTFUL: [Result<(usize, f64), Code>; 1] = [Err(Code::Overlap)];

type Change<'a> = (&'a str, &'a dyn Fn(&mut CtSlice, usize));

/// What tells scans apart when it is there and differs.
const DIFFERENT: [Change<'_>; 6] = [
    ("Patient ID", &|slice, _| slice.text(PATIENT_ID, "LO", "B")),
    ("Study Instance UID", &|slice, _| slice.text(STUDY_UID, "UI", "1.2.9")),
    ("Frame of Reference UID", &|slice, _| slice.text(ct::FRAME_OF_REFERENCE, "UI", "1.2.3.9")),
    ("Pixel Spacing", &|slice, _| slice.text(ct::PIXEL_SPACING, "DS", "0.5\\0.5002")),
    ("Rows and Columns", &|slice, _| {
        slice.word(ct::ROWS, 4);
        slice.pixels.truncate(32);
    }),
    // a turn of 0.2 degrees
    ("Image Orientation (Patient)", &|slice, _| {
        slice.text(ct::ORIENTATION, "DS", "0.99999391\\0.00349065\\0\\-0.00349065\\0.99999391\\0");
    }),
];

#[test]
fn halves_among_each_other_are_one_doubtful_scan_named_by_what_differs() {
    for (name, change) in DIFFERENT {
        let slices = every_second(|slice, index| {
            slice.text(PATIENT_ID, "LO", "A");
            change(slice, index);
        });
        let mut slices = slices;
        slices.iter_mut().step_by(2).for_each(|slice| slice.text(PATIENT_ID, "LO", "A"));
        let folder = folder_of(&slices);
        assert_eq!(answers(folder.path()), DOUBTFUL, "{name}");
        let sentence = refusal(folder.path());
        assert!(sentence.starts_with(&format!("2 parts of the series differ in {name} ")), "{sentence}");
    }
}

#[test]
fn passes_at_other_places_stay_series_of_their_own() {
    for (name, change) in &DIFFERENT[1..] {
        assert_eq!(answers_of(&second_half(change)), HALVES, "{name}");
    }
}

#[test]
fn a_slice_or_two_beside_the_others_are_no_scan_of_their_own() {
    for lost in [6, 7] {
        let slices =
            changed(|index| index >= lost, |slice, _| slice.text(ct::FRAME_OF_REFERENCE, "UI", "1.2.3.9"));
        assert_eq!(answers_of(&slices), DOUBTFUL, "{lost}");
    }
    let own =
        changed(|_| true, |slice, index| slice.text(ct::FRAME_OF_REFERENCE, "UI", &format!("1.2.3.{index}")));
    assert_eq!(answers_of(&own), DOUBTFUL);
}

#[test]
fn what_is_missing_contradicts_nothing() {
    for tag in [ct::FRAME_OF_REFERENCE, STUDY_UID, (0x0010, 0x0010), ct::SERIES_UID] {
        for slices in [
            every_second(|slice, _| drop(slice.elements.remove(&tag))),
            every_second(|slice, _| slice.text(tag, "UI", "")),
            changed(|index| index == 0, |slice, _| drop(slice.elements.remove(&tag))),
            changed(|_| true, |slice, _| drop(slice.elements.remove(&tag))),
        ] {
            assert_eq!(answers_of(&slices), WHOLE, "{tag:?}");
            assert_eq!(hu(&slices), hu(&series(8, 2.0)));
        }
    }
}

#[test]
fn a_name_written_otherwise_is_the_same_patient_where_the_id_is() {
    let slices = every_second(|slice, _| slice.text((0x0010, 0x0010), "PN", "CANARY^N"));
    assert_eq!(answers_of(&slices), DOUBTFUL);
    let mut with_ids = slices;
    with_ids.iter_mut().for_each(|slice| slice.text(PATIENT_ID, "LO", "7 "));
    assert_eq!(answers_of(&with_ids), WHOLE);
}

#[test]
fn directions_of_few_digits_are_one_and_their_mean_is_used() {
    // 0.0086 degrees, as faults 02 has it, and 0.05
    for off in [1.5e-4, 8.7e-4] {
        let text = format!("1\\{off}\\0\\-{off}\\1\\0");
        let slices = every_second(|slice, _| slice.text(ct::ORIENTATION, "DS", &text));
        let folder = folder_of(&slices);
        assert_eq!(answers(folder.path()), WHOLE);
        let found = pulmo_scan::dicom::discover(&[folder.path().to_path_buf()]);
        let volume = pulmo_scan::dicom::assemble(&found.series[0], &super::keep()).unwrap().volume;
        let [_, _, x] = volume.grid().direction();
        assert!((x.y - off / 2.0).abs() < 1e-9, "{x}");
    }
}

#[test]
fn two_patients_under_one_uid_are_never_one_volume() {
    let of = |id: &str, from_mm: f64| {
        let mut slices: Vec<CtSlice> = (0..4).map(|z| CtSlice::at(from_mm + f64::from(z) * 2.0)).collect();
        slices.iter_mut().for_each(|slice| {
            slice.text(PATIENT_ID, "LO", id);
            slice.text(STUDY_UID, "UI", &format!("1.2.{id}"));
        });
        slices
    };
    assert_eq!(answers_of(&[of("1", 0.0), of("2", 8.0)].concat()), HALVES);
    assert_eq!(answers_of(&[of("1", 0.0), of("2", 0.0)].concat()), HALVES);
    assert_eq!(answers_of(&[of("1", 0.0), of("2", 1.0)].concat()), DOUBTFUL);
}

#[test]
fn without_uids_series_are_told_apart_by_number_and_kernel() {
    let of = |change: &dyn Fn(&mut CtSlice), from_mm: f64| {
        let mut slices: Vec<CtSlice> = (0..4).map(|z| CtSlice::at(from_mm + f64::from(z) * 2.0)).collect();
        slices.iter_mut().for_each(|slice| {
            slice.elements.remove(&ct::SERIES_UID);
            change(slice);
        });
        slices
    };
    let numbers = [
        of(&|slice| slice.text(SERIES_NUMBER, "IS", "2"), 0.0),
        of(&|slice| slice.text(SERIES_NUMBER, "IS", "3"), 1.0),
    ];
    assert_eq!(answers_of(&numbers.concat()), HALVES);
    let kernels = [
        of(&|slice| slice.text(ct::KERNEL, "SH", "B30f"), 0.0),
        of(&|slice| slice.text(ct::KERNEL, "SH", "B70f"), 1.0),
    ];
    assert_eq!(answers_of(&kernels.concat()), HALVES);
}

#[test]
fn a_file_without_uid_joins_the_only_series_that_it_fits() {
    let mut slices = series(8, 2.0);
    slices.iter_mut().for_each(|slice| slice.text(SERIES_NUMBER, "IS", "2"));
    slices.iter_mut().skip(1).step_by(2).for_each(|slice| drop(slice.elements.remove(&ct::SERIES_UID)));
    assert_eq!(answers_of(&slices), WHOLE);
    let mut other = series(8, 2.0);
    other.iter_mut().for_each(|slice| {
        slice.text(SERIES_NUMBER, "IS", "3");
        slice.text(ct::SERIES_UID, "UI", "1.2.3.77");
    });
    slices.extend(other);
    assert_eq!(answers_of(&slices), [WHOLE[0], WHOLE[0]]);
}
