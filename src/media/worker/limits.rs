//! Bounds that the media process sets itself before it touches a file of strangers.
//!
//! In: [`Limits`]. Out: a process that can read its input, write its folder, and no more. Must not: be called in the daemon.
//!
//! What the kernel does not know (Landlock before Linux 5.13, its network rules before 6.7) is left out with a word on stderr.

use std::io;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, RestrictionStatus, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, Scope,
};
use nix::sys::resource::{RLIM_INFINITY, Resource, setrlimit};

use super::error::{Blame, WorkResult};
use crate::media::protocol::Limits;

/// Address space is promised long before it is used: thread stacks, malloc's arenas, mapped libraries.
const RESERVED_BYTES: u64 = 2 << 30;
const OPEN_FILES: u64 = 64;
const OPEN_FILES_OF_DRIVERS: u64 = 256;
/// Which processors there are: libx265 shares its work among them, and without it works on one alone.
const PROCESSORS: &str = "/sys/devices/system/node";
/// Blocks up to this size, and so much free memory, are kept for the next packet; the largest that glibc takes (`HEAP_MAX_SIZE / 2`).
const KEPT_BYTES: i32 = 32 << 20;

/// Applies all bounds; those of resources must hold, those of the sandbox hold as far as the kernel knows them. Drivers of graphics hardware are promised
/// more address space than there is memory; where one is in use that alone has no bound.
pub(super) fn apply(limits: &Limits, uses_hardware: bool) -> WorkResult<()> {
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL).map_err(io::Error::from).blame_us("asking to die with the parent")?;
    nix::sys::prctl::set_dumpable(false).map_err(io::Error::from).blame_us("turning core dumps off")?;
    // SAFETY: mallopt only sets numbers of the allocator; called before any other thread exists. Each arena reserves 64 MB.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, 2) };
    // The daemon gives every large block back to the kernel at once. Here a packet is a large block, and the next one follows: fresh pages for each
    // cost more than the rest of a remux.
    for (what, bytes) in [(libc::M_MMAP_THRESHOLD, KEPT_BYTES), (libc::M_TRIM_THRESHOLD, KEPT_BYTES)] {
        // SAFETY: as above.
        unsafe { libc::mallopt(what, bytes) };
    }
    // SAFETY: setpriority takes three numbers.
    if unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, limits.niceness) } != 0 {
        say(&format!("niceness {} is not allowed", limits.niceness));
    }
    // RLIMIT_DATA counts what is really asked for (heap and private writable maps); the address space gets room for promises on top.
    let resources = [
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_DATA, limits.memory_bytes),
        (Resource::RLIMIT_AS, if uses_hardware { RLIM_INFINITY } else { limits.memory_bytes.saturating_add(RESERVED_BYTES) }),
        (Resource::RLIMIT_CPU, limits.cpu_s),
        (Resource::RLIMIT_FSIZE, limits.file_bytes),
        (Resource::RLIMIT_NOFILE, if uses_hardware { OPEN_FILES_OF_DRIVERS } else { OPEN_FILES }),
    ];
    for (resource, bound) in resources {
        setrlimit(resource, bound, bound).map_err(io::Error::from).blame_us(&format!("limiting {resource:?} to {bound}"))?;
    }
    match sandbox(limits) {
        Ok(status) => say(&format!("sandbox: {:?}", status.ruleset)),
        Err(error) => say(&format!("no sandbox: {error}")),
    }
    Ok(())
}

fn sandbox(limits: &Limits) -> Result<RestrictionStatus, RulesetError> {
    let abi = ABI::V6;
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?;
    for path in &limits.readable {
        if let Ok(file) = PathFd::new(path) {
            // A folder is one of fonts, which are looked for.
            let access = if path.is_dir() { AccessFs::ReadFile | AccessFs::ReadDir } else { AccessFs::ReadFile.into() };
            ruleset = ruleset.add_rule(PathBeneath::new(file, access))?;
        }
    }
    if let Ok(folder) = PathFd::new(PROCESSORS) {
        ruleset = ruleset.add_rule(PathBeneath::new(folder, AccessFs::ReadFile | AccessFs::ReadDir))?;
    }
    if let Some(folder) = &limits.writable
        && let Ok(folder) = PathFd::new(folder)
    {
        let access =
            AccessFs::ReadFile | AccessFs::ReadDir | AccessFs::WriteFile | AccessFs::Truncate | AccessFs::MakeReg | AccessFs::RemoveFile;
        ruleset = ruleset.add_rule(PathBeneath::new(folder, access))?;
    }
    ruleset.restrict_self()
}

/// The parent carries stderr into the log.
fn say(text: &str) {
    eprintln!("{text}");
}
