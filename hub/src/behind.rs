//! What goes on behind the answers, as long as the hub: profiles, findings, alerts, deadlines of
//! requests, strides, attachments that go, and what of other processes' doing is to be known here.

use std::{sync::Arc, time::Duration};

use adapters::Inbox;
use futures_util::future::BoxFuture;
use tokio::time::sleep;

use crate::{
    attachments::Attachments, auth::Keys, catalogue::Held, exchange::deadlines::Deadlines,
    judging::Judging, lasting::Lasting, links, operations::Operations, profiling::Profiling,
    store::Store, striding, watching::Watching, webhooks,
};

/// How often keys and the catalogue are read anew: a key revoked elsewhere ends within it, and
/// what another process publishes is asked here.
const REFRESH_EVERY: Duration = Duration::from_secs(2);

/// What goes on whatever the configuration says, to run until told to stop.
pub(crate) fn always(
    operations: &Operations,
    (keys, files): (Keys, Option<Arc<Attachments>>),
    lasting: &Lasting,
) -> [BoxFuture<'static, ()>; 6] {
    let (keep, store) = (|| lasting.clone(), &operations.store);
    let (hooks, sending, held) = (operations.clone(), keep(), operations.published.clone());
    let visited = operations.clone();
    let (judged, strides, asked) = (store.clone(), store.clone(), store.clone());
    [
        Box::pin(keep().keep("judge", move |stop| Judging::new(judged.clone()).run(stop))),
        Box::pin(keep().keep("strides", move |stop| striding::run(strides.clone(), stop))),
        Box::pin(
            keep()
                .keep("webhooks", move |stop| webhooks::run(hooks.clone(), sending.clone(), stop)),
        ),
        Box::pin(keep().keep("part with attachments", move |stop| {
            let files = files.clone();
            async move {
                if let Some(files) = files {
                    files.parting(stop).await;
                }
            }
        })),
        Box::pin(keep().keep("links", move |stop| links::run(visited.clone(), stop))),
        Box::pin(keep().keep("keys and catalogue", move |stop| {
            let (keys, held, store) = (keys.clone(), held.clone(), asked.clone());
            async move {
                stop.run_until_cancelled(refresh(keys, held, store)).await;
            }
        })),
    ]
}

/// What goes on by one configuration, to run until told to stop.
pub(crate) fn configured(
    (store, inbox): (&Arc<dyn Store>, &Arc<dyn Inbox>),
    (profiling, watching): (Profiling, Watching),
    lasting: &Lasting,
) -> [BoxFuture<'static, ()>; 3] {
    let keep = || lasting.clone();
    let deadlines = Deadlines { store: store.clone(), inbox: inbox.clone() };
    [
        Box::pin(keep().keep("profile", move |stop| profiling.clone().run(stop))),
        Box::pin(keep().keep("watch", move |stop| watching.clone().run(stop))),
        Box::pin(keep().keep("deadlines", move |stop| deadlines.clone().run(stop))),
    ]
}

async fn refresh(keys: Keys, held: Held, store: Arc<dyn Store>) {
    loop {
        sleep(REFRESH_EVERY).await;
        if let Err(error) = held.refresh(&*store).await {
            tracing::warn!(%error, "the catalogue could not be read; the one known stays in force");
        }
        if let Err(error) = keys.refresh(&*store).await {
            tracing::warn!(error = %error, "the keys could not be read; those known stay in force");
        }
    }
}
