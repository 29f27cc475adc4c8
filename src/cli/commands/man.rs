//! `pulmo man`.

use anyhow::Context;
use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::cli::args::{Args, ManArgs};
use crate::cli::{Exit, output, printer};

/// What stands at the foot of each page.
const SOURCE: &str = concat!("pulmo ", env!("CARGO_PKG_VERSION"));

pub(super) fn run(args: &ManArgs) -> anyhow::Result<Exit> {
    let mut command = Args::command().disable_help_subcommand(true);
    command.build();
    let Some(folder) = &args.out else {
        printer::data(page(&manual(command))?.trim_end())?;
        return Ok(Exit::Done);
    };
    let pages: Vec<Man> = command.get_subcommands().chain([&command]).cloned().map(manual).collect();
    for manual in &pages {
        output::write_file(&folder.join(manual.get_filename()), page(manual)?)?;
    }
    printer::say(&format!("{} pages: {}", pages.len(), folder.display()));
    Ok(Exit::Done)
}

/// The manual of a command.
fn manual(command: Command) -> Man {
    Man::new(command).source(SOURCE)
}

/// The page as `man` reads it.
fn page(manual: &Man) -> anyhow::Result<String> {
    let mut page = Vec::new();
    manual.render(&mut page).context("cannot write the page")?;
    Ok(String::from_utf8(page)?)
}
