//! What must be true of groups: one leader and one assignment per generation, and commits that last.

use super::life::Life;
use bytes::Bytes;
use std::collections::BTreeMap;

/// One generation, as members were told of it.
#[derive(Default)]
struct Generation {
    leader: Option<String>,
    /// What its leader sent, by member.
    assignments: BTreeMap<String, Bytes>,
}

/// Commits to one partition: they are numbered over the whole group, and the number is what is committed.
#[derive(Default)]
struct Commits {
    /// The newest that was asked for.
    asked: i64,
    /// The newest that was acknowledged.
    acknowledged: i64,
}

/// The model of one group.
#[derive(Default)]
pub struct Group {
    generations: BTreeMap<i32, Generation>,
    /// The newest generation that a member got its assignment in.
    pub synced: i32,
    commits: BTreeMap<i32, Commits>,
    commits_asked: i64,
}

impl Group {
    /// A member was told that it has joined.
    pub fn joined(&mut self, life: &Life, generation: i32, leader: &str) {
        let known = self.generations.entry(generation).or_default();
        if *known.leader.get_or_insert_with(|| leader.to_owned()) != leader {
            life.broken(&format!("generation {generation} has two leaders: {leader} and {:?}", known.leader));
        }
    }

    /// The leader is about to send the assignments.
    pub fn assigned(&mut self, generation: i32, assignments: BTreeMap<String, Bytes>) {
        self.generations.entry(generation).or_default().assignments = assignments;
    }

    /// A member was told its assignment.
    pub fn synced(&mut self, life: &Life, generation: i32, member: &str, assignment: &Bytes) {
        let known = self.generations.entry(generation).or_default();
        if known.assignments.get(member) != Some(assignment) {
            life.broken(&format!("{member} gets another assignment in generation {generation} than its leader sent"));
        }
        self.synced = self.synced.max(generation);
    }

    /// A number for the next commit, which is about to be sent.
    pub fn next_commit(&mut self, partition: i32) -> i64 {
        self.commits_asked += 1;
        self.commits.entry(partition).or_default().asked = self.commits_asked;
        self.commits_asked
    }

    /// The commit was acknowledged, to a member of `generation`; `synced` is the newest known when it was sent.
    pub fn committed(&mut self, life: &Life, partition: i32, number: i64, generation: i32, synced: i32) {
        if generation < synced {
            life.broken(&format!("a commit of generation {generation} is taken after generation {synced}"));
        }
        let commits = self.commits.entry(partition).or_default();
        commits.acknowledged = commits.acknowledged.max(number);
    }

    /// Whether anything was acknowledged.
    pub fn has_commits(&self) -> bool {
        self.commits.values().any(|commits| commits.acknowledged > 0)
    }

    /// What is acknowledged now, to be held against an answer that is asked for now.
    pub fn acknowledged(&mut self, partition: i32) -> i64 {
        self.commits.entry(partition).or_default().acknowledged
    }

    /// What is committed was told, after `least` was acknowledged.
    pub fn told(&mut self, life: &Life, partition: i32, number: i64, least: i64) {
        let commits = self.commits.entry(partition).or_default();
        if number > commits.asked || (number < least && least > 0) {
            let asked = commits.asked;
            life.broken(&format!("{partition} is committed at {number}, which should be in {least}..={asked}"));
        }
    }

    /// The newest commits may have been lost: what is there now counts from here.
    pub fn lost(&mut self, life: &Life, partition: i32, number: i64) {
        self.told(life, partition, number, 0);
        self.commits.entry(partition).or_default().acknowledged = number.max(0);
    }

    /// A new life: a generation that nobody got an assignment in may come again with another leader, and if `lossy` any.
    /// It may also be there as it was.
    pub fn begin(&mut self, lossy: bool) {
        if lossy {
            self.synced = 0;
        }
        let again = self.generations.range_mut(self.synced + 1..);
        again.for_each(|(_, generation)| generation.leader = None);
    }
}
