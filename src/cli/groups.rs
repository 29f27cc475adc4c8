//! The commands as `pulmo help` lists them: by what a person wants.

use clap::{ArgMatches, Command, CommandFactory, FromArgMatches};

use super::args::Args;

/// Every command, by job.
const GROUPS: [Group; 5] = [
    Group { job: "Look", commands: &["inspect", "convert", "preprocess", "nodules"] },
    Group { job: "Learn", commands: &["audit", "plan", "train", "pretrain", "tune", "ensemble"] },
    Group { job: "Judge", commands: &["evaluate", "compare", "calibrate", "domain"] },
    Group { job: "Run", commands: &["predict", "triage", "export", "merge", "onnx"] },
    Group {
        job: "Machine",
        commands: &["demo", "devices", "bench", "phantom", "worker", "completions", "man"],
    },
];

/// Commands that serve one job.
struct Group {
    job: &'static str,
    commands: &'static [&'static str],
}

/// What was typed; ends the program where it is wrong or asks for help.
pub(super) fn typed() -> Args {
    let matches: ArgMatches = grouped(Args::command()).get_matches();
    Args::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// The command with its subcommands listed by job.
fn grouped(command: Command) -> Command {
    let about = |name: &str| {
        let found = command.find_subcommand(name).and_then(Command::get_about);
        found.map_or(String::new(), ToString::to_string)
    };
    let width = GROUPS.iter().flat_map(|group| group.commands).map(|name| name.len()).max().unwrap_or(0);
    let mut list = String::new();
    for group in &GROUPS {
        list.push_str(&format!("{}:\n", group.job));
        for name in group.commands {
            list.push_str(&format!("  {name:width$}  {}\n", about(name)));
        }
        list.push('\n');
    }
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{list}\
         `pulmo help COMMAND` tells what a command does and takes.\n\nOptions:\n{{options}}"
    );
    command.help_template(template)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_stands_in_one_group_and_in_the_help() {
        let command = Args::command();
        let mut listed: Vec<&str> = GROUPS.iter().flat_map(|group| group.commands).copied().collect();
        let mut known: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
        listed.sort_unstable();
        known.sort_unstable();
        assert_eq!(listed, known);
        let help = grouped(Args::command()).render_long_help().to_string();
        assert!(help.contains("Judge:\n  evaluate"), "{help}");
        assert!(known.iter().all(|name| help.contains(&format!("\n  {name} "))), "{help}");
    }
}
