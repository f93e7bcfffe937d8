//! The doors at which agencies call by name: what the catalogue and the keys say of them.

use std::sync::Arc;

use adapters::{
    dialect::Desk,
    rest::push::{Denied, Door},
    soap::{Gate, Service, UserToken},
};

use crate::{auth::Keys, catalog::Catalog};

/// Keys and channels, as doors ask for them.
pub struct Doors {
    /// The channels.
    pub catalog: Arc<Catalog>,
    /// The keys in force.
    pub keys: Keys,
}

impl Gate for Doors {
    fn service(&self, channel: &str) -> Option<Service> {
        let found = self.catalog.channels.get(channel)?;
        let called = found.called.as_ref().filter(|called| called.transport == "soap")?;
        let agency = channel.split('.').next().unwrap_or(channel);
        let agency = self.catalog.agencies.iter().find(|one| one.id == agency);
        let named = agency.map(|agency| format!("{} / {}", agency.name, agency.name_en));
        Some(Service {
            channel: channel.to_owned(),
            operation: called.operation.clone(),
            namespace: called.namespace.clone(),
            about: format!("Liên Thông: {channel}. {}", named.unwrap_or_default()),
        })
    }

    fn admit(&self, channel: &str, authorization: &str) -> Result<(), Denied> {
        self.keys.admit(channel, Some(authorization))
    }

    fn admit_user(&self, channel: &str, token: &UserToken) -> Result<(), Denied> {
        self.keys.admit_user(channel, token)
    }
}

impl Desk for Doors {
    fn channel(
        &self,
        dialect: &str,
        operation: &str,
        authorization: Option<&str>,
    ) -> Result<String, Denied> {
        let own = format!("{}.", self.keys.agency(authorization)?);
        let mut channels = self.catalog.channels.range(own.clone()..);
        let named =
            channels.by_ref().take_while(|(id, _)| id.starts_with(&own)).find(|(_, channel)| {
                let called = channel.called.as_ref();
                called.is_some_and(|one| one.transport == dialect && one.operation == operation)
            });
        named.map(|(id, _)| id.clone()).ok_or(Denied::Forbidden)
    }
}
