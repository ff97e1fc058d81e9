//! The write-ahead log while somebody reads for long, and after that.

use rusqlite::Connection;

use super::*;

/// Submits until so many pages wait in the log, or `enough`.
fn fill(store: &Store, user: UserId, mut enough: impl FnMut(u64) -> bool) -> u64 {
    let prompt = "x".repeat(200_000);
    loop {
        for _ in 0..20 {
            let mut submission = submission(user, 0, None, NOW);
            submission.job.id = JobId(rand::random());
            submission.job.brief.prompt.clone_from(&prompt);
            store.run(move |commands| commands.submit(&submission));
        }
        let waiting = store.writer.backlog().wal_pages;
        if enough(waiting) {
            return waiting;
        }
    }
}

#[test]
fn what_a_long_read_kept_in_the_log_is_copied_beside_the_writer_and_the_log_begins_anew() {
    let store = Store::new();
    let user = store.user("ann");
    let path = path_in(store._dir.path());
    let log = || std::fs::metadata(path.with_extension("db-wal")).unwrap().len();
    let reader = Connection::open(&path).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM job;").unwrap();
    // Far more than the writer copies itself.
    let waited = fill(&store, user, |waiting| waiting > 20_000);
    let grown = log();
    reader.execute_batch("COMMIT").unwrap();
    // Batches go on; none of them copies all of that.
    let left = fill(&store, user, |waiting| waiting < 4096);
    assert!(left < 4096 && waited > 20_000);
    // From now on it is written over from its start.
    fill(&store, user, |waiting| waiting > 3_000);
    fill(&store, user, |waiting| waiting < 1_000);
    assert!(log() <= grown + (16 << 20), "{} after {grown}", log());
    let checked: String = reader.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(checked, "ok");
}
