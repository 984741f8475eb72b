//! The binary `gateledger`: reads the command line and hands over to the task.

use anyhow::Context as _;
use clap::Parser as _;
use gateledger::command_line::{CommandLine, Task};
use gateledger::settings::Settings;
use gateledger::{logs, serve, tasks};

/// A command makes some thousand small texts. This allocator spends an eighth less of the processor on it than glibc's;
/// without huge pages it keeps memory nearly as small.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    let line = CommandLine::parse();
    match run(line) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gateledger: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn run(line: CommandLine) -> anyhow::Result<()> {
    let settings = Settings::read(&line.flags)?;
    logs::start(settings.log_format.as_deref());
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("another TLS provider is installed already"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no threads to be had")?;
    match line.command.unwrap_or(Task::Serve) {
        Task::Serve => actix_web::rt::System::with_tokio_rt(|| runtime).block_on(serve::serve(settings)),
        task @ (Task::Token(_) | Task::Account(_) | Task::Helpdesk(_) | Task::Rebuild) => {
            runtime.block_on(tasks::run(settings, task))
        }
    }
}
