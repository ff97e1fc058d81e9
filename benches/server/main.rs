//! The server's figures, each beside its peer or its limit, measured in this run on the real binary.
//!
//! `cargo bench --bench server` prints a Markdown table; `cargo bench --bench server -- sockets`
//! only the named parts (start, submits, lives, latency, sockets, figures, million, backup, retention).
//! Nothing here passes or fails. The load, the peers and the scripted upstream run on the same
//! machine as the server, so they take their part of its cores.

mod backup;
mod figures;
mod latency;
mod lives;
mod load;
mod million;
mod peers;
mod process;
mod retention;
mod sockets;
mod start;
mod statistics;
mod submits;
mod upstream;

/// What any part may fail with.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    if let Some(role) = std::env::var_os(peers::ROLE_VARIABLE) {
        return runtime.block_on(peers::play(&role));
    }
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let wants = |part: &str| wanted.is_empty() || wanted.iter().any(|name| name == part);
    println!("{}\n", process::machine());
    println!("| what | measured | beside |\n|---|---|---|");
    runtime.block_on(async {
        if wants("start") {
            start::measure().await?;
        }
        if wants("submits") {
            submits::measure().await?;
        }
        if wants("lives") {
            lives::measure().await?;
        }
        if wants("latency") {
            latency::measure().await?;
        }
        if wants("sockets") {
            sockets::measure().await?;
        }
        if wants("figures") {
            figures::measure().await?;
        }
        if wants("million") {
            million::measure().await?;
        }
        if wants("backup") {
            backup::measure().await?;
        }
        if wants("retention") {
            retention::measure().await?;
        }
        Ok(())
    })
}

/// One line of the table.
fn row(what: &str, measured: &str, beside: &str) {
    println!("| {what} | {measured} | {beside} |");
}
