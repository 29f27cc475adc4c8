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
//! A module may import only from floors below its own, and each outside crate has its floor;
//! `tests/architecture.rs` checks both.
//!
//! | floor | modules |
//! |---|---|
//! | 0 | `units`, `random` |
//! | 1 | `geometry` |
//! | 2 | `volume`, `metrics` |
//! | 3 | `findings` |
//! | 4 | `dicom`, `files`, `gpu` |
//! | 5 | `intake`, `preprocess`, `network`, `phantom` |
//! | 6 | `bundle`, `cohort` |
//! | 7 | `predict`, `audit` |
//! | 8 | `engine` |
//! | 9 | `train`, `report`, `plan` |
//! | 10 | `tune`, `bench` |
//! | 11 | `cli` |
//!
//! Later floors (a patient twin, clinical risk, hospital operations) hang off `findings`, `volume`
//! and `geometry`, and never import `engine`, `gpu`, `dicom` or burn.

pub mod audit;
pub mod bench;
pub mod bundle;
pub mod cli;
pub mod cohort;
pub mod dicom;
pub mod engine;
pub mod files;
pub mod findings;
pub mod geometry;
pub mod gpu;
pub mod intake;
pub mod metrics;
pub mod network;
pub mod phantom;
pub mod plan;
pub mod predict;
pub mod preprocess;
pub mod random;
pub mod report;
pub mod train;
pub mod tune;
pub mod units;
pub mod volume;
