//! How files begin and end: what is DICOM at all, the file meta information, the transfer syntax.

use crate::{STYLES, judge, judge_forged, noise, ok, rejected, warned};
use pulmo_forge::forge::{self, Forge, Style};
use pulmo_scan::findings::{Code, Verdict};

#[test]
fn case_001_empty_file() {
    assert_eq!(judge(b""), rejected(Code::NotDicom));
}

#[test]
fn case_002_noise() {
    for seed in 0..200 {
        let length = [7, 131, 132, 4096][seed as usize % 4];
        assert_eq!(judge(&noise(seed, length)), rejected(Code::NotDicom), "{seed}");
    }
}

#[test]
fn case_003_preamble_only() {
    let mut bytes = vec![0; 128];
    bytes.extend(b"DICM");
    assert_eq!(judge(&bytes), rejected(Code::Meta));
    // a meta group that is cut off, or names no VR
    assert_eq!(judge(&Forge::ct().bytes()[..150]), rejected(Code::Meta));
    bytes.extend(b"\x02\0\x10\0??\x02\x001\0");
    assert_eq!(judge(&bytes), rejected(Code::Meta));
}

#[test]
fn case_004_other_formats() {
    for magic in [
        &b"\xff\xd8\xff\xe0\0\x10JFIF"[..],
        b"%PDF-1.7\n",
        b"PK\x03\x04\x14\0\0\0\x08\0",
        b"\x7fELF\x02\x01\x01",
        b"MZ\x90\0",
        b"\x89PNG\r\n\x1a\n",
        b"{\"00080005\":{}}",
    ] {
        let mut bytes = magic.to_vec();
        bytes.extend(noise(4, 2000));
        assert_eq!(judge(&bytes), rejected(Code::NotDicom));
    }
}

#[test]
fn case_005_polyglot_preamble() {
    for magic in [&b"MZ\x90\0"[..], b"\x7fELF\x02\x01", b"II*\0\x08\0\0\0", b"%PDF-1.7"] {
        let mut forge = Forge::ct();
        forge.preamble[..magic.len()].copy_from_slice(magic);
        assert_eq!(judge_forged(&forge), warned(Code::Preamble));
    }
}

#[test]
fn case_006_truncated_at_every_byte() {
    for forge in STYLES.map(Forge::styled).into_iter().chain([Forge::rle(2)]) {
        let whole = forge.bytes();
        assert_eq!(judge(&whole), ok());
        for length in 0..whole.len() {
            let judged = judge(&whole[..length]);
            // the last bytes of a deflated stream only end it
            let is_whole = forge.style == Style::Deflated && length + 8 >= whole.len() && judged == ok();
            assert!(
                is_whole || matches!(judged.verdict, Verdict::RejectFile(_)),
                "{:?} {length}",
                forge.style
            );
        }
    }
    let explicit = Forge::ct().bytes();
    for cut in 1..128 {
        assert_eq!(judge(&explicit[..explicit.len() - cut]), rejected(Code::Truncated));
    }
    let mut padded = Forge::ct();
    padded.tail = vec![0; 511];
    let padded = padded.bytes();
    for cut in 0..511 {
        assert_eq!(judge(&padded[..padded.len() - cut]), ok());
    }
}

#[test]
fn case_020_encoding_contradicts_the_transfer_syntax() {
    for told in STYLES {
        for written in STYLES.into_iter().filter(|written| *written != told) {
            let forge = Forge { style: written, ..Forge::styled(told) };
            let expected = match (told, written) {
                (Style::Deflated, _) => Code::Inflate,
                // deflated bytes are no elements of any encoding; what they look like is chance
                (_, Style::Deflated) => {
                    assert!(!judge_forged(&forge).verdict.is_evaluable());
                    continue;
                }
                _ => Code::Syntax,
            };
            assert_eq!(judge_forged(&forge), rejected(expected), "{told:?} {written:?}");
        }
    }
    // native pixels in a compressed syntax, and the reverse
    let mut native = Forge::ct();
    native.transfer_syntax = Some(forge::RLE.to_owned());
    assert_eq!(judge_forged(&native), rejected(Code::Syntax));
    let mut compressed = Forge::rle(1);
    compressed.transfer_syntax = Some(forge::EXPLICIT.to_owned());
    assert_eq!(judge_forged(&compressed), rejected(Code::Syntax));
}

#[test]
fn case_021_transfer_syntax_missing_or_unknown() {
    let long = "1.2.840.10008.1.2.".to_owned() + &"1".repeat(1000);
    for uid in [None, Some(""), Some("1.2.3.4"), Some(".."), Some(long.as_str()), Some("1.2.840.10008.1.1")] {
        let mut forge = Forge::ct();
        forge.transfer_syntax = uid.map(str::to_owned);
        assert_eq!(judge_forged(&forge), rejected(Code::Syntax), "{uid:?}");
    }
}

#[test]
fn case_022_meta_group_length_is_wrong() {
    for length in [0, 1, 27, 0x7FFF_FFFF, u32::MAX] {
        let mut forge = Forge::ct();
        forge.meta_length = Some(length);
        assert_eq!(judge_forged(&forge), ok());
    }
}
