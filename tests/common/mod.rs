//! What several test binaries share: where real data lie, and a byte-level DICOM writer.
#![allow(dead_code, reason = "each test binary uses its own part")]

pub(crate) mod ct;
pub(crate) mod discs;
pub(crate) mod encoders;
pub(crate) mod forge;
pub(crate) mod jpeg_ls;
pub(crate) mod load;
pub(crate) mod plane;

use std::path::PathBuf;

/// The folder of real data (`PULMO_DATA`, else beside the package root, where cargo runs every test), or `None` with a loud note
/// where it is absent; with `PULMO_REQUIRE_DATA=1` its absence is a failure.
pub(crate) fn data_folder() -> Option<PathBuf> {
    let beside = PathBuf::from("../shared/data");
    let folder = std::env::var_os("PULMO_DATA").map_or(beside, PathBuf::from);
    if folder.join("pixel_oracle.csv").is_file() {
        return Some(folder);
    }
    let is_required = std::env::var_os("PULMO_REQUIRE_DATA").is_some_and(|value| value == "1");
    assert!(!is_required, "no data in {}", folder.display());
    eprintln!("SKIPPED: no data in {}; set PULMO_DATA", folder.display());
    None
}
