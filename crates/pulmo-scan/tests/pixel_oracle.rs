//! The stored pixels of real files, of every transfer syntax, against what another tool decodes.
//!
//! ORIGIN: `pixel_oracle.csv` of the data folder, made with pydicom 3.0.2 and pylibjpeg 2.1 (libjpeg 2.5,
//! openjpeg 2.6): SHA-256 of the stored pixels as little-endian integers. Compared exactly: decoding
//! without loss has one right answer, and so has native storage.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use pulmo_scan::dicom::{StoredPixels, stored_pixels};
use pulmo_scan::findings::{Code, Verdict};
use pulmo_scan::intake::{Depth, find, inspect};
use sha2::{Digest, Sha256};

type Row = BTreeMap<String, String>;

/// What became of one file of the oracle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Same,
    /// Other bytes, but least and largest value within 2 of the oracle's.
    Near,
    Different,
    Refused(Code),
}

use Outcome::{Near, Refused};

/// CT rows of the oracle that are not the same in pulmo, and why.
const EXPECTED: &[(&str, Outcome, &str)] = &[
    (
        "conformance/cornerstone/CTImage.dcm_JPEGProcess1TransferSyntax_1.2.840.10008.1.2.4.50.dcm",
        Near,
        "lossy JPEG: decoders may round the inverse cosine transform differently",
    ),
    (
        "conformance/cornerstone/CTImage.dcm_JPEGProcess2_4TransferSyntax_1.2.840.10008.1.2.4.51.dcm",
        Near,
        "lossy JPEG of 12 bits: as above",
    ),
    (
        "conformance/cornerstone/CT0012.fragmented_no_bot_jpeg_baseline.51.dcm",
        Refused(Code::FunctionalGroups),
        "several frames in a CT Image object, which has one",
    ),
    (
        "conformance/pydicom/J2K_pixelrep_mismatch.dcm",
        Refused(Code::CodecSign),
        "Pixel Representation says signed, the codestream unsigned: which is right cannot be known",
    ),
    (
        "conformance/pydicom_data/eCT_Supplemental.dcm",
        Refused(Code::FunctionalGroups),
        "enhanced CT: its frames are read with their functional groups, not as one image",
    ),
];

fn sha256(pixels: &StoredPixels, bytes_per_sample: usize) -> String {
    let mut digest = Sha256::new();
    let bytes: Vec<u8> =
        pixels.values().flat_map(|value| value.to_le_bytes().into_iter().take(bytes_per_sample)).collect();
    digest.update(&bytes);
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn compare(path: &Path, row: &Row) -> Outcome {
    let pixels = match stored_pixels(path) {
        Ok(pixels) => pixels,
        Err(error) => return Refused(error.code()),
    };
    let is_near = |value: Option<i32>, key: &str| value.unwrap().abs_diff(row[key].parse().unwrap()) <= 2;
    if sha256(&pixels, if row["dtype"].ends_with('8') { 1 } else { 2 }) == row["pixel_sha256_le"] {
        Outcome::Same
    } else if is_near(pixels.values().min(), "min") && is_near(pixels.values().max(), "max") {
        Near
    } else {
        Outcome::Different
    }
}

fn rows(data: &Path) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(data.join("pixel_oracle.csv")).unwrap();
    let rows: Vec<Row> = reader.deserialize().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 640);
    rows
}

#[test]
fn stored_pixels_agree_with_the_oracle() {
    let Some(data) = pulmo_forge::data_folder() else { return };
    let mut tally: BTreeMap<(String, Outcome), usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for row in rows(&data).iter().filter(|row| row["modality"] == "CT" && row["error"].is_empty()) {
        let outcome = compare(&data.join(&row["path"]), row);
        *tally.entry((row["transfer_syntax"].clone(), outcome)).or_default() += 1;
        let expected = EXPECTED.iter().find(|(path, ..)| row["path"] == *path);
        if let Some((path, _, reason)) = expected {
            eprintln!("{outcome:?} {path}: {reason}");
        }
        if outcome != expected.map_or(Outcome::Same, |(_, outcome, _)| *outcome) {
            wrong.push((row["path"].clone(), outcome));
        }
    }
    for ((transfer_syntax, outcome), files) in &tally {
        eprintln!("{transfer_syntax:24} {:28} {files}", format!("{outcome:?}"));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Files that are no CT, or that the oracle's tool cannot decode: same pixels or a code, no panic.
#[test]
fn other_files_are_the_same_or_refused() {
    let Some(data) = pulmo_forge::data_folder() else { return };
    let mut tally: BTreeMap<Outcome, usize> = BTreeMap::new();
    for row in rows(&data).iter().filter(|row| row["modality"] != "CT" && row["error"].is_empty()) {
        let outcome = compare(&data.join(&row["path"]), row);
        *tally.entry(outcome).or_default() += 1;
        let is_lossy =
            ["4.50", "4.51", "4.81", "4.91"].iter().any(|end| row["transfer_syntax"].ends_with(end));
        let is_right = matches!(outcome, Outcome::Same | Refused(_)) || (is_lossy && outcome == Near);
        assert!(is_right, "{}: {outcome:?}", row["path"]);
    }
    eprintln!("{tally:?}");
}

/// ORIGIN: pydicom 3.0.2, numpy 2.4.6: `d = dcmread("CTImage.dcm"); hu = d.pixel_array * d.RescaleSlope +
/// d.RescaleIntercept; sha256(hu.astype("<i2").tobytes())`, exact.
const CORNERSTONE_HU: &str = "d36b58a8274fd5882a3863693bb84d2fb5719fff73c0ee21c98bfcb9abbb05c4";

/// The copies of one slice that were compressed without loss, or not at all: by their stored pixels, and in
/// Hounsfield units as `pulmo inspect --hash` tells them. One slice is no volume, which is the verdict;
/// its values are told all the same.
#[test]
fn ten_lossless_copies_of_a_slice_give_one_hash() {
    let Some(data) = pulmo_forge::data_folder() else { return };
    let lossless = [
        "1.2.840.10008.1.2",
        "1.2.840.10008.1.2.1",
        "1.2.840.10008.1.2.1.99",
        "1.2.840.10008.1.2.2",
        "1.2.840.10008.1.2.4.57",
        "1.2.840.10008.1.2.4.70",
        "1.2.840.10008.1.2.4.80",
        "1.2.840.10008.1.2.4.90",
        "1.2.840.10008.1.2.5",
    ];
    let copies: Vec<_> = std::fs::read_dir(data.join("conformance/cornerstone"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            name == "CTImage.dcm" || lossless.iter().any(|uid| name.ends_with(&format!("_{uid}.dcm")))
        })
        .collect();
    let hashes: BTreeSet<String> =
        copies.iter().map(|path| sha256(&stored_pixels(path).unwrap(), 2)).collect();
    eprintln!("{} copies, {} hash", copies.len(), hashes.len());
    assert_eq!((copies.len(), hashes.len()), (10, 1), "{copies:#?}");
    let mut in_hounsfield: Vec<(Option<Verdict>, Option<String>)> = copies
        .iter()
        .map(|path| {
            let found = inspect(&find(std::slice::from_ref(path))[0], Depth::Digest).remove(0);
            (found.verdict, found.hounsfield.and_then(|summary| summary.sha256))
        })
        .collect();
    let few = Verdict::NotEvaluable(Code::FewSlices.into());
    in_hounsfield.dedup();
    assert_eq!(in_hounsfield, [(Some(few), Some(CORNERSTONE_HU.to_owned()))]);
}
