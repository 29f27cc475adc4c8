//! Whether the archive answers: a network disk may stop for a while, and that is no study's fault.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// Time between two questions.
const ASKED_EVERY: Duration = Duration::from_secs(1);

/// Asks the archive in a thread of its own, which a disk that does not answer holds up alone.
pub(crate) struct ArchiveProbe {
    began: Instant,
    /// When the last answer came, in milliseconds since then.
    answered: Arc<AtomicU64>,
}

impl ArchiveProbe {
    /// Begins to ask the folders `roots`; the threads end, at the next answer, with what is returned.
    pub(crate) fn start(roots: &[PathBuf]) -> Self {
        let began = Instant::now();
        let answered = Arc::new(AtomicU64::new(0));
        let (asked, roots) = (Arc::downgrade(&answered), roots.to_vec());
        std::thread::spawn(move || ask(&roots, began, &asked));
        Self { began, answered }
    }

    /// How long the last answer is ago.
    pub(crate) fn silence(&self) -> Duration {
        let answered = Duration::from_millis(self.answered.load(Ordering::Acquire));
        self.began.elapsed().saturating_sub(answered + ASKED_EVERY)
    }
}

fn ask(roots: &[PathBuf], began: Instant, answered: &Weak<AtomicU64>) {
    loop {
        roots.iter().for_each(|root| look_at(root));
        let Some(answered) = answered.upgrade() else { return };
        let now = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        answered.store(now, Ordering::Release);
        drop(answered);
        std::thread::sleep(ASKED_EVERY);
    }
}

/// Any answer is one, also that the folder cannot be listed. Opening a folder asks the server of a network disk.
fn look_at(root: &Path) {
    _ = std::fs::read_dir(root).map(|mut entries| entries.next().is_some());
}
