//! What `strace -f -xx` says, read into the operations that matter to durability.

use std::collections::HashMap;

/// A file whose contents must survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum File {
    Database,
    Log,
}

impl File {
    pub const ALL: [Self; 2] = [Self::Database, Self::Log];

    /// Its name in the data directory.
    pub fn name(self) -> &'static str {
        match self {
            Self::Database => "diagramd.db",
            Self::Log => "diagramd.db-wal",
        }
    }
}

/// One operation, in the order in which it ended (an acknowledgement: began).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    Write {
        file: File,
        offset: usize,
        data: Vec<u8>,
    },
    Truncate {
        file: File,
        length: usize,
    },
    Synced(File),
    /// Ids that clients may have been told from here on.
    Acknowledged(Vec<String>),
}

/// The system calls to trace.
pub const TRACED: &str = "trace=openat,close,pwrite64,ftruncate,fsync,fdatasync,write,writev,sendto";

/// Follows the lines of one trace.
#[derive(Default)]
pub struct Reader {
    files: HashMap<i32, File>,
    /// Calls that have begun, by thread.
    unfinished: HashMap<String, String>,
}

impl Reader {
    /// The operation that this line completes, if it does.
    pub fn line(&mut self, line: &str) -> Option<Operation> {
        let (thread, call) = line.split_once(' ')?;
        let call = call.trim_start();
        if let Some((begun, _)) = call.split_once(" <unfinished ...>") {
            self.unfinished.insert(thread.to_owned(), begun.to_owned());
            return acknowledged(begun);
        }
        if let Some(rest) = call.strip_prefix("<... ") {
            let begun = self.unfinished.remove(thread)?;
            let (_, rest) = rest.split_once(" resumed>")?;
            return self.ended(&format!("{begun}{rest}"));
        }
        acknowledged(call).or_else(|| self.ended(call))
    }

    fn ended(&mut self, call: &str) -> Option<Operation> {
        let (call, result) = call.rsplit_once(" = ")?;
        let result: i64 = result.split(' ').next()?.parse().ok()?;
        let (name, arguments) = call.split_once('(')?;
        if result < 0 {
            return None;
        }
        let arguments = arguments.trim_end().trim_end_matches(')');
        let first: i32 = arguments.split(',').next()?.trim().parse().unwrap_or(-1);
        let file = self.files.get(&first).copied();
        match name {
            "openat" => {
                let path = String::from_utf8(quoted(arguments)).ok()?;
                if let Some(file) =
                    File::ALL.into_iter().find(|file| path.ends_with(&format!("/{}", file.name())))
                {
                    self.files.insert(i32::try_from(result).ok()?, file);
                }
                None
            }
            "close" => {
                self.files.remove(&first);
                None
            }
            "pwrite64" => {
                let offset = arguments.rsplit(", ").next()?.parse().ok()?;
                let mut data = quoted(arguments);
                data.truncate(usize::try_from(result).ok()?);
                Some(Operation::Write { file: file?, offset, data })
            }
            "ftruncate" => Some(Operation::Truncate {
                file: file?,
                length: arguments.rsplit(", ").next()?.parse().ok()?,
            }),
            "fsync" | "fdatasync" => Some(Operation::Synced(file?)),
            _ => None,
        }
    }
}

/// The requests that an answer acknowledges, when this call writes one.
fn acknowledged(call: &str) -> Option<Operation> {
    const BEFORE: &str = "\"requestId\":\"";
    if !["write(", "writev(", "sendto("].iter().any(|name| call.starts_with(name)) {
        return None;
    }
    let text = String::from_utf8_lossy(&quoted(call)).into_owned();
    if !text.contains("HTTP/1.1 202") {
        return None;
    }
    let ids = text.split(BEFORE).skip(1).filter_map(|rest| rest.split('"').next());
    Some(Operation::Acknowledged(ids.map(str::to_owned).collect()))
}

/// The bytes of every `"\x.."` of a line, one after the other.
fn quoted(line: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for text in line.split('"').skip(1).step_by(2) {
        for digits in text.split("\\x").skip(1) {
            bytes.push(u8::from_str_radix(&digits[..2], 16).unwrap());
        }
    }
    bytes
}

#[test]
fn calls_are_followed_across_threads() {
    let mut reader = Reader::default();
    let hex = |text: &str| text.bytes().map(|byte| format!("\\x{byte:02x}")).collect::<String>();
    let path = hex("/data/diagramd.db-wal");
    assert_eq!(reader.line(&format!("7  openat(AT_FDCWD, \"{path}\", O_RDWR|O_CREAT, 0644) = 9")), None);
    assert_eq!(reader.line("7  pwrite64(9, \"\\x61\\x62\", 2, 4096 <unfinished ...>"), None);
    let answer = hex("HTTP/1.1 202 Accepted\r\n\r\n{\"requestId\":\"req_1\"}");
    assert_eq!(
        reader.line(&format!("8  writev(5, [{{iov_base=\"{answer}\", iov_len=9}}], 1) = 9")),
        Some(Operation::Acknowledged(vec!["req_1".to_owned()]))
    );
    assert_eq!(
        reader.line("7  <... pwrite64 resumed>) = 2"),
        Some(Operation::Write { file: File::Log, offset: 4096, data: b"ab".to_vec() })
    );
    assert_eq!(reader.line("7  fdatasync(9) = 0"), Some(Operation::Synced(File::Log)));
    assert_eq!(reader.line("7  fdatasync(9) = -1 EIO (Input/output error)"), None);
    assert_eq!(reader.line("7  close(9) = 0"), None);
    assert_eq!(reader.line("7  pwrite64(9, \"\\x61\", 1, 0) = 1"), None);
}
