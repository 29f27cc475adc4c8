//! Memory is bounded by items, not by runs: counted by an allocator that keeps the books.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]
#![allow(unsafe_code, reason = "an allocator can only be counted by one")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use pulmo_forge::forge::{Element, Forge};
use pulmo_scan::dicom::Links;
use pulmo_scan::files::write_npy;
use pulmo_scan::intake::{Bounds, Claim, Item, ItemKind, ReadSettings, Search, each_ahead};

/// Bytes that are allocated, and the most there were.
static THERE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
/// One test counts at a time.
static COUNTING: Mutex<()> = Mutex::new(());

struct Counting;

// SAFETY: all is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let there = THERE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(there, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        THERE.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const MIB: usize = 1 << 20;

/// 24 arrays of 4 MiB and one of 12 MiB.
fn arrays() -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let path = |index: usize| folder.path().join(format!("{index:02}.npy"));
    let values = vec![1.0; 3 * MIB];
    for index in 0..24 {
        write_npy(&path(index), &[16, 256, 256], &values[..MIB]).unwrap();
    }
    write_npy(&path(24), &[48, 256, 256], &values).unwrap();
    let paths = vec![folder.path().to_path_buf()];
    (folder, paths)
}

/// Eight readers, results that wait, and one item that is larger than the budget.
#[test]
fn eight_readers_keep_the_bound_of_bytes() {
    let _alone = COUNTING.lock().unwrap();
    let (_folder, paths) = arrays();
    let work = |item: Item, claim: &mut Claim| {
        assert!(claim.reserve(item.promised_bytes()));
        item.load(&ReadSettings::default()).unwrap().volume
    };
    let mut voxels = 0;
    let bounds = Bounds { workers: 8, bytes: 10 * MIB, together: 2 };
    let before = THERE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    each_ahead(Search::new(&paths, Links::Files), bounds, work, |volumes| {
        // results wait while one is used
        std::thread::sleep(std::time::Duration::from_millis(2));
        voxels += volumes.iter().map(|volume| volume.grid().len()).sum::<usize>();
        ControlFlow::Continue(())
    });
    let peak = PEAK.load(Ordering::Relaxed) - before;
    eprintln!("peak {:.1} MiB of {} MiB read", peak as f64 / MIB as f64, voxels * 4 / MIB);
    assert_eq!(voxels * 4, 108 * MIB);
    // reading grows a list by doubling: twice the largest item at the worst, not eight items
    assert!(peak < 27 * MIB, "{peak}");
}

/// Of a file, a search keeps its path; the headers of a series are there while it is.
#[test]
fn a_search_keeps_little_of_a_file() {
    let _alone = COUNTING.lock().unwrap();
    let folder = tempfile::tempdir().unwrap();
    for series in 0..20 {
        let inside = folder.path().join(format!("{series:02}"));
        std::fs::create_dir(&inside).unwrap();
        let uid = Element::text((0x0020, 0x000E), "UI", &format!("1.2.3.{series}"));
        for slice in 0..500 {
            let position = Element::text((0x0020, 0x0032), "DS", &format!("0\\0\\{slice}"));
            let forge = Forge::ct().with(uid.clone()).with(position);
            std::fs::write(inside.join(format!("{slice:04}.dcm")), forge.bytes()).unwrap();
        }
    }
    let before = THERE.load(Ordering::Relaxed);
    let search = Search::new(&[folder.path().to_path_buf()], Links::Files);
    let first = THERE.load(Ordering::Relaxed) - before;
    let mut slices = 0;
    let mut most = 0;
    for item in search {
        assert_eq!(item.kind(), ItemKind::Series);
        slices += item.series().unwrap().slices.len();
        most = most.max(THERE.load(Ordering::Relaxed) - before);
    }
    eprintln!("{} bytes a file after the first pass, {} at most", first / 10_000, most / 10_000);
    assert_eq!(slices, 10_000);
    assert!(most < 10_000 * 1000, "{most}");
}
