//! To the national portal, in its dialect: a session by name and password, then one JSON object for
//! each call, with the session and the name of a service.
//!
//! A dossier is told as a new one; where it is known there it is told again as an update. Events go
//! ten in a call: what comes while a call is under way goes with the next, and no timer waits for
//! more. What the portal says is read defensively: success is an `error_code` of 0, be it a number
//! or a text, and nothing else is.

mod said;

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use reqwest::{
    StatusCode, Url,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use serde_json::{Value, json};
use tokio::sync::{Mutex, oneshot};

use super::{
    Answer, Class, Failure, Message, Outbound, Secret,
    rest::{self, Rest, Unusable},
};
use said::Said;

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const DSTCODE: HeaderName = HeaderName::from_static("dstcode");

/// Events of one call, at most: the portal takes no more.
const EVENTS_MAX: usize = 10;

/// What a channel tells the portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Dossiers as they stand: `DongBoHoSoMC`.
    Dossiers,
    /// What was done on them: `CapNhatTienDoHoSoMC`.
    Progress,
}

impl Service {
    /// Its name in a call.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dossiers => "DongBoHoSoMC",
            Self::Progress => "CapNhatTienDoHoSoMC",
        }
    }
}

/// What is said to the portal beside a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portal {
    /// What the channel tells.
    pub service: Service,
    /// The code of the office that tells it: `madonvi`.
    pub office: String,
    /// The header `dstcode`, where the portal is reached through a hub of others.
    pub destination: Option<String>,
    /// Codes of an error after which the same is to come again.
    pub later_codes: Vec<String>,
}

/// How the hub is known at the portal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Where a session is had.
    pub url: Url,
    /// The name.
    pub user: String,
    /// The password.
    pub secret: Secret,
}

/// An event that waits for a call.
struct Waiting {
    event: Value,
    told: oneshot::Sender<Result<Answer, Failure>>,
}

/// The way to the portal.
pub struct Dvcqg {
    portal: Portal,
    login: Login,
    calls: Rest,
    sessions: Rest,
    session: Mutex<Option<String>>,
    waiting: std::sync::Mutex<VecDeque<Waiting>>,
    /// Held by whoever calls with what waits.
    calling: Mutex<()>,
}

impl Dvcqg {
    /// Makes ready; connects to nothing.
    ///
    /// # Errors
    /// [`Unusable`].
    pub fn new(portal: Portal, login: Login, settings: rest::Settings) -> Result<Self, Unusable> {
        let sessions = rest::Settings { url: login.url.clone(), ..settings.clone() };
        Ok(Self {
            portal,
            login,
            calls: Rest::new(settings)?,
            sessions: Rest::new(sessions)?,
            session: Mutex::default(),
            waiting: std::sync::Mutex::default(),
            calling: Mutex::default(),
        })
    }

    fn headers(&self) -> Result<HeaderMap, Failure> {
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, JSON)]);
        if let Some(code) = &self.portal.destination {
            let value = HeaderValue::from_str(code)
                .map_err(|_| Failure::new(Class::Denied, "dstcode makes no header"))?;
            headers.insert(DSTCODE, value);
        }
        Ok(headers)
    }

    /// The session that holds, or a new one in place of one that was refused.
    async fn session(&self, refused: Option<&str>) -> Result<String, Failure> {
        let mut session = self.session.lock().await;
        if let Some(held) = session.as_deref().filter(|held| Some(*held) != refused) {
            return Ok(held.to_owned());
        }
        *session = None;
        let asked = json!({ "username": self.login.user, "password": self.login.secret.read()? });
        let asked = Bytes::from(asked.to_string());
        let reply = self.sessions.exchange(asked, self.headers()?).await?;
        if !reply.status.is_success() {
            // Nothing was told yet, whatever became of this.
            let failure = reply.judged().err();
            let failure = failure.unwrap_or_else(|| Failure::new(Class::Unavailable, ""));
            let class = match failure.class {
                Class::Refused | Class::Denied => Class::Denied,
                Class::Busy => Class::Busy,
                Class::Unavailable | Class::Unknown => Class::Unavailable,
            };
            return Err(Failure {
                class,
                told: format!("no session: {}", failure.told),
                ..failure
            });
        }
        let Some(fresh) = Said::session(&reply.body) else {
            let class = match Said::read(&reply.body) {
                Some(said) if !said.is_success() => Class::Denied,
                _ => Class::Unavailable,
            };
            return Err(Failure::new(class, "no session: the answer holds none"));
        };
        Ok(session.insert(fresh).clone())
    }

    /// One call; a session that has ended is renewed once.
    async fn call(&self, data: &[Value], updating: Option<bool>) -> Result<Said, Failure> {
        let mut refused: Option<String> = None;
        loop {
            let session = self.session(refused.as_deref()).await?;
            let mut call = json!({
                "session": session, "madonvi": self.portal.office,
                "service": self.portal.service.name(),
            });
            if let (Some(updating), Some(call)) = (updating, call.as_object_mut()) {
                let text = if updating { "True" } else { "False" };
                call.insert("isUpdating".to_owned(), text.into());
            }
            if let Some(call) = call.as_object_mut() {
                call.insert("data".to_owned(), data.into());
            }
            let call = Bytes::from(call.to_string());
            let reply = self.calls.exchange(call, self.headers()?).await?;
            let said = Said::read(&reply.body);
            let ended = reply.status == StatusCode::UNAUTHORIZED
                || said.as_ref().is_some_and(Said::wants_session);
            if ended && refused.is_none() {
                refused = Some(session);
                continue;
            }
            let succeeded = reply.status.is_success();
            return match said {
                // Another who logs in by the same name may have ended it meanwhile.
                _ if ended => Err(Failure::new(Class::Unavailable, "a fresh session is refused")),
                _ if !succeeded => match reply.judged() {
                    Err(failure) => Err(failure),
                    Ok(_) => Err(Failure::new(Class::Unknown, "no answer")),
                },
                Some(said) => Ok(said),
                None => Err(Failure::new(
                    Class::Unknown,
                    "the answer is none of this dialect: nobody knows what it means",
                )),
            };
        }
    }

    /// What an answer means for what was told.
    fn judged(&self, said: &Said) -> Result<Answer, Failure> {
        if said.is_success() {
            return Ok(Answer { body: said.body.clone() });
        }
        let later = self.portal.later_codes.contains(&said.code);
        let class = if later { Class::Unavailable } else { Class::Refused };
        Err(Failure::new(class, said.told()))
    }

    async fn dossier(&self, dossier: Value) -> Result<Answer, Failure> {
        let data = [dossier];
        let said = self.call(&data, Some(false)).await?;
        match !said.is_success() && said.is_known() {
            true => self.judged(&self.call(&data, Some(true)).await?),
            false => self.judged(&said),
        }
    }

    async fn event(&self, event: Value) -> Result<Answer, Failure> {
        let (told, mut hears) = oneshot::channel();
        self.queue().push_back(Waiting { event, told });
        let broken = || Failure::new(Class::Unknown, "the call was broken off");
        let turn = self.calling.lock().await;
        loop {
            // Somebody else has called with it meanwhile.
            match hears.try_recv() {
                Ok(done) => return done,
                Err(oneshot::error::TryRecvError::Closed) => return Err(broken()),
                Err(oneshot::error::TryRecvError::Empty) => {}
            }
            let next: Vec<Waiting> = {
                let mut queue = self.queue();
                let most = queue.len().min(EVENTS_MAX);
                queue.drain(..most).filter(|one| !one.told.is_closed()).collect()
            };
            if next.is_empty() {
                drop(turn);
                return Err(broken());
            }
            self.events(next).await;
        }
    }

    /// Calls with some events. Where the portal refuses all of them, each is told alone: one that
    /// it does not take holds up no other.
    async fn events(&self, events: Vec<Waiting>) {
        let data: Vec<Value> = events.iter().map(|one| one.event.clone()).collect();
        let done = match self.call(&data, None).await {
            Ok(said) => self.judged(&said),
            Err(failure) => Err(failure),
        };
        let alone =
            events.len() > 1 && done.as_ref().is_err_and(|failure| failure.class == Class::Refused);
        for Waiting { event, told } in events {
            let own = match alone {
                false => done.clone(),
                true => match self.call(&[event], None).await {
                    Ok(said) => self.judged(&said),
                    Err(failure) => Err(failure),
                },
            };
            // Who waited for it may have gone: then it comes again.
            drop(told.send(own));
        }
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Outbound for Dvcqg {
    fn send(self: Arc<Self>, message: Message) -> BoxFuture<'static, Result<Answer, Failure>> {
        Box::pin(async move {
            let told = serde_json::from_slice(&message.payload);
            let unfit = |_| Failure::new(Class::Refused, "what is to be told is no JSON");
            let told: Value = told.map_err(unfit)?;
            match self.portal.service {
                Service::Dossiers => self.dossier(told).await,
                Service::Progress => self.event(told).await,
            }
        })
    }
}
