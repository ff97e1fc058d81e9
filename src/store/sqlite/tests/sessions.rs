//! Sessions and links on a real database: what was true when somebody was let in may not be by the
//! time that it is written.

use super::*;
use crate::domain::SessionId;
use crate::domain::session::LinkFor;
use crate::store::people::{NewLink, NewSession, PasswordChange};

const ADMIN: &str = "admin";
const LATER: Timestamp = Timestamp(NOW.0 + DAY_MS);

fn id(number: u8) -> SessionId {
    SessionId([number; 32])
}

const fn new(id: SessionId) -> NewSession {
    NewSession { id, expires_at: LATER, created_at: NOW }
}

impl Store {
    fn password(&self, name: &'static str, phc: &'static str) {
        assert!(self.run(move |commands| commands.set_password(name, phc)));
    }

    fn sign_in(&self, user: UserId, phc: &'static str, session: SessionId) -> bool {
        self.run(move |commands| commands.create_session(user, phc, &new(session)))
    }

    fn link(&self, whom: LinkFor, link: SessionId) {
        let link = NewLink { id: link, whom, expires_at: LATER, created_at: NOW };
        self.run(move |commands| commands.create_link(&link));
    }

    fn redeem(&self, link: SessionId, session: SessionId) -> bool {
        self.run(move |commands| commands.redeem_link(link, &new(session), ADMIN))
    }

    fn change(&self, user: UserId, session: SessionId, was: Option<&str>, phc: &str) -> bool {
        let (was, phc) = (was.map(str::to_owned), phc.to_owned());
        let change = PasswordChange { user, session, was, phc, at: NOW };
        self.run(move |commands| commands.change_password(&change))
    }

    fn is_open(&self, session: SessionId) -> bool {
        self.reader.blocking().session(session, NOW).unwrap().is_some()
    }

    fn disable(&self, name: &'static str, at: Option<Timestamp>) {
        self.run(move |commands| commands.set_disabled(name, at.is_some(), at.unwrap_or(NOW)).map(drop));
    }
}

#[test]
fn a_password_that_was_changed_while_it_was_checked_opens_nothing() {
    let store = Store::new();
    let ann = store.user("ann");
    store.password("ann", "old");
    store.password("ann", "new");
    assert!(!store.sign_in(ann, "old", id(1)));
    assert!(store.sign_in(ann, "new", id(2)));
    store.disable("ann", Some(NOW));
    assert!(!store.sign_in(ann, "new", id(3)), "disabled while it was checked");
    store.disable("ann", None);
    assert_eq!([1, 2, 3].map(|number| store.is_open(id(number))), [false; 3]);
}

#[test]
fn a_session_that_a_reset_ended_changes_no_password() {
    let store = Store::new();
    let ann = store.user("ann");
    store.password("ann", "old");
    assert!(store.sign_in(ann, "old", id(1)));
    store.password("ann", "reset");
    assert!(!store.change(ann, id(1), Some("old"), "mine"), "its session is over");
    assert!(store.sign_in(ann, "reset", id(2)) && store.sign_in(ann, "reset", id(3)));
    assert!(!store.change(ann, id(2), Some("old"), "mine"), "it is not the one that was checked");
    assert!(store.change(ann, id(2), Some("reset"), "mine"));
    assert_eq!([2, 3].map(|number| store.is_open(id(number))), [true, false]);
    assert!(!store.change(ann, id(2), None, "another"));
    assert_eq!(store.reader.blocking().password("ann").unwrap().as_deref(), Some("mine"));
}

#[test]
fn a_links_session_sets_a_password_unasked_only_once() {
    let store = Store::new();
    let ann = store.user("ann");
    store.link(LinkFor::User(ann), id(1));
    assert!(store.redeem(id(1), id(2)) && !store.redeem(id(1), id(3)));
    let by_link = || store.reader.blocking().session(id(2), NOW).unwrap().unwrap().by_link;
    assert!(by_link());
    assert!(store.change(ann, id(2), None, "first"));
    assert!(!by_link());
}

#[test]
fn the_link_of_the_first_start_is_over_once_there_is_an_operator() {
    let store = Store::new();
    store.link(LinkFor::Setup, id(1));
    store.run(|commands| commands.make_admin("ops", NOW).map(drop));
    store.password("ops", "ops");
    assert!(!store.redeem(id(1), id(2)));
    assert!(store.reader.blocking().user(ADMIN).unwrap().is_none(), "no second admin was made");
}

#[test]
fn whoever_had_the_first_admins_name_is_not_let_in_by_it() {
    let store = Store::new();
    let squatter = store.user(ADMIN);
    store.password(ADMIN, "theirs");
    assert!(store.sign_in(squatter, "theirs", id(1)));
    store.disable(ADMIN, Some(NOW));
    store.link(LinkFor::Setup, id(2));
    assert!(store.redeem(id(2), id(3)), "also when the name was disabled");
    assert!(!store.is_open(id(1)) && store.is_open(id(3)));
    assert!(!store.sign_in(squatter, "theirs", id(4)));
}
