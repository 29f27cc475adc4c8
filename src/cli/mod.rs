//! The command line: what was typed, what it means, and how results are told.
//!
//! stdout is data, stderr is talk. A run goes on after a failed item and says so in the exit code.

mod args;
mod commands;
mod exit;
mod groups;
mod interrupt;
mod live;
mod output;
mod printer;
mod progress;

pub use exit::Exit;

use crate::files::wait_if_removed;

/// Runs the command line of this process and returns how it ended.
pub fn run() -> Exit {
    let args = groups::typed();
    interrupt::watch();
    let ended = commands::run(&args);
    // a run that lost its temporary files to a signal ends by that signal
    wait_if_removed();
    match ended {
        Ok(exit) => exit,
        Err(error) if error.is::<printer::ReaderGone>() => Exit::Done,
        Err(error) => {
            printer::problem(&error);
            Exit::of(&error)
        }
    }
}
