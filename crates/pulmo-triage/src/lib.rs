//! Scores an archive study by study: supervised, resumable, exactly one row per study.
//!
//! ```text
//! archive --walk--> Folder --worker `list`--> FolderMap (local) --units--> Ledger
//! Ledger  --lease--> worker `score` --> Finding --one row--> Ledger --export--> worklist.csv, results.jsonl ...
//! ```
//!
//! The supervisor ([`run`]) never opens an image: that is the work of child processes ([`serve`]), which may panic,
//! abort, hang or ask for too much memory without harm to the others. `docs/worker.md` tells what both say to each
//! other, `docs/triage.md` what a run promises. This crate knows neither DICOM nor networks.

mod atomic;
mod context;
mod error;
mod export;
mod export_source;
mod figures;
mod finding;
mod fingerprint;
mod folder_map;
mod ledger;
mod listing;
mod merge;
mod pipes;
mod pool;
mod probe;
mod protocol;
mod run;
mod schema;
mod scoring;
mod serve;
mod settings;
mod site;
mod status;
mod table;
mod walk;
mod worklist;

pub use error::TriageError;
pub use export::{Exported, export};
pub use figures::RunFigures;
pub use finding::{DeathCause, Finding, Poison, Probability, SeriesFinding, WorkStage};
pub use fingerprint::{files_of, of_place, of_places};
pub use ledger::{ArchiveStudy, Ledger, LedgerRow, Method, StudyState};
pub use merge::{Merged, merge};
pub use protocol::{Answer, FoundStudy, Place, Request, ScoredStudy, StudyRequest, WirePath, Working};
pub use run::{Ended, run};
pub use serve::{ReadStep, StudyScorer, serve};
pub use settings::{Deadlines, Paths, RunEvent, Settings, Share, Spawn, Workers};
pub use site::{Site, key_file};
pub use status::{Status, status};
