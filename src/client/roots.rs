//! Which certificate authorities are believed: the system's, and where it has none, those that come
//! with the program.

use reqwest::{Certificate, Client, ClientBuilder, Result};

/// Builds a client that has certificates to compare with, also in a container image that has none.
/// The builder is asked for anew when the first one was in vain.
pub(super) fn build(builder: impl Fn() -> ClientBuilder) -> Result<Client> {
    builder().build().or_else(|_| with_embedded(builder()))
}

fn with_embedded(builder: ClientBuilder) -> Result<Client> {
    let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .map(|der| Certificate::from_der(der))
        .collect::<Result<Vec<_>>>()?;
    builder.tls_certs_only(roots).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_certificates_make_a_client() {
        assert!(with_embedded(Client::builder()).is_ok());
    }
}
