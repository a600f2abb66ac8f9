//! The server of what is asked about health and of what is measured. Any pod may connect to it: where too many do, the
//! oldest connection ends, and each ends after a while, so that the kubelet is always answered.

use std::collections::VecDeque;
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet};

/// Scrapers and the kubelet have one or two; each takes some twenty kilobytes.
const MOST: usize = 100;

/// As long as a scraper waits for an answer where nobody says otherwise; the kubelet waits a second.
const LONGEST: Duration = Duration::from_secs(10);

/// Nobody who asks for these has a longer head.
const LONGEST_HEAD: usize = 16 * 1024;

/// Answers one request of each connection, until it is dropped.
pub async fn serve(mut listener: TcpListener, router: Router) {
    let mut connections = JoinSet::new();
    let mut open: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let (stream, _) = Listener::accept(&mut listener).await;
        while connections.try_join_next().is_some() {}
        open.retain(|one| !one.is_finished());
        if open.len() >= MOST
            && let Some(oldest) = open.pop_front()
        {
            oldest.abort();
        }
        let answers = http1::Builder::new()
            .keep_alive(false)
            .max_buf_size(LONGEST_HEAD)
            .serve_connection(
                TokioIo::new(stream),
                TowerToHyperService::new(router.clone()),
            );
        let answers = tokio::time::timeout(LONGEST, answers);
        open.push_back(connections.spawn(async move {
            // Whoever hangs up hears no answer, and nobody else is concerned.
            let _gone = answers.await;
        }));
        // It may answer before others come that would end it.
        tokio::task::yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;
    use tokio::time::timeout;

    use super::*;
    use crate::cluster::metrics::{Sample, names};
    use crate::health::Health;

    /// An operator with thousands of tokens; where it is asked, and how often the text was made.
    async fn served() -> (SocketAddr, Arc<AtomicUsize>) {
        let (health, made) = (Health::default(), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&made);
        health.metrics.show(move || {
            count.fetch_add(1, Ordering::Relaxed);
            let labels = |n: u32| ["team".to_owned(), format!("token-{n}"), "issuer".to_owned()];
            let all = (0..2_000).map(|n| Sample::new(names::TOKEN_EXPIRY, labels(n), 1.0));
            all.collect()
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, health.router().merge(health.metrics())));
        (at, made)
    }

    async fn asks(at: SocketAddr, path: &str) -> TcpStream {
        let mut stream = TcpStream::connect(at).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: operator\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    async fn answer(at: SocketAddr, path: &str) -> String {
        let mut text = String::new();
        let mut stream = asks(at, path).await;
        let read = timeout(Duration::from_secs(1), stream.read_to_string(&mut text));
        read.await.expect("no answer within a second").unwrap();
        text
    }

    /// How many of these the other side holds on to.
    async fn held(crowd: &mut [TcpStream]) -> usize {
        let mut held = 0;
        let mut rest = vec![0; 64 * 1024];
        for stream in crowd {
            loop {
                match timeout(Duration::from_millis(1), stream.read(&mut rest)).await {
                    Ok(Ok(read)) if read > 0 => {}
                    Ok(_) => break,
                    Err(_) => {
                        held += 1;
                        break;
                    }
                }
            }
        }
        held
    }

    #[tokio::test]
    async fn a_crowd_that_asks_and_never_reads_keeps_nobody_from_an_answer() {
        let (at, made) = served().await;
        let mut crowd = Vec::new();
        for n in 0..500 {
            crowd.push(asks(at, "/metrics").await);
            if n % 100 == 0 {
                assert!(answer(at, "/livez").await.ends_with("alive\n"));
            }
        }
        assert!(answer(at, "/metrics").await.ends_with("# EOF\n"));
        let made = made.load(Ordering::Relaxed);
        assert!(made <= 10, "the text was made {made} times");
        drop(crowd);
    }

    #[tokio::test]
    async fn a_crowd_that_says_nothing_is_let_go_the_oldest_first_and_all_after_a_while() {
        let (at, _) = served().await;
        let mut crowd = Vec::new();
        for _ in 0..500 {
            crowd.push(TcpStream::connect(at).await.unwrap());
        }
        assert!(answer(at, "/livez").await.ends_with("alive\n"));
        let open = held(&mut crowd).await;
        assert!(open <= MOST, "{open} connections");
        tokio::time::pause();
        tokio::time::advance(LONGEST).await;
        tokio::time::resume();
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(held(&mut crowd).await, 0);
    }
}
