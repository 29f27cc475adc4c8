//! Test support: DICOM files built byte by byte, sound and broken, and the folder of real data.

pub mod counting;
pub mod ct;
pub mod discs;
pub mod encoders;
pub mod enhanced;
pub mod forge;
pub mod jpeg_ls;
pub mod load;
pub mod plane;

use std::path::PathBuf;

/// The folder of real data (`PULMO_DATA`, else `../shared/data` beside the checkout that the test runs in), or `None`
/// with a loud note where it is absent; with `PULMO_REQUIRE_DATA=1` its absence is a failure.
pub fn data_folder() -> Option<PathBuf> {
    // asked when a test runs: one target folder may serve several checkouts
    let here = std::env::current_dir().unwrap();
    let beside = || {
        let checkout = here.ancestors().find(|folder| folder.join("Cargo.lock").is_file()).unwrap_or(&here);
        checkout.join("../shared/data")
    };
    let folder = std::env::var_os("PULMO_DATA").map_or_else(beside, PathBuf::from);
    if folder.join("pixel_oracle.csv").is_file() {
        return Some(folder);
    }
    let is_required = std::env::var_os("PULMO_REQUIRE_DATA").is_some_and(|value| value == "1");
    assert!(!is_required, "no data in {}", folder.display());
    eprintln!("SKIPPED: no data in {}; set PULMO_DATA", folder.display());
    None
}
