//! The program.

fn main() -> std::process::ExitCode {
    roost::main()
}
