//! What a verdict on a Mermaid diagram costs, and how often it is the browser's.
//!
//! `cargo bench --bench diagrams [-- CORPUS]` prints a markdown table. CORPUS (or the variable
//! `DIAGRAMD_CORPUS`) is a file of JSON lines with `file`, `text` and `parses`, what Mermaid said
//! of the text in a browser; disagreements are printed and fail the bench. Without it the project's
//! own samples are measured and the agreement is skipped.

fn main() {
    #[cfg(feature = "validate")]
    validate::run();
    #[cfg(not(feature = "validate"))]
    println!("skipped: this build checks no diagrams (feature `validate`)");
}

#[cfg(feature = "validate")]
mod validate {
    use std::path::{Path, PathBuf};
    use std::process::exit;
    use std::time::{Duration, Instant};

    use diagramd::diagram::mermaid::Engine;
    use serde::Deserialize;

    const DEADLINE: Duration = Duration::from_secs(10);
    const STARTS: usize = 5;

    #[derive(Deserialize)]
    struct Row {
        file: String,
        text: String,
        parses: bool,
    }

    pub fn run() {
        let corpus = corpus();
        let is_corpus = corpus.is_some();
        let rows = corpus.map_or_else(own, |path| read(&path));
        let starts: Vec<Duration> =
            (0..STARTS).map(|_| timed(|| Engine::start().expect("it starts")).0).collect();
        let mut engine = Engine::start().expect("it starts");
        let fresh = engine.memory_bytes();
        // Grammars load when they are first used.
        for row in &rows {
            if engine.check(&row.text, DEADLINE).is_err() {
                engine = Engine::start().expect("it starts");
            }
        }
        engine.tidy();
        let warm = engine.memory_bytes();
        let (mut verdicts, mut disagreements) = (Vec::new(), 0);
        for row in &rows {
            let (took, raw) = timed(|| engine.check(&row.text, DEADLINE));
            verdicts.push(took);
            let parses = raw.as_ref().is_ok_and(|raw| raw.faults.is_empty());
            if parses != row.parses {
                disagreements += 1;
                println!("disagrees on {}: a browser says {}, here {raw:?}", row.file, row.parses);
            }
            if raw.is_err() {
                engine = Engine::start().expect("it starts");
            }
        }
        println!("| figure | value |\n|---|---|");
        println!("| diagrams | {} |", rows.len());
        println!("| verdict p50 | {:.1?} |", percentile(&mut verdicts, 50));
        println!("| verdict p99 | {:.1?} |", percentile(&mut verdicts, 99));
        println!("| verdict slowest | {:.1?} |", percentile(&mut verdicts, 100));
        println!("| context start p50 | {:.0?} |", percentile(&mut starts.clone(), 50));
        println!("| context memory, fresh | {:.1} MB |", fresh as f64 / 1e6);
        println!("| context memory, every grammar loaded | {:.1} MB |", warm as f64 / 1e6);
        println!("| script in the binary | {} KB |", Engine::SCRIPT_BYTES / 1000);
        if !is_corpus {
            println!("| agreement with a browser | skipped: give the corpus' path |");
            return;
        }
        println!("| agreement with a browser | {} of {} |", rows.len() - disagreements, rows.len());
        if disagreements > 0 {
            exit(1);
        }
    }

    /// The first argument that is not cargo's, else the variable.
    fn corpus() -> Option<PathBuf> {
        let argument = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
        argument.map(PathBuf::from).or_else(|| std::env::var_os("DIAGRAMD_CORPUS").map(PathBuf::from))
    }

    fn read(path: &Path) -> Vec<Row> {
        let path = if path.is_dir() { path.join("mermaid.jsonl") } else { path.to_owned() };
        let text = std::fs::read_to_string(&path).unwrap_or_else(|reason| {
            eprintln!("{}: {reason}", path.display());
            exit(2)
        });
        let row = |line| serde_json::from_str(line).expect("a line of the corpus is an object");
        text.lines().filter(|line| !line.trim().is_empty()).map(row).collect()
    }

    /// The project's samples.
    fn own() -> Vec<Row> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagrams/good");
        let files = std::fs::read_dir(folder).expect("the samples are there");
        let paths = files.map(|file| file.expect("a sample").path());
        paths
            .map(|path| Row {
                file: path.display().to_string(),
                text: std::fs::read_to_string(&path).expect("a sample is text"),
                parses: true,
            })
            .collect()
    }

    fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
        let begin = Instant::now();
        let value = work();
        (begin.elapsed(), value)
    }

    fn percentile(samples: &mut [Duration], percent: usize) -> Duration {
        samples.sort_unstable();
        samples[((samples.len() * percent).div_ceil(100)).clamp(1, samples.len()) - 1]
    }
}
