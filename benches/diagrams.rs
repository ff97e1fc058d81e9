//! What a verdict on a Mermaid diagram and a picture of it cost, and how often the verdict is the
//! browser's.
//!
//! `cargo bench --bench diagrams [-- CORPUS]` prints a markdown table. CORPUS (or the variable
//! `DIAGRAMD_CORPUS`) is a file of JSON lines with `file`, `text`, `parses` and `draws`, what
//! Mermaid said of the text in a browser. Two figures come of it: the parser's agreement with
//! `parses`, where every disagreement is printed and fails the bench, and how often the whole
//! verdict (the parser's, and for some kinds a picture) is another than "parses and draws", which
//! fails the bench above half a percent. Without it the project's own samples are measured.

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

    #[cfg(feature = "render")]
    use diagramd::diagram::check::Drawing;
    use diagramd::diagram::check::mended;
    use diagramd::diagram::mermaid::{Broken, Child, Engine, Raw, kind};
    use diagramd::diagram::mermaid::{Parsers, Settings};
    use diagramd::domain::DiagramType;
    use serde::Deserialize;

    const DEADLINE: Duration = Duration::from_secs(10);
    const STARTS: usize = 5;
    /// Disagreements with "parses and draws", of a thousand.
    const WRONG_PER_MILLE_MAX: usize = 5;

    #[derive(Deserialize)]
    struct Row {
        file: String,
        text: String,
        parses: bool,
        draws: bool,
    }

    /// Disagreements.
    #[derive(Default)]
    struct Wrong {
        parses: usize,
        accepted: usize,
        refused: usize,
    }

    /// A checking process, as the server has them, and another one after every fault.
    struct Process {
        runtime: tokio::runtime::Runtime,
        child: Option<Child>,
    }

    impl Process {
        fn new() -> Self {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            Self { runtime: runtime.expect("a runtime"), child: None }
        }

        fn start(&mut self) -> &mut Child {
            let Self { runtime, child } = self;
            child.get_or_insert_with(|| {
                let started = Child::start(Path::new(env!("CARGO_BIN_EXE_diagramd")));
                runtime.block_on(started).expect("it starts")
            })
        }

        fn end(&mut self) {
            if let Some(child) = self.child.take() {
                self.runtime.block_on(child.end());
            }
        }

        fn check(&mut self, source: &str) -> Result<Raw, Broken> {
            self.start();
            let child = self.child.as_mut().expect("it was started");
            let checked = self.runtime.block_on(child.check(source, DEADLINE));
            if checked.as_ref().map_or(true, |checked| checked.spent) {
                self.end();
            }
            checked.map(|checked| checked.raw)
        }

        /// MB that it holds of the machine's memory, and of these what is its own alone.
        fn megabytes(&mut self) -> Option<(f64, f64)> {
            let id = self.start().id();
            let rollup = std::fs::read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?;
            let kilobytes = |name: &str| {
                let lines = rollup.lines().filter_map(|line| line.strip_prefix(name));
                lines.filter_map(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok()).sum::<f64>()
            };
            let own = kilobytes("Private_Dirty:") + kilobytes("Private_Clean:");
            Some((kilobytes("Rss:") / 1e3, own / 1e3))
        }
    }

    fn memory(what: &str, megabytes: Option<(f64, f64)>) {
        match megabytes {
            Some((all, own)) => {
                println!("| process memory, {what} | {all:.1} MB, its own alone {own:.1} MB |")
            }
            None => println!("| process memory, {what} | skipped: this system does not tell |"),
        }
    }

    pub fn run() {
        let corpus = corpus();
        let is_corpus = corpus.is_some();
        let rows = corpus.map_or_else(|| own("good"), |path| read(&path));
        let mut process = Process::new();
        let mut starts: Vec<Duration> = (0..STARTS)
            .map(|_| {
                process.end();
                timed(|| process.start().id()).0
            })
            .collect();
        let context_bytes = process.start().context_bytes();
        let fresh = process.megabytes();
        let mut here = Some(Engine::start().expect("it starts"));
        // Grammars load when they are first used.
        for row in &rows {
            let _ = process.check(&row.text);
            let _ = without_process(&mut here, row);
        }
        let warm = process.megabytes();
        let (mut verdicts, mut within, mut wrong) = (Vec::new(), Vec::new(), Wrong::default());
        let drawing = drawing();
        for row in &rows {
            let (took, raw) = timed(|| process.check(&row.text));
            verdicts.push(took);
            within.extend(without_process(&mut here, row));
            let parses = raw.as_ref().is_ok_and(|raw| raw.faults.is_empty());
            if parses != row.parses {
                wrong.parses += 1;
                println!("disagrees on {}: a browser says {}, here {raw:?}", row.file, row.parses);
            }
            let valid = parses && raw.as_ref().is_ok_and(|raw| draws(&drawing, raw, &row.text));
            match (valid, row.parses && row.draws) {
                (true, false) => wrong.accepted += 1,
                (false, true) => {
                    wrong.refused += 1;
                    println!("refuses {}, which a browser draws", row.file);
                }
                (true, true) | (false, false) => {}
            }
        }
        println!("| figure | value |\n|---|---|");
        println!("| diagrams | {} |", rows.len());
        times("verdict", verdicts);
        times("verdict without the way to another process", within);
        println!("| start of a process and its context p50 | {:.0?} |", percentile(&mut starts, 50));
        println!("| context memory, fresh | {:.1} MB |", context_bytes as f64 / 1e6);
        memory("fresh", fresh);
        memory("every grammar loaded", warm);
        println!("| script in the binary | {} KB |", Engine::SCRIPT_BYTES / 1000);
        mends("the project's bad samples", &own("bad"));
        if is_corpus {
            mends("the corpus' bad diagrams", &rows);
        }
        pictures(&rows);
        if !is_corpus {
            println!("| agreement with a browser | skipped: give the corpus' path |");
            return;
        }
        println!(
            "| the parser says what a browser's says | {} of {} |",
            rows.len() - wrong.parses,
            rows.len()
        );
        let wrongly = wrong.accepted + wrong.refused;
        println!(
            "| the verdict is not \"parses and draws\" | {wrongly} ({:.2} %): {} wrongly accepted, {} wrongly refused |",
            wrongly as f64 * 100.0 / rows.len() as f64,
            wrong.accepted,
            wrong.refused
        );
        if wrong.parses > 0 || wrongly * 1000 > rows.len() * WRONG_PER_MILLE_MAX {
            exit(1);
        }
    }

    /// What a verdict takes in this process, one after the other with those of the other, so that
    /// the machine is the same to both. `None` from the first source on that breaks the context,
    /// which must not be freed then.
    fn without_process(here: &mut Option<Engine>, row: &Row) -> Option<Duration> {
        let engine = here.take()?;
        let (took, raw) = timed(|| engine.check(&row.text, DEADLINE));
        if raw.is_err() {
            std::mem::forget(engine);
            return None;
        }
        *here = Some(engine);
        Some(took)
    }

    /// How many of the rows that no browser parses become valid by rules alone, without a call of the
    /// model, and what that takes.
    fn mends(what: &str, rows: &[Row]) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let program = Path::new(env!("CARGO_BIN_EXE_diagramd"));
        let parsers = Parsers::new(Settings { deadline: DEADLINE, ..Settings::default() }, program, None);
        let (mut took, mut valid) = (Vec::new(), 0_usize);
        for row in rows.iter().filter(|row| !row.parses) {
            let mending = || runtime.block_on(mended(&parsers, DiagramType::Mermaid, &row.text));
            let (time, mended) = timed(mending);
            took.push(time);
            valid += usize::from(mended.is_some());
        }
        let share = valid as f64 * 100.0 / took.len() as f64;
        println!("| {what}: mended without a call | {valid} of {} ({share:.0} %) |", took.len());
        times(&format!("{what}: mending, whatever comes of it"), took);
    }

    /// The second opinion; a build that does not draw has none.
    #[cfg(feature = "render")]
    fn drawing() -> diagramd::diagram::draw::Mermaid {
        diagramd::diagram::draw::Mermaid::new(None, DEADLINE)
    }

    #[cfg(not(feature = "render"))]
    struct NoDrawing;

    #[cfg(not(feature = "render"))]
    fn drawing() -> NoDrawing {
        NoDrawing
    }

    #[cfg(feature = "render")]
    fn draws(drawing: &impl Drawing, raw: &Raw, source: &str) -> bool {
        let kind = raw.diagram.as_deref().and_then(kind::of);
        kind.is_some_and(|kind| !drawing.decides(kind) || drawing.draws(source).is_ok())
    }

    #[cfg(not(feature = "render"))]
    fn draws(_: &NoDrawing, raw: &Raw, _: &str) -> bool {
        raw.diagram.as_deref().and_then(kind::of).is_some()
    }

    #[cfg(not(feature = "render"))]
    fn pictures(_: &[Row]) {
        println!("| SVG, PNG | skipped: this build does not draw (feature `render`) |");
    }

    /// Every diagram that a browser draws, as an SVG and as a PNG, on one thread.
    #[cfg(feature = "render")]
    fn pictures(rows: &[Row]) {
        use diagramd::diagram::picture::{Theme, Undrawn};

        let mermaid = drawing();
        let (first, _) = timed(|| mermaid.svg("info", Theme::Default));
        let (mut svgs, mut pngs, mut undrawn) = (Vec::new(), Vec::new(), 0_usize);
        for row in rows.iter().filter(|row| row.parses && row.draws) {
            let (took, svg) = timed(|| mermaid.svg(&row.text, Theme::Default));
            match svg {
                Ok(svg) => {
                    svgs.push(took);
                    let (took, png) = timed(|| mermaid.png(&svg, Theme::Default, None));
                    match png {
                        Ok(_) => pngs.push(took),
                        Err(reason) => println!("{} is drawn and not painted: {reason}", row.file),
                    }
                }
                Err(reason) => {
                    if matches!(reason, Undrawn::Fault(_)) {
                        println!("{}: {reason}", row.file);
                    }
                    undrawn += 1;
                }
            }
        }
        println!("| first picture (the fonts are read) | {first:.1?} |");
        times("SVG", svgs);
        times("PNG of an SVG, twice its size", pngs);
        println!("| a browser draws it, here it is not drawn | {undrawn} |");
    }

    fn times(what: &str, mut samples: Vec<Duration>) {
        println!("| {what} p50 | {:.1?} |", percentile(&mut samples, 50));
        println!("| {what} p99 | {:.1?} |", percentile(&mut samples, 99));
        println!("| {what} slowest | {:.1?} |", percentile(&mut samples, 100));
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

    /// The project's samples, good or bad.
    fn own(which: &str) -> Vec<Row> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagrams").join(which);
        let good = which == "good";
        let files = std::fs::read_dir(folder).expect("the samples are there");
        let paths = files.map(|file| file.expect("a sample").path());
        paths
            .map(|path| Row {
                file: path.display().to_string(),
                text: std::fs::read_to_string(&path).expect("a sample is text"),
                parses: good,
                draws: good,
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
