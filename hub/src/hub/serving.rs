//! Serving, kept going: whatever breaks down where connections are taken, the next are taken again.

use std::{convert::Infallible, io};

use adapters::rest::server::Server;

use crate::lasting::{Lasting, Work};

/// Serves until the hub is told to stop, then lets what is under way finish. `accept` is
/// [`Server::accept`]; where it breaks down, that is told and counted, and it is begun again with
/// the connections that are there.
pub(super) async fn serving(
    lasting: Lasting,
    server: Server,
    accept: impl AsyncFn(&Server) -> Infallible,
) -> io::Result<()> {
    // Two addresses are two pieces of work.
    let address = server.address().to_string();
    let work = Work { task: "accept", channel: &address };
    let (taking, accept) = (&server, &accept);
    let accepting = |stop: tokio_util::sync::CancellationToken| async move {
        stop.run_until_cancelled(accept(taking)).await;
    };
    lasting.resting_little().keep_telling(work, accepting, || ()).await;
    server.end().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{
        net::Ipv4Addr,
        sync::atomic::{AtomicU32, Ordering},
        time::Duration,
    };

    use adapters::rest::server::ServerLimits;
    use axum::{Router, routing::get};
    use tokio::net::TcpListener;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::telemetry::Telemetry;

    #[tokio::test]
    async fn where_accepting_breaks_down_connections_stay_and_the_next_are_taken() {
        let (telemetry, stop) = (Telemetry::shared(), CancellationToken::new());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let app = Router::new().route("/", get(async || "here"));
        let server =
            Server::new((listener, None), app, ServerLimits::default(), stop.clone()).unwrap();
        let url = format!("http://{}/", server.address());
        let (begun, broken) = (AtomicU32::new(0), tokio::sync::Notify::new());
        let accept = async |server: &Server| {
            if begun.fetch_add(1, Ordering::Relaxed) > 0 {
                return server.accept().await;
            }
            // It takes some, and then breaks down.
            tokio::select! {
                never = server.accept() => never,
                () = broken.notified() => panic!("a fault nobody has thought of"),
            }
        };
        let lasting = Lasting::new(telemetry.clone(), stop.clone());
        let asking = async {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let other = reqwest::Client::builder().no_proxy().build().unwrap();
            for (number, client) in [&client, &client, &other].into_iter().enumerate() {
                if number == 1 {
                    broken.notify_one();
                }
                // The second goes over the connection of the first, the third over one that is new.
                let asked = client.get(&url).timeout(Duration::from_secs(20)).send().await;
                assert_eq!(asked.unwrap().text().await.unwrap(), "here");
            }
            stop.cancel();
        };
        let (served, ()) = tokio::join!(serving(lasting, server, accept), asking);
        served.unwrap();
        assert_eq!(begun.load(Ordering::Relaxed), 2);
        let told = telemetry.text();
        assert!(told.contains("lienthong_faults_total{task=\"accept\""), "{told}");
    }
}
