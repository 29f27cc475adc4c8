//! Files on disk: what is no file, changes, is vast, or has a strange name.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::{LONGEST, judge_forged, private};
use pulmo_forge::forge::{Body, Element, Forge, PIXEL_DATA, Style};
use pulmo_scan::dicom::{Catalogue, Links, SeriesFiles, Unlisted, discover, list};
use pulmo_scan::findings::{Code, Verdict};

/// The verdict that a walk over a folder gives of a file.
fn verdict_on_disk(path: &Path) -> Verdict {
    let discovery = discover(&[path.to_path_buf()]);
    if let Some(refused) = discovery.refused.first() {
        return refused.verdict.clone();
    }
    match discovery.series.as_slice() {
        [] => Verdict::RejectFile(Code::NotDicom.into()),
        [series] if series.slices.is_empty() => series.set_aside[0].verdict.clone(),
        [series] => match series.slices[0].pixels() {
            Ok(_) => Verdict::Ok,
            Err(error) => Verdict::RejectFile(error.code().into()),
        },
        _ => panic!("one file gives one series"),
    }
}

#[test]
fn a_file_on_disk_gets_the_verdict_of_its_bytes() {
    let folder = tempfile::tempdir().unwrap();
    for (name, forge) in [
        ("sound", Forge::ct()),
        ("deflated", Forge::styled(Style::Deflated)),
        ("rle", Forge::rle(3)),
        ("long", Forge::ct().with(private("OB", b"ab").declaring(0xFFFF_FFF0))),
        ("twice", Forge { tail: b"\xe0\x7f\x10\0OW\0\0\0\0\0\0".to_vec(), ..Forge::ct() }),
        ("short", Forge::ct().with(Element::bytes(PIXEL_DATA, "OW", &[1; 126]))),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, forge.bytes()).unwrap();
        assert_eq!(verdict_on_disk(&path), judge_forged(&forge).verdict, "{name}");
    }
}

#[cfg(unix)]
#[test]
fn case_057_what_is_no_regular_file_is_never_opened() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let start = Instant::now();
    assert!(std::process::Command::new("mkfifo").arg(at("fifo.dcm")).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(at("socket.dcm")).unwrap();
    std::fs::create_dir(at("folder.dcm")).unwrap();
    symlink(at("gone"), at("dangling.dcm")).unwrap();
    symlink(folder.path(), at("folder.dcm/loop")).unwrap();
    symlink("/dev/zero", at("zero.dcm")).unwrap();
    std::fs::write(at("sound.dcm"), Forge::ct().bytes()).unwrap();
    std::fs::write(at("closed.dcm"), Forge::ct().bytes()).unwrap();
    std::fs::set_permissions(at("closed.dcm"), std::fs::Permissions::from_mode(0o000)).unwrap();
    let discovery = discover(&[folder.path().to_path_buf()]);
    let slices: usize = discovery.series.iter().map(|series| series.slices.len()).sum();
    // root reads what nobody may
    let is_root = std::fs::File::open(at("closed.dcm")).is_ok();
    assert_eq!(slices, if is_root { 2 } else { 1 });
    let unreadable = Verdict::RejectFile(Code::Unreadable.into());
    assert!(discovery.refused.iter().all(|refused| refused.verdict == unreadable));
    assert_eq!(discovery.refused.len(), usize::from(!is_root));
    // named one by one they are told, and not opened either
    for name in ["fifo.dcm", "socket.dcm", "dangling.dcm", "zero.dcm"] {
        assert_eq!(verdict_on_disk(&at(name)), unreadable, "{name}");
        let error = pulmo_scan::dicom::stored_pixels(&at(name)).unwrap_err();
        assert_eq!(error.code(), Code::Unreadable);
    }
    assert!(start.elapsed() <= LONGEST);
}

#[test]
fn case_058_a_file_that_changes_while_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slice.dcm");
    std::fs::write(&path, Forge::ct().bytes()).unwrap();
    let series = discover(std::slice::from_ref(&path)).series;
    let code = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        series[0].slices[0].pixels().err().map(|error| error.code())
    };
    assert_eq!(code(&Forge::ct().bytes()), None);
    let moved = Forge::ct().with(Element::text((0x0020, 0x0032), "DS", "-10\\-20\\31"));
    assert_eq!(code(&moved.bytes()), Some(Code::Changed));
    assert_eq!(code(b"no dicom any more"), Some(Code::Changed));
    let cut = &Forge::ct().bytes()[..600];
    assert!([Some(Code::Changed), Some(Code::Truncated)].contains(&code(cut)));
}

#[test]
fn case_059_sparse_file_of_ten_gigabytes() {
    let folder = tempfile::tempdir().unwrap();
    for (bytes, expected) in [(Forge::ct().bytes(), Code::FileSize), (vec![], Code::NotDicom)] {
        let path = folder.path().join("sparse.dcm");
        std::fs::write(&path, bytes).unwrap();
        std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(10 << 30).unwrap();
        let start = Instant::now();
        assert_eq!(verdict_on_disk(&path), Verdict::RejectFile(expected.into()));
        assert!(start.elapsed() < Duration::from_secs(1));
    }
}

#[test]
fn case_060_dicomdir_points_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let outside = folder.path().join("outside.dcm");
    std::fs::write(&outside, Forge::ct().bytes()).unwrap();
    let inside = folder.path().join("medium");
    std::fs::create_dir(&inside).unwrap();
    let absolute = outside.to_string_lossy().replace('/', "\\");
    for pointer in ["..\\outside.dcm", "..\\..\\etc\\passwd", absolute.as_str(), "C:\\outside.dcm"] {
        let record = vec![
            Element::text((0x0004, 0x1430), "CS", "IMAGE"),
            Element::text((0x0004, 0x1500), "CS", pointer),
        ];
        let directory = Forge {
            elements: vec![
                Element::text((0x0004, 0x1130), "CS", "MEDIUM"),
                Element::new((0x0004, 0x1220), "SQ", Body::Items(vec![record])),
            ],
            ..Forge::ct()
        };
        std::fs::write(inside.join("DICOMDIR"), directory.bytes()).unwrap();
        for path in [inside.clone(), inside.join("DICOMDIR")] {
            let discovery = discover(&[path]);
            assert!(discovery.series.is_empty() && discovery.refused.is_empty());
        }
    }
}

#[cfg(unix)]
#[test]
fn case_061_names_of_every_kind() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let long = "n".repeat(255);
    let names = [&b"new\nline"[..], b"\x1b[31mred", long.as_bytes(), b"\xff\xfe\x80", b"-rf", b"a b'c\"d"];
    for (index, name) in names.iter().enumerate() {
        let position = Element::text((0x0020, 0x0032), "DS", &format!("0\\0\\{index}"));
        std::fs::write(folder.path().join(OsStr::from_bytes(name)), Forge::ct().with(position).bytes())
            .unwrap();
    }
    let discovery = discover(&[folder.path().to_path_buf()]);
    assert_eq!(discovery.series.len(), 1);
    assert_eq!(discovery.series[0].slices.len(), names.len());
    assert!(discovery.series[0].slices.iter().all(|slice| slice.pixels().is_ok()));
}

/// `count` slices of one series, 1 mm apart, as `0000.dcm` and so on.
fn write_series(folder: &Path, count: usize) {
    for slice in 0..count {
        let position = Element::text((0x0020, 0x0032), "DS", &format!("0\\0\\{slice}"));
        std::fs::write(folder.join(format!("{slice:04}.dcm")), Forge::ct().with(position).bytes()).unwrap();
    }
}

/// Slices of an archive that was not fetched as a whole; a broken link to something else means nothing.
#[cfg(unix)]
#[test]
fn a_broken_link_beside_slices_is_missing_from_their_series() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    write_series(folder.path(), 3);
    symlink("gone", folder.path().join("notes.txt")).unwrap();
    let whole = discover(&[folder.path().to_path_buf()]);
    assert_eq!(whole.series[0].set_aside, []);
    symlink("gone", folder.path().join("0003.dcm")).unwrap();
    let cut = discover(&[folder.path().to_path_buf()]);
    assert_eq!((cut.series.len(), cut.series[0].slices.len(), cut.refused.len()), (1, 3, 0));
    let [missing] = &cut.series[0].set_aside[..] else { panic!("{cut:?}") };
    assert_eq!(missing.path, folder.path().join("0003.dcm"));
    assert_eq!(missing.verdict.codes(), [Code::Unreadable]);
}

#[test]
fn a_listing_that_broke_off_is_missing_from_the_series_there() {
    let folder = tempfile::tempdir().unwrap();
    let [here, empty] = ["here", "empty"].map(|name| folder.path().join(name));
    std::fs::create_dir(&here).unwrap();
    write_series(&here, 3);
    let mut listing = list(std::slice::from_ref(&here), Links::Files);
    listing.missing = [&here, &empty].map(|folder| Unlisted { folder: folder.clone(), link: None }).to_vec();
    let found = Catalogue::of(listing);
    let refused: Vec<&Path> = found.refused.iter().map(|refused| refused.path.as_path()).collect();
    assert_eq!(refused, [empty]);
    let series: Vec<_> = found.series.into_iter().flat_map(SeriesFiles::series).collect();
    assert_eq!(series[0].set_aside.len(), 1);
    assert_eq!(series[0].set_aside[0].path, here);
}

/// Headers of so many files are read again when the series is due.
#[test]
fn a_file_that_changes_before_its_series_is_due_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    write_series(folder.path(), 4100);
    let found = Catalogue::of(list(&[folder.path().to_path_buf()], Links::Files));
    std::fs::write(folder.path().join("4099.dcm"), "no dicom any more").unwrap();
    let series: Vec<_> = found.series.into_iter().flat_map(SeriesFiles::series).collect();
    assert_eq!((series.len(), series[0].slices.len()), (1, 4099));
    assert_eq!(series[0].set_aside[0].verdict.codes(), [Code::Changed]);
}
