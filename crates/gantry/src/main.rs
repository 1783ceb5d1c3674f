//! The program `gantry`.

fn main() -> std::process::ExitCode {
    gantry::run()
}
