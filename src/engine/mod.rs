//! The main job: paths in, observations out. Whatever scores a case does it here.
//!
//! ```text
//! Item --load--> Loaded --ready--> Ready (many ahead, on all cores)
//! Ready --see--> SeenItem (what the network sees, on its device) --judge--> Observation
//! ```
//!
//! Items are read ahead on all cores, within a bound of bytes, while the device computes; they are
//! classified in the order given, as many together as are ready, and handed on as soon as they are
//! done. An item that fails is an observation too: it carries a verdict with a code and no prediction.
//! A scan outside the bundle's [domain](crate::domain) is refused: by its facts before it is preprocessed, by what the
//! network makes of it after ([`Outside`] says otherwise).
//! One item, or a volume in memory, goes the same way ([`Engine::observe`], [`Engine::observe_volume`]).
//! Where the device fails the CPU goes on, and the observation tells the setback.

#[expect(clippy::module_inception, reason = "the engine is this room's main type")]
mod engine;
mod input;
mod judge;
mod nodules;
mod pipeline;
mod ready;

pub use engine::{Engine, EngineError, Outside};
pub(crate) use input::SeenItem;
pub use nodules::{NoduleFinder, NoduleSettings, SeenNodule, SeenNodules};
pub(crate) use ready::Ready;
