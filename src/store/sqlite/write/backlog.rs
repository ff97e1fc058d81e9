//! How many jobs wait and run, by user: counted once at the start, then kept by the writer,
//! the only one who moves jobs. It holds live users only.

use std::collections::HashMap;

use rusqlite::Connection;

use crate::domain::{JobState, UserId};

/// A gain or loss of waiting and running jobs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Move {
    pub(super) queued: i64,
    pub(super) running: i64,
}

impl Move {
    pub(super) fn add(&mut self, state: JobState, count: i64) {
        match state {
            JobState::Queued => self.queued += count,
            JobState::Processing => self.running += count,
            JobState::Completed | JobState::Failed | JobState::Cancelled | JobState::Expired => {}
        }
    }

    /// Waiting and running jobs after `moved`.
    pub(super) fn plus(self, moved: Self) -> (u32, u32) {
        let count = |number: i64| u32::try_from(number.max(0)).unwrap_or(u32::MAX);
        (count(self.queued + moved.queued), count(self.running + moved.running))
    }
}

#[derive(Debug, Default)]
pub(super) struct Backlog {
    users: HashMap<UserId, Move>,
    queued: i64,
}

impl Backlog {
    pub(super) fn count(connection: &Connection) -> rusqlite::Result<Self> {
        let mut backlog = Self::default();
        // Two scans of indexes alone: a million waiting jobs are counted in a fifth of a second.
        let running =
            "SELECT user_id, count(*) FROM job INDEXED BY job_running WHERE state = 1 GROUP BY user_id";
        let live =
            "SELECT user_id, count(*) FROM job INDEXED BY job_live WHERE state IN (0, 1) GROUP BY user_id";
        for (user, running) in counts(connection, running)? {
            backlog.apply(&HashMap::from([(user, Move { queued: -running, running })]));
        }
        for (user, live) in counts(connection, live)? {
            backlog.apply(&HashMap::from([(user, Move { queued: live, running: 0 })]));
        }
        Ok(backlog)
    }

    pub(super) fn of(&self, user: UserId) -> Move {
        self.users.get(&user).copied().unwrap_or_default()
    }

    pub(super) fn queued_total(&self) -> i64 {
        self.queued
    }

    pub(super) fn apply(&mut self, moves: &HashMap<UserId, Move>) {
        for (user, moved) in moves {
            let entry = self.users.entry(*user).or_default();
            entry.queued += moved.queued;
            entry.running += moved.running;
            if entry.queued == 0 && entry.running == 0 {
                self.users.remove(user);
            }
            self.queued += moved.queued;
        }
    }
}

fn counts(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<(UserId, i64)>> {
    connection.prepare(sql)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}
