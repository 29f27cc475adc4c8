//! Where a scan comes from: what writers may copy of it, how it is named, which scanner made it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use std::io::Write;
use std::path::{Path, PathBuf};

use dicom_dictionary_std::tags;
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};
use pulmo_forge::ct::{self, CtSlice, Encoding, Item, Value, series};
use pulmo_forge::enhanced::{ENHANCED, Enhanced};
use pulmo_forge::load::{assembled, folder_of, found, keep, load, with};
use pulmo_key::SecretKey;
use pulmo_scan::dicom::{
    CopiedModule, copy_modules, derived_uid, pseudonyms, source_planes, source_references, source_series,
};
use pulmo_scan::findings::{Identity, Pseudonyms, ScanOrigin, ScanProtocol};
use pulmo_scan::intake::{ReadSettings, find};

const INSTANCE: (u16, u16) = (0x0008, 0x0018);
const CHARACTER_SET: (u16, u16) = (0x0008, 0x0005);
const NAME: (u16, u16) = (0x0010, 0x0010);
const ID: (u16, u16) = (0x0010, 0x0020);
const ISSUER: (u16, u16) = (0x0010, 0x0021);
const BIRTH: (u16, u16) = (0x0010, 0x0030);
const STUDY: (u16, u16) = (0x0020, 0x000D);
const STUDY_DATE: (u16, u16) = (0x0008, 0x0020);
const MANUFACTURER: (u16, u16) = (0x0008, 0x0070);
const KVP: (u16, u16) = (0x0018, 0x0060);
const X_RAY: (u16, u16) = (0x0018, 0x9325);

/// A slice that says who was scanned, when and where; its instance is numbered.
fn personal(slice: &mut CtSlice, number: usize) {
    for (tag, vr, text) in [
        (INSTANCE, "UI", format!("1.2.9.{number}").as_str()),
        (STUDY_DATE, "DA", "20240229"),
        ((0x0008, 0x0030), "TM", "101112.5"),
        ((0x0008, 0x0050), "SH", "A4711"),
        ((0x0008, 0x0090), "PN", "Referring^Physician"),
        ((0x0008, 0x1030), "LO", "CT chest"),
        (NAME, "PN", "Doe^Jane"),
        (ID, "LO", "4711"),
        (ISSUER, "LO", "Hospital"),
        (BIRTH, "DA", "19500102"),
        ((0x0010, 0x0040), "CS", "F"),
        ((0x0018, 0x0015), "CS", "CHEST"),
        (STUDY, "UI", "1.2.7"),
    ] {
        slice.text(tag, vr, text);
    }
}

fn personal_series() -> Vec<CtSlice> {
    let mut slices = series(6, 2.0);
    slices.iter_mut().enumerate().for_each(|(number, slice)| personal(slice, number));
    slices
}

fn origin(slices: &[CtSlice]) -> ScanOrigin {
    load(slices).unwrap().origin
}

fn identity(slices: &[CtSlice]) -> Identity {
    origin(slices).identity.unwrap()
}

fn key() -> SecretKey {
    SecretKey::new(&[9; 32]).unwrap()
}

fn names(slices: &[CtSlice]) -> Pseudonyms {
    pseudonyms(&key(), &identity(slices))
}

fn copied(identity: &Identity, modules: &[CopiedModule]) -> InMemDicomObject {
    let mut object = InMemDicomObject::new_empty();
    copy_modules(identity, modules, &mut object);
    object
}

fn text(object: &InMemDicomObject, tag: dicom_core::Tag) -> String {
    object.element(tag).unwrap().to_str().unwrap().into_owned()
}

#[test]
fn writers_copy_patient_study_and_space() {
    let identity = identity(&personal_series());
    let patient = copied(&identity, &[CopiedModule::Patient]);
    assert_eq!(text(&patient, tags::PATIENT_NAME), "Doe^Jane");
    assert_eq!(text(&patient, tags::ISSUER_OF_PATIENT_ID), "Hospital");
    assert_eq!(text(&patient, tags::PATIENT_BIRTH_DATE), "19500102");
    assert!(patient.element(tags::STUDY_INSTANCE_UID).is_err());
    let all = [CopiedModule::Study, CopiedModule::Series, CopiedModule::FrameOfReference];
    let study = copied(&identity, &all);
    assert_eq!(text(&study, tags::STUDY_INSTANCE_UID), "1.2.7");
    assert_eq!(text(&study, tags::STUDY_TIME), "101112.5");
    assert_eq!(text(&study, tags::ACCESSION_NUMBER), "A4711");
    assert_eq!(text(&study, tags::REFERRING_PHYSICIAN_NAME), "Referring^Physician");
    assert_eq!(text(&study, tags::BODY_PART_EXAMINED), "CHEST");
    assert_eq!(text(&study, tags::FRAME_OF_REFERENCE_UID), "1.2.3.5");
    // of type 2, and not in the scan; a series of its own has a UID of its own
    assert_eq!(text(&study, tags::POSITION_REFERENCE_INDICATOR), "");
    assert_eq!(text(&study, tags::STUDY_ID), "");
    assert!(study.element(tags::SERIES_INSTANCE_UID).is_err() && study.element(tags::LATERALITY).is_err());
}

/// ORIGIN: names of DICOM PS3.5 annexes H.3.1 and J.3, and of Latin 1.
#[test]
fn names_keep_their_letters_whatever_their_character_set() {
    let kanji = b"Yamada^Tarou=\x1B$B;3ED\x1B(B^\x1B$BB@O:\x1B(B";
    for (terms, bytes, expected) in [
        ("ISO_IR 100", &b"M\xFCller^J\xF6rg"[..], "Müller^Jörg"),
        ("\\ISO 2022 IR 87", kanji, "Yamada^Tarou=山田^太郎"),
        ("ISO_IR 192", "Wang^XiaoDong=王^小東".as_bytes(), "Wang^XiaoDong=王^小東"),
    ] {
        let slices = with(personal_series(), |slice| {
            slice.text(CHARACTER_SET, "CS", terms);
            slice.bytes_of(NAME, "PN", bytes);
        });
        let object = copied(&identity(&slices), &[CopiedModule::Patient]);
        assert_eq!(text(&object, tags::PATIENT_NAME), expected);
        // written and read by another tool, they are still the same
        assert_eq!(text(&object, tags::SPECIFIC_CHARACTER_SET), "ISO_IR 192");
        let meta = FileMetaTableBuilder::new()
            .transfer_syntax("1.2.840.10008.1.2.1")
            .media_storage_sop_class_uid("1.2.840.10008.5.1.4.1.1.7")
            .media_storage_sop_instance_uid("1.2.3");
        let mut bytes = Vec::new();
        object.with_meta(meta).unwrap().write_all(&mut bytes).unwrap();
        let back = dicom_object::from_reader(bytes.as_slice()).unwrap();
        assert_eq!(text(&back, tags::PATIENT_NAME), expected);
    }
}

/// Instance and frame of each reference.
fn referenced(identity: &Identity) -> Vec<(String, Option<String>)> {
    let one = |item: &InMemDicomObject| {
        let frame = item.element_opt(tags::REFERENCED_FRAME_NUMBER).unwrap();
        let frame = frame.map(|frame| frame.to_str().unwrap().into_owned());
        (text(item, tags::REFERENCED_SOP_INSTANCE_UID), frame)
    };
    source_references(identity).iter().map(one).collect()
}

#[test]
fn references_follow_the_slices_of_the_volume() {
    let slices = personal_series();
    let shuffled: Vec<CtSlice> = [3, 0, 5, 1, 4, 2].iter().map(|&at: &usize| slices[at].clone()).collect();
    let expected: Vec<(String, Option<String>)> = (0..6).map(|n| (format!("1.2.9.{n}"), None)).collect();
    assert_eq!(referenced(&identity(&shuffled)), expected);
    let images = source_series(&identity(&shuffled)).unwrap();
    let series = &images.items().unwrap()[0];
    assert_eq!(text(series, tags::SERIES_INSTANCE_UID), "1.2.3.4");
    let class = text(&source_references(&identity(&slices))[0], tags::REFERENCED_SOP_CLASS_UID);
    assert_eq!(class, "1.2.840.10008.5.1.4.1.1.2");

    let enhanced = identity(&[Enhanced::of(&shuffled).slice()]);
    let frames = [2, 4, 6, 1, 5, 3];
    let expected: Vec<_> =
        frames.iter().map(|frame| ("1.2.9.3".to_owned(), Some(frame.to_string()))).collect();
    assert_eq!(referenced(&enhanced), expected);
    let whole = source_series(&enhanced).unwrap();
    let images = whole.items().unwrap()[0].element(tags::REFERENCED_INSTANCE_SEQUENCE).unwrap().clone();
    let [image] = images.items().unwrap() else { panic!("one file, one image") };
    assert_eq!(text(image, tags::REFERENCED_SOP_CLASS_UID), ENHANCED);
    assert!(image.element(tags::REFERENCED_FRAME_NUMBER).is_err());
}

#[test]
fn each_reference_has_the_plane_of_its_image() {
    let slices = personal_series();
    let shuffled: Vec<CtSlice> = [3, 0, 5, 1, 4, 2].iter().map(|&at: &usize| slices[at].clone()).collect();
    for identity in [identity(&shuffled), identity(&[Enhanced::of(&shuffled).slice()])] {
        let planes = source_planes(&identity);
        let heights: Vec<f64> = planes.iter().map(|plane| plane.origin_mm().z).collect();
        assert_eq!(heights, [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert!(planes.iter().all(|plane| plane.shape_zyx() == [1, 8, 8]));
        assert!(planes.iter().all(|plane| plane.spacing_mm()[1..] == [0.5, 0.5]));
    }
}

#[test]
fn uids_are_derived_of_the_series_and_of_what_they_name() {
    let identity = identity(&personal_series());
    let uid = derived_uid(&identity, &[b"report"]).unwrap();
    assert_eq!(derived_uid(&identity, &[b"report"]), Some(uid.clone()));
    assert_ne!(derived_uid(&identity, &[b"rep", b"ort"]), Some(uid.clone()));
    let other = origin(&with(personal_series(), |slice| slice.text(ct::SERIES_UID, "UI", "1.2.3.5")));
    assert_ne!(derived_uid(&other.identity.unwrap(), &[b"report"]), Some(uid));
}

#[test]
fn what_once_lost_by_compression_is_told_of_all_that_is_made_of_it() {
    let told = |slices: &[CtSlice], tag| {
        let object = copied(&identity(slices), &[CopiedModule::Compression]);
        object.element_opt(tag).unwrap().map(|flag| flag.to_str().unwrap().into_owned())
    };
    let mut slices = personal_series();
    assert_eq!(told(&slices, tags::LOSSY_IMAGE_COMPRESSION), None);
    slices[4].text((0x0028, 0x2110), "CS", "01");
    assert_eq!(told(&slices, tags::LOSSY_IMAGE_COMPRESSION).as_deref(), Some("01"));
    let all = with(slices, |slice| {
        slice.text((0x0028, 0x2112), "DS", "8");
        slice.text((0x0028, 0x2114), "CS", "ISO_10918_1");
    });
    assert_eq!(told(&all, tags::LOSSY_IMAGE_COMPRESSION_RATIO).as_deref(), Some("8"));
    assert_eq!(told(&all, tags::LOSSY_IMAGE_COMPRESSION_METHOD).as_deref(), Some("ISO_10918_1"));
}

#[test]
fn what_is_made_of_no_patient_says_so() {
    let slices = with(personal_series(), |slice| slice.text((0x0008, 0x001C), "CS", "YES"));
    let object = copied(&identity(&slices), &[CopiedModule::Patient]);
    assert_eq!(text(&object, tags::SYNTHETIC_DATA), "YES");
}

#[test]
fn of_images_without_a_uid_of_their_own_nothing_is_referenced() {
    let changes: [fn(&mut CtSlice); 3] = [
        |slice| _ = slice.elements.remove(&INSTANCE),
        |slice| slice.text(INSTANCE, "UI", ""),
        |slice| slice.text(INSTANCE, "UI", "1.2.9.3"),
    ];
    for change in changes {
        let mut slices = personal_series();
        change(&mut slices[2]);
        let identity = identity(&slices);
        assert!(referenced(&identity).is_empty() && source_series(&identity).is_none());
    }
}

#[test]
fn copies_of_a_slice_are_referenced_once() {
    let mut slices = personal_series();
    let mut copy = slices[0].clone();
    copy.text(INSTANCE, "UI", "1.2.9.99");
    slices.push(copy);
    assert_eq!(referenced(&identity(&slices)).len(), 6);
}

/// All files of a folder in an archive.
fn zipped(folder: &Path, archive: &Path) {
    let mut zip = zip::ZipWriter::new(std::fs::File::create(archive).unwrap());
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = format!("deep/{}", entry.file_name().to_string_lossy());
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(&std::fs::read(entry.path()).unwrap()).unwrap();
    }
    zip.finish().unwrap();
}

/// A DICOMDIR that lists nothing.
fn directory() -> CtSlice {
    let mut file = CtSlice::at(0.0);
    file.elements.clear();
    file.elements.insert((0x0004, 0x1220), Value::Items(vec![]));
    file.text(ct::SOP_CLASS, "UI", "1.2.840.10008.1.3.10");
    file
}

fn names_of(paths: &[PathBuf]) -> Pseudonyms {
    let items = find(paths);
    assert_eq!(items.len(), 1, "{paths:?}");
    pseudonyms(&key(), &items[0].load(&ReadSettings::default()).unwrap().origin.identity.unwrap())
}

#[test]
fn names_are_the_same_whichever_way_a_scan_comes_in() {
    let slices = with(ct::chest(30, 0.0, 8.0), |slice| {
        personal(slice, 0);
        slice.elements.remove(&INSTANCE);
    });
    let folder = folder_of(&slices);
    let archive = tempfile::tempdir().unwrap();
    let zip = archive.path().join("all.zip");
    zipped(folder.path(), &zip);
    let enhanced = Enhanced::of(&slices).folder();
    let medium = tempfile::tempdir().unwrap();
    std::fs::create_dir(medium.path().join("IMAGES")).unwrap();
    ct::write_all(&slices, &medium.path().join("IMAGES"));
    let index = directory().write(medium.path(), "DICOMDIR");
    let implicit = folder_of(&with(slices, |slice| slice.encoding = Encoding::Implicit));
    let files = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let expected = names_of(&[folder.path().to_owned()]);
    assert!([&expected.subject, &expected.study, &expected.series].iter().all(|name| name.is_some()));
    let ways = [
        files.collect::<Vec<_>>(),
        vec![zip],
        vec![index],
        vec![enhanced.path().join("enhanced.dcm")],
        vec![implicit.path().to_owned()],
    ];
    for way in ways {
        assert_eq!(names_of(&way), expected, "{way:?}");
    }
}

#[test]
fn padding_and_character_sets_are_no_part_of_an_id() {
    let expected = names(&personal_series());
    let padded = with(personal_series(), |slice| {
        slice.text(ID, "LO", "  4711  ");
        slice.bytes_of(ISSUER, "LO", b"Hospital\0\0");
        slice.bytes_of(STUDY, "UI", b"1.2.7\0");
    });
    assert_eq!(names(&padded), expected);
    let written = |terms: &'static str, bytes: &'static [u8]| {
        names(&with(personal_series(), move |slice| {
            slice.text(CHARACTER_SET, "CS", terms);
            slice.bytes_of(ID, "LO", bytes);
        }))
    };
    assert_eq!(written("ISO_IR 100", b"\xC4 1").subject, written("ISO_IR 192", "Ä 1".as_bytes()).subject);
    assert_ne!(written("ISO_IR 192", b"a1").subject, written("ISO_IR 192", b"A1").subject);
}

#[test]
fn scans_without_an_id_are_nobodys() {
    for nobody in ["", " ", "\0"] {
        let slices = with(personal_series(), |slice| slice.text(ID, "LO", nobody));
        let names = names(&slices);
        assert_eq!((names.subject, names.day), (None, None));
        assert!(names.study.is_some());
    }
}

#[test]
fn an_id_of_another_issuer_is_another_patient() {
    let mut slices = personal_series();
    slices.iter_mut().skip(3).for_each(|slice| slice.text(ISSUER, "LO", "Other"));
    let folder = folder_of(&slices);
    let found = found(&folder);
    // lying behind each other, both parts stand for themselves
    assert_eq!(found.iter().map(|series| series.slices.len()).collect::<Vec<_>>(), [3, 3]);
    let [one, other] = [0, 1].map(|part| {
        let identity = assembled(&found[part], &keep()).unwrap().origin.identity.unwrap();
        pseudonyms(&key(), &identity)
    });
    assert_ne!(one.subject, other.subject);
    assert_eq!(one.study, other.study);
}

fn protocol(slices: &[CtSlice]) -> ScanProtocol {
    origin(slices).protocol
}

fn technical(slice: &mut CtSlice) {
    for (tag, vr, text) in [
        (MANUFACTURER, "LO", "Maker "),
        ((0x0008, 0x1090), "LO", "Model 7"),
        (ct::SLICE_THICKNESS, "DS", "2.50"),
        (KVP, "DS", "120"),
        (ct::KERNEL, "SH", "Br40f\\3"),
    ] {
        slice.text(tag, vr, text);
    }
}

#[test]
fn scanner_and_protocol_are_told() {
    let mut slices = with(series(6, 2.0), technical);
    let expected = ScanProtocol {
        manufacturer: Some("Maker".into()),
        model: Some("Model 7".into()),
        convolution_kernel: Some("Br40f\\3".into()),
        slice_thickness_mm: Some(2.5),
        kvp: Some(120.0),
    };
    assert_eq!(protocol(&slices), expected);
    // written otherwise it is the same thickness
    slices[3].text(ct::SLICE_THICKNESS, "DS", "2.5");
    assert_eq!(protocol(&slices), expected);
    slices[3].text(ct::SLICE_THICKNESS, "DS", "5");
    slices[4].text(ct::KERNEL, "SH", "B70f");
    let differing = ScanProtocol { convolution_kernel: None, slice_thickness_mm: None, ..expected };
    assert_eq!(protocol(&slices), differing);
    assert_eq!(protocol(&series(6, 2.0)), ScanProtocol::default());
}

#[test]
fn the_tube_voltage_of_frames_stands_in_a_group_of_theirs() {
    let mut enhanced = Enhanced::of(&series(6, 2.0));
    let voltage = |text: &str| Item::from([(KVP, Value::Text("DS", text.into()))]);
    enhanced.shared.insert(X_RAY, Value::Items(vec![voltage("100")]));
    assert_eq!(protocol(&[enhanced.slice()]).kvp, Some(100.0));
    (0..6).for_each(|frame| enhanced.set(frame, X_RAY, (KVP, Value::Text("DS", "80".into()))));
    assert_eq!(protocol(&[enhanced.slice()]).kvp, Some(80.0));
}

/// What pulmo only hands on never makes a scan unusable, nor is nonsense handed on as a fact.
#[test]
fn nothing_wrong_with_what_is_only_handed_on_makes_a_scan_refused() {
    let long = "x".repeat(5000);
    let expected = load(&series(6, 2.0)).unwrap();
    for wrong in [
        &[(BIRTH, Value::Sequence), (MANUFACTURER, Value::Items(vec![Item::new()]))][..],
        &[(BIRTH, Value::Longs("UL", vec![1])), (KVP, Value::Longs("UL", vec![120]))],
        &[(MANUFACTURER, Value::Text("LO", long)), (KVP, Value::Text("DS", "many".into()))],
        &[(MANUFACTURER, Value::Text("LO", "a\u{7}b".into())), (KVP, Value::Text("DS", "-120".into()))],
        &[(KVP, Value::Sequence), (INSTANCE, Value::Bytes("UI", vec![0xFF, 0xFE]))],
    ] {
        let slices = with(series(6, 2.0), |slice| slice.elements.extend(wrong.iter().cloned()));
        let found = load(&slices).unwrap();
        assert_eq!((&found.volume, &found.warnings), (&expected.volume, &expected.warnings));
        assert_eq!((found.origin.protocol.manufacturer, found.origin.protocol.kvp), (None, None));
    }
}

#[test]
fn an_origin_shows_its_protocol_and_nobody() {
    let slices = with(personal_series(), technical);
    let shown = format!("{:?}", load(&slices).unwrap());
    assert!(shown.contains("Model 7"));
    for secret in ["Doe", "4711", "1.2.7", "1.2.9", "Hospital", "19500102", "20240229", "Referring"] {
        assert!(!shown.contains(secret), "{secret}");
    }
}
