//! What doors ask of keys: whether one may send to a channel, and for whom a token is made.

use adapters::{
    rest::{
        push::{Denied, Door},
        token::{Asked, Issued, NotIssued, Tokens},
    },
    soap::{Proof, UserToken},
};
use jiff::Timestamp;

use super::{Caller, Judged, Keys, Principal, Scope, Scopes};
use crate::catalog::{ANSWERS, APPLICATIONS, FEEDBACK};

/// Seconds that a token lasts.
const TOKEN_SECONDS: u32 = 3_600;

impl Keys {
    /// Lets the bearer of a user token send to a channel, or not.
    ///
    /// # Errors
    /// Why not.
    pub fn admit_user(&self, channel: &str, token: &UserToken) -> Result<(), Denied> {
        let judged = match &token.proof {
            Proof::Text(secret) => self.judge_secret(&token.username, secret, None),
            Proof::Digest { digest, nonce, created } => {
                let known = self.known.read().map_err(|_| Denied::Unauthenticated)?;
                let found = known.get(&token.username);
                let made = found.filter(|found| found.seal.made(digest, nonce, created));
                made.map_or(Judged::Nobody, |found| found.now(found.caller.scopes))
            }
        };
        may_send(&called(judged)?, channel)
    }

    /// The agency whose system bears this `Authorization` header, to send.
    ///
    /// # Errors
    /// Why there is none.
    pub fn agency(&self, authorization: Option<&str>) -> Result<String, Denied> {
        let caller = called(self.judge(authorization, None))?;
        match caller.principal {
            Principal::Agency(agency) if caller.scopes.has(Scope::Send) => Ok(agency),
            _ => Err(Denied::Forbidden),
        }
    }
}

fn called(judged: Judged) -> Result<Caller, Denied> {
    match judged {
        Judged::Caller(caller) => Ok(caller),
        _ => Err(Denied::Unauthenticated),
    }
}

fn may_send(caller: &Caller, channel: &str) -> Result<(), Denied> {
    let Caller { principal, scopes, .. } = caller;
    let agency = channel.split_once('.').map_or(channel, |(agency, _)| agency);
    let own = principal.owns(agency)
        || *principal == Principal::Portal && [FEEDBACK, APPLICATIONS].contains(&channel);
    if own && scopes.has(Scope::Send) { Ok(()) } else { Err(Denied::Forbidden) }
}

impl Tokens for Keys {
    fn issue(&self, asked: &Asked) -> Result<Issued, NotIssued> {
        let (Some(id), Some(secret)) = (&asked.id, &asked.secret) else {
            return Err(NotIssued::Client);
        };
        let Judged::Caller(caller) = self.judge_secret(id, secret, asked.peer) else {
            return Err(NotIssued::Client);
        };
        let scopes = match &asked.scope {
            None => caller.scopes,
            Some(told) => told.parse::<Scopes>().map_err(|_| NotIssued::Scope)?,
        };
        if !scopes.within(caller.scopes) {
            return Err(NotIssued::Scope);
        }
        let known = self.known.read().map_err(|_| NotIssued::Client)?;
        let until = Timestamp::now().as_second().saturating_add(i64::from(TOKEN_SECONDS));
        let found = known.get(id.as_str()).ok_or(NotIssued::Client)?;
        let token = found.seal.token(id, until, scopes.bits());
        Ok(Issued {
            token: format!("ltt_{id}_{token}"),
            expires_in: TOKEN_SECONDS,
            scope: asked.scope.as_ref().map(|_| scopes.to_string()),
        })
    }
}

impl Door for Keys {
    fn admit(&self, channel: &str, authorization: Option<&str>) -> Result<(), Denied> {
        may_send(&called(self.judge(authorization, None))?, channel)
    }

    fn own(&self, name: &str, authorization: Option<&str>) -> Result<String, Denied> {
        let caller = called(self.judge(authorization, None))?;
        match (caller.principal, name) {
            _ if !caller.scopes.has(Scope::Send) => Err(Denied::Forbidden),
            (Principal::Portal, "feedback") => Ok(FEEDBACK.to_owned()),
            (Principal::Agency(agency), ANSWERS) => Ok(format!("{agency}.{ANSWERS}")),
            _ => Err(Denied::Forbidden),
        }
    }
}
