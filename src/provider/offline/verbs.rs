//! Verbs that steps begin with: how a clause is told from a noun.

/// Base forms, in order.
const ACTIONS: &[&str] = &[
    "abort", "accept", "add", "allow", "alert", "analyse", "analyze", "apply", "approve", "archive", "ask",
    "assign", "attach", "authenticate", "authorize", "back", "bake", "block", "boil", "book", "browse", "build", "buy",
    "calculate", "call", "cancel", "capture", "charge", "check", "choose", "clean", "click", "close", "collect",
    "compile", "compute", "configure", "confirm", "connect", "continue", "cook", "cool", "copy", "create", "cut",
    "debug", "decline", "decrypt", "delete", "deliver", "deny", "deploy", "design", "develop", "disable", "discard", "display", "do", "download", "drain", "drink",
    "eat", "edit", "emit", "enable", "encrypt", "end", "enqueue", "enter", "escalate", "evaluate", "exit", "export", "extract",
    "fail", "fetch", "fill", "filter", "find", "finish", "fix", "flush", "format", "forward", "generate", "get", "give", "go", "grant",
    "handle", "hash", "heat", "hide", "identify", "ignore", "import", "index", "inform", "initialize", "insert", "inspect", "install", "invite", "issue",
    "join", "keep", "leave", "let", "link", "list", "listen", "load", "lock", "log", "look", "login", "logout",
    "make", "mark", "match", "measure", "merge", "mix", "monitor", "move", "notify",
    "open", "order", "pack", "package", "parse", "pass", "pause", "pay", "pick", "place", "plan", "poll", "post", "pour", "prepare", "press", "print", "process", "prompt", "publish", "pull", "push", "put",
    "query", "queue", "raise", "read", "rebuild", "receive", "record", "redirect", "refund", "refuse", "register", "reject", "release", "reload", "remove", "render", "repeat", "replace", "reply", "report", "request", "reserve", "reset", "resolve", "respond", "restart", "restock", "restore", "retry", "return", "review", "rinse", "roll", "route", "run",
    "save", "scan", "schedule", "search", "see", "select", "send", "serve", "set", "ship", "show", "sign", "skip", "sort", "split", "start", "steep", "stir", "stop", "store", "submit", "subscribe", "switch",
    "take", "tell", "terminate", "test", "throw", "transfer", "transform", "trigger", "try", "turn", "unlock", "unpack", "update", "upgrade", "upload", "use",
    "validate", "verify", "view", "wait", "wake", "warn", "wash", "watch", "wear", "withdraw", "write",
];

/// Whether a word, in lower case, is an action: "send", "sends".
pub(super) fn is_action(word: &str) -> bool {
    is_base(word) || third_person(word)
}

/// Whether a word, in lower case, is an action's base form: "send".
pub(super) fn is_base(word: &str) -> bool {
    ACTIONS.contains(&word)
}

fn third_person(word: &str) -> bool {
    let Some(stem) = word.strip_suffix('s') else { return false };
    is_base(stem)
        || stem.strip_suffix('e').is_some_and(is_base)
        || stem.strip_suffix("ie").is_some_and(|stem| is_base(&format!("{stem}y")))
}
