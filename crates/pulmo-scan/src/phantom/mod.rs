//! Synthetic chest CT with nodules of known place, size and kind, written as real DICOM.
//!
//! A phantom is no patient: it is for demonstrations, tests and benches, where the truth must be
//! known and nothing may be private. Half of the studies have nodules; everything else varies
//! in all of them alike (build, breath, densities, scars, scanner, orientation, file order), so
//! that nothing but the nodules tells the two classes apart.
//!
//! What lies in real scans and would tell nothing there (arms, straps, effusion, a lung that is missing) is an [`Extra`]:
//! a phantom has it only where it is asked for, and all else stays as it is without.
//!
//! The body is a set of analytic shapes painted slice by slice with ramps one pixel wide; thick
//! slices are means of thin ones; a reconstruction kernel's blur and coloured noise come last.
//! All randomness comes from streams keyed by seed, study and purpose: the same seed gives the
//! same bytes with any number of threads.

mod airways;
mod anatomy;
mod collection;
mod error;
mod extras;
mod growth;
mod habitus;
mod lung_truth;
mod lungs;
mod nodules;
mod noise;
mod opacities;
mod parenchyma;
mod placement;
mod regions;
mod scanner;
mod scene;
mod settings;
mod shape;
mod skeleton;
mod slab;
mod slice_raster;
mod study;
mod surroundings;
mod texture;
mod truth;
mod tubes;
mod vessels;

pub use anatomy::Side;
pub use collection::{Collection, write_collection};
pub use error::PhantomError;
pub use extras::Extra;
pub use lung_truth::LungTruth;
pub use nodules::{NoduleEdge, NoduleKind};
pub use placement::Attachment;
pub use regions::{RegionSettings, write_regions};
pub use settings::PhantomSettings;
pub use slab::{picture_slab, slab};
pub use study::Study;
pub use truth::{Label, NoduleTruth, StudyTruth};
