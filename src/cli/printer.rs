//! The only place that writes to stdout and stderr.

use std::io::{ErrorKind, Write};

use anyhow::Context;

use crate::files::wait_if_removed;

/// Whoever read stdout went away: the command ends early, quietly, and lets go of all that it holds.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads stdout any more")]
pub(super) struct ReaderGone;

/// Writes one line of data to stdout.
///
/// # Errors
/// [`ReaderGone`], which a command hands on; anything else that stdout refuses, as a full disk.
pub(super) fn data(line: &str) -> anyhow::Result<()> {
    wait_if_removed();
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(ReaderGone.into()),
        written => written.context("cannot write to stdout"),
    }
}

/// Tells the user something, on stderr.
pub(super) fn say(line: &str) {
    wait_if_removed();
    // Where stderr is closed there is nobody to tell.
    _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Tells the user why a command failed, with its causes.
pub(super) fn problem(error: &anyhow::Error) {
    say(&format!("error: {error:#}"));
}
