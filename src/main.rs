//! The `pulmo` command.

fn main() -> pulmo::cli::Exit {
    pulmo::cli::run()
}
