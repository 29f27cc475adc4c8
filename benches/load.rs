//! Files to Hounsfield units, on a phantom: the same volume as a DICOM series and as volume files, on one
//! thread and on all.
//!
//! `cargo bench --bench load`

#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]

mod common;

use std::hint::black_box;
use std::path::Path;

use common::{compare, phantom, pool, work};
use pulmo::files::{Gzip, write_nifti, write_npy};
use pulmo::intake::{ReadSettings, find};

fn load(path: &Path) {
    let items = find(&[path.to_path_buf()]);
    black_box(items[0].load(&ReadSettings::default()).unwrap());
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let study = phantom(0);
    let volume = study.volume();
    study.write(&at("series")).unwrap();
    write_npy(&at("volume.npy"), &volume.grid().shape_zyx(), volume.as_slice()).unwrap();
    write_nifti(&at("volume.nii"), volume, Gzip::No).unwrap();
    write_nifti(&at("volume.nii.gz"), volume, Gzip::Yes).unwrap();
    let (one, all) = (pool(1), pool(0));
    let voxels = volume.grid().len() as f64 / 1e6;
    compare(
        &format!("load, {:?}", volume.grid().shape_zyx()),
        (voxels, "Mvoxel"),
        vec![
            work("DICOM series, 1 thread", || one.install(|| load(&at("series")))),
            work("DICOM series, all threads", || all.install(|| load(&at("series")))),
            work(".npy", || load(&at("volume.npy"))),
            work(".nii", || load(&at("volume.nii"))),
            work(".nii.gz", || load(&at("volume.nii.gz"))),
        ],
    );
}
