//! The machine: which core a process runs on, what it uses of it, and what kind of machine this is.

use std::fs::read_to_string;
use std::process::Command;

/// The core of whatever answers.
pub const SERVING: &str = "0";
/// The core of whatever asks.
pub const ASKING: &str = "1";

/// Does `work` with this thread on `core`; processes started meanwhile stay there.
pub fn on_core<T>(core: &str, work: impl FnOnce() -> T) -> T {
    set_affinity(core);
    let done = work();
    set_affinity(&format!("0-{}", cores() - 1));
    done
}

fn set_affinity(cores: &str) {
    let id = std::process::id().to_string();
    let set = Command::new("taskset").args(["--pid", "--cpu-list", cores, &id]).output();
    let set = set.unwrap_or_else(|e| panic!("taskset is missing, Debian's package `util-linux` has it: {e}"));
    assert!(set.status.success(), "the benchmark needs two cores: {}", String::from_utf8_lossy(&set.stderr));
}

/// All cores of the machine, whatever this thread may use.
fn cores() -> usize {
    processors().iter().filter(|line| line.starts_with("processor")).count().max(1)
}

fn processors() -> Vec<String> {
    read_to_string("/proc/cpuinfo").unwrap_or_default().lines().map(str::to_owned).collect()
}

/// "2 cores of AMD EPYC, 7 GiB, Linux 6.1".
pub fn class() -> String {
    let value = |lines: &[String], name: &str| {
        let line = lines.iter().find(|line| line.starts_with(name))?;
        line.split_once(':').map(|(_, value)| value.trim().to_owned())
    };
    let memory: Vec<String> = read_to_string("/proc/meminfo").unwrap_or_default().lines().map(str::to_owned).collect();
    let kibibytes = value(&memory, "MemTotal").and_then(|m| m.split(' ').next()?.parse::<u64>().ok()).unwrap_or(0);
    let model = value(&processors(), "model name").unwrap_or_else(|| "an unnamed processor".to_owned());
    let release = read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let linux = release.split('.').take(2).collect::<Vec<_>>().join(".");
    format!("{} cores of {model}, {} GiB of memory, Linux {linux}", cores(), kibibytes.div_ceil(1024 * 1024))
}

/// How much memory a process has resident, in megabytes.
pub fn resident(process: u32) -> f64 {
    let status = read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|l| l.split_whitespace().next()?.parse::<f64>().ok());
    kibibytes.unwrap_or_else(|| panic!("process {process} has no VmRSS")) * 1024.0 / 1e6
}

/// How long a process has computed so far, in seconds: itself and the kernel on its behalf.
pub fn computed(process: u32) -> f64 {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let nanoseconds = threads.filter_map(|thread| {
        let times = read_to_string(thread.path().join("schedstat")).ok()?;
        times.split(' ').next()?.parse::<f64>().ok()
    });
    nanoseconds.sum::<f64>() / 1e9
}

/// The same of all children of a process that are alive.
pub fn computed_by_children(process: u32) -> f64 {
    children(process).into_iter().map(computed).sum()
}

fn children(process: u32) -> Vec<u32> {
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    // The fields after the name, which may hold blanks: state, parent.
    let parent = |id: &u32| {
        let text = read_to_string(format!("/proc/{id}/stat")).ok()?;
        text.rsplit_once(") ")?.1.split(' ').nth(1)?.parse::<u32>().ok()
    };
    numbers.filter(|id| parent(id) == Some(process)).collect()
}
