//! After an error: to where reading can go on, so that one mistake neither hides the next nor makes
//! others.

use super::parser::{Broken, Parser, Step};
use super::problem::place;
use super::token::{Keyword, Kind};

impl Parser<'_> {
    /// After a broken header: to its body, which is read all the same, or to the next header.
    pub(super) fn skip_to_header(&mut self) {
        loop {
            match self.token.kind {
                Kind::BraceOpen => {
                    self.bodies.push(self.token.at);
                    self.advance();
                    self.directed |= self.report.kind.is_none();
                    self.body();
                    return;
                }
                Kind::End | Kind::Unclosed(_) => return self.give_up(),
                Kind::Keyword(Keyword::Strict | Keyword::Digraph | Keyword::Graph)
                    if self.token.first_of_line =>
                {
                    return;
                }
                _ => self.advance(),
            }
        }
    }

    /// To where the next attribute may begin.
    ///
    /// # Errors
    /// When what follows is no attribute: the list is taken for forgotten.
    pub(super) fn recover_in_brackets(&mut self, open: usize) -> Step {
        let stopped_at = self.token.at;
        loop {
            match self.token.kind {
                _ if self.gave_up => return Err(Broken),
                Kind::BracketClose => return Ok(()),
                Kind::Comma | Kind::Semicolon => {
                    self.advance();
                    return Ok(());
                }
                _ if self.token.is_id() && self.token.first_of_line && self.token.at > stopped_at => {
                    return Ok(());
                }
                Kind::BraceOpen
                | Kind::BraceClose
                | Kind::Arrow
                | Kind::Line
                | Kind::End
                | Kind::Unclosed(_) => {
                    if let Some(problem) = self.report.errors.last_mut() {
                        let (line, column) = place(self.source, open);
                        problem
                            .message
                            .push_str(&format!(" The [ of line {line}, column {column} may lack its ]."));
                    }
                    return Err(Broken);
                }
                _ => self.advance(),
            }
        }
    }

    /// To where the next statement may begin.
    pub(super) fn recover(&mut self) {
        loop {
            match self.token.kind {
                Kind::End | Kind::Unclosed(_) => return self.give_up(),
                Kind::BraceOpen | Kind::BraceClose => return,
                Kind::Semicolon => {
                    self.advance();
                    return;
                }
                // What a statement may begin with, so that reading goes on past it.
                Kind::Id
                | Kind::Quoted
                | Kind::Keyword(Keyword::Graph | Keyword::Node | Keyword::Edge | Keyword::Subgraph)
                    if self.token.first_of_line =>
                {
                    return;
                }
                _ => self.advance(),
            }
        }
    }
}
