//! What the broker's process has used so far, from /proc.

use std::fs;

/// Clock ticks a second: the same on every Linux that Klamm runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// Use of a process since its start.
#[derive(Clone, Copy, Debug, Default)]
pub struct Use {
    pub user_s: f64,
    pub system_s: f64,
    /// Over the threads that live.
    pub switches: u64,
    pub resident_kib: u64,
}

impl Use {
    /// Of process `pid`; nothing where that is 0.
    pub fn of(pid: u32) -> Self {
        if pid == 0 {
            return Self::default();
        }
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("a live broker");
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let seconds = |at: usize| fields[at].parse::<f64>().expect("a number") / TICKS_PER_SECOND;
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("its threads");
        let switches = tasks.flatten().map(|task| {
            let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
            status.lines().filter(|line| line.contains("ctxt_switches")).map(number).sum::<u64>()
        });
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("its status");
        Self {
            user_s: seconds(11),
            system_s: seconds(12),
            switches: switches.sum(),
            resident_kib: status.lines().find(|line| line.starts_with("VmRSS:")).map_or(0, number),
        }
    }

    /// What was used since `before`; the memory is that of now.
    pub fn since(self, before: Self) -> Self {
        Self {
            user_s: self.user_s - before.user_s,
            system_s: self.system_s - before.system_s,
            switches: self.switches.saturating_sub(before.switches),
            resident_kib: self.resident_kib,
        }
    }

    pub fn cpu_s(&self) -> f64 {
        self.user_s + self.system_s
    }
}

fn number(line: &str) -> u64 {
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
}
