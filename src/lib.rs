//! pulmo trains and runs convolutional networks for lung CT classification: DICOM in,
//! preprocessing on the CPU or any GPU that Vulkan, Metal or DX12 reaches, a classified study and
//! honest metrics out. It is for research only and not a medical device.
//!
//! # The main job is a straight line
//!
//! ```text
//! &Path   --dicom / files-->    Volume        Hounsfield units + Grid (shape, LPS millimetres)
//! Volume  --preprocess-->       Volume        a chain of steps, on the CPU or as WGSL passes
//! Volume  --network::Bags-->    Tensor        [images, channels, height, width]
//! Tensor  --predict-->          Prediction    probabilities, class, threshold, attention; HeatMap where asked for
//!         ------------->        Observation   what the scan said, whether it may be trusted, with which bundle
//! ```
//!
//! ```
//! use std::ops::ControlFlow;
//! use pulmo::{bundle, engine::Engine, gpu::{Choice, Compute}};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().to_path_buf();
//! # pulmo::phantom::Study::generate(&pulmo::phantom::PhantomSettings::default(), 1, 0)?.write(&path)?;
//! let bundle = bundle::embedded()?;
//! let compute = Compute::open(Choice::Cpu)?;
//! let seen = Engine::new(&bundle, &compute).run(&[path], |observation| {
//!     match &observation.prediction {
//!         Some(prediction) => println!("{}: {}", observation.path.display(), prediction.class),
//!         None => println!("{}: {:?}", observation.path.display(), observation.verdict.codes()),
//!     }
//!     ControlFlow::Continue(())
//! });
//! assert_eq!(seen, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Rooms and floors
//!
//! What needs no network lives in crates of its own, which this one hands on: `use pulmo::dicom` finds
//! `pulmo_scan::dicom`. A program that only reads scans can depend on that crate alone.
//!
//! | crate | rooms | needs |
//! |---|---|---|
//! | `pulmo-random` | `random` | nothing |
//! | `pulmo-onnx` | `onnx` | nothing |
//! | `pulmo-system` | `system` | nothing; all that differs between operating systems |
//! | `pulmo-key` | `key` | `pulmo-system` |
//! | `pulmo-metrics` | `metrics` | `pulmo-random` |
//! | `pulmo-scan` | `units`, `geometry`, `volume`, `findings`, `lungs`, `facts`, `dicom`, `files`, `intake`, `phantom` | no GPU, no network |
//! | `pulmo-preprocess` | `gpu`, `preprocess` | wgpu, no burn |
//! | `pulmo-cohort` | `cohort`, `audit` | no GPU, no network |
//! | `pulmo-report` | `report` | no GPU, no network |
//! | `pulmo-results` | `results` | no GPU, no network |
//! | `pulmo-nodule` | `nodule` | no GPU, no network |
//! | `pulmo-triage` | `triage` | neither images nor networks |
//! | `pulmo` | all others | burn |
//!
//! A room may import only from floors below its own, no file needs itself by way of others, no two public types
//! share a name, and each outside crate has its floor: `tests/architecture` checks all of it.
//!
//! | floor | rooms |
//! |---|---|
//! | 0 | `units`, `random`, `system`, `onnx` |
//! | 1 | `geometry`, `key` |
//! | 2 | `volume`, `metrics` |
//! | 3 | `findings`, `lungs` |
//! | 4 | `facts`, `dicom`, `files`, `gpu`, `nodule` |
//! | 5 | `intake`, `preprocess`, `network`, `phantom`, `domain` |
//! | 6 | `bundle`, `cohort` |
//! | 7 | `predict`, `audit` |
//! | 8 | `engine` |
//! | 9 | `train`, `report`, `plan`, `triage`, `results` |
//! | 10 | `tune`, `bench` |
//! | 11 | `cli` |
//!
//! Later floors (a patient twin, clinical risk, hospital operations) are crates that hang off `findings`, `volume`
//! and `geometry`, and never import `engine`, `gpu`, `dicom` or burn.

pub use pulmo_cohort::{audit, cohort};
pub use pulmo_key as key;
pub use pulmo_metrics as metrics;
pub use pulmo_nodule as nodule;
pub use pulmo_onnx as onnx;
pub use pulmo_preprocess::preprocess;
pub use pulmo_random as random;
pub use pulmo_report as report;
pub use pulmo_results as results;
pub use pulmo_scan::{dicom, facts, files, findings, geometry, intake, lungs, phantom, units, volume};

/// GPUs, and what networks are computed on.
pub mod gpu {
    pub use crate::network::Compute;
    pub use pulmo_preprocess::gpu::*;
}

pub mod bench;
pub mod bundle;
pub mod cli;
pub mod domain;
pub mod engine;
pub mod network;
pub mod plan;
pub mod predict;
pub mod train;
pub mod tune;
