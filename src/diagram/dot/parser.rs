//! The grammar, with its stack of open bodies held as a list: no depth of a source is a depth here.

use super::lexer::Lexer;
use super::mistakes;
use super::problem::{PROBLEMS_MAX, Problem, Report, place};
use super::token::{Keyword, Kind, Token};

/// Subgraphs inside one another, at most.
pub const DEPTH_MAX: usize = 500;

const STATEMENT: &str = "a statement or }";
const AFTER_OPERAND: &str = "an edge, [attributes], ; or }";
const ATTRIBUTE: &str = "name=value or ]";

/// The verdict on `source`: every error that can be told apart, in the order of reading.
pub fn check(source: &str) -> Report {
    let mut parser = Parser::new(source);
    parser.file();
    parser.report
}

/// What stands next in a body.
enum Next {
    Statement,
    /// An end of an edge has been read.
    AfterOperand,
}

pub(super) struct Parser<'s> {
    pub(super) source: &'s str,
    lexer: Lexer<'s>,
    /// The token to be read next.
    pub(super) token: Token<'s>,
    pub(super) directed: bool,
    /// Where the open bodies begin.
    pub(super) bodies: Vec<usize>,
    pub(super) report: Report,
    pub(super) gave_up: bool,
}

/// The current statement cannot go on; it has been reported.
pub(super) struct Broken;

pub(super) type Step = Result<(), Broken>;

impl<'s> Parser<'s> {
    fn new(source: &'s str) -> Self {
        let mut lexer = Lexer::new(source);
        let token = lexer.next();
        let bodies = Vec::new();
        let report = Report::default();
        Self { source, lexer, token, directed: false, bodies, report, gave_up: false }
    }

    fn file(&mut self) {
        let mut graphs = 0_usize;
        while !self.gave_up {
            match self.token.kind {
                Kind::End if graphs == 0 => {
                    self.fault(self.token, "digraph or graph");
                    return;
                }
                Kind::End => return,
                // Graphviz has read its graph by then and takes the rest for the end.
                Kind::Unclosed(_) if graphs > 0 && self.report.errors.is_empty() => {
                    self.warn(
                        self.token.at,
                        "What stands behind the graph is never closed and is not read; remove it.".to_owned(),
                    );
                    return;
                }
                _ => {}
            }
            if self.header().is_ok() {
                self.body();
            } else {
                self.skip_to_header();
            }
            graphs += 1;
        }
    }

    /// `[strict] (graph | digraph) [ID] {`
    fn header(&mut self) -> Step {
        if self.token.kind == Kind::Keyword(Keyword::Strict) {
            self.advance();
        }
        let kind = match self.token.kind {
            Kind::Keyword(Keyword::Graph) => "graph",
            Kind::Keyword(Keyword::Digraph) => "digraph",
            _ => return self.fail("digraph or graph"),
        };
        self.directed = kind == "digraph";
        self.report.kind.get_or_insert(kind);
        self.advance();
        if self.token.is_id() {
            self.id()?;
        }
        self.open("the graph's name or {")
    }

    /// Statements up to the brace that closes the graph.
    pub(super) fn body(&mut self) {
        let mut next = Next::Statement;
        while !self.bodies.is_empty() && !self.gave_up {
            let step = match next {
                Next::Statement => self.statement(),
                Next::AfterOperand => self.after_operand(),
            };
            next = step.unwrap_or_else(|Broken| {
                self.recover();
                Next::Statement
            });
        }
    }

    fn statement(&mut self) -> Result<Next, Broken> {
        match self.token.kind {
            Kind::BraceClose => {
                self.advance();
                self.bodies.pop();
                Ok(Next::AfterOperand)
            }
            Kind::Keyword(Keyword::Graph | Keyword::Node | Keyword::Edge) => {
                self.defaults()?;
                Ok(Next::Statement)
            }
            Kind::Id | Kind::Quoted => {
                self.id()?;
                if self.token.kind != Kind::Equals {
                    self.nodes()?;
                    return Ok(Next::AfterOperand);
                }
                self.advance();
                self.expect_id("a value")?;
                self.end_statement();
                Ok(Next::Statement)
            }
            Kind::Keyword(Keyword::Subgraph) | Kind::BraceOpen => {
                self.subgraph()?;
                Ok(Next::Statement)
            }
            _ => self.fail(STATEMENT).map(|()| Next::Statement),
        }
    }

    /// `(graph | node | edge) [ID =] [attributes]`
    fn defaults(&mut self) -> Step {
        self.advance();
        if self.token.is_id() {
            self.id()?;
            self.expect(Kind::Equals, "[attributes]")?;
        }
        if self.token.kind != Kind::BracketOpen {
            return self.fail("[attributes]");
        }
        self.attributes()?;
        self.end_statement();
        Ok(())
    }

    /// Past the first id of a list of nodes: ports, and more nodes.
    fn nodes(&mut self) -> Step {
        self.port()?;
        while self.token.kind == Kind::Comma {
            self.advance();
            self.expect_id("a node")?;
            self.port()?;
        }
        Ok(())
    }

    /// `[: ID [: ID]]`
    fn port(&mut self) -> Step {
        for _ in 0..2 {
            if self.token.kind != Kind::Colon {
                break;
            }
            self.advance();
            self.expect_id("a port")?;
        }
        Ok(())
    }

    /// `[subgraph [ID]] {`
    fn subgraph(&mut self) -> Step {
        let is_named = self.token.kind == Kind::Keyword(Keyword::Subgraph);
        if is_named {
            self.advance();
            if self.token.is_id() {
                self.id()?;
            }
        }
        self.open(if is_named { "the subgraph's name or {" } else { "{" })
    }

    fn open(&mut self, expected: &'static str) -> Step {
        if self.token.kind != Kind::BraceOpen {
            return self.fail(expected);
        }
        if self.bodies.len() > DEPTH_MAX {
            self.report_at(
                self.token.at,
                "fewer levels",
                format!("More than {DEPTH_MAX} subgraphs stand inside one another; take levels out."),
            );
            self.give_up();
            return Err(Broken);
        }
        self.bodies.push(self.token.at);
        self.advance();
        Ok(())
    }

    /// An edge to the next operand, or attributes and the statement's end.
    fn after_operand(&mut self) -> Result<Next, Broken> {
        let wanted = if self.directed { Kind::Arrow } else { Kind::Line };
        if self.token.kind != wanted {
            if matches!(self.token.kind, Kind::Arrow | Kind::Line) {
                return self.fail(if self.directed { "->" } else { "--" }).map(|()| Next::Statement);
            }
            self.attributes()?;
            if matches!(self.token.kind, Kind::Colon | Kind::Equals | Kind::Comma | Kind::Plus | Kind::Stray)
            {
                return self.fail(AFTER_OPERAND).map(|()| Next::Statement);
            }
            self.end_statement();
            return Ok(Next::Statement);
        }
        self.advance();
        match self.token.kind {
            Kind::Id | Kind::Quoted => {
                self.id()?;
                self.nodes()?;
                Ok(Next::AfterOperand)
            }
            Kind::Keyword(Keyword::Subgraph) | Kind::BraceOpen => {
                self.subgraph()?;
                Ok(Next::Statement)
            }
            _ => self.fail("a node or a subgraph").map(|()| Next::Statement),
        }
    }

    /// Any number of lists in brackets.
    fn attributes(&mut self) -> Step {
        while self.token.kind == Kind::BracketOpen {
            let open = self.token.at;
            self.advance();
            while self.token.kind != Kind::BracketClose {
                if self.attribute().is_err() {
                    self.recover_in_brackets(open)?;
                }
            }
            self.advance();
        }
        Ok(())
    }

    /// `ID = ID [; | ,]`
    fn attribute(&mut self) -> Step {
        self.expect_id(ATTRIBUTE)?;
        self.expect(Kind::Equals, "= and a value")?;
        self.expect_id("a value")?;
        if matches!(self.token.kind, Kind::Comma | Kind::Semicolon) {
            self.advance();
        }
        Ok(())
    }

    fn end_statement(&mut self) {
        if self.token.kind == Kind::Semicolon && !self.bodies.is_empty() {
            self.advance();
        }
    }

    fn expect(&mut self, kind: Kind, expected: &'static str) -> Step {
        if self.token.kind != kind {
            return self.fail(expected);
        }
        self.advance();
        Ok(())
    }

    fn expect_id(&mut self, expected: &'static str) -> Step {
        if self.token.is_id() { self.id() } else { self.fail(expected) }
    }

    /// An id; quoted text may be joined by `+`.
    fn id(&mut self) -> Step {
        let mut joins = self.token.kind == Kind::Quoted;
        if !joins && let Some(warning) = mistakes::odd_name(self.token.text) {
            self.warn(self.token.at, warning);
        }
        let numeral_end = self
            .token
            .text
            .ends_with(|c: char| c.is_ascii_digit() || c == '.')
            .then_some(self.token.at + self.token.text.len());
        self.advance();
        if !joins && self.token.kind == Kind::Id && numeral_end == Some(self.token.at) {
            self.warn(
                self.token.at,
                format!(
                    "A numeral ends here and {:?} is an id of its own; put both in one pair of quotes.",
                    mistakes::shortened(self.token.text)
                ),
            );
        }
        while joins && self.token.kind == Kind::Plus {
            self.advance();
            joins = self.token.kind == Kind::Quoted;
            if !joins {
                return self.fail("text in double quotes");
            }
            self.advance();
        }
        Ok(())
    }

    pub(super) fn advance(&mut self) {
        self.token = self.lexer.next();
    }

    fn fail(&mut self, expected: &'static str) -> Step {
        self.fault(self.token, expected);
        Err(Broken)
    }

    fn fault(&mut self, found: Token<'s>, expected: &'static str) {
        let open = self.bodies.last().map(|at| place(self.source, *at));
        let context = mistakes::Context { source: self.source, directed: self.directed, open, expected };
        let message = mistakes::explain(found, &context);
        self.report_at(found.at, expected, message);
        if matches!(found.kind, Kind::End | Kind::Unclosed(_)) {
            self.give_up();
        }
    }

    fn report_at(&mut self, at: usize, expected: &'static str, message: String) {
        let (line, column) = place(self.source, at);
        self.report.errors.push(Problem { line, column, expected, message });
        if self.report.errors.len() >= PROBLEMS_MAX {
            self.give_up();
        }
    }

    fn warn(&mut self, at: usize, message: String) {
        if self.report.warnings.len() < PROBLEMS_MAX {
            let (line, column) = place(self.source, at);
            self.report.warnings.push(Problem { line, column, expected: "", message });
        }
    }

    pub(super) fn give_up(&mut self) {
        self.gave_up = true;
    }
}
