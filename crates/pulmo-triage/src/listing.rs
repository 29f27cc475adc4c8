//! The first half of a pass: which studies the folders of the archive hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::SystemTime;

use pulmo_key::hexadecimal;
use pulmo_system::path_bytes;

use crate::TriageError;
use crate::context::{Context, Next, Tasks};
use crate::finding::Poison;
use crate::pool::WorkerRoom;
use crate::protocol::{Answer, FoundStudy, Place, Request, WirePath};
use crate::settings::{RunEvent, Settings};
use crate::walk::{Folder, walk};

/// Folders that the walk is ahead of the workers.
const FOLDERS_AHEAD: usize = 256;
/// Folders between two events.
const TOLD_EVERY: usize = 100;

/// Folders come from a thread that walks the archive: a network disk that does not answer holds up only that.
pub(crate) struct FolderListing {
    folders: Receiver<Folder>,
    is_whole: Arc<AtomicBool>,
    again: Vec<FolderTask>,
    seen: usize,
    arriving: usize,
}

/// A folder to be listed.
pub(crate) struct FolderTask {
    folder: Folder,
    found: Vec<FoundStudy>,
    deaths: usize,
}

impl FolderListing {
    /// Begins to walk.
    pub(crate) fn start(settings: &Settings) -> Self {
        let (sender, folders) = sync_channel(FOLDERS_AHEAD);
        let is_whole = Arc::new(AtomicBool::new(false));
        let (whole, roots, follow) = (is_whole.clone(), settings.archives.clone(), settings.follow_links);
        std::thread::spawn(move || {
            let walked = walk(&roots, follow, |folder| sender.send(folder).is_ok());
            whole.store(walked, Ordering::Release);
        });
        Self { folders, is_whole, again: Vec::new(), seen: 0, arriving: 0 }
    }

    /// Whether all folders could be listed.
    pub(crate) fn is_whole(&self) -> bool {
        self.is_whole.load(Ordering::Acquire)
    }

    /// Folders in which files still arrive.
    pub(crate) fn arriving(&self) -> usize {
        self.arriving
    }
}

impl Tasks for FolderListing {
    type Task = FolderTask;

    fn next(&mut self, room: WorkerRoom, context: &mut Context<'_>) -> Result<Next<FolderTask>, TriageError> {
        if room == WorkerRoom::Behind {
            return Ok(Next::Done);
        }
        if let Some(task) = self.again.pop() {
            return Ok(Next::Task(task));
        }
        while !context.is_stopped() {
            let folder = match self.folders.try_recv() {
                Ok(folder) => folder,
                Err(TryRecvError::Empty) => return Ok(Next::Wait),
                Err(TryRecvError::Disconnected) => break,
            };
            self.seen += 1;
            if self.seen.is_multiple_of(TOLD_EVERY) {
                (context.tell)(RunEvent::Listed { folders: self.seen });
            }
            if is_arriving(&folder, context.settings) {
                self.arriving += 1;
                context.kept(|_, map| map.keep(&folder))?;
            } else if !context.kept(|_, map| map.is_known(&folder))? {
                return Ok(Next::Task(FolderTask { folder, found: Vec::new(), deaths: 0 }));
            }
        }
        Ok(Next::Done)
    }

    fn is_alone(&self, _: &FolderTask) -> bool {
        true
    }

    fn request(&self, task: &FolderTask, _: &Context<'_>) -> Result<Request, TriageError> {
        let [root, folder] = [&task.folder.root, &task.folder.inside].map(|path| WirePath::of(path));
        Ok(Request::List(Place { root, folder, names: None }))
    }

    fn answer(
        &mut self,
        mut task: FolderTask,
        answer: Answer,
        context: &mut Context<'_>,
    ) -> Result<Option<FolderTask>, TriageError> {
        match answer {
            Answer::Found(found) => task.found.push(found),
            Answer::Listed => {
                context.kept(|_, map| map.replace(&task.folder, &task.found, None))?;
                return Ok(None);
            }
            Answer::Ready(_) | Answer::Stage(_) | Answer::Scored(_) => {}
        }
        Ok(Some(task))
    }

    fn died(
        &mut self,
        task: FolderTask,
        poison: Poison,
        context: &mut Context<'_>,
    ) -> Result<(), TriageError> {
        let deaths = task.deaths + 1;
        if deaths < 2 {
            (context.tell)(RunEvent::Retried);
            self.again.push(FolderTask { found: Vec::new(), deaths, ..task });
            return Ok(());
        }
        let Folder { inside, signature, .. } = &task.folder;
        let study = context.key.name("folder", &[path_bytes(inside)]);
        let fingerprint = context.key.name("files", &[hexadecimal(signature).as_bytes()]);
        let found = [FoundStudy { study, fingerprint, names: None }];
        context.kept(|_, map| map.replace(&task.folder, &found, Some(poison)))
    }

    fn returned(&mut self, task: FolderTask, _: &mut Context<'_>) -> Result<(), TriageError> {
        self.again.push(FolderTask { found: Vec::new(), ..task });
        Ok(())
    }

    fn abandoned(&mut self, _: FolderTask, _: &mut Context<'_>) -> Result<(), TriageError> {
        Ok(())
    }
}

/// Whether a file of the folder changed a short time ago. Times of files are by the wall clock; one in the future is
/// not waited for.
fn is_arriving(folder: &Folder, settings: &Settings) -> bool {
    let age = folder.changed.and_then(|changed| SystemTime::now().duration_since(changed).ok());
    age.is_some_and(|age| age < settings.settle)
}
