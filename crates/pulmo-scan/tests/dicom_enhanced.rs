//! Multi-frame CT: case 102 of the reliability plan, on objects written byte by byte.
//!
//! An enhanced object must give what the same slices give as single files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use pulmo_forge::ct::{self, CtSlice, Encoding, Item, Value, series};
use pulmo_forge::enhanced::{ENHANCED, Enhanced, GROUPS, MEASURES_GROUP, ORIENTATION_GROUP, VALUES_GROUP};
use pulmo_forge::load::{assembled, found, keep, load};
use pulmo_scan::dicom::{Assembled, discover};
use pulmo_scan::findings::{Code, Verdict};

type Tag = (u16, u16);

const LEGACY_CONVERTED: &str = "1.2.840.10008.5.1.4.1.1.2.2";

const CONTENT_GROUP: Tag = (0x0020, 0x9111);
const TYPE_GROUP: Tag = (0x0018, 0x9329);
const RECONSTRUCTION_GROUP: Tag = (0x0018, 0x9314);
const FRAME_TYPE: Tag = (0x0008, 0x9007);
const TEMPORAL_INDEX: Tag = (0x0020, 0x9128);

/// The volume of an enhanced object alone, or its code.
fn load_enhanced(enhanced: &Enhanced) -> Result<Assembled, Code> {
    let folder = enhanced.folder();
    let series = found(&folder);
    assert_eq!(series.len(), 1);
    assembled(&series[0], &keep())
}

/// Slices that differ in rescale too.
fn slices() -> Vec<CtSlice> {
    let mut slices = series(9, 2.0);
    for (index, slice) in slices.iter_mut().enumerate() {
        slice.text(ct::INTERCEPT, "DS", &(-1024 - index as i32).to_string());
    }
    slices
}

/// In an order that is none.
fn shuffled() -> Vec<CtSlice> {
    let slices = slices();
    [4, 0, 8, 2, 6, 1, 7, 3, 5].iter().map(|index: &usize| slices[*index].clone()).collect()
}

#[test]
fn case_102_frames_are_ordered_by_position() {
    let expected = load(&slices()).unwrap();
    assert_eq!(expected.warnings, [Code::VaryingRescale]);
    for class in [ENHANCED, LEGACY_CONVERTED] {
        for encoding in [Encoding::Explicit, Encoding::Implicit, Encoding::BigEndian, Encoding::Deflated] {
            for shared in [&[][..], &[ORIENTATION_GROUP], &[ORIENTATION_GROUP, MEASURES_GROUP]] {
                let mut enhanced = Enhanced::of(&shuffled());
                enhanced.object.text(ct::SOP_CLASS, "UI", class);
                enhanced.object.encoding = encoding;
                let enhanced = shared.iter().fold(enhanced, |enhanced, group| enhanced.share(*group));
                assert_eq!(load_enhanced(&enhanced).unwrap(), expected, "{encoding:?} {shared:?}");
            }
        }
    }
}

#[test]
fn case_102_a_shared_rescale_goes_for_all_frames_and_an_own_one_first() {
    let plain = series(9, 2.0);
    let expected = load(&plain).unwrap();
    let shared = Enhanced::of(&plain).share(VALUES_GROUP);
    assert_eq!(load_enhanced(&shared).unwrap(), expected);
    let mut own = Enhanced::of(&shuffled());
    own.shared = shared.shared;
    assert_eq!(load_enhanced(&own).unwrap(), load(&slices()).unwrap());
}

#[test]
fn case_102_missing_groups() {
    for (group, _) in GROUPS {
        let mut enhanced = Enhanced::of(&slices());
        enhanced.frames[3].remove(&group);
        assert_eq!(load_enhanced(&enhanced).err(), Some(Code::FunctionalGroups), "{group:x?}");
        enhanced.frames[3].insert(group, Value::Items(vec![]));
        assert_eq!(
            load_enhanced(&enhanced).err(),
            Some(Code::FunctionalGroups),
            "{group:x?} without an item"
        );
        // an item without the element that counts
        enhanced.frames[3].insert(group, Value::Items(vec![Item::new()]));
        let code = load_enhanced(&enhanced).err();
        let expected = [Code::NoPosition, Code::Orientation, Code::PixelSpacing, Code::NoRescale];
        assert!(code.is_some_and(|code| expected.contains(&code)), "{group:x?}: {code:?}");
    }
    // fewer and more items than frames, and none at all
    let whole = Enhanced::of(&slices());
    let mut fewer = whole.clone();
    fewer.frames.pop();
    let mut more = whole.clone();
    more.frames.push(whole.frames[0].clone());
    let mut none = whole.clone();
    none.frames.clear();
    for enhanced in [fewer, more, none] {
        assert_eq!(load_enhanced(&enhanced).err(), Some(Code::FunctionalGroups));
    }
    let mut without = whole.slice();
    without.elements.remove(&ct::FRAME_GROUPS);
    let folder = tempfile::tempdir().unwrap();
    without.write(folder.path(), "enhanced.dcm");
    assert_eq!(assembled(&found(&folder)[0], &keep()).err(), Some(Code::FunctionalGroups));
}

#[test]
fn case_102_frames_that_are_wrong() {
    let mut gap = slices();
    gap.remove(4);
    assert_eq!(load_enhanced(&Enhanced::of(&gap)).err(), Some(Code::Gap));
    let mut comma = slices();
    comma[2].text(ct::INTERCEPT, "DS", "-1024,0");
    assert_eq!(load_enhanced(&Enhanced::of(&comma)).err(), Some(Code::DecimalString));
    let mut unspecified = slices();
    unspecified[2].text(ct::RESCALE_TYPE, "LO", "OD");
    assert_eq!(load_enhanced(&Enhanced::of(&unspecified)).err(), Some(Code::NotHounsfield));
    // an ordinary CT object has one frame
    let mut plain = Enhanced::of(&slices());
    plain.object.text(ct::SOP_CLASS, "UI", "1.2.840.10008.5.1.4.1.1.2");
    assert_eq!(load_enhanced(&plain).err(), Some(Code::FunctionalGroups));
}

#[test]
fn case_102_localizers_and_phases_among_frames() {
    let mut enhanced = Enhanced::of(&slices());
    let localizer = Value::Text("CS", "ORIGINAL\\PRIMARY\\LOCALIZER".into());
    enhanced.set(8, TYPE_GROUP, (FRAME_TYPE, localizer));
    let folder = enhanced.folder();
    let [series] = &found(&folder)[..] else { panic!("one series") };
    assert_eq!(series.set_aside.len(), 1);
    assert_eq!(series.set_aside[0].verdict, Verdict::RejectFile(Code::Localizer.into()));
    let loaded = assembled(series, &keep()).unwrap();
    assert_eq!(loaded.warnings, [Code::Localizer, Code::VaryingRescale]);
    assert_eq!(loaded.volume, load(&slices()[..8]).unwrap().volume);

    let marks: [(Tag, Tag, [Value; 2]); 2] = [
        (CONTENT_GROUP, TEMPORAL_INDEX, [1, 2].map(|index| Value::Longs("UL", vec![index]))),
        (RECONSTRUCTION_GROUP, ct::KERNEL, ["B30f", "B70f"].map(|k| Value::Text("SH", k.into()))),
    ];
    for (group, tag, values) in marks {
        let mut twice = Enhanced::of(&[slices(), slices()].concat());
        twice.object.pixels[9 * 64..].iter_mut().for_each(|word| *word += 5);
        assert_eq!(load_enhanced(&twice).err(), Some(Code::Phases));
        for frame in 0..18 {
            twice.set(frame, group, (tag, values[frame / 9].clone()));
        }
        let folder = twice.folder();
        let [first, second] = &found(&folder)[..] else { panic!("two phases") };
        let first = assembled(first, &keep()).unwrap();
        let second = assembled(second, &keep()).unwrap();
        assert_eq!(first.warnings, [Code::Mixed, Code::VaryingRescale]);
        assert_eq!(first.volume, load(&slices()).unwrap().volume);
        assert_eq!(second.volume, first.volume.clone().map(|hu| hu + 5.0));
    }
}

#[test]
fn case_102_a_file_that_changed_is_not_used() {
    let folder = Enhanced::of(&slices()).folder();
    let series = discover(&[folder.path().to_path_buf()]).series;
    let mut moved = slices();
    moved[4].text(ct::INTERCEPT, "DS", "-1000");
    Enhanced::of(&moved).slice().write(folder.path(), "enhanced.dcm");
    assert_eq!(series[0].slices[4].pixels().err().map(|error| error.code()), Some(Code::Changed));
    assert!(series[0].slices[3].pixels().is_ok());
}

/// 20 MB of pixels; inflated from the first on for every frame, they would be 6 GB.
#[test]
fn a_deflated_file_is_inflated_once_for_all_its_frames() {
    const SIDE: u16 = 128;
    let slices: Vec<CtSlice> = (0_u16..600)
        .map(|index| {
            let mut slice = CtSlice::at(f64::from(index));
            slice.word(ct::ROWS, SIDE);
            slice.word(ct::COLUMNS, SIDE);
            slice.pixels =
                (0..SIDE * SIDE).map(|at| (at % 1999).wrapping_mul(index % 7 + 1) % 2000).collect();
            slice
        })
        .collect();
    let timed = |encoding| {
        let mut enhanced = Enhanced::of(&slices);
        enhanced.object.encoding = encoding;
        let folder = enhanced.folder();
        let series = found(&folder);
        let start = std::time::Instant::now();
        (assembled(&series[0], &keep()).unwrap().volume, start.elapsed().as_secs_f64())
    };
    let (plain, plain_s) = timed(Encoding::Explicit);
    let (deflated, deflated_s) = timed(Encoding::Deflated);
    eprintln!("plain {plain_s:.2} s, deflated {deflated_s:.2} s");
    assert!(plain == deflated && deflated_s < 5.0 * plain_s + 1.0, "{plain_s} s, {deflated_s} s");
}
