//! No name, id, UID or date of birth reaches stdout or stderr, whatever a command makes of the files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use pulmo_forge::ct::{self, CtSlice, Value, chest, series};
use pulmo_forge::load::with;

/// What identifies the patient in every file here. Each is looked for in all that is printed.
const SECRETS: [&str; 9] = [
    "CANARY",
    "Kanarienvogel",
    "20011224",
    "7310044",
    "1.2.826.0.1.3680043.2.1143.1",
    "1.2.826.0.1.3680043.2.1143.2",
    "1.2.826.0.1.3680043.2.1143.3",
    "1.2.826.0.1.3680043.2.1143.4",
    "A4711",
];

/// Writes all of them into a slice.
fn personal(slice: &mut CtSlice) {
    for (tag, vr, text) in [
        ((0x0008, 0x0018), "UI", "1.2.826.0.1.3680043.2.1143.1"),
        ((0x0008, 0x0050), "SH", "A4711"),
        ((0x0008, 0x0080), "LO", "CANARY HOSPITAL"),
        ((0x0008, 0x0090), "PN", "CANARY^REFERRING"),
        ((0x0008, 0x1030), "LO", "CANARY study"),
        ((0x0008, 0x103E), "LO", "CANARY series"),
        ((0x0010, 0x0010), "PN", "Kanarienvogel^Karl"),
        ((0x0010, 0x0020), "LO", "7310044"),
        ((0x0010, 0x0030), "DA", "20011224"),
        ((0x0010, 0x1040), "LO", "CANARY street"),
        ((0x0020, 0x000D), "UI", "1.2.826.0.1.3680043.2.1143.2"),
        (ct::SERIES_UID, "UI", "1.2.826.0.1.3680043.2.1143.3"),
        (ct::FRAME_OF_REFERENCE, "UI", "1.2.826.0.1.3680043.2.1143.4"),
    ] {
        slice.text(tag, vr, text);
    }
}

/// Folders of sound and broken series; in the broken ones secrets stand where numbers should.
fn folders(root: &Path) -> Vec<PathBuf> {
    let broken = |tag, vr, text: &'static str| {
        with(series(4, 2.0), move |slice| {
            personal(slice);
            slice.text(tag, vr, text);
        })
    };
    let sound = with(series(4, 2.0), personal);
    let whole = with(chest(60, -30.0, 5.0), personal);
    let gap: Vec<CtSlice> = sound.iter().take(2).cloned().chain([CtSlice::at(40.0)]).collect();
    let mut damaged = sound.clone();
    damaged[1].pixels.truncate(9);
    let mut twice = sound.clone();
    twice[1].elements.insert((0x0010, 0x0010), Value::Sequence);
    let all = [
        ("sound", sound),
        ("whole", whole),
        ("gap", with(gap, personal)),
        ("damaged", damaged),
        ("name-is-a-sequence", twice),
        ("slope", broken(ct::SLOPE, "DS", "CANARY")),
        ("position", broken(ct::POSITION, "DS", "CANARY\\7310044\\1")),
        ("orientation", broken(ct::ORIENTATION, "DS", "7310044\\0\\0\\0\\1\\0")),
        ("spacing", broken(ct::PIXEL_SPACING, "DS", "CANARY")),
        ("frames", broken(ct::FRAMES, "IS", "CANARY")),
        ("birth", broken((0x0010, 0x0030), "DA", "20011224CANARY")),
        ("set", broken((0x0008, 0x0005), "CS", "CANARY")),
        ("unit", broken(ct::RESCALE_TYPE, "LO", "CANARY")),
        ("modality", broken(ct::MODALITY, "CS", "CANARY")),
    ];
    let write = |(name, slices): (&str, Vec<CtSlice>)| {
        let folder = root.join(name);
        std::fs::create_dir(&folder).unwrap();
        ct::write_all(&slices, &folder);
        folder
    };
    let mut folders: Vec<PathBuf> = all.into_iter().map(write).collect();
    // cut in the middle of the header, and of the pixels
    let cut = root.join("cut");
    std::fs::create_dir(&cut).unwrap();
    let bytes = with(series(1, 1.0), personal)[0].bytes();
    for (index, length) in [300, 500, 700, bytes.len() - 30].into_iter().enumerate() {
        std::fs::write(cut.join(format!("{index}.dcm")), &bytes[..length]).unwrap();
    }
    folders.push(cut);
    folders
}

/// All that a command prints on both streams.
fn printed(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_pulmo")).args(arguments).output().unwrap();
    assert!(output.status.code().is_some_and(|code| code != 2), "{arguments:?}");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

fn assert_silent(arguments: &[&str]) {
    let printed = printed(arguments);
    assert!(!printed.is_empty(), "{arguments:?}");
    for secret in SECRETS {
        assert!(!printed.contains(secret), "{arguments:?} prints {secret}:\n{printed}");
    }
}

#[test]
fn no_command_tells_who_was_scanned() {
    let root = tempfile::tempdir().unwrap();
    let folders = folders(root.path());
    let all = root.path().to_str().unwrap();
    for options in [&[][..], &["--json", "--hash"], &["--headers"], &["--headers", "--json"]] {
        assert_silent(&[&["inspect", all], options].concat());
    }
    assert_silent(&["predict", "--device", "cpu", all]);
    let out = root.path().join("out.nii.gz");
    for folder in &folders {
        assert_silent(&["convert", folder.to_str().unwrap(), "--out", out.to_str().unwrap()]);
    }
    let written = std::fs::read(&out).unwrap();
    let mut plain = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(written.as_slice()), &mut plain).unwrap();
    let is_told = |secret: &str| plain.windows(secret.len()).any(|bytes| bytes == secret.as_bytes());
    assert!(!SECRETS.into_iter().any(is_told));
}

/// The check above can fail: those who ask are told.
#[test]
fn identity_is_told_to_those_who_ask() {
    let root = tempfile::tempdir().unwrap();
    folders(root.path());
    let sound = root.path().join("sound");
    let told = printed(&["inspect", "--phi", "--json", sound.to_str().unwrap()]);
    for secret in ["Kanarienvogel^Karl", "7310044", "1.2.826.0.1.3680043.2.1143.3"] {
        assert!(told.contains(secret), "{told}");
    }
    // of a date of birth or an accession number pulmo knows nothing
    assert!(!told.contains("20011224") && !told.contains("A4711"), "{told}");
}

/// Every field that a line of JSON promises.
#[test]
fn a_line_has_every_promised_field() {
    let root = tempfile::tempdir().unwrap();
    let slices = with(series(4, 2.0), |slice| {
        slice.text(ct::KERNEL, "SH", "B30f");
        slice.text(ct::SLICE_THICKNESS, "DS", "2.5");
    });
    // apart from each other: beside a series, a file of such a name may be a slice of it
    let [series, other] = ["series", "other"].map(|name| root.path().join(name));
    [&series, &other].iter().for_each(|folder| std::fs::create_dir(folder).unwrap());
    ct::write_all(&slices, &series);
    std::fs::write(other.join("bad.dcm"), b"no DICOM").unwrap();
    let told = printed(&["inspect", "--json", "--hash", root.path().to_str().unwrap()]);
    let lines: Vec<serde_json::Value> =
        told.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let [refused, line] = lines.as_slice() else { panic!("{told}") };
    let fields: Vec<&str> = line.as_object().unwrap().keys().map(String::as_str).collect();
    let mut promised = vec![
        "path",
        "series",
        "slices",
        "shape_zyx",
        "spacing_mm",
        "origin_mm",
        "direction",
        "syntax",
        "kernel",
        "thickness_mm",
        "verdict",
        "codes",
        "reasons",
        "hu",
    ];
    promised.sort_unstable();
    let mut sorted = fields.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, promised);
    assert!(promised.iter().all(|field| !line[field].is_null()), "{line}");
    assert_eq!((&line["kernel"], &line["thickness_mm"]), (&"B30f".into(), &2.5.into()));
    assert_eq!((&line["shape_zyx"], &line["verdict"]), (&serde_json::json!([4, 8, 8]), &"OK".into()));
    assert_eq!(line["hu"]["sha256"].as_str().map(str::len), Some(64));
    assert_eq!(refused.as_object().unwrap().len(), 4, "{refused}");
    assert_eq!((&refused["verdict"], &refused["codes"][0]), (&"REJECT_FILE".into(), &"NOT_DICOM".into()));
}
