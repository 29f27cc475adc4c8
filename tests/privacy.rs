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
const SECRETS: [&str; 10] = [
    "CANARY",
    "Kanarienvogel",
    "20011224",
    "20191103",
    "7310044",
    "1.2.826.0.1.3680043.2.1143.1",
    "1.2.826.0.1.3680043.2.1143.2",
    "1.2.826.0.1.3680043.2.1143.3",
    "1.2.826.0.1.3680043.2.1143.4",
    "A4711",
];

/// Names beyond ASCII: their Specific Character Set, their bytes, and what these stand for.
const FOREIGN: [(&str, &[u8], &str); 2] = [
    ("ISO_IR 100", b"J\xE4ger^J\xFCrgen", "Jäger^Jürgen"),
    ("\\ISO 2022 IR 87", b"\x1B$B;3ED\x1B(B^\x1B$BB@O:\x1B(B", "山田^太郎"),
];

/// Writes all of them into a slice.
fn personal(slice: &mut CtSlice) {
    for (tag, vr, text) in [
        ((0x0008, 0x0018), "UI", "1.2.826.0.1.3680043.2.1143.1"),
        ((0x0008, 0x0020), "DA", "20191103"),
        ((0x0008, 0x0022), "DA", "20191103"),
        ((0x0008, 0x0050), "SH", "A4711"),
        ((0x0008, 0x0080), "LO", "CANARY HOSPITAL"),
        ((0x0008, 0x0090), "PN", "CANARY^REFERRING"),
        ((0x0008, 0x1030), "LO", "CANARY study"),
        ((0x0008, 0x103E), "LO", "CANARY series"),
        ((0x0010, 0x0010), "PN", "Kanarienvogel^Karl"),
        ((0x0010, 0x0020), "LO", "7310044"),
        ((0x0010, 0x0021), "LO", "CANARY issuer"),
        ((0x0010, 0x0030), "DA", "20011224"),
        ((0x0010, 0x1040), "LO", "CANARY street"),
        ((0x0018, 0x1000), "LO", "CANARY serial"),
        ((0x0018, 0x1030), "LO", "CANARY protocol"),
        ((0x0020, 0x0010), "SH", "A4711"),
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
    let foreign = FOREIGN.map(|(terms, name, _)| {
        with(chest(60, -30.0, 5.0), |slice| {
            personal(slice);
            slice.text((0x0008, 0x0005), "CS", terms);
            slice.bytes_of((0x0010, 0x0010), "PN", name);
            slice.bytes_of((0x0008, 0x0090), "PN", name);
        })
    });
    let [latin, kanji] = foreign;
    let all = [
        ("sound", sound),
        ("latin", latin),
        ("kanji", kanji),
        ("whole", whole),
        ("gap", with(gap, personal)),
        ("damaged", damaged),
        ("name-is-a-sequence", twice),
        ("slope", broken(ct::SLOPE, "DS", "CANARY")),
        ("position", broken(ct::POSITION, "DS", "CANARY\\7310044\\1")),
        ("orientation", broken(ct::ORIENTATION, "DS", "7310044\\0\\0\\0\\1\\0")),
        ("spacing", broken(ct::PIXEL_SPACING, "DS", "CANARY")),
        ("thickness", broken(ct::SLICE_THICKNESS, "DS", "7310044")),
        ("voltage", broken((0x0018, 0x0060), "DS", "7310044")),
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
fn printed_bytes(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_pulmo")).args(arguments).output().unwrap();
    assert!(output.status.code().is_some_and(|code| code != 2), "{arguments:?}");
    [output.stdout, output.stderr].concat()
}

fn printed(arguments: &[&str]) -> String {
    String::from_utf8_lossy(&printed_bytes(arguments)).into_owned()
}

/// What none of these bytes may hold: the secrets, and names as they are stored and as they are read.
fn told_in(bytes: &[u8]) -> Option<String> {
    let foreign = FOREIGN.iter().flat_map(|(_, stored, read)| {
        let parts = stored.split(|byte| *byte == b'^').chain(read.split('^').map(str::as_bytes));
        parts.collect::<Vec<&[u8]>>()
    });
    let mut secrets = SECRETS.iter().map(|secret| secret.as_bytes()).chain(foreign);
    let is_there = |secret: &&[u8]| bytes.windows(secret.len()).any(|window| window == *secret);
    secrets.find(is_there).map(|secret| String::from_utf8_lossy(secret).into_owned())
}

fn assert_silent(arguments: &[&str]) {
    let printed = printed_bytes(arguments);
    assert!(!printed.is_empty(), "{arguments:?}");
    assert_eq!(told_in(&printed), None, "{arguments:?} prints it:\n{}", String::from_utf8_lossy(&printed));
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
    let out_of_the_way = tempfile::tempdir().unwrap();
    let key = key_file(out_of_the_way.path(), 7);
    assert_silent(&["predict", "--device", "cpu", "--key-file", &key, all]);
    let out = root.path().join("out.nii.gz");
    for folder in &folders {
        assert_silent(&["convert", folder.to_str().unwrap(), "--out", out.to_str().unwrap()]);
    }
    let written = std::fs::read(&out).unwrap();
    let mut plain = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(written.as_slice()), &mut plain).unwrap();
    assert_eq!(told_in(&plain), None);
}

/// A key of this byte alone.
fn key_file(folder: &Path, byte: u8) -> String {
    let path = folder.join(format!("{byte}.key"));
    std::fs::write(&path, [byte; 32]).unwrap();
    path.to_str().unwrap().to_owned()
}

/// What `predict` says of a scan of a chest.
fn line_of(folder: &Path, options: &[&str]) -> serde_json::Value {
    let arguments = [&["predict", "--device", "cpu", folder.to_str().unwrap()], options].concat();
    let output = Command::new(env!("CARGO_BIN_EXE_pulmo")).args(&arguments).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn patients_are_named_by_those_who_hold_a_key_and_by_nobody_else() {
    let root = tempfile::tempdir().unwrap();
    let [first, later, other] = ["first", "later", "other"].map(|name| root.path().join(name));
    for (folder, study, id, date) in [
        (&first, "1.2.1", "7310044", "20191103"),
        (&later, "1.2.2", "7310044", "20200102"),
        (&other, "1.2.3", "7310045", "20191103"),
    ] {
        std::fs::create_dir(folder).unwrap();
        let slices = with(chest(60, -30.0, 5.0), |slice| {
            personal(slice);
            slice.text((0x0010, 0x0020), "LO", id);
            slice.text((0x0020, 0x000D), "UI", study);
            slice.text((0x0008, 0x0022), "DA", date);
        });
        ct::write_all(&slices, folder);
    }
    let keys = tempfile::tempdir().unwrap();
    let [key, another] = [1, 2].map(|byte| key_file(keys.path(), byte));
    let of = |folder: &Path, key: &str| line_of(folder, &["--key-file", key]);
    let [one, two, three] = [&first, &later, &other].map(|folder| of(folder, &key));
    assert_eq!(one["subject"].as_str().map(str::len), Some(64), "{one}");
    assert_eq!(one["subject"], two["subject"]);
    assert_ne!(one["study"], two["study"]);
    assert_ne!(one["subject"], three["subject"]);
    assert_eq!(two["day"].as_i64().unwrap() - one["day"].as_i64().unwrap(), 60);
    assert_ne!(one["day"], three["day"]);
    let by_another = of(&first, &another);
    assert!(["subject", "study", "series", "day"].iter().all(|name| one[name] != by_another[name]));
    let without = line_of(&first, &[]);
    assert!(["subject", "study", "series", "day"].iter().all(|name| without.get(name).is_none()));
}

#[test]
fn what_is_no_key_is_refused_before_the_first_scan() {
    let folder = tempfile::tempdir().unwrap();
    let short = folder.path().join("short");
    std::fs::write(&short, "short").unwrap();
    let run = |key: &str| {
        let arguments = ["predict", "--device", "cpu", "--key-file", key, "."];
        Command::new(env!("CARGO_BIN_EXE_pulmo")).args(arguments).output().unwrap()
    };
    let refused = run(short.to_str().unwrap());
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("32 to 4096 random bytes, not 5"), "{said}");
    assert_eq!(run(folder.path().join("none").to_str().unwrap()).status.code(), Some(1));
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
    // a date of birth or an accession number is for writers of DICOM objects alone
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
