//! Messages of a queue, published as fast as a broker confirms them.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use adapters::{
    amqp::{AmqpPublish, PublishSettings},
    outbound::{Message, Outbound, Secret},
    reach::Reach,
};
use bytes::Bytes;
use tokio::task::JoinSet;

use super::{AT_ONCE, Batch, Bench, BenchError, until, workload::Workload};

impl Bench {
    pub(super) fn queue(&mut self, address: &str) -> Result<(), BenchError> {
        let batch = self.batch();
        let settings =
            PublishSettings { exchange: String::new(), key: "lienthong-bench".to_owned() };
        let address = address.to_owned();
        let secret = Secret::new("--amqp", move || Ok(address.clone()));
        let anywhere = ["0.0.0.0/0", "::/0"].map(str::parse).into_iter().flatten().collect();
        let way = Arc::new(AmqpPublish::new(settings, secret, Reach { private: anywhere }));
        self.measure("amqp", |bench| {
            bench.runtime.block_on(publish(way, &batch))?;
            let last = Workload::code(batch.first + batch.count - 1);
            let path = format!("/v1/dossiers/{last}");
            until(|| Ok(bench.hub.get(&path)?.0 == 200))
        })
    }
}

async fn publish(way: Arc<AmqpPublish>, batch: &Batch) -> Result<(), BenchError> {
    let (next, mut senders) = (Arc::new(AtomicU64::new(0)), JoinSet::new());
    for _ in 0..AT_ONCE {
        let (way, batch, next) = (way.clone(), batch.clone(), next.clone());
        senders.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= batch.count {
                    return Ok(());
                }
                let message = Message {
                    id: format!("{}", batch.first + number),
                    content_type: "application/xml".to_owned(),
                    payload: Bytes::from(batch.message(number)),
                    ..Message::default()
                };
                way.clone().send(message).await?;
            }
        });
    }
    while let Some(ended) = senders.join_next().await {
        let sent: Result<(), adapters::outbound::Failure> =
            ended.map_err(|error| BenchError::Damaged(error.to_string()))?;
        sent.map_err(|failure| BenchError::Unreachable(failure.told))?;
    }
    Ok(())
}
