//! The way of a channel: what its transport makes of its endpoint.

use std::sync::Arc;

use adapters::{
    amqp::AmqpPublish,
    database::DatabaseInsert,
    outbound::{
        Outbound,
        auth::Auth,
        dvcqg::{Dvcqg, Login},
        file::Folder,
        rest::{Rest, Settings},
        soap::Soap,
    },
    reach::Reach,
    sftp::{Server, SftpSend},
};

use crate::{
    catalog::{OutboundChannel, Sending},
    config::Endpoint,
};

/// The way of a channel to its endpoint; connects to nothing.
///
/// # Errors
/// A sentence, where the endpoint is not what the transport wants.
pub(super) fn way(
    channel: &OutboundChannel,
    endpoint: &Endpoint,
) -> Result<Arc<dyn Outbound>, String> {
    let told = |error: adapters::outbound::rest::Unusable| error.to_string();
    Ok(match (&channel.sending, endpoint) {
        (Sending::Rest, Endpoint::Url { .. }) => {
            let (settings, own) = settings(channel, endpoint, Auth::is_http)?;
            none(own, "rest")?;
            Arc::new(Rest::new(settings).map_err(told)?)
        }
        (Sending::Soap(call), Endpoint::Url { .. }) => {
            let (settings, own) = settings(channel, endpoint, Auth::is_http)?;
            let token = match own {
                None => None,
                Some(Auth::UserToken { user, secret }) => Some((user, secret)),
                Some(_) => return Err(wants("soap", "none, basic, bearer, oauth2 or wsse")),
            };
            Arc::new(Soap::new(call.clone(), settings, token).map_err(told)?)
        }
        (Sending::Dvcqg(portal), Endpoint::Url { .. }) => {
            let (settings, own) = settings(channel, endpoint, |_| false)?;
            let Some(Auth::Session { login_url, user, secret }) = own else {
                return Err(wants("dvcqg", "session"));
            };
            let login = Login { url: login_url, user, secret };
            Arc::new(Dvcqg::new(portal.clone(), login, settings).map_err(told)?)
        }
        (Sending::File, Endpoint::Folder(folder)) => Arc::new(Folder::new(folder.clone())),
        (Sending::File, Endpoint::Server { server, folder, secret, private }) => {
            let reach = Reach { private: private.clone() };
            // What a message may take is the most that an answer may.
            let answer_max = server.answer_max.min(channel.timeout);
            let server = Server { answer_max, ..server.clone() };
            Arc::new(SftpSend::new(server, folder.clone(), secret.clone(), reach))
        }
        (Sending::Amqp(settings), Endpoint::Secret { address, private }) => {
            let reach = Reach { private: private.clone() };
            Arc::new(AmqpPublish::new(settings.clone(), address.clone(), reach))
        }
        (Sending::Database(settings), Endpoint::Secret { address, private }) => {
            let reach = Reach { private: private.clone() };
            Arc::new(DatabaseInsert::new(settings.clone(), address.clone(), reach))
        }
        (Sending::Rest, _) => return Err("its transport is rest, which wants an url".to_owned()),
        (Sending::Soap(_), _) => return Err("its transport is soap, which wants an url".to_owned()),
        (Sending::Dvcqg(_), _) => {
            return Err("its transport is dvcqg, which wants an url".to_owned());
        }
        (Sending::File, _) => {
            return Err("its transport is file, which wants a folder, be it on a host".to_owned());
        }
        (Sending::Amqp(_) | Sending::Database(_), _) => {
            return Err("its transport wants secret = \"NAME\": the whole address".to_owned());
        }
    })
}

/// The settings of an address, and how the hub shows who it is where that is not HTTP's own way.
fn settings(
    channel: &OutboundChannel,
    endpoint: &Endpoint,
    is_own: impl Fn(&Auth) -> bool,
) -> Result<(Settings, Option<Auth>), String> {
    let Endpoint::Url { url, auth, private } = endpoint else {
        return Err("it wants an url".to_owned());
    };
    let auth = (**auth).clone();
    let (auth, beside) = match is_own(&auth) {
        true => (auth, None),
        false => (Auth::None, Some(auth)),
    };
    let (url, private) = (url.clone(), private.clone());
    Ok((Settings { url, auth, private, timeout: channel.timeout }, beside))
}

fn none(own: Option<Auth>, transport: &str) -> Result<(), String> {
    match own {
        None => Ok(()),
        Some(_) => Err(wants(transport, "none, basic, bearer or oauth2")),
    }
}

fn wants(transport: &str, auths: &str) -> String {
    format!("its transport is {transport}, which wants auth = {auths}")
}
