//! Signing in: a name and a password, or a one-time link, for a session of twelve hours.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::Rng;
use sha2::{Digest, Sha256};

use crate::domain::session::{LINK_LIFE, LinkFor, SESSION_LIFE, Session};
use crate::domain::user::{User, valid_user_name};
use crate::domain::{SessionId, Timestamp};
use crate::store::people::{NewLink, NewSession, PasswordChange};
use crate::store::{Priority, StoreError};

use super::{AccountError, Accounts, Caller, password};

/// The admin whom the link of the first start makes.
pub const FIRST_ADMIN: &str = "admin";
/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;
/// The letters that these are written with.
const TOKEN_CHARS: usize = 43;

/// A session just opened: the only time its token is seen.
#[derive(Clone)]
pub struct SignedIn {
    /// What the cookie holds.
    pub token: String,
    /// The session.
    pub session: Session,
}

/// What came of a change of one's own password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnPassword {
    /// It is set.
    Changed,
    /// The password so far must be said.
    CurrentMissing,
    /// What was said is not the password so far.
    CurrentWrong,
    /// The session ended, or the password was changed, meanwhile.
    Overtaken,
}

/// A link just made: the only time its token is seen.
#[derive(Clone)]
pub struct Link {
    /// What stands behind `#link=`.
    pub token: String,
    /// Whether it signs in somebody who may open the operator's page.
    pub is_admin: bool,
    /// From then on it opens nothing.
    pub expires_at: Timestamp,
}

impl Accounts {
    /// A session for whoever knows the password; `None` when the name or the password is wrong,
    /// or the user disabled. As slow for a name that is unknown.
    ///
    /// # Errors
    /// [`AccountError::Busy`], or what the store reports.
    pub async fn sign_in(&self, name: &str, text: &str) -> Result<Option<SignedIn>, AccountError> {
        let user = if valid_user_name(name) { self.known(name).await? } else { None };
        let phc = self.hash_of(name).await?;
        if !self.matches(text, phc.clone()).await? {
            return Ok(None);
        }
        let (Some(user), Some(phc)) = (user, phc) else { return Ok(None) };
        let (token, new) = self.new_session();
        // What was checked may have changed while it was: then there is no session.
        let create =
            move |commands: &mut dyn crate::store::Commands| commands.create_session(user.id, &phc, &new);
        if !self.writer.write(Priority::Control, 0, create).await? {
            return Ok(None);
        }
        self.opened(token).await
    }

    /// A session for whoever has the link; `None` when it is used, over or unknown.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn redeem_link(&self, link: &str) -> Result<Option<SignedIn>, AccountError> {
        let Some(link) = id(link) else { return Ok(None) };
        let (token, new) = self.new_session();
        let redeem =
            move |commands: &mut dyn crate::store::Commands| commands.redeem_link(link, &new, FIRST_ADMIN);
        if !self.writer.write(Priority::Control, 0, redeem).await? {
            return Ok(None);
        }
        // The first admin is made by it.
        self.cache.forget();
        self.opened(token).await
    }

    async fn opened(&self, token: String) -> Result<Option<SignedIn>, AccountError> {
        let session = self.session(&token).await?;
        Ok(session.map(|(_, session)| SignedIn { token, session }))
    }

    /// The session of a cookie's token; `None` when there is none, it is over, or its user disabled.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn session(&self, token: &str) -> Result<Option<(SessionId, Session)>, StoreError> {
        let Some(id) = id(token) else { return Ok(None) };
        let now = (self.clock)();
        let found = self.reader.read(move |reads| reads.session(id, now)).await?;
        Ok(found.map(|session| (id, session)))
    }

    /// As [`Accounts::session`], as a caller.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn by_session(&self, token: &str) -> Result<Option<Caller>, StoreError> {
        let found = self.session(token).await?;
        Ok(found.map(|(id, session)| Caller {
            user: session.user.id,
            name: Arc::from(session.user.name.as_str()),
            tier: session.user.tier,
            role: session.role,
            key: None,
            by_key: false,
            session: Some(id),
            until: Some(session.expires_at),
        }))
    }

    /// Ends a session, at once.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn sign_out(&self, id: SessionId) -> Result<(), StoreError> {
        self.writer.write(Priority::Control, 0, move |commands| commands.end_session(id)).await?;
        self.cache.forget();
        Ok(())
    }

    /// Changes the password of whoever is signed in by `session`, and ends the user's other sessions.
    /// Who came by a link need not know the one before, once; others must say it.
    ///
    /// # Errors
    /// [`AccountError::ShortPassword`], [`AccountError::Busy`], or what the store reports.
    pub async fn change_own_password(
        &self,
        id: SessionId,
        session: &Session,
        current: Option<&str>,
        text: &str,
    ) -> Result<OwnPassword, AccountError> {
        let was = self.hash_of(&session.user.name).await?;
        if was.is_some() && !session.by_link {
            let Some(current) = current else { return Ok(OwnPassword::CurrentMissing) };
            if !self.matches(current, was.clone()).await? {
                return Ok(OwnPassword::CurrentWrong);
            }
        }
        let text = text.to_owned();
        let phc = self.slow.run(move || password::hash(&text)).await??;
        let change = PasswordChange { user: session.user.id, session: id, was, phc, at: (self.clock)() };
        let set = move |commands: &mut dyn crate::store::Commands| commands.change_password(&change);
        let is_changed = self.writer.write(Priority::Control, 0, set).await?;
        self.cache.forget();
        Ok(if is_changed { OwnPassword::Changed } else { OwnPassword::Overtaken })
    }

    async fn hash_of(&self, name: &str) -> Result<Option<String>, StoreError> {
        let name = name.to_owned();
        self.reader.read(move |reads| reads.password(&name)).await
    }

    /// As slow for a user who has no password.
    async fn matches(&self, text: &str, phc: Option<String>) -> Result<bool, AccountError> {
        let text = text.to_owned();
        self.slow.run(move || password::matches(&text, phc.as_deref())).await
    }

    /// A link that signs a user in once, within half an hour; `None` when there is no such user,
    /// or the user is disabled. Blocking, for the command line.
    ///
    /// # Errors
    /// What the store reports.
    pub fn make_link(&self, name: &str) -> Result<Option<Link>, StoreError> {
        let user = self.user(name)?.filter(|user| user.disabled_at.is_none());
        let Some(user) = user else { return Ok(None) };
        let is_admin = self.reader.blocking().is_admin(user.id, (self.clock)())?;
        self.store_link(LinkFor::User(user.id), is_admin).map(Some)
    }

    /// A link that makes the first admin when it is used; `None` when somebody is an operator
    /// already. Blocking.
    ///
    /// # Errors
    /// What the store reports.
    pub fn make_setup_link(&self) -> Result<Option<Link>, StoreError> {
        if self.reader.blocking().has_operator((self.clock)())? {
            return Ok(None);
        }
        self.store_link(LinkFor::Setup, true).map(Some)
    }

    fn store_link(&self, whom: LinkFor, is_admin: bool) -> Result<Link, StoreError> {
        let created_at = (self.clock)();
        let (token, id) = token();
        let link = NewLink { id, whom, expires_at: created_at.after(LINK_LIFE), created_at };
        self.writer.write_blocking(move |commands| commands.create_link(&link))?;
        Ok(Link { token, is_admin, expires_at: link.expires_at })
    }

    async fn known(&self, name: &str) -> Result<Option<User>, StoreError> {
        let name = name.to_owned();
        self.reader.read(move |reads| reads.user(&name)).await
    }

    fn new_session(&self) -> (String, NewSession) {
        let created_at = (self.clock)();
        let (token, id) = token();
        (token, NewSession { id, expires_at: created_at.after(SESSION_LIFE), created_at })
    }
}

/// A new random token, and its name.
fn token() -> (String, SessionId) {
    let mut random = [0; TOKEN_BYTES];
    rand::rng().fill_bytes(&mut random);
    let token = URL_SAFE_NO_PAD.encode(random);
    let id = hashed(&token);
    (token, id)
}

/// The name of a token; `None` for what cannot be one.
fn id(token: &str) -> Option<SessionId> {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (token.len() == TOKEN_CHARS && token.bytes().all(letters)).then(|| hashed(token))
}

fn hashed(token: &str) -> SessionId {
    SessionId(Sha256::digest(token.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_a_form_and_are_never_alike() {
        let (one, first) = token();
        assert_eq!((one.len(), id(&one)), (TOKEN_CHARS, Some(first)));
        assert_ne!(token().0, one);
        for bad in ["", "x", &one[1..], &format!("{one}A"), &"ß".repeat(TOKEN_CHARS / 2), &"+".repeat(43)] {
            assert_eq!(id(bad), None, "{bad}");
        }
    }
}
