//! `pulmo completions`.

use clap::CommandFactory;
use clap_complete::generate;

use crate::cli::args::{Args, CompletionsArgs};
use crate::cli::{Exit, printer};

pub(super) fn run(args: &CompletionsArgs) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    generate(args.shell, &mut Args::command(), "pulmo", &mut script);
    printer::data(String::from_utf8(script)?.trim_end())?;
    Ok(Exit::Done)
}
