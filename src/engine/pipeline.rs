//! The straight line from a path to an observation.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::Engine;
use crate::dicom::Links;
use crate::findings::Observation;
use crate::intake::{Bounds, Claim, Item, Loaded, Search, each_ahead};
use crate::volume::Volume;

impl Engine {
    /// Looks at every image and series below `paths` and hands each observation to `tell`, in the
    /// order of the paths, until it breaks off. Returns how many there are.
    ///
    /// Files are read ahead on all cores while the device computes. Where a GPU runs out of memory the
    /// batch is halved; what it cannot do at all is done on the CPU, and the observation says so.
    pub fn run(&self, paths: &[PathBuf], tell: impl FnMut(Observation) -> ControlFlow<()>) -> usize {
        self.run_on(&mut Search::new(paths, Links::Files), tell)
    }

    /// As [`run`](Self::run), on what is left of a search.
    pub fn run_on(&self, search: &mut Search, mut tell: impl FnMut(Observation) -> ControlFlow<()>) -> usize {
        let mut count = 0;
        let read = |item: Item, claim: &mut Claim| {
            claim.reserve(item.promised_bytes());
            let ready = self.ready(item.path.clone(), self.load(&item));
            claim.settle(ready.bytes());
            ready
        };
        each_ahead(search.inspect(|_| count += 1), Bounds::default(), read, |ready| {
            let seen = ready.into_iter().map(|ready| self.see(ready)).collect();
            self.judge(seen).into_iter().try_for_each(&mut tell)
        });
        count
    }

    /// Returns what is to be said about one item: the same as [`run`](Self::run) says, for callers that do
    /// the searching and waiting themselves.
    pub fn observe(&self, item: &Item) -> Observation {
        let ready = self.ready(item.path.clone(), self.load(item));
        self.judge_one(self.see(ready))
    }

    /// Returns what is to be said about a volume in memory, by the rules for one that is read from a file;
    /// the observation calls it `path`.
    ///
    /// # Units
    /// Hounsfield units for a volume in millimetres, gray values from 0 to 255 for one in pixels.
    pub fn observe_volume(&self, path: &Path, volume: Volume) -> Observation {
        let loaded = Loaded::of(volume, &self.settings()).map_err(|error| error.verdict());
        self.judge_one(self.see(self.ready(path.to_owned(), loaded)))
    }
}
