//! `klamm`: arguments → configuration → node.

use klamm::clock::SystemClock;
use klamm::config::cli::{self, Command};
use klamm::config::{load, storage};
use klamm::disk::real::RealDisk;
use klamm::node::{self, World};
use klamm::rng::Rng;
use klamm::telemetry::init_tracing;
use std::io;
use std::process::ExitCode;
use std::sync::Arc;

/// Survives absurd allocation requests and keeps small ones cheap.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let environment = cli::environment(std::env::vars_os());
    let command = match cli::interpret(std::env::args_os(), environment) {
        Ok(command) => command,
        Err(refused) => return exit(cli::report(&refused)),
    };
    let result = match command {
        Command::Start(sources) => start(&sources),
        Command::Storage(storage) => storage::run(&storage, &*RealDisk::new(), &Rng::from_os(), &mut io::stdout())
            .map_err(|error| error.to_string()),
        Command::EnvironmentProperties(environment) => cli::environment_properties(&environment).map(|text| {
            print!("{text}");
            0
        }),
    };
    match result {
        Ok(status) => exit(status),
        Err(error) => {
            eprintln!("klamm: {error}");
            ExitCode::FAILURE
        }
    }
}

fn exit(status: i32) -> ExitCode {
    ExitCode::from(u8::try_from(status).unwrap_or(1))
}

/// Arenas of the C library's allocator, which RocksDB uses: one for each of its threads would keep what that one frees.
#[cfg(target_env = "gnu")]
const C_ARENAS: i32 = 2;

fn start(sources: &klamm::config::Sources) -> Result<i32, String> {
    // SAFETY: no other thread runs yet.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, C_ARENAS);
    }
    let loaded = load(sources).map_err(|error| error.to_string())?;
    let clock = SystemClock::new();
    let log_levels = Arc::new(init_tracing(&loaded.config.klamm.log_filter, clock.clone()));
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let (disk, rng) = (RealDisk::new(), Rng::from_os());
    let world = World { disk, open_kv: node::open_rocks(), clock, rng, threads: true, log_levels };
    node::run(loaded, world, give_back_memory).map_err(|error| error.to_string())?;
    Ok(0)
}

/// Returns what this thread's allocator, and RocksDB's, hold free.
fn give_back_memory() {
    // SAFETY: both look at their own free lists only, and may be called on any thread at any time.
    unsafe {
        libmimalloc_sys::mi_collect(true);
        #[cfg(target_env = "gnu")]
        libc::malloc_trim(0);
    }
}
