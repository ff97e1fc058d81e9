//! Alerts by e-mail, over SMTP.

use std::time::Duration;

use lettre::address::Envelope;
use lettre::message::{Mailbox, header};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use crate::domain::Timestamp;
use crate::domain::alert::AlertChannel;
use crate::store::alerts::AlertMessage;

use super::outbox::{Carry, Carrying, NotTaken};
use super::webhook::{headline, message_id, sentence};

/// The longest that one command of the mail server may take.
const COMMAND_TIME_MAX: Duration = Duration::from_secs(10);

/// How the connection is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS after `STARTTLS`, and nothing is sent without.
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// Not at all.
    None,
}

/// A mail server, and who writes to whom.
#[derive(Clone)]
pub struct Mail {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is secured.
    pub security: Security,
    /// User and password, where the server asks for them.
    pub credentials: Option<(String, String)>,
    /// The sender.
    pub from: String,
    /// The recipients.
    pub to: Vec<String>,
}

/// The operator's mailbox.
pub struct Email {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
}

impl Email {
    /// Writes by this server.
    ///
    /// # Errors
    /// In words, when an address is none or TLS cannot be set up.
    pub fn new(mail: &Mail) -> Result<Self, String> {
        let tls = match mail.security {
            Security::None => Tls::None,
            secured => {
                let parameters =
                    TlsParameters::new(mail.host.clone()).map_err(|reason| reason.to_string())?;
                if secured == Security::Tls { Tls::Wrapper(parameters) } else { Tls::Required(parameters) }
            }
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&mail.host)
            .port(mail.port)
            .tls(tls)
            .timeout(Some(COMMAND_TIME_MAX));
        if let Some((user, password)) = &mail.credentials {
            transport = transport.credentials(Credentials::new(user.clone(), password.clone()));
        }
        let mailbox = |text: &String| text.parse::<Mailbox>().map_err(|reason| format!("{text}: {reason}"));
        Ok(Self {
            transport: transport.build(),
            from: mailbox(&mail.from)?,
            to: mail.to.iter().map(mailbox).collect::<Result<_, _>>()?,
        })
    }

    /// The letter; the same message has the same id, however often it is tried.
    fn letter(&self, message: &AlertMessage, now: Timestamp) -> Result<Message, String> {
        let mut letter = Message::builder()
            .from(self.from.clone())
            .subject(format!("[diagramd] {}", headline(&message.alert, message.turn)))
            .message_id(Some(format!("<{}@diagramd>", message_id(message))))
            .date(std::time::SystemTime::UNIX_EPOCH + now.since(Timestamp(0)))
            .header(header::ContentType::TEXT_PLAIN);
        for recipient in &self.to {
            letter = letter.to(recipient.clone());
        }
        let text = format!(
            "{}\r\n\r\nSince {}. Alert {}.\r\n",
            sentence(message),
            message.alert.raised_at,
            message.alert.id
        );
        letter.body(text).map_err(|reason| reason.to_string())
    }
}

impl Carry for Email {
    fn channel(&self) -> AlertChannel {
        AlertChannel::Email
    }

    fn carry<'a>(&'a self, message: &'a AlertMessage, now: Timestamp) -> Carrying<'a> {
        Box::pin(async move {
            let letter = self.letter(message, now).map_err(|why| NotTaken {
                why,
                is_final: true,
                retry_after: None,
            })?;
            let reason = match self.transport.send(letter.clone()).await {
                Ok(_) => return Ok(()),
                Err(reason) => reason,
            };
            // One recipient that is refused, and nobody gets it: each gets one for itself then.
            if reason.is_permanent() && self.to.len() > 1 && self.send_to_each(&letter).await {
                return Ok(());
            }
            Err(NotTaken {
                // What the server says of it stands in the chain.
                why: format!("the mail server did not take it: {}", chain(&reason)),
                is_final: false,
                retry_after: None,
            })
        })
    }
}

impl Email {
    /// Whether anybody got the letter.
    async fn send_to_each(&self, letter: &Message) -> bool {
        let mut is_taken = false;
        for recipient in &self.to {
            let envelope = Envelope::new(Some(self.from.email.clone()), vec![recipient.email.clone()]);
            let Ok(envelope) = envelope else { continue };
            match self.transport.send_raw(&envelope, &letter.formatted()).await {
                Ok(_) => is_taken = true,
                Err(reason) => {
                    tracing::warn!(to = %recipient.email, "a recipient of alerts gets none: {}", chain(&reason));
                }
            }
        }
        is_taken
    }
}

fn chain(reason: &dyn std::error::Error) -> String {
    let mut text = reason.to_string();
    let mut cause = reason.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(security: Security, to: &str) -> Mail {
        Mail {
            host: "mail.example".to_owned(),
            port: 587,
            security,
            credentials: Some(("mailer".to_owned(), "letmein".to_owned())),
            from: "diagramd <diagramd@example.com>".to_owned(),
            to: vec![to.to_owned()],
        }
    }

    #[test]
    fn every_way_can_be_set_up_and_an_address_must_be_one() {
        for security in [Security::Starttls, Security::Tls, Security::None] {
            assert!(Email::new(&mail(security, "Ann <ann@example.com>")).is_ok(), "{security:?}");
        }
        let refused = Email::new(&mail(Security::None, "ann")).err().unwrap();
        assert!(refused.starts_with("ann: "), "{refused}");
    }
}
