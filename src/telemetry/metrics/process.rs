//! The process, as Linux sees it. What cannot be asked is not shown.

use metrics::{counter, gauge};
use procfs::process::{LimitValue, Process};

use super::table;

pub(super) fn show() {
    let Ok(process) = Process::myself() else {
        return;
    };
    show_use(&process);
    show_files(&process);
}

fn show_use(process: &Process) {
    let Ok(stat) = process.stat() else { return };
    let ticks = procfs::ticks_per_second().max(1);
    counter!(table::CPU).absolute((stat.utime + stat.stime) / ticks);
    gauge!(table::MEMORY).set(stat.rss as f64 * procfs::page_size() as f64);
    gauge!(table::THREADS).set(stat.num_threads as f64);
    if let Ok(booted) = procfs::boot_time_secs() {
        let began = stat.starttime as f64 / ticks as f64;
        gauge!(table::STARTED).set(booted as f64 + began);
    }
}

fn show_files(process: &Process) {
    if let Ok(open) = process.fd_count() {
        gauge!(table::OPEN_FDS).set(open as f64);
    }
    let limits = process.limits();
    if let Ok(LimitValue::Value(most)) = limits.map(|limits| limits.max_open_files.soft_limit) {
        gauge!(table::MAX_FDS).set(most as f64);
    }
}
