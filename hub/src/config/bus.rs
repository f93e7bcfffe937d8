//! `bus = "…"`: what carries events to who subscribes.

use std::path::Path;

use adapters::{amqp::Address, outbound::Secret};

use crate::secrets::Secrets;

/// What carries events to who subscribes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum BusAddress {
    /// Nothing beside the hub: the journal itself is followed.
    #[default]
    Embedded,
    /// A RabbitMQ; its address may hold a password, and is read whenever it is connected to.
    Amqp(Secret),
}

/// What a bus may be.
const BUSES: &str = "write embedded:, amqp://USER:PASSWORD@HOST/VHOST, amqps://…, or secret:NAME \
                     with that address in the file of secrets";

impl BusAddress {
    /// The bus that a text names, or what is wrong with it and how to mend that. The text may hold
    /// a password: it is never repeated.
    pub(super) fn parse(
        text: &str,
        secrets: Option<&Path>,
    ) -> Result<Self, (String, &'static str)> {
        let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
        match (scheme, text.strip_prefix("secret:")) {
            ("embedded", _) if text == "embedded:" => Ok(Self::Embedded),
            (_, Some(name)) if !name.is_empty() && secrets.is_some() => {
                Ok(Self::Amqp(Secrets::named(secrets.map(Path::to_owned), name)))
            }
            ("secret", _) => {
                let advice = "write secret:NAME, and the file's name as secrets = \"…\"";
                Err(("this names no secret of a file of secrets".to_owned(), advice))
            }
            ("amqp" | "amqps", _) => {
                let told = text.parse::<Address>();
                told.map_err(|error| (error.to_string(), BUSES))?;
                let address = text.to_owned();
                Ok(Self::Amqp(Secret::new("bus", move || Ok(address.clone()))))
            }
            _ => Err((format!("there is no bus `{scheme}:`"), BUSES)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bus_is_named_and_its_password_is_never_shown() {
        assert_eq!(BusAddress::parse("embedded:", None).unwrap(), BusAddress::Embedded);
        let told = BusAddress::parse("amqps://hub:s3cret@mq.example/province", None).unwrap();
        assert!(matches!(&told, BusAddress::Amqp(address) if address.read().is_ok()));
        assert!(!format!("{told:?}").contains("s3cret"));
        let secrets = Some(Path::new("/etc/hub/secrets.toml"));
        assert!(BusAddress::parse("secret:bus", secrets).is_ok());
        for faulty in
            ["secret:bus", "secret:", "kafka://h:s3cret@x", "embedded:x", "amqp://h:s3cret@[", ""]
        {
            let (fault, advice) = BusAddress::parse(faulty, None).unwrap_err();
            assert!(!fault.contains("s3cret") && advice.starts_with("write "), "{fault}");
        }
    }
}
