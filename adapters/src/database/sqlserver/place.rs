//! What an address of SQL Server says. Pure.

use std::borrow::Cow;

use reqwest::Url;

/// The port where an address names none.
const PORT: u16 = 1433;

/// A server, a database on it and who asks.
#[derive(PartialEq, Eq)]
pub(super) struct Place {
    pub(super) user: String,
    pub(super) password: String,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) database: String,
    /// Whether the line is encrypted, which it is unless the address says otherwise.
    pub(super) is_encrypted: bool,
}

/// A part of an address without its percent signs.
fn decoded(part: &str) -> String {
    // Read as a form's value, in which `+` and `&` would mean something.
    let form = format!("v={}", part.replace('+', "%2B").replace('&', "%26"));
    let value = form_urlencoded::parse(form.as_bytes()).next().map(|(_, value)| value);
    value.map(Cow::into_owned).unwrap_or_default()
}

impl Place {
    /// `mssql://USER:PASSWORD@HOST:PORT/DATABASE?encrypt=off`.
    pub(super) fn read(address: &str) -> Option<Self> {
        let url = Url::parse(address).ok()?;
        let database = decoded(url.path().strip_prefix('/')?);
        let user = decoded(url.username());
        if user.is_empty() || database.is_empty() || database.contains('/') {
            return None;
        }
        let mut is_encrypted = true;
        for (name, value) in url.query_pairs() {
            is_encrypted = match (&*name, &*value) {
                ("encrypt", "on") => true,
                ("encrypt", "off") => false,
                _ => return None,
            };
        }
        let host = url.host_str().filter(|host| !host.is_empty())?;
        Some(Self {
            user,
            password: decoded(url.password()?),
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: url.port().unwrap_or(PORT),
            database,
            is_encrypted,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_with_its_signs_and_another_is_none() {
        let place =
            Place::read("mssql://hub:m%40t%2F+kh%E1%BA%A9u%26@sql.example.vn/QLHS").unwrap();
        assert_eq!((&*place.user, &*place.password), ("hub", "m@t/+khẩu&"));
        assert_eq!((&*place.host, place.port, &*place.database), ("sql.example.vn", 1433, "QLHS"));
        assert!(place.is_encrypted, "unless told otherwise");
        let place = Place::read("sqlserver://hub:x@[fd00::1]:14330/Mot%20cua?encrypt=off").unwrap();
        assert_eq!((&*place.host, place.port, &*place.database), ("fd00::1", 14330, "Mot cua"));
        assert!(!place.is_encrypted);
        for other in [
            "mssql://",
            "mssql://host/db",
            "mssql://hub@host/db",
            "mssql://hub:x@host",
            "mssql://hub:x@host/",
            "mssql://hub:x@/db",
            "mssql://hub:x@host/a/b",
            "mssql://hub:x@host/db?encrypt=no",
            "mssql://hub:x@host/db?encyrpt=on",
            r"mssql://hub:x@host\instance/db",
            "mssql://hub:x@host:99999/db",
        ] {
            assert!(Place::read(other).is_none(), "{other}");
        }
    }
}
